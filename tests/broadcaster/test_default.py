"""What the module-level functions use: what was configured, or the environment at first use."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from broadcastkit import (
    AnonymousEvent,
    AsyncBroadcaster,
    Broadcaster,
    ChannelRegistry,
    Receipt,
    aio,
    broadcast,
    broadcast_many,
    configure,
    default,
)
from broadcastkit.default import default_async_broadcaster, default_broadcaster
from broadcastkit.delivery.repeats import AsyncRedisRepeats, MemoryRepeats, RedisRepeats
from broadcastkit.drivers.log import AsyncLogDriver, LogDriver
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.errors import ConfigurationError, ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable


def ping(name: str = "ping") -> AnonymousEvent:
    return AnonymousEvent(name, on="news")


# -- functions ---------------------------------------------------------------------------------------------------------


def test_the_functions_send_with_the_configured_broadcaster() -> None:
    driver = MemoryDriver()
    configure(Broadcaster(driver))

    receipt = broadcast(ping("a")).to_others("1.2")
    receipts = broadcast_many([ping("b"), ping("c")]).to_everyone()

    assert isinstance(receipt, Receipt)
    assert [r.event for r in receipts] == ["b", "c"]
    assert [(message.event, message.exclude) for message in driver.messages] == [("a", "1.2"), ("b", None), ("c", None)]


async def test_the_awaited_functions_send_with_the_awaited_one() -> None:
    driver = AsyncMemoryDriver()
    configure(AsyncBroadcaster(driver))

    receipt = await aio.broadcast(ping("a")).to_others("1.2")
    receipts = await aio.broadcast_many([ping("b"), ping("c")]).to_everyone()

    assert receipt.delivered
    assert [r.event for r in receipts] == ["b", "c"]
    assert [message.event for message in driver.messages] == ["a", "b", "c"]


# -- configure ---------------------------------------------------------------------------------------------------------


def test_settings_take_a_store_of_repeats_for_both_colors_or_a_pair() -> None:
    configure("null://", repeats=(one := MemoryRepeats()))
    assert default_broadcaster().repeats is default_async_broadcaster().repeats is one

    url = "redis://127.0.0.1:1"
    blocking, awaited = RedisRepeats(url), AsyncRedisRepeats(url)
    configure("null://", repeats=(blocking, awaited))
    assert (default_broadcaster().repeats, default_async_broadcaster().repeats) == (blocking, awaited)

    configure("null://", repeats=blocking)
    assert default_broadcaster().repeats is blocking
    with pytest.raises(ConfigurationError, match="repeats RedisRepeats would block the event loop"):
        default_async_broadcaster()
    with pytest.raises(ConfigurationError, match="a broadcaster has its own options: give it repeats when it is made"):
        configure(Broadcaster(NullDriver()), repeats=one)


def test_a_broadcaster_serves_its_own_colour() -> None:
    sync, asynchronous = Broadcaster(NullDriver()), AsyncBroadcaster(AsyncNullDriver())

    configure(sync)
    with pytest.raises(ConfigurationError, match="BROADCAST_CONNECTION is not set"):
        default_async_broadcaster()
    configure(asynchronous)

    assert default_broadcaster() is sync
    assert default_async_broadcaster() is asynchronous


@pytest.mark.parametrize(
    "settings", ["log://", {"driver": "log"}, {"default": "log", "connections": {"log": {"driver": "log"}}}]
)
def test_settings_serve_both(settings: object) -> None:
    channels = ChannelRegistry()

    configure(settings, channels=channels, on_error="report")  # type: ignore[arg-type]

    assert isinstance(default_broadcaster().driver(), LogDriver)
    assert isinstance(default_async_broadcaster().driver(), AsyncLogDriver)
    assert default_broadcaster().channels is channels
    assert default_async_broadcaster().channels is channels
    assert default_broadcaster() is default_broadcaster()
    assert default_async_broadcaster() is default_async_broadcaster()


def test_the_error_policy_is_for_both() -> None:
    handed: list[Exception] = []
    configure("pusher://k:s@127.0.0.1:1/app?scheme=http", on_error=handed.append)

    receipt = broadcast(AnonymousEvent("large", "x" * 20_000, on="news")).to_everyone()
    awaited = asyncio.run(_send_large())

    assert handed == [receipt.error, awaited.error]


async def _send_large() -> Receipt:
    return await aio.broadcast(AnonymousEvent("large", "x" * 20_000, on="news")).to_everyone()


def test_the_last_word_counts() -> None:
    first, second = Broadcaster(NullDriver()), Broadcaster(NullDriver())

    configure(first)
    assert default_broadcaster() is first
    configure("log://")
    assert isinstance(default_broadcaster().driver(), LogDriver)
    configure(second)
    assert default_broadcaster() is second
    # which says nothing about the other colour
    assert isinstance(default_async_broadcaster().driver(), AsyncLogDriver)


def test_settings_are_copied() -> None:
    settings: dict[str, object] = {"driver": "log"}

    configure(settings)
    settings["driver"] = "null"

    assert isinstance(default_broadcaster().driver(), LogDriver)


def test_wrong_settings_are_refused_without_being_shown() -> None:
    with pytest.raises(ConfigurationError, match="a connection URL starts with") as error:
        configure("amqp://:t0psecret@host")
    assert "t0psecret" not in str(error.value)

    configure({})
    with pytest.raises(ConfigurationError, match="driver must be one of"):
        broadcast(ping())


def test_reset_forgets() -> None:
    configure(Broadcaster(NullDriver()))

    default.reset()

    with pytest.raises(ConfigurationError, match=r"is not set: name a connection .* or call configure"):
        default_broadcaster()


# -- the environment ---------------------------------------------------------------------------------------------------


def test_the_environment_is_read_at_first_use_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "null")
    first = default_broadcaster()
    monkeypatch.setenv("BROADCAST_CONNECTION", "log")

    assert default_broadcaster() is first
    assert isinstance(first.driver(), NullDriver)
    assert isinstance(default_async_broadcaster().driver(), AsyncLogDriver)


def test_a_wrong_environment_can_be_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError):
        broadcast(ping())
    monkeypatch.setenv("BROADCAST_CONNECTION", "null")

    assert broadcast(ping()).to_everyone().delivered


@pytest.mark.parametrize("get", [default_broadcaster, default_async_broadcaster])
def test_several_threads_get_the_same(get: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "null")
    together = threading.Barrier(8)

    def work(_: int) -> object:
        together.wait(10)
        return get()

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(work, range(8)))

    assert len(found) == 1


# -- swapped, for tests ------------------------------------------------------------------------------------------------


def test_swapping_asks_what_to_use_instead_of_what_is_configured() -> None:
    mine, stand_in = Broadcaster(NullDriver()), Broadcaster(NullDriver())
    awaited = AsyncBroadcaster(AsyncNullDriver())
    asked: list[Broadcaster | None] = []

    def swap(configured: Broadcaster | None) -> Broadcaster:
        asked.append(configured)
        return stand_in

    with default.swapped(swap, lambda _: awaited):
        assert default_broadcaster() is stand_in
        assert default_async_broadcaster() is awaited
        configure(mine)
        assert default_broadcaster() is stand_in
    assert default_broadcaster() is mine

    # nothing is configured; configured; what it is from then on
    assert asked == [None, mine, mine]


def test_swapping_begins_with_what_is_configured_and_ends_whatever_happens() -> None:
    configure("null://")
    before = default_broadcaster()
    asked: list[object] = []

    def keep(configured: Broadcaster | None) -> Broadcaster:
        asked.append(configured)
        raise ConnectError

    with pytest.raises(ConnectError), default.swapped(keep, lambda _: AsyncBroadcaster(AsyncNullDriver())):
        raise AssertionError("the block must not be entered")

    assert asked == [before]
    assert default_broadcaster() is before
