"""When a circuit opens, whom it lets through, and when it closes."""

from __future__ import annotations

from typing import Any

import pytest

from broadcastkit.core.breaker import Breaker, Circuit
from broadcastkit.drivers.base import Sent
from broadcastkit.errors import (
    BadRequestError,
    CircuitOpenError,
    ConfigurationError,
    ConnectError,
    PayloadTooLargeError,
    RateLimitedError,
    ServiceFailedError,
)

GONE = ConnectError("nobody there")
BROKEN = ServiceFailedError("bad gateway", status=502)


def opened(at: float = 0.0) -> Circuit:
    circuit = Circuit(Breaker(failures=2, cooldown=30))
    assert circuit.note([GONE], at, circuit.turn) is None
    assert circuit.note([BROKEN], at, circuit.turn) is True
    return circuit


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    circuit = opened(at=100)
    assert circuit.wait(100) == 30
    assert circuit.wait(129) == 1


@pytest.mark.parametrize(
    "outcomes",
    [[Sent(1)], [GONE, Sent(1)], [BadRequestError("no", status=400)], [RateLimitedError("slow", status=429)]],
)
def test_a_service_that_answers_anything_is_there(outcomes: list[Any]) -> None:
    circuit = Circuit(Breaker(failures=2))
    circuit.note([GONE], 0, circuit.turn)
    assert circuit.note(outcomes, 0, circuit.turn) is None
    assert circuit.note([GONE], 0, circuit.turn) is None
    assert circuit.wait(0) is None


SILENT: list[list[Any]] = [[], [PayloadTooLargeError("too large")], [CircuitOpenError("the next one's")]]


@pytest.mark.parametrize("outcomes", SILENT)
def test_what_was_refused_or_raised_here_says_nothing(outcomes: list[Any]) -> None:
    circuit = Circuit(Breaker(failures=2, cooldown=30))
    circuit.note([GONE], 0, circuit.turn)
    assert circuit.note(outcomes, 0, circuit.turn) is None
    assert circuit.note([*outcomes, GONE], 0, circuit.turn) is True
    assert circuit.note(outcomes, 1, circuit.turn) is None
    assert circuit.wait(1) == 29


def test_after_the_cooldown_one_caller_is_let_through_and_the_others_wait_for_it() -> None:
    circuit = opened()
    assert circuit.wait(30) is None
    assert circuit.wait(30) == 0
    assert circuit.wait(59) == 0


def test_a_caller_that_never_says_what_came_of_it_is_forgotten() -> None:
    circuit = opened()
    assert circuit.wait(30) is None
    assert circuit.wait(60) is None
    assert circuit.wait(60) == 0


@pytest.mark.parametrize("outcomes", SILENT)
def test_a_trial_that_says_nothing_leaves_it_to_the_next_one(outcomes: list[Any]) -> None:
    circuit = opened()
    assert circuit.wait(30) is None
    assert circuit.note(outcomes, 31, circuit.turn) is None
    assert circuit.wait(31) is None
    assert circuit.wait(31) == 0


BEFORE = 0
"""The turn of what was sent before anything failed."""


def test_who_was_on_the_way_when_it_opened_may_close_it() -> None:
    circuit = opened()
    assert circuit.note([Sent(1)], 1, BEFORE) is False
    assert circuit.wait(1) is None


@pytest.mark.parametrize("late", [[GONE], *SILENT])
def test_a_late_failure_of_one_that_began_before_it_opened_is_no_news(late: list[Any]) -> None:
    circuit = opened()
    assert circuit.note(late, 10, BEFORE) is None
    assert circuit.wait(10) == 20, "it does not stay open for longer"
    assert circuit.wait(30) is None
    trial = circuit.turn
    assert circuit.note(late, 31, BEFORE) is None
    assert circuit.wait(31) == 0, "the trial is still under way"
    assert circuit.note([GONE], 40, trial) is None
    assert circuit.wait(40) == 30


def test_nor_does_it_open_what_has_closed() -> None:
    circuit = opened()
    assert circuit.wait(30) is None
    assert circuit.note([Sent(1)], 31, circuit.turn) is False
    for _ in range(3):
        assert circuit.note([GONE], 32, BEFORE) is None
    assert circuit.note([GONE], 32, circuit.turn) is None
    assert circuit.wait(32) is None


def test_a_trial_that_another_has_followed_is_late_too() -> None:
    circuit = opened()
    assert circuit.wait(30) is None
    first = circuit.turn
    assert circuit.wait(60) is None
    assert circuit.note([GONE], 61, first) is None
    assert circuit.wait(61) == 0


def test_a_failed_trial_opens_it_again_and_a_good_one_closes_it() -> None:
    circuit = opened()
    assert circuit.wait(30) is None
    assert circuit.note([GONE], 35, circuit.turn) is None
    assert circuit.wait(35) == 30
    assert circuit.wait(65) is None
    assert circuit.note([Sent(1)], 66, circuit.turn) is False
    assert circuit.wait(66) is None
    assert circuit.note([Sent(1)], 67, circuit.turn) is None


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"failures": 0}, "breaker.failures must be a number from 1, not 0"),
        ({"failures": True}, "breaker.failures must be a number from 1, not True"),
        ({"cooldown": 0}, "breaker.cooldown must be a number of seconds over 0, not 0"),
        ({"cooldown": float("inf")}, "breaker.cooldown must be a number of seconds over 0, not inf"),
        ({"cooldown": "30"}, "breaker.cooldown must be a number of seconds over 0, not '30'"),
    ],
)
def test_a_wrong_setting_is_named(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Breaker(**options)
    assert str(error.value) == text
