"""What settings.py may say, and what happens where it is wrong."""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.test import override_settings

import broadcastkit.integrations.django as integration
from broadcastkit import AnonymousEvent, Channel, aio, broadcast
from broadcastkit.default import default_async_broadcaster, default_broadcaster
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import ConfigurationError, ConnectError, MissingDependencyError
from broadcastkit.integrations.django import channels, conf
from broadcastkit.integrations.rate_limits import AsyncFixedWindow, FixedWindow
from broadcastkit.offline import Fallbacks, Missed

PING = AnonymousEvent("ping", on="news")
# nobody listens on port 1
NOWHERE = "http://app-key:app-secret@127.0.0.1:1/apps/app-id"


def test_both_colours_use_the_projects_connections_and_rules() -> None:
    assert default_broadcaster().channels is channels
    assert default_async_broadcaster().channels is channels
    assert isinstance(default_broadcaster().driver(), PusherDriver)
    assert broadcast(PING).via("spare").to_everyone().delivered


async def test_awaited_words_too() -> None:
    assert (await aio.broadcast(PING).via("spare").to_everyone()).delivered


@pytest.mark.parametrize(
    "given",
    ["memory://", {"driver": "memory"}, {"connections": {"only": {"driver": "memory"}}}],
    ids=["URL", "one connection", "connections"],
)
def test_a_url_or_a_mapping(given: Any) -> None:
    with override_settings(BROADCASTING=given):
        assert broadcast(PING).to_everyone().delivered
        assert default_broadcaster().channels is channels


fallbacks = Fallbacks(online=lambda channel: channel.name == "news")
missed: list[Missed[Channel]] = []
fallbacks.when_offline(Channel, name="tell_them")(missed.append)


@pytest.mark.parametrize("given", [f"{__name__}.fallbacks", fallbacks], ids=["path", "object"])
def test_fallbacks_run_where_nobody_is_there(given: Any) -> None:
    missed.clear()
    with override_settings(BROADCASTING="null://", BROADCASTING_WHEN_OFFLINE=given):
        receipt = broadcast(AnonymousEvent("ping", on=["news", "odds"])).to_everyone()
    assert [one.connection for one in receipt.connections] == ["null", "offline.tell_them"]
    assert [one.channel.name for one in missed] == ["odds"]

    with override_settings(BROADCASTING="null://", BROADCASTING_WHEN_OFFLINE=None):
        assert len(broadcast(PING).to_everyone().connections) == 1


@pytest.mark.parametrize("given", [7, f"{__name__}.NOWHERE", "absent.fallbacks"])
def test_fallbacks_that_are_none_are_named_at_the_first_broadcast(given: Any) -> None:
    with (
        override_settings(BROADCASTING="null://", BROADCASTING_WHEN_OFFLINE=given),
        pytest.raises(
            ConfigurationError, match=r"^BROADCASTING_WHEN_OFFLINE must be a broadcastkit\.offline\.Fallbacks"
        ),
    ):
        broadcast(PING).to_everyone()


def test_without_the_setting_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "null")
    with override_settings(BROADCASTING=None):
        assert isinstance(default_broadcaster().driver(), NullDriver)
        assert default_broadcaster().channels is channels


def test_and_where_that_says_nothing_the_first_broadcast_names_what_is_missing() -> None:
    with override_settings():
        del settings.BROADCASTING
        conf.apply()
        with pytest.raises(ConfigurationError, match=r"^BROADCAST_CONNECTION is not set"):
            broadcast(PING).to_everyone()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (["log"], "BROADCASTING must be a mapping such as .* or a connection URL such as 'log://', not list"),
        (7, "BROADCASTING must be .*, not int"),
        ("log", "BROADCASTING: a connection URL starts with"),
        ("mysql://app:app-secret@db", "BROADCASTING: a connection URL starts with .*, not 'mysql'"),
        ({"driver": "carrier-pigeon"}, "'carrier-pigeon' is no driver"),
        ({"default": "none", "connections": {"main": {"driver": "log"}}}, "default must be one of main, not 'none'"),
    ],
)
async def test_a_wrong_setting_is_raised_where_it_is_used(given: Any, error: str) -> None:
    with override_settings(BROADCASTING=given):
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=error) as caught:
                broadcast(PING).to_everyone()
            assert "app-secret" not in str(caught.value)
        with pytest.raises(ConfigurationError, match=error):
            await aio.broadcast(PING).to_everyone()


# -- errors ------------------------------------------------------------------------------------------------------------

