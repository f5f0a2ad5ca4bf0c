"""Background delivery where something takes its time: a request that stalls, a service that wants to be left alone."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from broadcastkit.delivery import Background, Statistics
from broadcastkit.errors import CircuitOpenError, ConnectError, DeliveryError, RateLimitedError
from tests.delivery.held import SECONDS, AsyncHeld, Held, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import Outcome


def test_few_events_on_other_channels_do_not_wait_for_a_request_that_stalls() -> None:
    background, driver = Background(), Held()
    background.deliver("main", driver, [message("slow", "slow")])
    driver.wait_for(1)
    for event in ("a", "b"):
        background.deliver("main", driver, [message(event)])
    driver.wait_for(2)

    background.deliver("main", driver, [message("c")])  # and the second stalls, too
    while sum(map(len, driver.requests)) < 4:
        driver.wait_for(len(driver.requests) + 1)

    driver.release(10)
    background.close()
    assert background.statistics() == Statistics(sent=4)


async def test_nor_do_awaiting_callers_events() -> None:
    background, driver = Background(), AsyncHeld()
    await background.adeliver("main", driver, [message("slow", "slow")])
    await driver.wait_for(1)
    for event in ("a", "b"):
        await background.adeliver("main", driver, [message(event)])
    await driver.wait_for(2)
    assert driver.requests == [["slow"], ["a", "b"]]

    await background.adeliver("main", driver, [message("c")])
    await driver.wait_for(3)

    driver.release_all()
    await background.aclose()
    assert background.statistics() == Statistics(sent=4)


def many(driver: Held | AsyncHeld, error: DeliveryError) -> list[str]:
    """Have a full request of events fail once, each on a channel of its own."""
    events = [f"e{number}" for number in range(10)]
    driver.once |= dict.fromkeys(events, error)
    return events


async def landed(driver: AsyncHeld, error: DeliveryError, background: Background) -> None:
    """Have a second request fail while a first is on its way, and then the first answered."""
    await background.adeliver("main", driver, [message("first")])
    await driver.wait_for(1)
    for event in many(driver, error):
        await background.adeliver("main", driver, [message(event)])
    await driver.wait_for(2)
    driver._gates.pop(1).set()
    async with asyncio.timeout(SECONDS):
        while driver.once:  # noqa: ASYNC110 - what comes, comes from tasks of this loop
            await asyncio.sleep(0)
    driver.release_all()


async def test_who_gets_through_does_not_end_the_time_that_the_service_has_asked_for() -> None:
    background, driver = Background(drain=0), AsyncHeld()
    await landed(driver, RateLimitedError(status=429, retry_after=50.0), background)
    async with asyncio.timeout(SECONDS):
        while background.statistics().sent < 1:  # noqa: ASYNC110 - see above
            await asyncio.sleep(0)
    await background.adeliver("main", driver, [message("later")])

    assert not await background.aflush(0.05)
    assert len(driver.requests) == 2
    await background.aclose()
    assert background.statistics() == Statistics(sent=1, dropped=11)


async def test_who_gets_through_ends_the_pause_of_the_others() -> None:
    background, driver = Background(), AsyncHeld()
    await landed(driver, CircuitOpenError(retry_after=50.0), background)

    assert await background.aflush(SECONDS)
    assert len(driver.requests) == 3
    await background.aclose()


def test_a_thread_that_gets_through_does_not_end_it_either() -> None:
    gate = threading.Event()

    class First(Held):
        def send(self, messages: Sequence[Message]) -> list[Outcome]:
            answers = super().send(messages)
            assert messages[0].event != "first" or gate.wait(SECONDS)
            return answers

    background, driver = Background(drain=0), First()
    background.deliver("main", driver, [message("first")])
    driver.wait_for(1)
    for event in many(driver, RateLimitedError(status=429, retry_after=50.0)):
        background.deliver("main", driver, [message(event)])
    driver.wait_for(2)
    driver.release(10)
    assert not background.flush(0.05)  # the second has been answered

    gate.set()
    assert not background.flush(0.05)
    background.deliver("main", driver, [message("later")])

    assert not background.flush(0.05)
    assert len(driver.requests) == 2
    background.close()
    assert background.statistics() == Statistics(sent=1, dropped=11)


def test_what_had_waited_before_an_outage_has_as_much_patience_as_what_comes_in_it() -> None:
    told: list[str] = []
    background = Background(patience=0.5, on_failed=lambda _, one, __: told.append(one.event))
    driver = Held()
    background.deliver("main", driver, [message("slow", "room")])
    driver.wait_for(1)
    background.deliver("main", driver, [message("waits", "room")])
    driver.once["waits"] = ConnectError("nobody there")
    assert not background.flush(0.6)  # a service that is slow, and patience would be over

    driver.release(3)

    assert background.flush(SECONDS)
    assert told == []
    assert background.statistics() == Statistics(sent=2)
    background.close()
