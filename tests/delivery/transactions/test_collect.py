"""`collect()`: what is broadcast inside waits for the end of the block, in both colours."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, collect
from broadcastkit.errors import BroadcastError, ConfigurationError, ConnectError, InvalidPayloadError
from tests.delivery.transactions.witness import AsyncWitness, Witness


class BoomError(Exception):
    pass


def event(name: str) -> AnonymousEvent:
    return AnonymousEvent(name, on="news")


class Blocks:
    """The same words for both colours; each test is a coroutine that awaits nothing in the blocking one."""

    def __init__(self, colour: str, **options: Any) -> None:
        self.colour = colour
        self.options = options
        self.witness, self.broadcaster = self.another()

    def another(self) -> tuple[Any, Any]:
        if self.colour == "sync":
            witness = Witness()
            return witness, Broadcaster(witness, **self.options)
        awaited = AsyncWitness()
        return awaited, AsyncBroadcaster(awaited, **self.options)

    async def say(self, *names: str, broadcaster: Any = None) -> Any:
        pending = (broadcaster or self.broadcaster).broadcast_many([event(name) for name in names]).to_everyone()
        return pending if self.colour == "sync" else await pending

    async def send(self, event: AnonymousEvent) -> None:
        pending = self.broadcaster.broadcast(event).to_everyone()
        if self.colour == "async":
            await pending

    @asynccontextmanager
    async def block(self) -> AsyncIterator[None]:
        if self.colour == "sync":
            with collect():
                yield
        else:
            async with collect():
                yield


Make = Callable[..., Blocks]


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Make:
    return lambda **options: Blocks(request.param, **options)


async def test_what_is_broadcast_inside_is_sent_at_the_end_in_order_and_in_one_request(make: Make) -> None:
    blocks = make()

    async with blocks.block():
        receipts = await blocks.say("one"), await blocks.say("two", "three")
        before = list(blocks.witness.seen)

    assert before == []
    assert blocks.witness.events == [["one", "two", "three"]]
    assert [(receipt.queued, receipt.delivered) for (receipt, *_) in receipts] == [(True, False)] * 2


async def test_what_is_broadcast_after_it_is_sent_at_once(make: Make) -> None:
    blocks = make()

    async with blocks.block():
        await blocks.say("one")
    (receipt,) = await blocks.say("two")

    assert receipt.delivered
    assert blocks.witness.events == [["one"], ["two"]]


@pytest.mark.parametrize("error", [BoomError, asyncio.CancelledError, KeyboardInterrupt])
async def test_a_block_that_raises_sends_nothing(make: Make, error: type[BaseException]) -> None:
    blocks = make()

    async def work() -> None:
        async with blocks.block():
            await blocks.say("one")
            raise error

    with pytest.raises(error):
        await work()
    await blocks.say("two")
    assert blocks.witness.events == [["two"]]


async def test_an_inner_block_hands_over_to_the_outer_one(make: Make) -> None:
    blocks = make()

    async with blocks.block():
        await blocks.say("one")
        async with blocks.block():
            await blocks.say("two")
            async with blocks.block():
                await blocks.say("three")
        before = list(blocks.witness.seen)
        await blocks.say("four")

    assert before == []
    assert blocks.witness.events == [["one", "two", "three", "four"]]


async def test_an_inner_block_that_raises_drops_what_is_its_own(make: Make) -> None:
    blocks = make()

    async def inner() -> None:
        async with blocks.block():
            async with blocks.block():
                await blocks.say("two")
            await blocks.say("three")
            raise BoomError

    async with blocks.block():
        await blocks.say("one")
        with pytest.raises(BoomError):
            await inner()
        await blocks.say("four")

    assert blocks.witness.events == [["one", "four"]]


async def test_an_outer_block_that_raises_drops_what_an_inner_one_handed_over(make: Make) -> None:
    blocks = make()

    async def work() -> None:
        async with blocks.block():
            async with blocks.block():
                await blocks.say("one")
            raise BoomError

    with pytest.raises(BoomError):
        await work()

    assert blocks.witness.events == []


async def test_an_empty_block_sends_nothing(make: Make) -> None:
    blocks = make()

    async with blocks.block():
        pass

    assert blocks.witness.events == []


async def test_several_broadcasters_send_each_their_own(make: Make) -> None:
    blocks = make()
    witness, other = blocks.another()

    async with blocks.block():
        await blocks.say("one")
        await blocks.say("two", broadcaster=other)
        await blocks.say("three")

    assert (blocks.witness.events, witness.events) == ([["one", "three"]], [["two"]])


async def test_one_that_fails_does_not_keep_the_others_from_being_sent(make: Make) -> None:
    blocks = make()
    witness, other = blocks.another()
    first, second = ConnectError("the first"), ConnectError("the second")
    blocks.witness.answers = {"two": first}
    witness.answers = {"four": second}

    async def work() -> None:
        async with blocks.block():
            await blocks.say("one")
            await blocks.say("two")
            await blocks.say("three")
            await blocks.say("four", broadcaster=other)

    with pytest.raises(ConnectError) as caught:
        await work()

    assert caught.value is first
    assert (blocks.witness.events, witness.events) == ([["one", "two", "three"]], [["four"]])


async def test_the_receipts_of_a_failed_request_say_what_became_of_each_of_its_events(make: Make) -> None:
    blocks = make()
    blocks.witness.answers = {"two": ConnectError("no")}

    async def work() -> None:
        async with blocks.block():
            await blocks.say("one")
            await blocks.say("two", "three")

    with pytest.raises(ConnectError) as caught:
        await work()

    assert [(receipt.event, receipt.delivered) for receipt in caught.value.receipts] == [
        ("two", False),
        ("three", True),
    ]


async def test_the_error_policy_is_the_broadcasters(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BroadcastError] = []
    for blocks in (make(on_error=errors.append), make(on_error="report")):
        blocks.witness.answers = {"one": ConnectError("no")}
        async with blocks.block():
            await blocks.say("one")

    assert [str(error) for error in errors] == ["no"]
    assert [(record.levelno, record.message) for record in caplog.records] == [(logging.ERROR, "broadcast failed: no")]


async def test_what_cannot_be_rendered_fails_where_it_is_broadcast(make: Make) -> None:
    blocks = make()

    async with blocks.block():
        await blocks.say("one")
        with pytest.raises(InvalidPayloadError):
            await blocks.send(AnonymousEvent("two", object(), on="news"))

    assert blocks.witness.events == [["one"]]


async def test_payloads_are_those_of_the_time_of_the_broadcast(make: Make) -> None:
    blocks = make()
    payload = {"number": 1}

    async with blocks.block():
        await blocks.send(AnonymousEvent("one", payload, on="news"))
        payload["number"] = 2

    assert [message.data for message in blocks.witness.messages] == ['{"number":1}']


async def test_a_connection_that_is_not_there_fails_where_it_is_named(make: Make) -> None:
    blocks = make()

    async with blocks.block():
        with pytest.raises(ConfigurationError, match="no connection 'nowhere'"):
            await blocks.send(AnonymousEvent("one", on="news", via="nowhere"))


def test_a_block_is_used_once() -> None:
    block = collect()

    with block, pytest.raises(RuntimeError, match="make one for each block"):
        block.__enter__()
    with pytest.raises(RuntimeError, match="make one for each block"):
        block.__enter__()


# -- tasks and threads -------------------------------------------------------------------------------------------------


async def test_tasks_of_the_block_are_inside_it_and_others_are_not() -> None:
    blocks = Blocks("async")
    go = asyncio.Event()

    async def other() -> None:
        await go.wait()
        await blocks.say("other")

    outside = asyncio.create_task(other())
    async with collect():
        await asyncio.gather(blocks.say("one"), blocks.say("two"))
        go.set()
        await outside
        before = blocks.witness.events.copy()

    assert before == [["other"]]
    assert blocks.witness.events == [["other"], ["one", "two"]]


async def test_a_task_that_outlives_the_block_sends_at_once() -> None:
    blocks = Blocks("async")
    go = asyncio.Event()

    async def late() -> Any:
        await go.wait()
        return await blocks.say("late")

    async with collect():
        task = asyncio.create_task(late())
    go.set()
    (receipt,) = await task

    assert receipt.delivered
    assert blocks.witness.events == [["late"]]


async def test_one_that_outlives_an_inner_block_is_still_in_the_outer_one() -> None:
    blocks = Blocks("async")
    go = asyncio.Event()

    async def late() -> None:
        async with collect():
            await go.wait()
            await blocks.say("late")

    async with collect():
        async with collect():
            task = asyncio.create_task(late())
        go.set()
        await task
        before = blocks.witness.events.copy()

    assert before == []
    assert blocks.witness.events == [["late"]]


async def test_a_block_of_a_task_that_outlives_the_outer_one_sends_by_itself() -> None:
    blocks = Blocks("async")
    go = asyncio.Event()

    async def late() -> None:
        async with collect():
            await go.wait()
            await blocks.say("late")

    async with collect():
        task = asyncio.create_task(late())
        await asyncio.sleep(0)
    go.set()
    await task

    assert blocks.witness.events == [["late"]]


async def test_worker_threads_of_the_block_are_inside_it() -> None:
    blocks = Blocks("sync")
    with collect():
        await asyncio.to_thread(blocks.broadcaster.broadcast(event("one")).to_everyone)
        before = blocks.witness.events.copy()

    assert before == []
    assert blocks.witness.events == [["one"]]


def test_another_thread_is_not_inside() -> None:
    blocks = Blocks("sync")

    with collect(), ThreadPoolExecutor(1) as pool:
        receipt = pool.submit(blocks.broadcaster.broadcast(event("one")).to_everyone).result()

    assert receipt.delivered


def test_none_is_lost_between_threads_that_broadcast_and_the_end_of_the_block() -> None:
    blocks = Blocks("sync")
    count, workers = 200, 4
    started = threading.Barrier(workers + 1)
    context: list[contextvars.Context] = []

    def work(worker: int) -> None:
        started.wait(10)
        for number in range(count):
            blocks.broadcaster.broadcast(event(f"{worker}.{number}")).to_everyone()

    with ThreadPoolExecutor(workers) as pool:
        with collect():
            context = [contextvars.copy_context() for _ in range(workers)]
            done = [pool.submit(context[worker].run, work, worker) for worker in range(workers)]
            started.wait(10)
        for future in done:
            future.result(10)

    sent = [name for events in blocks.witness.events for name in events]
    assert sorted(sent) == sorted(f"{worker}.{number}" for worker in range(workers) for number in range(count))


# -- both colours in one block -----------------------------------------------------------------------------------------


async def test_an_awaited_broadcast_needs_a_block_that_can_await() -> None:
    blocks = Blocks("async")

    with pytest.raises(ConfigurationError, match=r"needs `async with collect\(\):`"), collect():
        await blocks.say("one")

    assert blocks.witness.events == []


async def test_and_so_does_every_block_around_it() -> None:
    blocks = Blocks("async")

    with collect():
        async with collect():
            with pytest.raises(ConfigurationError, match=r"of every block around it"):
                await blocks.say("one")

    assert blocks.witness.events == []


async def test_but_for_one_that_has_ended() -> None:
    blocks = Blocks("async")
    go = asyncio.Event()

    async def late() -> None:
        await go.wait()
        async with collect():
            await blocks.say("late")

    with collect():
        task = asyncio.create_task(late())
    go.set()
    await task

    assert blocks.witness.events == [["late"]]


@pytest.mark.filterwarnings("ignore::broadcastkit.errors.SyncInEventLoopWarning")
async def test_a_block_that_can_await_takes_both_colours() -> None:
    blocking, awaited = Blocks("sync"), Blocks("async")

    async with collect():
        await blocking.say("one")
        await awaited.say("two")

    assert (blocking.witness.events, awaited.witness.events) == ([["one"]], [["two"]])


# -- generators --------------------------------------------------------------------------------------------------------


def test_a_block_that_is_left_in_another_context_than_it_was_entered_in_sends_all_the_same() -> None:
    """As a framework does that runs both halves of a `yield` dependency in worker threads."""
    blocks = Blocks("sync")

    @contextmanager
    def dependency() -> Iterator[None]:
        with collect():
            blocks.broadcaster.broadcast(event("one")).to_everyone()
            yield

    block = dependency()
    contextvars.copy_context().run(block.__enter__)
    before = blocks.witness.events.copy()
    contextvars.copy_context().run(block.__exit__, None, None, None)

    assert (before, blocks.witness.events) == ([], [["one"]])
