"""Background delivery: at once for the caller, in order, bounded, and nothing forgotten."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.delivery import Background, Queued, Statistics
from broadcastkit.errors import (
    BadRequestError,
    ConfigurationError,
    ConnectError,
    NoReplyError,
    NotSentError,
    QueueFullError,
    RateLimitedError,
)
from tests.delivery.held import SECONDS, AsyncHeld, Held, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcastkit.core.message import Message
from broadcastkit.delivery.outcomes import WrongOutcomesError
from broadcastkit.drivers.base import Outcome

Failure = tuple[str, str, type[Exception]]


class Failures:
    """A failure hook that remembers."""

    def __init__(self) -> None:
        self.told: list[Failure] = []

    def __call__(self, connection: str, message: Message, error: Exception) -> None:
        self.told.append((connection, message.event, type(error)))


def sent(driver: Held | AsyncHeld) -> list[str]:
    return [event for request in driver.requests for event in request]


# -- threads -----------------------------------------------------------------------------------------------------------


def test_the_caller_goes_on_and_the_receipt_says_queued() -> None:
    background, driver = Background(), Held()
    broadcaster = Broadcaster(driver, delivery=background)
    outcomes = background.deliver("default", driver, [message("a"), message("b")])
    assert outcomes == [Queued(), Queued()]
    assert background.statistics() == Statistics(waiting=2)
    driver.release(2)
    broadcaster.close()
    assert background.statistics() == Statistics(sent=2)


def test_what_waits_shares_requests_and_keeps_the_order() -> None:
    background, driver = Background(), Held()
    background.deliver("main", driver, [message("first", "room")])
    driver.wait_for(1)
    for number in range(25):
        background.deliver("main", driver, [message(f"e{number}", "room")])
    driver.release(4)
    assert background.flush(SECONDS)
    assert [len(request) for request in driver.requests] == [1, 10, 10, 5]
    assert sent(driver) == ["first", *(f"e{number}" for number in range(25))]
    background.close()


def test_other_channels_need_not_wait_for_a_slow_one() -> None:
    background, driver = Background(), Held()
    background.deliver("main", driver, [message("slow", "slow")])
    driver.wait_for(1)
    background.deliver("main", driver, [message(f"e{number}") for number in range(10)])
    driver.wait_for(2)
    assert len(driver.requests[1]) == 10
    driver.release(2)
    background.close()


def test_with_refuse_a_full_queue_raises_and_takes_nothing() -> None:
    background, driver = Background(size=2, overflow="refuse"), Held()
    background.deliver("main", driver, [message("leaving")])
    driver.wait_for(1)
    background.deliver("main", driver, [message("a")])
    with pytest.raises(QueueFullError, match="1 messages wait for the connection 'main', and 2 may"):
        background.deliver("main", driver, [message("b"), message("c")])
    driver.release(2)
    background.close()
    assert sent(driver) == ["leaving", "a"]
    assert background.statistics() == Statistics(sent=2)


def test_with_drop_oldest_the_newest_are_kept_and_the_hook_is_told() -> None:
    failures = Failures()
    background, driver = Background(size=2, overflow="drop_oldest", on_failed=failures), Held()
    background.deliver("main", driver, [message("leaving")])
    driver.wait_for(1)
    for event in "abcd":
        background.deliver("main", driver, [message(event)])
    driver.release(2)
    background.close()
    assert sent(driver) == ["leaving", "c", "d"]
    assert failures.told == [("main", "a", QueueFullError), ("main", "b", QueueFullError)]
    assert background.statistics() == Statistics(sent=3, dropped=2)


def test_with_wait_the_caller_waits_for_room() -> None:
    background, driver = Background(size=1), Held()
    background.deliver("main", driver, [message("leaving", "room")])
    driver.wait_for(1)
    background.deliver("main", driver, [message("a", "room")])
    came = threading.Event()

    def third() -> None:
        background.deliver("main", driver, [message("b", "room")])
        came.set()

    thread = threading.Thread(target=third)
    thread.start()
    assert not came.wait(0.05)
    driver.release(3)
    assert came.wait(SECONDS)
    thread.join(SECONDS)
    background.close()
    assert sent(driver) == ["leaving", "a", "b"]


def test_more_than_the_queue_holds_is_taken_when_it_is_empty() -> None:
    background, driver = Background(size=3, overflow="refuse"), Held(released=True)
    background.deliver("main", driver, [message(f"e{number}") for number in range(8)])
    background.close()
    assert len(sent(driver)) == 8


def test_what_the_service_cannot_take_for_the_moment_is_tried_again_in_order() -> None:
    failures = Failures()
    background, driver = Background(on_failed=failures), Held()
    driver.once["a"] = driver.once["b"] = RateLimitedError("slow down", status=429, retry_after=0.01)
    background.deliver("main", driver, [message("a", "room"), message("b", "room"), message("c", "other")])
    driver.release(2)
    assert background.flush(SECONDS)
    assert driver.requests[0] == ["a", "b", "c"]
    assert driver.requests[1] == ["a", "b"]
    assert failures.told == []
    assert background.statistics() == Statistics(sent=3)
    background.close()


def test_patience_ends_and_what_can_never_be_sent_fails_at_once() -> None:
    failures = Failures()
    background, driver = Background(patience=0, on_failed=failures), Held(released=True)
    driver.outcomes |= {"a": ConnectError("nobody there"), "b": BadRequestError("no", status=400)}
    background.deliver("main", driver, [message("a"), message("b"), message("c")])
    background.close()
    assert failures.told == [("main", "a", ConnectError), ("main", "b", BadRequestError)]
    assert background.statistics() == Statistics(sent=1, failed=2)


def test_channels_that_were_served_are_not_served_again() -> None:
    background, driver = Background(), Held()
    seen: list[tuple[str, ...]] = []
    send = driver.send

    def watched(messages: Any) -> Any:
        seen.extend(one.channels for one in messages)
        return send(messages)

    driver.send = watched  # type: ignore[method-assign]
    driver.once["a"] = RateLimitedError("slow down", status=429, retry_after=0.01, delivered=("x",))
    background.deliver("main", driver, [message("a", "x", "y")])
    driver.release(2)
    background.close()
    assert seen == [("x", "y"), ("y",)]


def test_a_bug_of_the_driver_fails_the_messages_and_not_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    background, driver = Background(), Held(released=True)
    driver.raises = ZeroDivisionError("a bug")
    with caplog.at_level(logging.ERROR, "broadcastkit.delivery"):
        background.deliver("main", driver, [message("a"), message("b")])
        assert background.flush(SECONDS)
        driver.raises = None
        background.deliver("main", driver, [message("c")])
        background.close()
    assert [record.getMessage() for record in caplog.records] == [
        "2 message(s) to 'main' failed; 'a': its text is left out, since it may quote a payload"
    ]
    assert background.statistics() == Statistics(sent=1, failed=2)


def test_a_hook_that_fails_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def hook(connection: str, message: Message, error: Exception) -> None:
        raise LookupError("the hook's own")

    background, driver = Background(patience=0, on_failed=hook), Held(released=True)
    driver.outcomes["a"] = ConnectError("nobody there")
    background.deliver("main", driver, [message("a")])
    assert background.flush(SECONDS)
    background.deliver("main", driver, [message("b")])
    background.close()
    assert sent(driver) == ["a", "b"]
    assert [record.getMessage() for record in caplog.records] == ["on_failed failed"]


def test_closing_gives_up_when_time_is_up_and_reports() -> None:
    failures = Failures()
    background, driver = Background(drain=0.01, on_failed=failures), Held()
    background.deliver("main", driver, [message("stuck", "room")])
    driver.wait_for(1)
    background.deliver("main", driver, [message("late", "room")])
    background.close()
    assert failures.told == [("main", "late", NotSentError), ("main", "stuck", NoReplyError)]
    driver.release()  # what becomes of it now is told to nobody
    background.deliver("main", driver, [message("after", "room")])
    driver.release()
    assert background.flush(SECONDS)
    assert background.statistics() == Statistics(sent=1, dropped=2)
    assert len(failures.told) == 2
    background.close()


def test_it_may_be_used_again_after_closing() -> None:
    background, driver = Background(), Held(released=True)
    for event in "ab":
        background.deliver("main", driver, [message(event)])
        background.close()
    assert sent(driver) == ["a", "b"]


def test_its_threads_end_with_it() -> None:
    background, driver = Background(), Held(released=True)
    background.deliver("main", driver, [message("a")])
    assert background.flush(SECONDS)
    (thread,) = (one for one in threading.enumerate() if one.name == "broadcastkit")
    del background
    gc.collect()
    thread.join(SECONDS)
    assert not thread.is_alive()


def test_a_fork_sends_nothing_twice_and_works_in_the_child() -> None:
    background, driver = Background(), Held()
    background.deliver("main", driver, [message("parent's", "room"), message("parent's too", "room")])
    driver.wait_for(1)
    pid = os.fork()
    if not pid:
        mine = Held(released=True)
        background.deliver("main", mine, [message("child's")])
        fine = background.flush(SECONDS) and background.statistics() == Statistics(sent=1)
        os._exit(0 if fine and len(driver.requests) == 1 and mine.requests == [["child's"]] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    driver.release(2)
    background.close()
    assert sent(driver) == ["parent's", "parent's too"]


AT_EXIT = """
import sys, time
from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.delivery import Background
from broadcastkit.drivers.base import Sent
from broadcastkit.drivers.serviceless import Serviceless

