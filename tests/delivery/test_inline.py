"""Inline delivery: alone at once, together in one request, each with an answer of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from broadcastkit.core.message import Message
from broadcastkit.delivery import Inline
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.errors import BadRequestError, ConnectError, ConnectionLostError
from tests.delivery.held import SECONDS, AsyncHeld, Held, message


@pytest.fixture(autouse=True)
def two_leave_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadcastkit.delivery.inline._FREE", 2)


def in_threads(inline: Inline, driver: Held, pool: ThreadPoolExecutor, *events: str) -> list[Future[Sequence[Outcome]]]:
    """Deliver each event from a thread of its own, each queued before the next one starts."""
    futures = []
    for event in events:
        started = threading.Event()

        def work(event: str = event, started: threading.Event = started) -> Sequence[Outcome]:
            started.set()
            return inline.deliver("main", driver, [message(event)])

        futures.append(pool.submit(work))
        assert started.wait(SECONDS)
    return futures


# -- threads -----------------------------------------------------------------------------------------------------------


def test_threads_that_come_together_share_the_next_request() -> None:
    inline, driver = Inline(), Held()
    with ThreadPoolExecutor(12) as pool:
        first = in_threads(inline, driver, pool, "a", "b")
        driver.wait_for(2)
        rest = in_threads(inline, driver, pool, "c", "d", "e")
        wait_until(lambda: waiting(inline, driver) == 3)
        driver.release(2)
        driver.wait_for(3)
        driver.release()
        outcomes = [future.result(SECONDS) for future in first + rest]
    assert all(isinstance(outcome, Sent) for (outcome,) in outcomes)
    assert sorted(map(sorted, driver.requests)) == [["a"], ["b"], ["c", "d", "e"]]


def waiting(inline: Inline, driver: object) -> int:
    return sum(len(line._batcher) for key, line in inline._lines.items() if key[1] == id(driver))


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do; there is nothing to be told by."""
    for _ in range(10_000):
        if condition():
            return
        threading.Event().wait(0.001)
    raise AssertionError("it never came to that")


def test_each_thread_gets_its_own_error() -> None:
    inline, driver = Inline(), Held()
    refused = BadRequestError("no")
    driver.outcomes["d"] = refused
    with ThreadPoolExecutor(12) as pool:
        in_threads(inline, driver, pool, "a", "b")
        driver.wait_for(2)
        good, bad = in_threads(inline, driver, pool, "c", "d")
        wait_until(lambda: waiting(inline, driver) == 2)
        driver.release(3)
        assert isinstance(good.result(SECONDS)[0], Sent)
        assert isinstance(bad.result(SECONDS)[0], BadRequestError)


def test_what_the_driver_raises_reaches_every_thread() -> None:
    inline, driver = Inline(), Held()
    driver.raises = ConnectError("nobody there")
    with ThreadPoolExecutor(12) as pool:
        futures = in_threads(inline, driver, pool, "a", "b")
        driver.wait_for(2)
        futures += in_threads(inline, driver, pool, "c", "d")
        wait_until(lambda: waiting(inline, driver) == 2)
        driver.release(3)
        raised = [future.exception(SECONDS) for future in futures]
    assert [type(error) for error in raised] == [ConnectError] * 4
    assert len({id(error) for error in raised[2:]}) == 2


def test_a_sender_that_is_interrupted_leaves_the_others_with_an_error_and_the_line_usable() -> None:
    inline, driver = Inline(), Held()
    with ThreadPoolExecutor(12) as pool:
        first = in_threads(inline, driver, pool, "a", "b")
        driver.wait_for(2)
        futures = in_threads(inline, driver, pool, "c", "d")
        wait_until(lambda: waiting(inline, driver) == 2)
        driver.release(2)
        driver.wait_for(3)
        assert [future.result(SECONDS) for future in first] == [[Sent(1)], [Sent(1)]]
        driver.raises = KeyboardInterrupt()  # type: ignore[assignment]
        driver.release()
        raised = [future.exception(SECONDS) for future in futures]
        driver.raises = None
        driver.release()
        assert isinstance(inline.deliver("main", driver, [message("e")])[0], Sent)
    assert {type(error) for error in raised} == {KeyboardInterrupt, ConnectionLostError}


