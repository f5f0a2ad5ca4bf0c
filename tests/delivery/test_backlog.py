"""What a failure means for what waits in the background: try again, when, and for how long. No threads, no clock."""

from __future__ import annotations

import pytest

from broadcastkit.delivery.backlog import Backlog, Overflow, Policy
from broadcastkit.delivery.batching import Batch, messages_of
from broadcastkit.drivers.base import Sent
from broadcastkit.errors import (
    BadRequestError,
    CircuitOpenError,
    ConnectError,
    DeliveryError,
    NoReplyError,
    NotSentError,
    QueueFullError,
    RateLimitedError,
)
from tests.delivery.held import Held, message

PATIENCE = 60.0


def waiting(*events: str, now: float = 1000.0, size: int = 100, overflow: Overflow = "wait") -> Backlog:
    backlog = Backlog("main", Policy(size, overflow, PATIENCE, 5.0, None), Held())
    backlog.put([message(event) for event in events], now)
    return backlog


def names(batch: Batch | None) -> list[str] | None:
    return None if batch is None else [one.event for one in messages_of(batch)]


def taken(backlog: Backlog, now: float) -> Batch:
    batch = backlog.take(now)
    assert batch is not None
    return batch


def landed(error: DeliveryError, *, age: float) -> tuple[float, bool]:
    """Return the pause after an error for a message that has failed for so long, and whether it was given up."""
    backlog = waiting("a", now=0.0)
    assert not backlog.land(taken(backlog, 1000.0), [CircuitOpenError()], now=1000.0, jitter=0.0)
    failed = backlog.land(taken(backlog, 1000.0), [error], now=1000.0 + age, jitter=1.0)
    assert (len(backlog.batcher) == 0) == bool(failed)
    return round(backlog.pause(1000.0 + age), 6), bool(failed)


@pytest.mark.parametrize("age", [0, 31, 59, 60])
def test_an_open_circuit_is_waited_for_even_beyond_the_end_of_patience(age: float) -> None:
    """Or an outage of 50 s would lose, with a patience of 60 s, what a circuit keeps back from 35 s to 65 s."""
    assert landed(CircuitOpenError(retry_after=30.0), age=age) == (30.0, False)


def test_while_another_message_tries_nothing_is_given_up() -> None:
    assert landed(CircuitOpenError(), age=PATIENCE + 5) == (0.2, False)


def test_patience_ends_where_a_trial_has_failed() -> None:
    assert landed(CircuitOpenError(retry_after=30.0), age=PATIENCE + 5) == (0.0, True)
    assert landed(ConnectError(), age=PATIENCE + 5) == (0.0, True)


def test_a_service_that_asks_for_more_time_than_there_is_left_is_not_waited_for() -> None:
    assert landed(RateLimitedError(status=429, retry_after=20.0), age=30) == (20.0, False)
    assert landed(RateLimitedError(status=429, retry_after=40.0), age=30) == (40.0, True)  # nor is it asked before


@pytest.mark.parametrize(
    ("error", "given_up"), [(QueueFullError(), False), (NotSentError(), True), (NoReplyError(), True)]
)
def test_what_was_held_back_elsewhere(error: DeliveryError, given_up: bool) -> None:
    assert landed(error, age=0)[1] is given_up


# -- patience ----------------------------------------------------------------------------------------------------------


def test_the_last_try_is_at_the_end_of_patience() -> None:
    """Or an outage that ends shortly before would lose what backs off for longer than that."""
    assert landed(ConnectError(), age=PATIENCE - 0.1) == (0.1, False)


def test_what_was_queued_before_an_outage_is_given_up_with_it_and_not_one_after_the_other() -> None:
    backlog = waiting(*(f"e{number}" for number in range(11)), now=0.0)
    first, down = taken(backlog, 1000.0), ConnectError()
    assert not backlog.land(first, [down] * 10, now=1000.0, jitter=0.0)
    assert len(backlog.land(taken(backlog, 1060.0), [down] * 10, now=1060.0, jitter=0.0)) == 10
    assert len(backlog.land(taken(backlog, 1060.0), [down], now=1060.0, jitter=0.0)) == 1


@pytest.mark.parametrize("answer", [Sent(1), BadRequestError("no", status=400)])
def test_an_answer_ends_the_outage_for_those_that_had_not_failed_yet(answer: Sent | Exception) -> None:
    backlog = waiting(*(f"e{number}" for number in range(11)), now=0.0)
    down = ConnectError()
    assert not backlog.land(taken(backlog, 1000.0), [down] * 10, now=1000.0, jitter=0.0)
    backlog.land(taken(backlog, 1050.0), [answer] * 10, now=1050.0, jitter=0.0)
    assert not backlog.land(taken(backlog, 1059.0), [down], now=1059.0, jitter=0.0)
    assert not backlog.land(taken(backlog, 1100.0), [down], now=1100.0, jitter=0.0)
    assert backlog.land(taken(backlog, 1119.0), [down], now=1119.0, jitter=0.0)


