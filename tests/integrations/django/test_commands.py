"""`manage.py broadcast_channels` and `manage.py broadcast_test`."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from broadcastkit.default import default_broadcaster
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.integrations.django import channels
from tests.integrations.django_project.stage import SETTINGS

PROJECT = SETTINGS.removesuffix(".settings")
NOWHERE = "http://app-key:app-secret@127.0.0.1:1/apps/app-id"


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_the_rules_are_listed() -> None:
    assert told("broadcast_channels").splitlines() == [
        f"private-user.{{user_id}}                   {PROJECT}.chat.broadcasting.own_channel",
        f"private-conversation.{{conversation_id}}   {PROJECT}.chat.broadcasting.member_of",
        f"presence-conversation.{{conversation_id}}  {PROJECT}.chat.broadcasting.present_in  (async)",
        f"private-desk.{{number}}                    {PROJECT}.desks.broadcasting.open_desk  (guests too)",
    ]


def test_the_rules_are_listed_for_programs() -> None:
    assert json.loads(told("broadcast_channels", "--json"))[2:] == [
        {
            "channel": "presence-conversation.{conversation_id}",
            "rule": f"{PROJECT}.chat.broadcasting.present_in",
            "async": True,
            "guest": False,
        },
        {
            "channel": "private-desk.{number}",
            "rule": f"{PROJECT}.desks.broadcasting.open_desk",
            "async": False,
            "guest": True,
        },
    ]


def test_no_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "_rules", [])

    assert told("broadcast_channels") == "no rules: register some in broadcasting.py of an app\n"
    assert json.loads(told("broadcast_channels", "--json")) == []


def test_one_event_is_sent() -> None:
    lines = told("broadcast_test", "--connection", "spare", "private-user.1").splitlines()

    driver = default_broadcaster().driver("spare")
    assert isinstance(driver, MemoryDriver)
    (message,) = driver.messages
    assert (message.event, message.channels) == ("broadcastkit.test", ("private-user.1",))
    assert lines[0].startswith("accepted: broadcastkit.test on private-user.1, by the connection spare in ")
    assert lines[1] == "MemoryDriver has no service behind it: no client has heard it"


def test_one_event_is_queued_where_events_leave_later() -> None:
    with override_settings(BROADCASTING={"driver": "memory", "delivery": "background"}):
        line = told("broadcast_test").strip()
        broadcaster = default_broadcaster()
        broadcaster.close()

        driver = broadcaster.driver()
        assert isinstance(driver, MemoryDriver)
        assert [message.event for message in driver.messages] == ["broadcastkit.test"]
    assert line.startswith("queued: broadcastkit.test on ")
    assert line.endswith("for the connection memory; if it cannot be sent, the log will say so")


@pytest.mark.parametrize(
    ("arguments", "settings", "status", "text"),
    [
        ((), {"BROADCASTING": NOWHERE}, 1, r"ConnectError: .*127\.0\.0\.1:1"),
        ((), {"BROADCASTING": NOWHERE, "BROADCASTING_ON_ERROR": "report"}, 1, "ConnectError: "),
        (("a b",), {}, 2, "channel name 'a b'"),
        (("--connection", "absent"), {}, 2, "no connection 'absent'; there are: main, spare"),
        ((), {"BROADCASTING": 7}, 2, "BROADCASTING must be"),
        (
            (),
            {"BROADCASTING": {"driver": "pusher", "app_id": "1", "key": "k"}},
            2,
            "connections.pusher.secret is not set",
        ),
    ],
)
def test_what_went_wrong_is_said(arguments: Any, settings: Any, status: int, text: str) -> None:
    with override_settings(**settings), pytest.raises(CommandError, match=text) as caught:
        told("broadcast_test", *arguments)

    assert caught.value.returncode == status
    assert "app-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "broadcasting", "status"),
    [
        (["broadcast_test"], "memory://", 0),
        (["broadcast_test"], NOWHERE, 1),
        (["broadcast_test", "--connection", "absent"], "memory://", 2),
        (["broadcast_test", "--no-such-option"], "memory://", 2),
        (["check"], "memory://", 0),
        (["check"], "pigeon://", 1),
    ],
)
def test_exit_status(arguments: list[str], broadcasting: str, status: int) -> None:
    environment = {"DJANGO_SETTINGS_MODULE": SETTINGS, "CHAT_BROADCASTING": broadcasting}
    command = [sys.executable, "-m", "django", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