def test_after_a_fork_the_child_waits_for_nobody_of_its_parent() -> None:
    inline, driver = Inline(), Held()
    with ThreadPoolExecutor(4) as pool:
        futures = in_threads(inline, driver, pool, "a", "b", "c")
        driver.wait_for(2)
        wait_until(lambda: waiting(inline, driver) == 1)
        child = Held(released=True)
        inline.deliver("main", child, [message("before")])
        pid = os.fork()
        if not pid:
            sent = inline.deliver("main", child, [message("c")])
            os._exit(0 if isinstance(sent[0], Sent) and child.requests[1:] == [["c"]] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        driver.release(3)
        assert all(isinstance(future.result(SECONDS)[0], Sent) for future in futures)


ODD: dict[str, Callable[[list[Outcome]], Any]] = {
    "a generator": iter,
    "one too few": lambda said: said[1:],
    "nothing": lambda said: None,
}


class OddHeld(Held):
    """Returns what no driver should."""

    answers: Any = None

    def answer(self, messages: Sequence[Message]) -> Any:
        return self.answers(super().answer(messages))


@pytest.mark.parametrize("what", ODD)
def test_each_thread_is_told_that_a_driver_answers_wrongly(what: str) -> None:
    inline, driver = Inline(), OddHeld()
    driver.answers = staticmethod(ODD[what])
    with ThreadPoolExecutor(12) as pool:
        futures = in_threads(inline, driver, pool, "a", "b")
        driver.wait_for(2)
        futures += in_threads(inline, driver, pool, "c", "d", "e")
        wait_until(lambda: waiting(inline, driver) == 3)
        driver.release(3)
        said = [future.exception(SECONDS) for future in futures]
    assert all(isinstance(one, TypeError) and "OddHeld" in str(one) for one in said), said


class Interrupted(BaseException):
    pass


class Interrupting:
    """A lock that interrupts who lets go of it: Ctrl-C, or a task's time limit, at the worst moment."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self.armed = True

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        if self.armed:
            self.armed = False
            raise Interrupted


def test_a_caller_that_is_interrupted_before_it_sends_keeps_nobody_waiting() -> None:
    inline, driver = Inline(), Held(released=True)
    inline.deliver("main", driver, [message("first", "room")])
    (line,) = inline._lines.values()
    line._lock = Interrupting(line._lock)  # type: ignore[assignment]
    with pytest.raises(Interrupted):
        inline.deliver("main", driver, [message("interrupted", "room")])
    with ThreadPoolExecutor(1) as pool:
        next_one = pool.submit(inline.deliver, "main", driver, [message("next", "room")])
        assert next_one.result(SECONDS) == [Sent(1)]
    assert driver.requests == [["first"], ["next"]]


# -- tasks -------------------------------------------------------------------------------------------------------------


async def delivered(inline: Inline, driver: AsyncHeld, sent: Message) -> Sequence[Outcome]:
    return await inline.adeliver("main", driver, [sent])


def start(
    inline: Inline, driver: AsyncHeld, *events: str, channel: str | None = None
) -> list[asyncio.Task[Sequence[Outcome]]]:
    return [asyncio.create_task(delivered(inline, driver, message(event, channel or event))) for event in events]


async def test_tasks_that_come_together_share_the_next_request() -> None:
    inline, driver = Inline(), AsyncHeld()
    tasks = start(inline, driver, "a", "b", "c", "d", "e")
    await driver.wait_for(2)
    driver.release(2)
    outcomes = await asyncio.gather(*tasks)
    assert driver.requests == [["a"], ["b", "c", "d", "e"]]
    assert all(isinstance(outcome, Sent) for (outcome,) in outcomes)


async def test_a_task_that_comes_later_waits_for_no_answer_to_another_one() -> None:
    inline, driver = Inline(), AsyncHeld()
    tasks = []
    for count, event in enumerate("abcdefgh", start=1):
        tasks += start(inline, driver, event)
        await driver.wait_for(count)
    tasks += start(inline, driver, "i", "j")
    await asyncio.sleep(0)
    driver.release(1)
    await driver.wait_for(9)
    driver.release_all()
    await asyncio.gather(*tasks)
    assert driver.requests == [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"], ["h"], ["i", "j"]]


async def test_order_is_kept_for_tasks_of_one_channel() -> None:
    inline, driver = Inline(), AsyncHeld(released=True)
    events = [f"e{number}" for number in range(60)]
    await asyncio.gather(*[inline.adeliver("main", driver, [message(event, "room")]) for event in events])
    assert [event for request in driver.requests for event in request] == events
    assert len(driver.requests) < 10


async def test_fifty_tasks_take_few_requests_at_a_time() -> None:
    inline, driver = Inline(), AsyncHeld()
    tasks = start(inline, driver, *[f"e{number}" for number in range(50)])
    await driver.wait_for(6)
    assert [len(request) for request in driver.requests] == [1, 10, 10, 10, 10, 9]
    driver.release_all()
    await asyncio.gather(*tasks)
    assert sum(map(len, driver.requests)) == 50


async def test_a_caller_that_is_cancelled_while_waiting_sends_nothing() -> None:
    inline, driver = Inline(), AsyncHeld()
    *others, cancelled = start(inline, driver, "a", "b", "c", channel="room")
    await driver.wait_for(1)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    driver.release_all()
    await asyncio.gather(*others)
    assert driver.requests == [["a"], ["b"]]


async def test_callers_that_are_cancelled_while_waiting_leave_their_places_to_others() -> None:
    inline, driver = Inline(), AsyncHeld()
    first, *waiting = start(inline, driver, *"abcdefghijklmnop", channel="room")
    await driver.wait_for(1)
    cancelled = waiting[1:-1:2]
    for caller in cancelled:
        caller.cancel()
    assert all(
        isinstance(said, asyncio.CancelledError) for said in await asyncio.gather(*cancelled, return_exceptions=True)
    )
    driver.release_all()
    await asyncio.gather(first, *(caller for caller in waiting if caller not in cancelled))
    assert driver.requests == [["a"], [*"bdfhjlnp"]]


async def test_nothing_is_asked_for_where_all_who_wait_were_cancelled() -> None:
    inline, driver = Inline(), AsyncHeld()
    first, *waiting = start(inline, driver, *"abcdefghijklmnop", channel="room")
    await driver.wait_for(1)
    for caller in waiting:
        caller.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    driver.release_all()
    await first
    await asyncio.wait_for(start(inline, driver, "next", channel="room")[0], SECONDS)
    assert driver.requests == [["a"], ["next"]]


async def test_one_that_is_cancelled_in_the_turn_that_fills_a_request_sends_nothing() -> None:
    inline, driver = Inline(), AsyncHeld()
    (first,) = start(inline, driver, "first")
    await driver.wait_for(1)
    waiting = start(inline, driver, *"abcdefghi")
    asyncio.get_running_loop().call_soon(waiting[2].cancel)
    waiting += start(inline, driver, "j")
    await driver.wait_for(2)
    driver.release_all()
    await asyncio.gather(first, *waiting, return_exceptions=True)
    assert driver.requests == [["first"], [*"abdefghij"]]


async def test_many_who_wait_for_one_channel_keep_nobody_on_another_from_leaving() -> None:
    inline, driver = Inline(), AsyncHeld()
    slow = start(inline, driver, *(f"s{number}" for number in range(500)), channel="slow")
    await driver.wait_for(1)
    (fast,) = start(inline, driver, "fast")
    await driver.wait_for(2)
    assert driver.requests[1] == ["fast"]
    driver.release_all()
    await asyncio.gather(fast, *slow)
    assert [event for request in driver.requests[2:] for event in request] == [f"s{number}" for number in range(1, 500)]


class Odd(AsyncHeld):
    """Returns what no driver should."""

    answers: Any = None

    def answer(self, messages: Sequence[Message]) -> Any:
        return self.answers(super().answer(messages))


@pytest.mark.parametrize("what", ODD)
async def test_each_task_is_told_that_a_driver_answers_wrongly(what: str) -> None:
    inline, driver = Inline(), Odd()
    driver.answers = staticmethod(ODD[what])
    tasks = start(inline, driver, "a", "b", "c")
    await driver.wait_for(2)
    driver.release_all()
    for said in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(said, TypeError)
        assert "Odd" in str(said)


async def test_a_caller_that_is_cancelled_on_the_way_is_no_concern_of_the_others() -> None:
    inline, driver = Inline(), AsyncHeld()
    first, cancelled, other = start(inline, driver, "a", "b", "c")
    await driver.wait_for(2)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    driver.release_all()
    assert isinstance((await other)[0], Sent)
    await first
    assert driver.requests == [["a"], ["b", "c"]]


async def test_a_lone_sender_that_is_cancelled_lets_the_next_ones_go() -> None:
    inline, driver = Inline(), AsyncHeld()
    first, *rest = start(inline, driver, "a", "b", "c", channel="room")
    await driver.wait_for(1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await driver.wait_for(2)
    driver.release_all()
    await asyncio.gather(*rest)
    assert driver.requests == [["a"], ["b", "c"]]


async def test_each_task_gets_its_own_error() -> None:
    inline, driver = Inline(), AsyncHeld()
    driver.outcomes["d"] = BadRequestError("no")
    tasks = start(inline, driver, "a", "b", "c", "d")
    await driver.wait_for(2)
    driver.release_all()
    outcomes = await asyncio.gather(*tasks)
    assert [type(outcome) for (outcome,) in outcomes] == [Sent, Sent, Sent, BadRequestError]


async def test_what_the_driver_raises_reaches_every_task() -> None:
    inline, driver = Inline(), AsyncHeld()
    driver.raises = ConnectError("nobody there")
    tasks = start(inline, driver, "a", "b", "c", "d")
    await driver.wait_for(2)
    driver.release_all()
    raised = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in raised] == [ConnectError] * 4
    assert len({id(error) for error in raised[2:]}) == 2


def test_every_event_loop_has_a_line_of_its_own() -> None:
    inline, driver = Inline(), AsyncHeld(released=True)
    for _ in range(2):
        outcomes = asyncio.run(delivered(inline, driver, message("a")))
        assert isinstance(outcomes[0], Sent)
    assert driver.requests == [["a"], ["a"]]


def test_a_loop_that_ends_leaves_nothing_behind() -> None:
    inline, driver = Inline(), AsyncHeld()

    async def leave() -> None:
        start(inline, driver, "a", "b", "c")
        await driver.wait_for(2)

    asyncio.run(leave())
    driver.release_all()
    assert isinstance(asyncio.run(delivered(inline, driver, message("d")))[0], Sent)


async def test_where_requests_cannot_be_shared_callers_of_one_channel_still_go_in_order() -> None:
    inline, driver = Inline(), AsyncHeld()
    driver.batch_limit = 1
    tasks = [
        asyncio.create_task(delivered(inline, driver, message(event, channel)))
        for event, channel in (("a", "room"), ("b", "room"), ("c", "other"))
    ]
    await driver.wait_for(2)
    assert driver.requests == [["a"], ["c"]]
    driver.release_all()
    await asyncio.gather(*tasks)
    assert driver.requests == [["a"], ["c"], ["b"]]
