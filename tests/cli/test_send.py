"""`broadcastkit send`: what reaches the clients, what it says, and what it refuses."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import RunCommand
from tests.interop.servers import PusherServer, free_port
from tests.server.clients import WebSocketClient

PAYLOAD = {"id": 7, "text": "héllo ✓"}


def give_stdin(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))


@pytest.mark.parametrize("how", ["argument", "file", "stdin"])
def test_a_client_hears_it(
    command: RunCommand, server: PusherServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    text = json.dumps(PAYLOAD, ensure_ascii=False)
    (tmp_path / "payload.json").write_text(text, encoding="utf-8")
    give_stdin(monkeypatch, text.encode())
    data = {"argument": text, "file": f"@{tmp_path}/payload.json", "stdin": "-"}[how]
    with WebSocketClient(server) as client:
        client.open()
        client.subscribe("orders")

        sent = command("send", "--event", "message.sent", "--channel", "orders", "--channel", "others", "--data", data)

        assert client.receive() == {"event": "message.sent", "channel": "orders", "data": PAYLOAD}
    assert sent == (0, "Sent message.sent over pusher.\n  orders\n  others\n", "")


def test_without_data_the_payload_is_an_empty_object(command: RunCommand, server: PusherServer) -> None:
    with WebSocketClient(server) as client:
        client.open()
        client.subscribe("orders")
        assert command("send", "--event", "ping", "--channel", "orders").status == 0
        assert client.receive()["data"] == {}


def test_one_client_can_be_left_out(command: RunCommand, server: PusherServer) -> None:
    with WebSocketClient(server) as client:
        client.open()
        client.subscribe("orders")
        sent = command("send", "--event", "a", "--channel", "orders", "--exclude", client.socket_id, "--json")
        command("send", "--event", "b", "--channel", "orders")
        assert client.receive()["event"] == "b"
        assert json.loads(sent.out)["excluded_socket"] == client.socket_id


def test_json(command: RunCommand, server: PusherServer) -> None:
    with WebSocketClient(server) as client:
        client.open()
        client.subscribe("orders")
        sent = command("send", "--event", "a", "--channel", "orders", "--info", "subscription_count", "--json")
    assert (sent.status, sent.err, sent.out.count("\n")) == (0, "", 1)
    assert json.loads(sent.out) == {
        "event": "a",
        "channels": {"orders": {"subscription_count": 1}},
        "excluded_socket": None,
        "connections": [{"connection": "pusher", "requests": 1, "queued": False}],
    }


def test_counts_are_shown(command: RunCommand, server: PusherServer) -> None:
    sent = command("send", "--event", "a", "--channel", "empty", "--info", "subscription_count")
    assert sent.out == "Sent a over pusher.\n  empty  subscription_count 0\n"


def test_over_several_connections(command: RunCommand, server: PusherServer) -> None:
    sent = command("send", "--event", "a", "--channel", "x", "--connection", "null", "--connection", "pusher", "--json")
    assert [one["connection"] for one in json.loads(sent.out)["connections"]] == ["null", "pusher"]


def test_over_a_url(command: RunCommand, address: PusherServer) -> None:
    assert command("send", "--event", "a", "--channel", "x", "--url", address.url).status == 0


# -- what is wrong

SEND = ("send", "--event", "a", "--channel", "orders")


@pytest.mark.parametrize(
    "data", ['{"hunter2":', "hunter2", '{"a": NaN}', "[Infinity]", '"\\ud800 hunter2"', "", "[" * 100_000]
)
def test_data_that_is_no_json(command: RunCommand, server: PusherServer, data: str) -> None:
    status, out, err = command(*SEND, "--data", data)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("broadcastkit: --data as given is not JSON: ")


def test_a_file_that_is_no_json(
    command: RunCommand, server: PusherServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").write_bytes(b'{"hunter2": "\xff"}')
    assert command(*SEND, "--data", f"@{tmp_path}/broken").err.startswith(
        f"broadcastkit: --data from {tmp_path}/broken is not JSON: "
    )
    give_stdin(monkeypatch, b"hunter2")
    assert command(*SEND, "--data", "-").err.startswith("broadcastkit: --data from stdin is not JSON: ")


def test_a_file_that_is_not_there(command: RunCommand, server: PusherServer, tmp_path: Path) -> None:
    status, _, err = command(*SEND, "--data", f"@{tmp_path}/absent")
    assert (status, err) == (2, f"broadcastkit: --data cannot read {tmp_path}/absent: No such file or directory\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("send", "--event", "pusher:x", "--channel", "orders"), "pusher:"),
        (("send", "--event", "", "--channel", "orders"), "event name"),
        (("send", "--event", "a", "--channel", "a b"), "channel name 'a b' may hold only"),
        (("send", "--event", "a", "--channel", "private-"), "is only a prefix"),
        ((*SEND, "--exclude", "no socket"), "--exclude takes the socket id of a client, such as 123.456"),
        ((*SEND, "--connection", "redis"), "there is no connection 'redis'; there are: log, null, memory, pusher"),
        ((*SEND, "--data", json.dumps("x" * 20_000)), "10240"),
        ((*SEND, "--info", "weather"), "--info"),
        ((*SEND, "--data", "1e999"), "JSON"),
        (("send", "--event", "a"), "--channel"),
        (("send", "--channel", "a"), "--event"),
    ],
)
def test_what_the_user_can_mend(
    command: RunCommand, server: PusherServer, arguments: tuple[str, ...], said: str
) -> None:
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_a_wrong_secret(command: RunCommand, server: PusherServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHER_APP_SECRET", "hunter2")
    status, out, err = command(*SEND)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "401" in err


def test_nobody_there(command: RunCommand, server: PusherServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHER_PORT", str(free_port()))
    assert command(*SEND, "--json")[:2] == (1, "")


@pytest.mark.parametrize("url", ["hunter2", "ftp://hunter2", "https://k:hunter2@[", "https://k:hunter2@host", "a://b"])
def test_a_url_that_is_wrong(command: RunCommand, url: str) -> None:
    status, out, err = command(*SEND, "--url", url)
    assert (status, out, err.count("\n")) == (2, "", 1)


def test_nothing_is_configured(command: RunCommand) -> None:
    status, _, err = command(*SEND)
    assert status == 2
    assert err.startswith("broadcastkit: BROADCAST_CONNECTION is not set: ")
