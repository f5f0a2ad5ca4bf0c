"""The setting `delivery`, in mappings, variables, models and Django's settings: what it makes, and what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster, configure, default
from broadcastkit.config import delivery_from_settings, settings_from_env
from broadcastkit.delivery import Background, Inline
from broadcastkit.delivery.backlog import Policy
from broadcastkit.errors import ConfigurationError
from broadcastkit.settings import BroadcastSettings

LOG: dict[str, Any] = {"driver": "log"}
MAPPINGS: list[dict[str, Any]] = [LOG, {"connections": {"main": LOG}}]


def on_failed(*_: object) -> None:
    """Nothing: it is here to be named."""


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_without_it_nothing_is_said(mapping: dict[str, Any]) -> None:
    assert delivery_from_settings(mapping) is None
    assert delivery_from_settings({**mapping, "delivery": None}) is None
    assert isinstance(Broadcaster.from_settings(mapping)._delivery, Inline)


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize(
    ("value", "policy"),
    [
        ("background", Policy(10_000, "wait", 60.0, 5.0, None)),
        ({"background": {}}, Policy(10_000, "wait", 60.0, 5.0, None)),
        ({"background": {"size": 5, "overflow": "refuse"}}, Policy(5, "refuse", 60.0, 5.0, None)),
        (
            {"background": {"overflow": "drop_oldest", "patience": 1, "drain": 0, "on_failed": on_failed}},
            Policy(10_000, "drop_oldest", 1, 0, on_failed),
        ),
    ],
)
def test_background_may_have_options(mapping: dict[str, Any], value: Any, policy: Policy) -> None:
    for cls in (Broadcaster, AsyncBroadcaster):
        made: Any = cls.from_settings({**mapping, "delivery": value})
        assert isinstance(made._delivery, Background)
        assert made._delivery._policy == policy
        made.driver()


def test_inline_is_the_usual_one() -> None:
    assert isinstance(delivery_from_settings({**LOG, "delivery": "inline"}), Inline)


def test_code_may_give_the_object_and_its_own_options_win() -> None:
    mine, other = Background(), Background()
    settings = {**LOG, "delivery": mine}

    assert Broadcaster.from_settings(settings)._delivery is mine
    assert Broadcaster.from_settings(settings, delivery=other)._delivery is other


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("later", "delivery must be 'inline', 'background', {'background': {…}} or a Delivery, not 'later'"),
        (7, "delivery must be 'inline', 'background', {'background': {…}} or a Delivery, not 7"),
        ({}, "delivery must be 'inline', 'background', {'background': {…}} or a Delivery, not {}"),
        ("k:t0psecret@h", "delivery must be 'inline', 'background', {'background': {…}} or a Delivery"),
        ({"inline": {}}, "delivery.inline takes no options: only 'background' does"),
        ({"later": {}}, "delivery.later takes no options: only 'background' does"),
        (
            {"background": 5},
            "delivery.background must map size, overflow, patience, drain, on_failed to values, not 5",
        ),
        (
            {"background": {"length": 5}},
            "delivery.background.length is none of size, overflow, patience, drain, on_failed",
        ),
        ({"background": {"size": 0}}, "delivery.background.size must be a number from 1, not 0"),
        ({"background": {"size": "5"}}, "delivery.background.size must be a number from 1, not '5'"),
        (
            {"background": {"overflow": "grow"}},
            "delivery.background.overflow must be one of wait, refuse, drop_oldest, not 'grow'",
        ),
        (
            {"background": {"overflow": ["wait"]}},
            "delivery.background.overflow must be one of wait, refuse, drop_oldest, not ['wait']",
        ),
        ({"background": {"patience": "60"}}, "delivery.background.patience must be a number of seconds from 0"),
        ({"background": {"drain": -1}}, "delivery.background.drain must be a number of seconds from 0, not -1"),
        ({"background": {"drain": True}}, "delivery.background.drain must be a number of seconds from 0, not True"),
        ({"background": {"on_failed": "log"}}, "delivery.background.on_failed must be a callable that takes"),
    ],
)
def test_a_wrong_one_is_named(mapping: dict[str, Any], value: Any, said: str) -> None:
    for cls in (Broadcaster, AsyncBroadcaster):
        with pytest.raises(ConfigurationError) as error:
            cls.from_settings({**mapping, "delivery": value})
        assert str(error.value).startswith(said)
        assert "t0psecret" not in str(error.value)


# -- variables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connection", ["log", "log://"])
@pytest.mark.parametrize(
    ("value", "delivery"), [("background", Background), ("inline", Inline), ("", Inline), ("null", Inline)]
)
def test_the_variable(connection: str, value: str, delivery: type[Any]) -> None:
    environ = {"BROADCAST_CONNECTION": connection, "BROADCAST_DELIVERY": value}

    for cls in (Broadcaster, AsyncBroadcaster):
        assert type(cls.from_env(environ)._delivery) is delivery


def test_a_wrong_variable_is_named() -> None:
    for connection in ("log", "log://"):
        with pytest.raises(ConfigurationError) as error:
            settings_from_env({"BROADCAST_CONNECTION": connection, "BROADCAST_DELIVERY": "Background"})
        assert str(error.value) == "BROADCAST_DELIVERY must be inline or background, not 'Background'"
        assert error.value.setting == "BROADCAST_DELIVERY"


def test_the_functions_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "log")
    monkeypatch.setenv("BROADCAST_DELIVERY", "background")
    try:
        default.reset()
        assert isinstance(default.default_broadcaster()._delivery, Background)
        configure({**LOG, "delivery": {"background": {"size": 3}}}, delivery=Inline())
        assert isinstance(default.default_async_broadcaster()._delivery, Inline)
    finally:
        default.reset()


def test_the_settings_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "log")
    monkeypatch.setenv("BROADCAST_DELIVERY", "background")
    settings = BroadcastSettings()

    assert isinstance(settings.broadcaster()._delivery, Background)
    assert isinstance(settings.async_broadcaster()._delivery, Background)
    assert isinstance(settings.broadcaster(delivery=Inline())._delivery, Inline)
    monkeypatch.setenv("BROADCAST_DELIVERY", "never")
    with pytest.raises(ConfigurationError, match="BROADCAST_DELIVERY must be inline or background, not 'never'"):
        BroadcastSettings()