noted: list[Exception] = []


def note(error: Exception) -> None:
    noted.append(error)


@pytest.mark.parametrize("policy", [f"{__name__}.note", note], ids=["by its path", "itself"])
def test_errors_may_go_to_a_function(policy: Any) -> None:
    noted.clear()
    with override_settings(BROADCASTING=NOWHERE, BROADCASTING_ON_ERROR=policy):
        receipt = broadcast(PING).to_everyone()

    assert isinstance(receipt.error, ConnectError)
    assert noted == [receipt.error]


def test_errors_may_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(BROADCASTING=NOWHERE, BROADCASTING_ON_ERROR="report"):
        assert not broadcast(PING).to_everyone().delivered

    assert "broadcast failed" in caplog.text
    assert "app-secret" not in caplog.text


def test_errors_are_raised_unless_said_otherwise() -> None:
    with override_settings(BROADCASTING=NOWHERE), pytest.raises(ConnectError):
        broadcast(PING).to_everyone()


async def asynchronous(_: object) -> None:
    """Stand for what somebody else would await."""


@pytest.mark.parametrize(
    ("setting", "read"),
    [
        ("BROADCASTING_USER", conf.user_callback),
        ("BROADCASTING_USER_DATA", conf.user_data),
        ("BROADCASTING_ON_ERROR", conf.error_policy),
        ("BROADCASTING_BROADCASTER", conf.choose_broadcaster),
        ("BROADCASTING_RATE_KEY", conf.endpoints),
    ],
)
@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("no_dots", "must be .*, or its path"),
        ("absent.module.function", "must be .*, or its path .*absent"),
        (f"{__name__}.absent", "must be .*, or its path .*absent"),
        (f"{__name__}.NOWHERE", "must be .*; not str"),
        (7, "must be .*; not int"),
        (["raise"], "must be .*; not list"),
        (asynchronous, "must be .*; asynchronous is async: use def"),
    ],
    ids=["no path", "no module", "no name", "no function", "a number", "a list", "async"],
)
def test_a_wrong_function_is_named(setting: str, read: Any, given: Any, error: str) -> None:
    with override_settings(**{setting: given}), pytest.raises(ConfigurationError, match=f"^{setting} {error}"):
        read()


LIMIT = FixedWindow("1/hour")


def test_a_limit_may_be_named_by_its_path() -> None:
    with override_settings(BROADCASTING_RATE_LIMIT=f"{__name__}.LIMIT"):
        assert conf.endpoints()._rate_limit is LIMIT


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"RATE_LIMIT": "120/minute"}, "RATE_LIMIT must be a rate limit such as FixedWindow.*, or its path"),
        ({"RATE_LIMIT": f"{__name__}.PING"}, "RATE_LIMIT must be one such as FixedWindow.*, not AnonymousEvent"),
        ({"RATE_LIMIT": 7}, "RATE_LIMIT must be one such as FixedWindow.*, not int"),
        (
            {"RATE_LIMIT": AsyncFixedWindow("1/hour")},
            "RATE_LIMIT is wrong: Django cannot await its rate limit: use FixedWindow, not AsyncFixedWindow.hit",
        ),
        ({"RATE_KEY": note}, "RATE_KEY is for a rate_limit, and there is none"),
        ({"MAX_CHANNELS": "50"}, "MAX_CHANNELS must be a number from 1, not '50'"),
    ],
)
def test_a_wrong_limit_is_named(settings: dict[str, Any], error: str) -> None:
    given = {f"BROADCASTING_{name}": value for name, value in settings.items()}
    with override_settings(**given), pytest.raises(ConfigurationError, match=f"^BROADCASTING_{error}"):
        conf.endpoints()


@pytest.mark.parametrize("given", [None, 1, "yes"])
def test_whether_tokens_are_asked_for_is_yes_or_no(given: Any) -> None:
    with (
        override_settings(BROADCASTING_CSRF=given),
        pytest.raises(ConfigurationError, match=r"^BROADCASTING_CSRF "),
    ):
        conf.csrf()


# -- the app -----------------------------------------------------------------------------------------------------------


def test_the_app_is_found_by_its_package() -> None:
    assert apps.get_app_config("broadcastkit").name == "broadcastkit.integrations.django"


def test_its_absence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "django", None)
    monkeypatch.delitem(sys.modules, integration.__name__)

    with pytest.raises(MissingDependencyError, match=re.escape("pip install 'broadcastkit[django]'")):
        importlib.import_module(integration.__name__)