class Slow(Serviceless):
    batch_limit = 1
    def send(self, messages):
        time.sleep(0.02)
        print(messages[0].event, flush=True)
        return [Sent(1)]

broadcaster = Broadcaster(Slow(), delivery=Background())
for number in range(5):
    broadcaster.broadcast(AnonymousEvent(f"e{number}", on="news")).to_everyone()
"""


def test_what_waits_when_the_process_ends_is_sent() -> None:
    done = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.split() == ["e0", "e1", "e2", "e3", "e4"], done.stderr


def test_so_it_is_when_a_child_of_multiprocessing_ends() -> None:
    # such a child ends without atexit
    program = AT_EXIT.replace("for number", "def main():\n  for number").replace(
        "    broadcaster.", "      broadcaster."
    )
    program += """
import multiprocessing
child = multiprocessing.get_context("fork").Process(target=main)
child.start()
child.join()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.split() == ["e0", "e1", "e2", "e3", "e4"], done.stderr


IMPORTS = """
import sys
from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.delivery import Background
from broadcastkit.drivers.pusher import PusherDriver

driver = PusherDriver.from_url(f"{sys.argv[1]}://key:secret@127.0.0.1:9/apps/1")
broadcaster = Broadcaster(driver, delivery=Background(patience=0, on_failed=lambda *_: None))
before = set(sys.modules)
broadcaster.broadcast(AnonymousEvent("ping", on="news")).to_everyone()
broadcaster.close()
print(*sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_its_threads_import_nothing_since_somebody_may_fork_meanwhile(scheme: str) -> None:
    # a child has half of what its parent was importing, or waits for ever for the lock of it
    program = [sys.executable, "-c", IMPORTS, scheme]
    done = subprocess.run(program, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"size": 0}, "size must be a number from 1, not 0"),
        ({"overflow": "block"}, "overflow must be one of wait, refuse, drop_oldest, not 'block'"),
        ({"patience": -1}, "patience must be a number of seconds from 0, not -1"),
        ({"drain": float("nan")}, "drain must be a number of seconds from 0, not nan"),
    ],
)
def test_a_wrong_setting_is_named(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        Background(**options)


# -- tasks -------------------------------------------------------------------------------------------------------------


async def test_a_task_sends_while_the_caller_goes_on() -> None:
    background, driver = Background(), AsyncHeld()
    broadcaster = AsyncBroadcaster(driver, delivery=background)
    for number in range(12):
        assert await background.adeliver("main", driver, [message(f"e{number}", "room")]) == [Queued()]
    await driver.wait_for(1)
    driver.release_all()
    await broadcaster.aclose()
    assert [len(request) for request in driver.requests] == [1, 10, 1]
    assert sent(driver) == [f"e{number}" for number in range(12)]
    assert background.statistics() == Statistics(sent=12)


async def test_the_awaiting_caller_waits_for_room() -> None:
    background, driver = Background(size=1), AsyncHeld()
    for event in ("leaving", "a"):
        await background.adeliver("main", driver, [message(event, "room")])
    third = asyncio.create_task(background.adeliver("main", driver, [message("b", "room")]))
    await driver.wait_for(1)
    assert not third.done()
    driver.release_all()
    await third
    assert await background.aflush(SECONDS)
    assert sent(driver) == ["leaving", "a", "b"]


async def test_tasks_try_again_and_pause() -> None:
    background, driver = Background(), AsyncHeld(released=True)
    driver.once["a"] = RateLimitedError("slow down", status=429, retry_after=0.01)
    await background.adeliver("main", driver, [message("a", "room")])
    await driver.wait_for(1)
    await background.adeliver("main", driver, [message("b", "room")])
    assert await background.aflush(SECONDS)
    assert driver.requests == [["a"], ["a", "b"]]
    assert background.statistics() == Statistics(sent=2)


async def test_aclose_gives_up_when_time_is_up() -> None:
    failures = Failures()
    background, driver = Background(drain=0.01, on_failed=failures), AsyncHeld()
    for event in ("stuck", "late"):
        await background.adeliver("main", driver, [message(event, "room")])
    await background.aclose()
    assert failures.told == [("main", "late", NotSentError), ("main", "stuck", NoReplyError)]
    driver.release_all()
    await background.adeliver("main", driver, [message("after", "room")])
    assert await background.aflush(SECONDS)
    assert background.statistics() == Statistics(sent=1, dropped=2)


async def test_a_bug_of_an_async_driver_fails_the_messages() -> None:
    failures = Failures()
    background, driver = Background(on_failed=failures), AsyncHeld(released=True)
    driver.raises = ZeroDivisionError("a bug")
    await background.adeliver("main", driver, [message("a")])
    assert await background.aflush(SECONDS)
    assert failures.told == [("main", "a", ZeroDivisionError)]


def test_a_loop_that_ends_unclosed_reports_what_is_lost() -> None:
    failures = Failures()
    background, driver = Background(on_failed=failures), AsyncHeld()

    async def leave() -> None:
        for event in ("on its way", "waiting"):
            await background.adeliver("main", driver, [message(event, "room")])
        await driver.wait_for(1)

    asyncio.run(leave())
    assert failures.told == [("main", "on its way", NoReplyError), ("main", "waiting", NotSentError)]


async def test_full_async_queues_refuse_and_drop_as_the_others_do() -> None:
    failures = Failures()
    refusing, driver = Background(size=1, overflow="refuse"), AsyncHeld()
    for event in ("leaving", "a"):
        await refusing.adeliver("main", driver, [message(event, "room")])
    with pytest.raises(QueueFullError):
        await refusing.adeliver("main", driver, [message("b", "room")])
    dropping = Background(size=1, overflow="drop_oldest", on_failed=failures)
    for event in ("leaving", "a", "b"):
        await dropping.adeliver("main", driver, [message(event, "room")])
    assert failures.told == [("main", "a", QueueFullError)]
    driver.release_all()
    await refusing.aclose()
    await dropping.aclose()


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_driver_that_says_too_little_fails_its_messages_and_ends_nothing(colour: str) -> None:
    failures = Failures()
    background = Background(on_failed=failures)

    class Terse(Held):
        def answer(self, messages: Sequence[Message]) -> list[Outcome]:
            return super().answer(messages)[:1]

    class AsyncTerse(AsyncHeld):
        def answer(self, messages: Sequence[Message]) -> list[Outcome]:
            return super().answer(messages)[:1]

    async def story() -> None:
        driver = AsyncTerse(released=True)
        await background.adeliver("main", driver, [message("a"), message("b")])
        await background.adeliver("main", driver, [message("c")])
        await background.aclose()

    if colour == "async":
        asyncio.run(story())
    else:
        driver = Terse(released=True)
        background.deliver("main", driver, [message("a"), message("b")])
        assert background.flush(SECONDS)
        background.deliver("main", driver, [message("c")])
        background.close()
    assert failures.told == [("main", "a", WrongOutcomesError), ("main", "b", WrongOutcomesError)]
