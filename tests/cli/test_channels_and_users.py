"""`broadcastkit channels` and `broadcastkit users`, against the embedded server with clients on it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import RunCommand
from tests.interop.servers import PusherServer
from tests.server.clients import WebSocketClient
from tests.server.tools import member


@pytest.fixture
def occupied(server: PusherServer) -> Iterator[None]:
    """Two clients; both are on the presence channel, one is on the others."""
    with WebSocketClient(server) as a, WebSocketClient(server) as b:
        a.open()
        b.open()
        a.subscribe("orders")
        a.subscribe("private-x")
        a.subscribe("presence-room", member("1"))
        b.subscribe("presence-room", member("2", name="Grace"))
        yield


def test_channels(command: RunCommand, occupied: None) -> None:
    assert command("channels") == (0, "orders\npresence-room\nprivate-x\n", "")


def test_channels_as_json_have_the_form_of_the_api(command: RunCommand, occupied: None) -> None:
    status, out, err = command("channels", "--prefix", "presence-", "--info", "user_count", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {"channels": {"presence-room": {"user_count": 2}}}


def test_counts_stand_in_columns(command: RunCommand, occupied: None) -> None:
    out = command("channels", "--info", "subscription_count").out
    assert [line.split() for line in out.splitlines()] == [
        ["orders", "subscription_count", "1"],
        ["presence-room", "subscription_count", "2"],
        ["private-x", "subscription_count", "1"],
    ]


def test_one_channel(command: RunCommand, occupied: None) -> None:
    assert command("channels", "presence-room", "--info", "user_count").out.split() == [
        *("presence-room", "occupied", "user_count", "2"),
    ]
    out = command("channels", "absent", "--json").out
    assert json.loads(out) == {"channels": {"absent": {"occupied": False}}}
    assert command("channels", "absent").out == "absent  empty\n"


def test_users(command: RunCommand, occupied: None) -> None:
    assert command("users", "presence-room") == (0, "1\n2\n", "")
    assert json.loads(command("users", "presence-room", "--json").out) == {"users": [{"id": "1"}, {"id": "2"}]}


def test_nobody(command: RunCommand, server: PusherServer) -> None:
    assert command("channels", "--prefix", "absent-") == (0, "", "Nobody listens.\n")
    assert json.loads(command("channels", "--prefix", "absent-", "--json").out) == {"channels": {}}
    assert command("users", "presence-absent") == (0, "", "Nobody is there.\n")
    assert json.loads(command("users", "presence-absent", "--json").out) == {"users": []}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("users", "orders"), "'orders' is not a presence channel: it has no users to list"),
        (("users",), "Missing argument"),
        (("channels", "a b"), "channel name 'a b' may hold only"),
        (("channels", "--info", "weather"), "--info"),
        (("channels", "--connection", "log"), "LogDriver has no service behind it"),
        (("users", "presence-x", "--connection", "nowhere"), "there is no connection 'nowhere'"),
    ],
)
def test_what_the_user_can_mend(
    command: RunCommand, server: PusherServer, arguments: tuple[str, ...], said: str
) -> None:
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_what_the_service_refuses(command: RunCommand, server: PusherServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # the API counts users on presence channels only
    assert command("channels", "--info", "user_count").status == 1
    monkeypatch.setenv("PUSHER_APP_SECRET", "hunter2")
    for arguments in (("channels",), ("channels", "x"), ("users", "presence-x", "--json")):
        status, out, err = command(*arguments)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert "401" in err
