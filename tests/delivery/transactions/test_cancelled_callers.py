"""A caller that is cancelled after its commit takes nothing along: what was held back is sent, or its loss is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import anyio
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.util import await_only

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, collect
from broadcastkit.core.message import Message
from broadcastkit.delivery.transactions import Held, arelease
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.serviceless import AsyncServiceless
from broadcastkit.errors import ConnectError
from broadcastkit.observability import Drop, Hooks
from tests.delivery.held import SECONDS, AsyncHeld
from tests.delivery.transactions.databases import Database, Order
from tests.delivery.transactions.witness import Witness


class Drops(Hooks):
    def __init__(self) -> None:
        self.seen: list[tuple[tuple[str, ...], str]] = []

    def on_dropped(self, drop: Drop) -> None:
        self.seen.append((drop.events, drop.reason))


class Own:
    """Whatever holds back until the test says that it has committed."""

    def __init__(self) -> None:
        self.held: list[Held] = []

    def hold(self, held: Held) -> bool:
        self.held.append(held)
        return True


async def say(broadcaster: AsyncBroadcaster, name: str, transaction: Any = None) -> None:
    pending = broadcaster.broadcast(AnonymousEvent(name, on="news"))
    await (pending.after_commit(transaction) if transaction else pending).to_everyone()


async def committed(broadcaster: AsyncBroadcaster) -> None:
    own = Own()
    await say(broadcaster, "saved", own)
    await arelease(own.held)


async def collected(broadcaster: AsyncBroadcaster) -> None:
    async with collect():
        await say(broadcaster, "saved")


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


WAYS = pytest.mark.parametrize("way", [committed, collected])
Way = Callable[[AsyncBroadcaster], Coroutine[Any, Any, None]]


@WAYS
async def test_what_waits_behind_another_is_sent_when_its_turn_comes(way: Way) -> None:
    driver, drops = AsyncHeld(), Drops()
    broadcaster = AsyncBroadcaster(driver, hooks=drops)
    first = asyncio.ensure_future(say(broadcaster, "first"))
    await driver.wait_for(1)
    caller = asyncio.ensure_future(way(broadcaster))
    await asyncio.sleep(0)  # to where it waits
    await asyncio.sleep(0)
    await cancelled(caller)
    driver.release()
    await first
    await driver.wait_for(2)

    assert driver.requests == [["first"], ["saved"]]
    driver.release()
    await broadcaster.aclose()
    assert drops.seen == []


@WAYS
async def test_what_is_on_its_way_is_waited_for_before_the_driver_is_closed(way: Way) -> None:
    class Closing(AsyncHeld):
        answered = closed = False

        def answer(self, messages: Sequence[Message]) -> list[Outcome]:
            assert not self.closed
            self.answered = True
            return super().answer(messages)

        async def aclose(self) -> None:
            self.closed = True

    driver = Closing()
    broadcaster = AsyncBroadcaster(driver)
    caller = asyncio.ensure_future(way(broadcaster))
    await driver.wait_for(1)
    await cancelled(caller)
    closing = asyncio.ensure_future(broadcaster.aclose())
    await asyncio.sleep(0)
    assert not driver.closed
    driver.release()
    await asyncio.wait_for(closing, SECONDS)

    assert (driver.answered, driver.closed) == (True, True)


@WAYS
async def test_what_fails_then_is_logged(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    driver = AsyncHeld()
    driver.outcomes["saved"] = ConnectError("nobody there")
    broadcaster = AsyncBroadcaster(driver)
    caller = asyncio.ensure_future(way(broadcaster))
    await driver.wait_for(1)
    await cancelled(caller)
    driver.release()
    await broadcaster.aclose()

    words = "broadcast after commit failed" if way is committed else "broadcast failed"
    assert [record.getMessage() for record in caplog.records] == [f"{words}: nobody there"]


@WAYS
@pytest.mark.parametrize("begun", [True, False])
def test_an_event_loop_that_ends_tells_what_it_takes_along(
    way: Way, begun: bool, caplog: pytest.LogCaptureFixture
) -> None:
    driver, drops = AsyncHeld(), Drops()
    broadcaster = AsyncBroadcaster(driver, hooks=drops)

    async def work() -> None:
        caller = asyncio.ensure_future(way(broadcaster))
        await asyncio.sleep(0)
        if begun:
            await driver.wait_for(1)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:  # as at the end of a program
            task.cancel()
        await asyncio.wait([caller])

    asyncio.run(work())

    assert drops.seen == [(("saved",), "unsent")]
    assert driver.requests == [["saved"]] * begun
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().endswith("failed: the event loop ended while it waited, or was on its way")


async def test_all_senders_of_a_commit_send(caplog: pytest.LogCaptureFixture) -> None:
    drivers = AsyncHeld(), AsyncHeld()
    drivers[0].raises = ValueError("a bug")
    own, witness = Own(), Witness()
    for driver in drivers:
        await say(AsyncBroadcaster(driver), "saved", own)
    blocking = Broadcaster(witness).broadcast(AnonymousEvent("blocking", on="news")).after_commit(own)
    blocking.to_everyone()
    caller = asyncio.ensure_future(arelease(own.held))
    await drivers[0].wait_for(1)
    await cancelled(caller)
    drivers[0].release()
    await drivers[1].wait_for(1)
    drivers[1].release()
    await own.held[1].sender.aclose()  # type: ignore[attr-defined]

    assert witness.events == [["blocking"]]
    assert [record.getMessage() for record in caplog.records] == ["broadcast after commit failed: a bug"]


@WAYS
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_scope_of_anyio_that_is_cancelled(way: Way, anyio_backend: str) -> None:
    entered, go, sent = anyio.Event(), anyio.Event(), list[str]()

    class Slow(AsyncServiceless):
        async def send(self, messages: Sequence[Message]) -> list[Outcome]:
            entered.set()
            await go.wait()
            sent.extend(message.event for message in messages)
            return [Sent(1)] * len(messages)

    broadcaster = AsyncBroadcaster(Slow())
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(way, broadcaster)
            await entered.wait()
            tasks.cancel_scope.cancel()
            go.set()
        with anyio.CancelScope(shield=True):
            await broadcaster.aclose()

    assert sent == ["saved"]


# -- a session ---------------------------------------------------------------------------------------------------------


async def test_a_session_that_has_committed(database: Database) -> None:
    driver = AsyncHeld()
    broadcaster = AsyncBroadcaster(driver)

    async def page() -> None:
        async with AsyncSession(database.awaited_engine) as session:
            session.add(Order(id=1))
            await say(broadcaster, "saved", session)
            await session.commit()

    caller = asyncio.ensure_future(page())
    await driver.wait_for(1)
    await cancelled(caller)
    driver.release_all()
    await broadcaster.aclose()
    rows = await database.awaited_look()
    await database.awaited_engine.dispose()

    assert (rows, driver.requests) == ([1], [["saved"]])


async def test_one_whose_caller_is_cancelled_while_the_connection_is_given_back(database: Database) -> None:
    """SQLAlchemy then says nothing of the end of the transaction."""
    driver, given_back = AsyncHeld(released=True), asyncio.Event()
    broadcaster = AsyncBroadcaster(driver)

    @event.listens_for(database.awaited_engine.sync_engine.pool, "reset")
    def give_back(*_: object) -> None:
        if not given_back.is_set():
            given_back.set()
            await_only(asyncio.Event().wait())

    async def page() -> None:
        async with AsyncSession(database.awaited_engine) as session:
            session.add(Order(id=1))
            await say(broadcaster, "saved", session)
            await session.commit()

    caller = asyncio.ensure_future(page())
    await asyncio.wait_for(given_back.wait(), SECONDS)
    await cancelled(caller)
    await driver.wait_for(1)
    await broadcaster.aclose()
    rows = await database.awaited_look()
    await database.awaited_engine.dispose()

    assert (rows, driver.requests) == ([1], [["saved"]])
