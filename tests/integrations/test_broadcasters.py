"""What an integration takes as its broadcaster, and what a function may choose."""

from __future__ import annotations

import re
from typing import Any

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster, ChannelRegistry
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.errors import ConfigurationError
from broadcastkit.integrations.broadcasters import async_broadcaster, blocking_broadcaster, chooser_of, require_sync

BLOCKING, AWAITED = Broadcaster(MemoryDriver()), AsyncBroadcaster(AsyncMemoryDriver())


async def later(request: object) -> AsyncBroadcaster:
    return AWAITED


async def test_what_is_given_answers_and_what_chooses_is_asked_each_time() -> None:
    asked: list[str] = []

    def choose(request: str) -> Any:
        asked.append(request)
        return {"one": AWAITED, "two": None, "blocking": BLOCKING}[request]

    assert await async_broadcaster("a test", AWAITED, "one") is AWAITED
    assert await async_broadcaster("a test", later, "one") is AWAITED
    assert [await async_broadcaster("a test", choose, name) for name in ("one", "two", "one")] == [
        AWAITED,
        None,
        AWAITED,
    ]
    assert blocking_broadcaster("a test", BLOCKING, "one") is BLOCKING
    assert blocking_broadcaster("a test", choose, "blocking") is BLOCKING
    assert blocking_broadcaster("a test", lambda: None) is None
    assert asked == ["one", "two", "one", "blocking"]


async def test_what_is_chosen_has_the_right_color() -> None:
    blocking = "a test was to choose a broadcaster: it takes Broadcaster or None, not AsyncBroadcaster"
    with pytest.raises(ConfigurationError, match=f"^{blocking}$"):
        blocking_broadcaster("a test", lambda _: AWAITED, "request")
    with pytest.raises(ConfigurationError, match="it takes AsyncBroadcaster or None, not Broadcaster"):
        await async_broadcaster("a test", lambda _: BLOCKING, "request")
    with pytest.raises(ConfigurationError, match="it takes AsyncBroadcaster or None, not str"):
        await async_broadcaster("a test", lambda _: "north", "request")


def test_the_rules_of_what_is_chosen_are_checked() -> None:
    channels = ChannelRegistry()

    @channels.authorize("private-x")
    async def rule(user: object) -> bool:
        return True

    chosen = Broadcaster(MemoryDriver(), channels=channels)
    with pytest.raises(ConfigurationError, match=re.escape("a test is sync and cannot await")):
        blocking_broadcaster("a test", lambda: chosen)


@pytest.mark.parametrize("given", ["log://", 7, MemoryDriver()], ids=["a URL", "a number", "a driver"])
def test_what_is_neither_is_refused_at_once(given: object) -> None:
    name = type(given).__name__
    message = f"a test takes AsyncBroadcaster, or a function that returns one; not {name}"
    with pytest.raises(ConfigurationError, match=f"^{message}$"):
        chooser_of("a test", given, AsyncBroadcaster)
    with pytest.raises(ConfigurationError, match="a test takes Broadcaster, or a function that returns one"):
        require_sync("a test", given)


def test_the_other_color_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"a test takes AsyncBroadcaster, .* not Broadcaster"):
        chooser_of("a test", BLOCKING, AsyncBroadcaster)
    with pytest.raises(ConfigurationError, match="a test is sync and takes a Broadcaster, not an AsyncBroadcaster"):
        require_sync("a test", AWAITED)
    with pytest.raises(ConfigurationError, match="a test is sync and cannot await later; use def"):
        require_sync("a test", later)
