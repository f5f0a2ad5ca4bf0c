"""The settings `breaker` and `fallback`: what they make of a connection, and each wrong value named."""

from __future__ import annotations

from typing import Any

import pytest

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster
from broadcastkit.config import async_drivers_from_settings, drivers_from_settings
from broadcastkit.drivers.guarded import AsyncGuarded, Breaker, Guarded
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import ConfigurationError

GONE = {"driver": "pusher", "app_id": "1", "key": "k", "secret": "t0psecret", "host": "127.0.0.1", "port": 1}
GONE |= {"scheme": "http", "retry": {"attempts": 1}}
READERS = [drivers_from_settings, async_drivers_from_settings]


def made(settings: dict[str, Any]) -> tuple[Any, Any]:
    """Return the default connection's driver in both colours."""
    return Broadcaster.from_settings(settings).driver(), AsyncBroadcaster.from_settings(settings).driver()


# -- breaker -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "breaker"),
    [
        (True, Breaker()),
        ({}, Breaker()),
        ({"failures": 3}, Breaker(failures=3)),
        ({"failures": 3, "cooldown": 12}, Breaker(3, 12)),
        (Breaker(cooldown=1.5), Breaker(cooldown=1.5)),
    ],
)
def test_a_breaker_is_true_or_its_arguments(value: Any, breaker: Breaker) -> None:
    guarded, awaited = made({"driver": "memory", "breaker": value})

    assert (type(guarded), type(guarded._driver)) == (Guarded, MemoryDriver)
    assert (type(awaited), type(awaited._driver)) == (AsyncGuarded, AsyncMemoryDriver)
    assert guarded._circuit._breaker == awaited._circuit._breaker == breaker


@pytest.mark.parametrize("value", [None, False])
def test_no_breaker_is_no_guard(value: Any) -> None:
    assert [type(driver) for driver in made({"driver": "memory", "breaker": value, "fallback": None})] == [
        MemoryDriver,
        AsyncMemoryDriver,
    ]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("yes", "breaker must be True, False, a Breaker, or a mapping of failures, cooldown"),
        (5, "breaker must be True, False, a Breaker, or a mapping of failures, cooldown"),
        ({"tries": 3}, "breaker.tries is none of failures, cooldown"),
        ({7: 3}, "breaker.7 is none of failures, cooldown"),
        ({"failures": 0}, "breaker.failures must be a number from 1, not 0"),
        ({"failures": "5"}, "breaker.failures must be a number from 1, not '5'"),
        ({"cooldown": -1}, "breaker.cooldown must be a number of seconds over 0, not -1"),
    ],
)
def test_a_wrong_breaker_is_named(read: Any, value: Any, said: str) -> None:
    drivers, _ = read({"connections": {"main": {"driver": "log", "breaker": value}}})

    with pytest.raises(ConfigurationError) as error:
        drivers["main"]
    assert str(error.value) == f"connections.main.{said}"


# -- fallback ----------------------------------------------------------------------------------------------------------


def test_a_fallback_is_another_connection_itself() -> None:
    settings = {
        "default": "main",
        "connections": {
            "main": {**GONE, "fallback": "backup", "breaker": {"failures": 1}},
            "backup": {**GONE, "fallback": "last"},
            "last": {"driver": "memory"},
        },
    }
    with Broadcaster.from_settings(settings) as broadcaster:
        receipt = broadcaster.broadcast(AnonymousEvent("ping", on="news")).to_everyone()

        main: Any = broadcaster.driver()
        last: Any = broadcaster.driver("last")
        assert isinstance(main._driver, PusherDriver)
        assert main._fallback is broadcaster.driver("backup")
        assert receipt.connections[0].by_fallback
        assert [message.event for message in last.messages] == ["ping"]


async def test_so_it_is_for_async_code() -> None:
    settings = {
        "default": "main",
        "connections": {"main": {**GONE, "fallback": "last"}, "last": {"driver": "memory"}},
    }
    async with AsyncBroadcaster.from_settings(settings) as broadcaster:
        receipt = await broadcaster.broadcast(AnonymousEvent("ping", on="news")).to_everyone()

        last: Any = broadcaster.driver("last")
        assert receipt.connections[0].by_fallback
        assert [message.event for message in last.messages] == ["ping"]


def test_what_is_wrong_with_the_fallback_is_named_by_its_own_path() -> None:
    settings = {
        "default": "main",
        "connections": {"main": {"driver": "memory", "fallback": "last"}, "last": {"driver": "log", "level": "loud"}},
    }

    with pytest.raises(ConfigurationError, match=r"^connections\.last\.level must be a level of logging"):
        Broadcaster.from_settings(settings).driver()


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("fallbacks", "said"),
    [
        ({"a": "c", "b": None}, "connections.a.fallback must be the name of another connection (b), not 'c'"),
        ({"a": "a", "b": None}, "connections.a.fallback must be the name of another connection (b), not 'a'"),
        ({"a": 7, "b": None}, "connections.a.fallback must be the name of another connection (b), not 7"),
        ({"a": True}, "connections.a.fallback needs another connection, not True"),
        ({"a": "k:t0psecret@h"}, "connections.a.fallback needs another connection"),
        ({"a": "b", "b": "a"}, "connections.b.fallback leads back: a → b → a"),
        ({"a": "b", "b": "c", "c": "b"}, "connections.c.fallback leads back: a → b → c → b"),
    ],
)
def test_a_wrong_fallback_is_refused_at_once(read: Any, fallbacks: dict[str, Any], said: str) -> None:
    connections = {name: {"driver": "null", "fallback": fallback} for name, fallback in fallbacks.items()}

    with pytest.raises(ConfigurationError) as error:
        read({"default": "a", "connections": connections})
    assert str(error.value) == said
