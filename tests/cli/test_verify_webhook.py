"""`broadcastkit verify-webhook`: signatures are made by `hmac` here."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.conftest import RunCommand, environment_of
from tests.interop.servers import PusherServer
from tests.server.tools import APP
from tests.webhooks.tools import NOW, body_of, signature_of

EVENTS: tuple[dict[str, Any], ...] = (
    {"name": "channel_occupied", "channel": "orders"},
    {"name": "member_added", "channel": "presence-x", "user_id": "7"},
    {"name": "client_event", "channel": "private-x", "event": "client-y", "data": '{"a":1}', "socket_id": "1.2"},
    {"name": "news_of_tomorrow", "channel": "orders", "more": [1]},
)
BODY = body_of(*EVENTS)
GOOD = ("--signature", signature_of(BODY, APP.secret))

Deliver = Callable[[bytes], None]


@pytest.fixture
def deliver(monkeypatch: pytest.MonkeyPatch) -> Deliver:
    """Configure the app, and give the command a body on stdin."""
    for name, value in environment_of(PusherServer("127.0.0.1", 6001, APP.id, APP.key, APP.secret)).items():
        monkeypatch.setenv(name, value)
    return lambda raw: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))


def test_a_webhook_of_the_service(command: RunCommand, deliver: Deliver) -> None:
    deliver(BODY)
    status, out, err = command("verify-webhook", *GOOD)
    assert (status, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["Verified:", "signed", "with", "key", "app-key", "at", "2023-11-14T22:13:20.000+00:00."],
        ["channel_occupied", "orders"],
        ["member_added", "presence-x", "user", "7"],
        ["client_event", "private-x", "client-y"],
        ["news_of_tomorrow", "orders"],
    ]


def test_json(command: RunCommand, deliver: Deliver) -> None:
    deliver(BODY)
    document = json.loads(command("verify-webhook", "--json", *GOOD).out)
    events = document.pop("events")
    assert document == {"verified": True, "key": "app-key", "time": "2023-11-14T22:13:20.000+00:00"}
    assert all(given.items() <= event.items() for event, given in zip(events, EVENTS, strict=True))


def test_a_file(command: RunCommand, deliver: Deliver, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(BODY)
    assert command("verify-webhook", f"{tmp_path}/body", *GOOD, "--key", APP.key).status == 0
    status, _, err = command("verify-webhook", f"{tmp_path}/absent", *GOOD)
    assert (status, err) == (2, f"broadcastkit: {tmp_path}/absent cannot be read: No such file or directory\n")


def test_no_events(command: RunCommand, deliver: Deliver) -> None:
    body = body_of()
    deliver(body)
    assert command("verify-webhook", "--signature", signature_of(body, APP.secret)).out.count("\n") == 1


@pytest.mark.parametrize(
    ("body", "arguments", "reason"),
    [
        (BODY + b"\n", GOOD, "bad signature"),
        (BODY, ("--signature", signature_of(BODY, "hunter2")), "bad signature"),
        (BODY, ("--signature", "\ud800 no hex"), "bad signature"),
        (BODY, ("--signature", ""), "missing header"),
        (BODY, (*GOOD, "--key", "another"), "unknown key"),
        (b"[]", ("--signature", signature_of(b"[]", APP.secret)), "malformed body"),
        (BODY, (*GOOD, "--max-age", "600"), "stale"),
    ],
)
def test_what_is_not_verified(
    command: RunCommand, deliver: Deliver, body: bytes, arguments: tuple[str, ...], reason: str
) -> None:
    deliver(body)
    status, out, err = command("verify-webhook", *arguments)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("Not verified: ")
    deliver(body)
    status, out, err = command("verify-webhook", "--json", *arguments)
    document = json.loads(out)
    assert (status, err) == (1, "")
    assert (document["verified"], document["reason"]) == (False, reason)
    assert document.keys() == {"verified", "reason", "problem"}
    for one in arguments[1:2]:
        assert not one or one not in out + err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--signature"),
        ((*GOOD, "--max-age", "0"), "max_age must be more than 0 seconds"),
        ((*GOOD, "--connection", "log"), "needs a connection to a service of Pusher's kind"),
    ],
)
def test_what_the_user_can_mend(command: RunCommand, deliver: Deliver, arguments: tuple[str, ...], said: str) -> None:
    deliver(BODY)
    status, out, err = command("verify-webhook", *arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_a_recent_one_is_recent_enough(command: RunCommand, deliver: Deliver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadcastkit.cli.verify_webhook.time", SimpleNamespace(time=lambda: NOW + 599.0))
    deliver(BODY)
    assert command("verify-webhook", *GOOD, "--max-age", "600").status == 0


def test_the_body_is_not_shown_without_being_asked(command: RunCommand, deliver: Deliver) -> None:
    deliver(BODY)
    status, out, err = command("verify-webhook", *GOOD)
    assert (status, "client-y" in out) == (0, True)
    assert '"a"' not in out + err
