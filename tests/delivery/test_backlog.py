"""What a failure means for what waits in the background: try again, when, and for how long. No threads, no clock."""

from __future__ import annotations

import asyncio

import pytest

from broadcastkit.delivery import Background
from broadcastkit.delivery.backlog import Backlog, Policy
from broadcastkit.errors import (
    CircuitOpenError,
    ConnectError,
    DeliveryError,
    NoReplyError,
    NotSentError,
    QueueFullError,
    RateLimitedError,
)
from tests.delivery.held import SECONDS, AsyncHeld, Held, message

PATIENCE = 60.0


def landed(error: DeliveryError, *, age: float) -> tuple[float, bool]:
    """Return the pause after an error for a message that has waited so long, and whether it was given up."""
    backlog = Backlog("main", Policy(100, "wait", PATIENCE, 5.0, None), Held())
    backlog.put([message("a")], 1000.0)
    batch = backlog.batcher.take()
    assert batch is not None
    pause, failed = backlog.land(batch, [error], now=1000.0 + age, jitter=1.0)
    assert (len(backlog.batcher) == 0) == bool(failed)
    return pause, bool(failed)


@pytest.mark.parametrize("age", [0, 31, 59, 60])
def test_an_open_circuit_is_waited_for_even_beyond_the_end_of_patience(age: float) -> None:
    """Or an outage of 50 s would lose, with a patience of 60 s, what a circuit keeps back from 35 s to 65 s."""
    assert landed(CircuitOpenError(retry_after=30.0), age=age) == (30.0, False)


def test_while_another_message_tries_nothing_is_given_up() -> None:
    assert landed(CircuitOpenError(), age=PATIENCE + 5) == (0.1, False)


def test_patience_ends_where_a_trial_has_failed() -> None:
    assert landed(CircuitOpenError(retry_after=30.0), age=PATIENCE + 5) == (0.0, True)
    assert landed(ConnectError(), age=PATIENCE + 5) == (0.0, True)


def test_a_service_that_asks_for_more_time_than_there_is_left_is_not_waited_for() -> None:
    assert landed(RateLimitedError(status=429, retry_after=20.0), age=30) == (20.0, False)
    assert landed(RateLimitedError(status=429, retry_after=40.0), age=30) == (0.0, True)


@pytest.mark.parametrize(
    ("error", "given_up"), [(QueueFullError(), False), (NotSentError(), True), (NoReplyError(), True)]
)
def test_what_was_held_back_elsewhere(error: DeliveryError, given_up: bool) -> None:
    assert landed(error, age=0)[1] is given_up


async def test_who_gets_through_ends_the_pause_of_the_others() -> None:
    background, driver = Background(), AsyncHeld()
    await background.adeliver("main", driver, [message("first")])
    await driver.wait_for(1)
    many = [message(f"e{number}") for number in range(10)]
    for one in many:
        driver.once[one.event] = RateLimitedError(status=429, retry_after=50.0)
        await background.adeliver("main", driver, [one])
    await driver.wait_for(2)

    driver._gates.pop(1).set()  # the second request is answered first, and has everybody wait
    async with asyncio.timeout(SECONDS):
        while driver.once:  # noqa: ASYNC110 - what comes, comes from tasks of this loop
            await asyncio.sleep(0)
    driver.release_all()

    assert await background.aflush(SECONDS)
    assert len(driver.requests) == 3
    await background.aclose()
