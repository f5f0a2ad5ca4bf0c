"""Background delivery whose queue is full: callers get in by turn, and nobody waits for himself."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from broadcastkit.delivery import Background, Statistics
from broadcastkit.errors import BadRequestError, QueueFullError
from tests.delivery.held import SECONDS, AsyncHeld, Held, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import Outcome


def sent(driver: Held | AsyncHeld) -> list[str]:
    return [event for request in driver.requests for event in request]


def room(*events: str) -> list[Message]:
    return [message(event, "room") for event in events]


class Asked(list["Message"]):
    """Messages that tell when somebody has asked whether there is room for them, and has the queue's lock."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__(messages)
        self.asked = threading.Event()

    def __len__(self) -> int:
        self.asked.set()
        return super().__len__()


def waiting_caller(background: Background, driver: Held, *events: str) -> threading.Thread:
    """Start a caller; it waits for room when this returns, or will before anybody else gets the queue's lock."""
    messages = Asked(room(*events))
    thread = threading.Thread(target=background.deliver, args=("main", driver, messages))
    thread.start()
    assert messages.asked.wait(SECONDS)
    return thread


def test_callers_who_wait_for_room_get_in_by_turn() -> None:
    background, driver = Background(size=2), Held()
    driver.batch_limit = 1
    background.deliver("main", driver, room("leaving"))
    driver.wait_for(1)
    background.deliver("main", driver, room("a", "b"))
    callers = [waiting_caller(background, driver, "first", "first too"), waiting_caller(background, driver, "later")]

    driver.release(6)  # each makes room for one, which is not enough for the first caller
    for caller in callers:
        caller.join(SECONDS)

    assert background.flush(SECONDS)
    assert sent(driver) == ["leaving", "a", "b", "first", "first too", "later"]
    background.close()


async def test_awaiting_callers_who_wait_for_room_get_in_by_turn() -> None:
    background, driver = Background(size=2), AsyncHeld()
    driver.batch_limit = 1
    await background.adeliver("main", driver, room("leaving"))
    await driver.wait_for(1)
    await background.adeliver("main", driver, room("a", "b"))
    callers = [
        asyncio.create_task(background.adeliver("main", driver, room(*events)))
        for events in [("first", "first too"), ("later",)]
    ]

    for request in range(1, 7):
        await driver.wait_for(request)
        driver.release()
    await asyncio.gather(*callers)

    assert await background.aflush(SECONDS)
    assert sent(driver) == ["leaving", "a", "b", "first", "first too", "later"]
    await background.aclose()


async def test_a_cancelled_caller_gives_its_turn_up() -> None:
    background, driver = Background(size=2), AsyncHeld()
    driver.batch_limit = 1
    await background.adeliver("main", driver, room("leaving"))
    await driver.wait_for(1)
    await background.adeliver("main", driver, room("a", "b"))
    first = asyncio.create_task(background.adeliver("main", driver, room("first", "first too")))
    later = asyncio.create_task(background.adeliver("main", driver, room("later")))
    driver.release()
    await driver.wait_for(2)
    assert not later.done()

    first.cancel()
    await later

    driver.release_all()
    await background.aclose()
    assert sent(driver) == ["leaving", "a", "b", "later"]


def test_a_hook_that_broadcasts_into_its_own_full_queue_is_refused() -> None:
    """It runs in the thread that is to make room: it would wait for itself."""
    refused: list[QueueFullError] = []

    def again(connection: str, one: Message, error: Exception) -> None:
        del error
        try:
            background.deliver(connection, driver, room(f"{one.event} again"))
        except QueueFullError as full:
            refused.append(full)

    background, driver = Background(size=1, on_failed=again), Held()
    driver.outcomes["bad"] = BadRequestError("no", status=400)
    background.deliver("main", driver, room("bad"))
    driver.wait_for(1)
    background.deliver("main", driver, room("next"))

    driver.release(2)

    assert background.flush(SECONDS)
    assert [str(error) for error in refused] == [
        "1 messages wait for the connection 'main', and 1 may: what runs in its background cannot wait for room there"
    ]
    assert background.statistics() == Statistics(sent=1, failed=1)
    background.close()


async def test_nor_does_an_awaited_driver_wait_for_room_in_its_own_queue() -> None:
    background = Background(size=1)
    refused: list[str] = []

    class Broadcasting(AsyncHeld):
        async def send(self, messages: Sequence[Message]) -> list[Outcome]:
            answers = await super().send(messages)
            if not refused:
                with pytest.raises(QueueFullError, match="what runs in its background cannot wait"):
                    await background.adeliver("main", self, room("from within"))
                refused.append(messages[0].event)
            return answers

    driver = Broadcasting()
    await background.adeliver("main", driver, room("first"))
    await driver.wait_for(1)
    await background.adeliver("main", driver, room("second"))
    driver.release_all()

    assert await background.aflush(SECONDS)
    assert refused == ["first"]
    assert sent(driver) == ["first", "second"]