def test_one_that_always_fails_among_others_that_do_not_is_given_up_too() -> None:
    backlog = waiting("bad", "other")
    for now in (1000.0, 1030.0):
        assert not backlog.land(taken(backlog, now), [ConnectError(), Sent(1)], now=now, jitter=0.0)
        backlog.put([message("other")], now)
    assert backlog.land(taken(backlog, 1060.0), [ConnectError(), Sent(1)], now=1060.0, jitter=0.0)


# -- pauses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (RateLimitedError(status=429, retry_after=20.0), 19.0),
        (RateLimitedError(status=429, retry_after=1000.0), PATIENCE - 1),
        (CircuitOpenError(retry_after=20.0), 0.0),
        (ConnectError(), 0.0),
    ],
    ids=["asked", "asked for longer than patience", "circuit", "backing off"],
)
def test_who_gets_through_ends_a_pause_but_not_the_time_that_the_service_has_asked_for(
    error: DeliveryError, left: float
) -> None:
    backlog = waiting("slow")
    slow = taken(backlog, 1000.0)
    backlog.put([message(f"e{number}") for number in range(10)], 1000.0)
    backlog.land(taken(backlog, 1000.0), [error] * 10, now=1000.0, jitter=1.0)
    assert backlog.pause(1000.0) > 0
    backlog.land(slow, [Sent(1)], now=1001.0, jitter=1.0)
    assert backlog.pause(1001.0) == left
    assert (backlog.take(1001.0) is None) is bool(left)


def test_a_shorter_time_that_is_asked_for_later_takes_nothing_of_a_longer_one() -> None:
    backlog = waiting("a")
    first = taken(backlog, 1000.0)
    backlog.put([message(f"e{number}") for number in range(10)], 1000.0)
    second = taken(backlog, 1000.0)
    for batch, asked in ((first, 20.0), (second, 2.0)):
        errors = [RateLimitedError(status=429, retry_after=asked)] * len(batch)
        backlog.land(batch, errors, now=1000.0, jitter=0.0)
    assert backlog.pause(1000.0) == 20.0


# -- requests that stall -----------------------------------------------------------------------------------------------


def test_a_part_leaves_once_no_request_has_left_for_a_while() -> None:
    backlog = waiting("slow")
    assert names(backlog.take(1000.0)) == ["slow"]
    backlog.put([message("a"), message("b")], 1000.01)
    assert backlog.take(1000.04) is None
    assert backlog.look_in(1000.04) == pytest.approx(0.01)
    assert names(backlog.take(1000.06)) == ["a", "b"]
    backlog.put([message("c")], 1000.06)
    assert backlog.take(1000.07) is None
    assert backlog.look_in(1000.07) == pytest.approx(0.04)


def test_full_batches_leave_at_once_and_a_part_after_them_waits() -> None:
    backlog = waiting("slow")
    taken(backlog, 1000.0)
    backlog.put([message(f"e{number}") for number in range(12)], 1000.02)
    assert len(taken(backlog, 1000.02)) == 10
    assert backlog.take(1000.06) is None
    assert names(backlog.take(1000.08)) == ["e10", "e11"]


def test_nobody_looks_for_what_only_waits_for_busy_channels() -> None:
    backlog = waiting("slow")
    assert backlog.look_in(1000.0) == 0.0
    slow = taken(backlog, 1000.0)
    backlog.put([message("next", "slow")], 1000.0)
    assert backlog.look_in(1000.0) is None
    backlog.put([message("both", "slow", "free"), message("behind", "free")], 1000.0)
    assert backlog.look_in(1000.0) == pytest.approx(0.05)  # it seems so: "free" is not busy
    assert backlog.take(1000.06) is None
    assert backlog.look_in(1000.06) is None
    backlog.land(slow, [Sent(1)], now=1001.0, jitter=0.0)
    assert names(backlog.take(1001.0)) == ["next", "both", "behind"]


# -- room --------------------------------------------------------------------------------------------------------------


def test_who_waits_for_room_gets_in_by_turn() -> None:
    backlog = waiting("a", "b", size=3)
    assert not backlog.room(2)
    first = backlog.turn()
    assert not backlog.room(1)  # there is room for one, but it is not this caller's turn
    later = backlog.turn()
    assert not backlog.room(1, later)
    taken(backlog, 1000.0)
    assert not backlog.room(1, later)
    assert backlog.room(2, first)
    backlog.give_back(first)
    assert backlog.room(1, later)


def test_with_refuse_nobody_waits_and_with_drop_oldest_there_is_always_room() -> None:
    with pytest.raises(QueueFullError, match=r"^1 messages wait for the connection 'main', and 1 may$"):
        waiting("a", size=1, overflow="refuse").room(1)
    assert waiting("a", size=1, overflow="drop_oldest").room(1)
