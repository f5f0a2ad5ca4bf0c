"""suppress(): nothing is broadcast and nothing recorded, in whatever colour, thread, order and place."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import (
    AnonymousEvent,
    AsyncBroadcaster,
    Broadcaster,
    ChannelRegistry,
    aio,
    broadcast,
    broadcast_many,
    configure,
)
from broadcastkit.channels import UserChannel
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import ConfigurationError, PayloadTooLargeError
from broadcastkit.testing import fake_broadcasts, suppress
from tests.testing.orders import OrderShipped, ping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

CREDENTIALS: dict[str, Any] = {"app_id": "1", "key": "key", "secret": "secret"}


# -- without the fake --------------------------------------------------------------------------------------------------


def test_nothing_configured_reaches_anyone_and_afterwards_all_is_as_before() -> None:
    driver = MemoryDriver()
    configure(Broadcaster({"main": driver}))

    with suppress():
        receipt = broadcast(ping(1)).via("main").to_everyone()
        broadcast_many([ping(2), ping(3)]).to_others()
        with pytest.raises(ConfigurationError, match="there is no connection 'other'"):
            broadcast(ping(4)).via("other").to_everyone()
    broadcast(ping(5)).to_everyone()

    assert receipt.delivered
    assert [message.data for message in driver.messages] == ['{"number":5}']


def test_nothing_need_be_configured_and_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "no such connection")

    with suppress():
        assert broadcast(ping()).via("any").to_everyone().delivered

    with pytest.raises(ConfigurationError):
        broadcast(ping())


async def test_what_is_awaited_is_held_back_and_a_blocking_broadcast_blocks_nothing() -> None:
    driver, awaited = MemoryDriver(), AsyncMemoryDriver()
    configure(Broadcaster(driver))
    configure(AsyncBroadcaster(awaited))

    with suppress():
        await aio.broadcast(ping(1)).to_everyone()
        await asyncio.create_task(_send(2))
        # no SyncInEventLoopWarning, which would be an error here
        broadcast(ping(3)).to_everyone()
    await aio.broadcast(ping(4)).to_everyone()

    assert driver.messages == []
    assert [message.data for message in awaited.messages] == ['{"number":4}']


async def _send(number: int) -> None:
    await aio.broadcast(ping(number)).to_everyone()


def test_broadcasters_of_ones_own_are_given() -> None:
    driver, awaited = MemoryDriver(), AsyncMemoryDriver()
    mine, other = Broadcaster(driver), AsyncBroadcaster(awaited)

    with suppress(mine, other):
        mine.broadcast(ping(1)).to_everyone()
        asyncio.run(_awaited(other))
    mine.broadcast(ping(2)).to_everyone()

    assert [message.data for message in driver.messages] == ['{"number":2}']
    assert awaited.messages == []


async def _awaited(broadcaster: AsyncBroadcaster) -> None:
    await broadcaster.broadcast(ping()).to_everyone()


def test_what_is_no_broadcaster_is_refused_and_the_block_not_entered() -> None:
    driver = MemoryDriver()
    configure(Broadcaster(driver))

    with pytest.raises(TypeError, match="takes Broadcaster and AsyncBroadcaster objects, not 'pusher'"):
        suppress("pusher").__enter__()  # type: ignore[arg-type]
    broadcast(ping()).to_everyone()

    assert len(driver.messages) == 1


def test_what_is_configured_inside_is_held_back_too() -> None:
    driver = MemoryDriver()

    with suppress():
        configure(Broadcaster(driver))
        broadcast(ping(1)).to_everyone()
    broadcast(ping(2)).to_everyone()

    assert [message.data for message in driver.messages] == ['{"number":2}']


def test_a_payload_of_any_size_may_be_held_back() -> None:
    with suppress():
        broadcast(AnonymousEvent("large", "x" * 100_000, on="news")).to_everyone()


def test_what_waits_for_a_commit_is_not_sent_by_one_after_the_block() -> None:
    class Transaction:
        def hold(self, held: object) -> bool:
            raise AssertionError("held until after the block")

    with suppress():
        broadcast(ping()).after_commit(Transaction()).to_everyone()


def test_clients_are_answered_as_ever() -> None:
    channels = ChannelRegistry()

    @channels.authorize(UserChannel)
    def own_channel(user: int, user_id: int) -> bool:
        return user == user_id

    broadcaster = Broadcaster(PusherDriver(**CREDENTIALS), channels=channels)
    asked: dict[str, Any] = {"socket_id": "1.2", "channel_name": "private-user.7", "user": 7}
    signed = broadcaster.authorize_channel(**asked)

    with suppress(broadcaster):
        assert broadcaster.authorize_channel(**asked) == signed
        assert broadcaster.needs_socket_id()


# -- within the fake, and around it ------------------------------------------------------------------------------------


def test_the_record_is_of_what_was_outside() -> None:
    mine = Broadcaster(MemoryDriver())

    with fake_broadcasts(mine) as broadcasts:
        broadcast(ping(1)).to_everyone()
        with suppress():
            broadcast(ping(2)).to_everyone()
            mine.broadcast(ping(3)).to_everyone()
        mine.broadcast(ping(4)).to_everyone()

    assert [record.payload["number"] for record in broadcasts.recorded] == [1, 4]


def test_a_fake_inside_records_nothing_before_the_block_ends() -> None:
    with suppress(), fake_broadcasts() as broadcasts:
        broadcast(ping()).to_everyone()

    broadcasts.assert_nothing_broadcast()


def test_the_fake_is_as_strict_as_outside() -> None:
    with fake_broadcasts(), suppress(), pytest.raises(PayloadTooLargeError):
        broadcast(AnonymousEvent("large", "x" * 10_240, on="news")).to_everyone()


def test_a_failure_lists_what_was_held_back() -> None:
    with fake_broadcasts() as broadcasts, suppress():
        broadcast(ping()).to_everyone()
        broadcast(OrderShipped(order_id=1, note="quiet")).to_everyone()

    with pytest.raises(AssertionError) as failed:
        broadcasts.assert_broadcast("ping")
    assert str(failed.value).endswith(
        "asked for and not sent:\n"
        "  - ping: broadcast inside suppress()\n"
        "  - order.shipped: broadcast_when() said no, or it has no channels"
    )


# -- who is concerned --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("faked", [True, False])
def test_every_thread_is_silent_also_one_that_knows_nothing_of_the_block(faked: bool) -> None:
    driver = MemoryDriver()
    configure(Broadcaster(driver))
    go, done = threading.Event(), threading.Event()

    def work() -> None:
        go.wait(10)
        broadcast(ping(1)).to_everyone()
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    if faked:
        with fake_broadcasts() as broadcasts, suppress():
            go.set()
            assert done.wait(10)
        broadcasts.assert_nothing_broadcast()
    else:
        with suppress():
            go.set()
            assert done.wait(10)
    worker.join(10)

    assert driver.messages == []


@pytest.mark.parametrize("faked", [True, False])
def test_blocks_may_be_nested_and_may_end_in_any_order(faked: bool) -> None:
    driver = MemoryDriver()
    mine = Broadcaster(driver)
    configure(mine)
    first, second = suppress(mine), suppress(mine)

    def in_turn() -> None:
        first.__enter__()
        broadcast(ping(1)).to_everyone()
        second.__enter__()
        first.__exit__(None, None, None)
        broadcast(ping(2)).to_everyone()
        with suppress():
            broadcast(ping(3)).to_everyone()
        mine.broadcast(ping(4)).to_everyone()
        second.__exit__(None, None, None)
        broadcast(ping(5)).to_everyone()

    if faked:
        with fake_broadcasts() as broadcasts:
            in_turn()
        assert [record.payload["number"] for record in broadcasts.recorded] == [5]
    else:
        in_turn()
        assert [message.data for message in driver.messages] == ['{"number":5}']


def test_the_block_is_left_whatever_happens_in_it() -> None:
    with fake_broadcasts() as broadcasts:
        with pytest.raises(ZeroDivisionError), suppress():
            raise ZeroDivisionError
        broadcast(ping()).to_everyone()

    broadcasts.assert_broadcast("ping", times=1)


# -- as a decorator ----------------------------------------------------------------------------------------------------


@suppress()
def make_order(number: int, *, quiet: bool = False) -> int:
    """Make an order."""
    broadcast(ping(number)).to_everyone()
    return number


@suppress()
async def make_order_awaited(number: int) -> int:
    await asyncio.sleep(0)
    await aio.broadcast(ping(number)).to_everyone()
    return number


def test_a_function_is_silent_each_time_and_stays_what_it_is() -> None:
    with fake_broadcasts() as broadcasts:
        assert [make_order(1), make_order(2, quiet=True)] == [1, 2]
        broadcast(ping(3)).to_everyone()

    assert [record.payload["number"] for record in broadcasts.recorded] == [3]
    assert make_order.__doc__ == "Make an order."
    assert list(inspect.signature(make_order).parameters) == ["number", "quiet"]


async def test_an_async_function_is_silent_until_it_is_done() -> None:
    assert inspect.iscoroutinefunction(make_order_awaited)

    with fake_broadcasts() as broadcasts:
        assert await asyncio.gather(*map(make_order_awaited, range(5))) == [0, 1, 2, 3, 4]
        await aio.broadcast(ping(9)).to_everyone()

    assert [record.payload["number"] for record in broadcasts.recorded] == [9]


def test_a_generator_is_refused_since_it_would_silence_the_test_itself() -> None:
    def order() -> Iterator[int]:
        yield 1

    async def awaited_order() -> AsyncIterator[int]:
        yield 1

    for fixture in (order, awaited_order):
        with pytest.raises(TypeError, match=r"order yields: .* write `with suppress\(\):` around"):
            suppress()(fixture)
