"""Background delivery where something ends: a driver by what is no Exception, a Background, its time, or its loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio

from broadcastkit import AnonymousEvent, AsyncBroadcaster
from broadcastkit.delivery import Background, Statistics
from broadcastkit.errors import ConfigurationError, NoReplyError, NotSentError, QueueFullError
from tests.delivery.held import SECONDS, AsyncHeld, Held, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import Outcome

Told = list[tuple[str, type[Exception], str]]


class Panic(BaseException):
    """What a driver written in Rust raises, for one."""


def telling(told: Told, **options: Any) -> Background:
    return Background(on_failed=lambda _, one, error: told.append((one.event, type(error), str(error))), **options)


def room(*events: str) -> list[Message]:
    return [message(event, "room") for event in events]


# -- no Exception ------------------------------------------------------------------------------------------------------


def interrupted(by: str) -> tuple[str, type[Exception], str]:
    return "bad", NoReplyError, f"the sending to 'main' was interrupted by {by}: it may have been sent"


def test_what_is_no_exception_is_told_and_ends_no_thread() -> None:
    told: Told = []

    class Panicking(Held):
        def answer(self, messages: Sequence[Message]) -> list[Outcome]:
            if messages[0].event == "bad":
                raise Panic("the payload")
            return super().answer(messages)

    background, driver = telling(told), Panicking(released=True)
    background.deliver("main", driver, room("bad"))
    assert background.flush(SECONDS)
    background.deliver("main", driver, room("next"))

    assert background.flush(SECONDS)
    assert told == [interrupted("Panic")]
    assert background.statistics() == Statistics(sent=1, failed=1)
    background.close()


@pytest.mark.parametrize("kind", [Panic, asyncio.CancelledError])
async def test_nor_any_task(kind: type[BaseException]) -> None:
    told: Told = []

    class Panicking(AsyncHeld):
        def answer(self, messages: Sequence[Message]) -> list[Outcome]:
            if messages[0].event == "bad":
                raise kind("the payload")
            return super().answer(messages)

    background, driver = telling(told), Panicking(released=True)
    await background.adeliver("main", driver, room("bad", "next"))

    assert await background.aflush(SECONDS)
    await background.adeliver("main", driver, room("after"))
    assert await background.aflush(SECONDS)
    assert told == [interrupted(kind.__name__), ("next", *interrupted(kind.__name__)[1:])]
    assert background.statistics() == Statistics(sent=1, failed=2)
    await background.aclose()


# -- the log -----------------------------------------------------------------------------------------------------------


def raising(text: str) -> Exception:
    error = KeyError(text)
    error.__cause__ = ValueError(text)
    error.add_note(text)
    return error


def test_an_error_that_is_not_ours_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    driver = Held(released=True)
    driver.raises = raising("the payload")
    background = Background()
    background.deliver("main", driver, room("a"))
    background.close()

    (record,) = caplog.records
    assert record.getMessage() == (
        "1 message(s) to 'main' failed; 'a': its text is left out, since it may quote a payload"
    )
    assert vars(record)["broadcast_error"] == "KeyError"
    text = logging.Formatter().format(record)
    assert "the payload" not in text
    assert "held.py" in text  # where it was raised
    assert text.splitlines()[-1] == "KeyError: its text is left out, since it may quote a payload"


def test_nor_is_that_of_a_hook(caplog: pytest.LogCaptureFixture) -> None:
    error = raising("the payload")

    def hook(*_: object) -> None:
        raise error

    background, driver = Background(on_failed=hook), Held(released=True)
    driver.raises = ZeroDivisionError()
    background.deliver("main", driver, room("a"))
    background.close()

    (record,) = caplog.records
    text = logging.Formatter().format(record)
    assert "the payload" not in text
    assert text.splitlines()[0] == "on_failed failed"
    assert text.splitlines()[-1] == "KeyError: its text is left out, since it may quote a payload"


def test_but_one_of_ours_says_what_it_is(caplog: pytest.LogCaptureFixture) -> None:
    def hook(*_: object) -> None:
        raise QueueFullError("no room") from error

    error = raising("the payload")
    background, driver = Background(on_failed=hook), Held(released=True)
    driver.raises = ZeroDivisionError()
    background.deliver("main", driver, room("a"))
    background.close()

    (record,) = caplog.records
    text = logging.Formatter().format(record)
    assert text.splitlines()[-1] == "broadcastkit.errors.QueueFullError: no room"
    assert "the payload" not in text


# -- time --------------------------------------------------------------------------------------------------------------


async def test_a_driver_that_will_not_be_cancelled_is_not_waited_for() -> None:
    told: Told = []

    class Deaf(AsyncHeld):
        async def send(self, messages: Sequence[Message]) -> list[Outcome]:
            sending = asyncio.ensure_future(super().send(messages))
            try:
                return await asyncio.shield(sending)
            except asyncio.CancelledError:
                return await sending

    background, driver = telling(told, drain=0.01), Deaf()
    await background.adeliver("main", driver, room("stuck", "stuck too"))
    await background.adeliver("main", driver, room("late"))
    await driver.wait_for(1)

    await background.aclose()

    assert [(event, kind) for event, kind, _ in told] == [
        ("late", NotSentError),
        ("stuck", NoReplyError),
        ("stuck too", NoReplyError),
    ]
    await background.adeliver("main", driver, room("after"))
    driver.release_all()
    assert await background.aflush(SECONDS)
    assert background.statistics() == Statistics(sent=1, dropped=3)
    assert len(told) == 3


def test_a_loop_that_is_over_is_let_go_of_though_somebody_was_to_look_again() -> None:
    background = telling([])

    async def leave() -> None:
        driver = AsyncHeld()
        await background.adeliver("main", driver, room("stuck"))
        await driver.wait_for(1)
        await background.adeliver("main", driver, [message("elsewhere")])
        driver._gates.clear()  # which have the loop, too

    asyncio.run(leave())
    gc.collect()
    assert not background._loops


# -- a Background ------------------------------------------------------------------------------------------------------


def test_one_that_goes_out_of_scope_is_not_waited_for_and_sends_what_waits() -> None:
    told: Told = []
    background, driver = telling(told), Held()
    background.deliver("main", driver, room("first"))
    driver.wait_for(1)
    background.deliver("main", driver, room("second"))
    (thread,) = (one for one in threading.enumerate() if one.name == "broadcastkit")

    del background
    gc.collect()  # would wait for drain seconds, and give up what waits
    driver.release(2)
    thread.join(SECONDS)

    assert not thread.is_alive()
    assert driver.requests == [["first"], ["second"]]
    assert told == []


# -- another loop ------------------------------------------------------------------------------------------------------


def test_on_trio_it_says_that_it_needs_asyncio() -> None:
    async def story() -> tuple[BaseException | None, int]:
        broadcaster = AsyncBroadcaster(driver, delivery=Background(), on_error="report")
        receipt = await broadcaster.broadcast(AnonymousEvent("ping", on="news")).to_everyone()
        await broadcaster.aclose()
        return receipt.error, len(driver.requests)

    driver = AsyncHeld()
    error, requests = trio.run(story)
    assert isinstance(error, ConfigurationError)
    assert str(error) == (
        "Background's awaited half needs asyncio's event loop, and none runs here: "
        "on trio, use Inline, or the blocking broadcaster in a thread"
    )
    assert requests == 0


def test_what_was_never_used_is_closed_and_flushed_on_any_loop() -> None:
    async def story() -> bool:
        background = Background()
        await background.aclose()
        return await background.aflush()

    assert trio.run(story)
