"""`manage.py check`: each finding has its id, names what is wrong and what it should be, and shows no secret."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.test import override_settings

from broadcastkit.integrations.django import conf
from broadcastkit.integrations.django.middleware import SocketIdMiddleware

APP = {"driver": "pusher", "app_id": "1", "key": "app-key", "secret": "app-secret"}
HERE = __name__


class Own(SocketIdMiddleware):
    """A project's own, which does more."""


def findings() -> dict[str, str]:
    """Run the checks; return texts by id."""
    found = {
        message.id.removeprefix("broadcastkit."): message.msg
        for message in run_checks()
        if message.id.startswith("broadcastkit.")
    }
    for message in run_checks():
        assert message.hint
        assert "app-secret" not in f"{message.msg} {message.hint}"
    return found


def test_a_project_in_order() -> None:
    assert findings() == {}


@pytest.mark.parametrize(
    ("given", "number", "text"),
    [
        ([APP], "E001", "BROADCASTING must be a mapping such as"),
        (b"log://", "E001", "not bytes"),
        ("log:app-secret", "E002", "BROADCASTING: a connection URL starts with"),
        ({"connections": {}}, "E002", "BROADCASTING: connections must map names to settings"),
        ({"default": "absent", "connections": {"main": APP}}, "E002", "default must be one of main, not 'absent'"),
        ({"main": APP}, "E002", "BROADCASTING: driver must be one of"),
        ({**APP, "delivery": "later"}, "E002", "BROADCASTING: delivery must be 'inline', 'background', "),
        ({**APP, "delivery": {"background": {"size": 0}}}, "E002", "delivery.background.size must be a number from 1"),
        ({**APP, "fallback": "absent"}, "E002", "connections.pusher.fallback needs another connection, not 'absent'"),
        ({**APP, "breaker": "yes"}, "E003", "connections.pusher.breaker must be True, False, a Breaker, or a mapping"),
        ({"connections": {"main": "log"}}, "E002", "connections.main needs a 'driver'"),
        ({"driver": "carrier-pigeon"}, "E003", "connections.carrier-pigeon.driver 'carrier-pigeon' is no driver"),
        ({"connections": {"main": {**APP, "driver": "pushr"}}}, "E003", "connections.main.driver 'pushr' is no driver"),
        ({"driver": "pusher", "app_id": "1", "key": "app-key"}, "E003", "connections.pusher.secret is not set"),
        ({**APP, "secret": None}, "E003", "connections.pusher.secret"),
        ({**APP, "port": "6001"}, "E003", "connections.pusher.port must be a number from 1 to 65535, not '6001'"),
        ({**APP, "prot": 6001}, "E003", "connections.pusher.prot is no setting of the pusher driver"),
        ("https://app-key:app-secret@host", "E003", "ends in /apps/app-id"),
    ],
)
def test_what_is_wrong_with_the_connections(given: Any, number: str, text: str) -> None:
    with override_settings(BROADCASTING=given):
        found = findings()

    assert list(found) == [number]
    assert text in found[number]


def test_every_connection_that_is_wrong_is_named() -> None:
    wrong = {"default": "a", "connections": {"a": {**APP, "port": 0}, "b": APP, "c": {"driver": "?"}}}
    with override_settings(BROADCASTING=wrong):
        texts = [message.msg for message in run_checks() if message.id == "broadcastkit.E003"]

    assert [text.split()[1] for text in texts] == ["connections.a.port", "connections.c.driver"]


@pytest.mark.parametrize(
    ("environment", "number", "text"),
    [
        ({}, "W001", "neither BROADCASTING nor BROADCAST_CONNECTION"),
        ({"BROADCAST_CONNECTION": "pigeon"}, "E004", "BROADCAST_CONNECTION must be one of"),
        ({"BROADCAST_CONNECTION": "pusher", "PUSHER_APP_SECRET": "app-secret"}, "E004", "PUSHER_APP_ID is not set"),
        (
            {
                "BROADCAST_CONNECTION": "pusher",
                "PUSHER_APP_ID": "1",
                "PUSHER_APP_KEY": "k",
                "PUSHER_APP_SECRET": "app-secret",
                "PUSHER_PORT": "99999",
            },
            "E004",
            "PUSHER_PORT must be a number from 1 to 65535",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_with_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], number: str, text: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with override_settings():
        del settings.BROADCASTING
        conf.apply()
        found = findings()

    assert list(found) == [number]
    assert text in found[number]


def test_a_project_of_tenants_needs_no_connection_of_its_own() -> None:
    with override_settings(BROADCASTING_BROADCASTER=lambda request: None):
        del settings.BROADCASTING
        conf.apply()

        assert findings() == {}


@pytest.mark.parametrize(
    ("setting", "given", "number"),
    [
        ("BROADCASTING_USER", "absent.user", "E005"),
        ("BROADCASTING_USER_DATA", 7, "E005"),
        ("BROADCASTING_CSRF", "yes", "E006"),
        ("BROADCASTING_ON_ERROR", "ignore", "E007"),
        ("BROADCASTING_BROADCASTER", "absent.broadcaster", "E005"),
        ("BROADCASTING_RATE_LIMIT", 7, "E008"),
        ("BROADCASTING_RATE_KEY", "absent.key", "E008"),
        ("BROADCASTING_MAX_CHANNELS", 0, "E008"),
        ("BROADCASTING_OUTBOX", "nowhere", "E009"),
        ("BROADCASTING_WHEN_OFFLINE", "absent.fallbacks", "E010"),
    ],
)
def test_what_is_wrong_beside_the_connections(setting: str, given: Any, number: str) -> None:
    with override_settings(**{setting: given}):
        found = findings()

    assert list(found) == [number]
    assert found[number].startswith(f"{setting} must be ")


def without(name: str) -> list[str]:
    return [path for path in settings.MIDDLEWARE if not path.endswith(name)]


def test_middleware_that_is_missing() -> None:
    with override_settings(MIDDLEWARE=without("SocketIdMiddleware")):
        assert list(findings()) == ["W002"]
    with override_settings(MIDDLEWARE=[*without("SocketIdMiddleware"), f"{HERE}.Own"]):
        assert findings() == {}
    with override_settings(MIDDLEWARE=without("AuthenticationMiddleware")):
        assert list(findings()) == ["W004"]
        with override_settings(BROADCASTING_USER=lambda request: None):
            assert findings() == {}


def test_middleware_that_cannot_be_imported_is_djangos_to_tell() -> None:
    with override_settings(MIDDLEWARE=["absent.Middleware", *settings.MIDDLEWARE]):
        assert findings() == {}


def test_async_rules_without_asgi() -> None:
    with override_settings():
        del settings.ASGI_APPLICATION
        found = findings()

    assert list(found) == ["W003"]
    assert found["W003"].startswith("present_in (presence-conversation.{conversation_id}): async")
