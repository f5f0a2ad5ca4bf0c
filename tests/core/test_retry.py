"""When it is tried again, and how long is waited: DESIGN §6.5."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.core.retry import Retry
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    DeliveryError,
    NoReplyError,
    RateLimitedError,
    ServiceFailedError,
    UnknownAppError,
)

LOST = ConnectionLostError("broken")


def wait(
    retry: Retry, error: DeliveryError = LOST, *, attempt: int = 1, elapsed: float = 0.0, jitter: float = 1.0
) -> Any:
    return retry.wait(error, attempt=attempt, elapsed=elapsed, jitter=jitter)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ConnectError(), True),
        (ConnectionLostError(), True),
        (NoReplyError(), False),
        (RateLimitedError(status=429), True),
        (ServiceFailedError(status=500), False),
        (ServiceFailedError(status=502), True),
        (ServiceFailedError(status=503), True),
        (ServiceFailedError(status=504), True),
        (ServiceFailedError(status=505), False),
        (BadRequestError(status=400), False),
        (BadCredentialsError(status=401), False),
        (UnknownAppError(status=404), False),
    ],
    ids=lambda value: f"{type(value).__name__}{getattr(value, 'status', value)}",
)
def test_what_is_tried_again(error: DeliveryError, again: bool) -> None:
    assert (wait(Retry(), error) is not None) is again


def test_by_default_there_are_three_attempts_within_ten_seconds() -> None:
    retry = Retry()

    assert [wait(retry, attempt=attempt) is not None for attempt in (1, 2, 3)] == [True, True, False]
    assert wait(retry, elapsed=9.9) is not None
    assert wait(retry, elapsed=10.0) is None


def test_a_timeout_is_tried_again_only_if_asked() -> None:
    assert wait(Retry(after_timeout=True), NoReplyError()) is not None


def test_waits_double_up_to_the_cap() -> None:
    retry = Retry(attempts=9, budget=100.0, base=0.5, cap=3.0)

    assert [wait(retry, attempt=attempt) for attempt in (1, 2, 3, 4, 5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_jitter_is_full() -> None:
    retry = Retry(base=1.0)

    assert [wait(retry, jitter=jitter) for jitter in (0.0, 0.25, 1.0)] == [0.0, 0.25, 1.0]


def test_attempts_are_counted() -> None:
    assert wait(Retry(attempts=3), attempt=2) is not None
    assert wait(Retry(attempts=3), attempt=3) is None
    assert wait(Retry(attempts=1)) is None


def test_the_budget_is_not_overrun() -> None:
    retry = Retry(budget=2.0, base=1.0)

    assert wait(retry, elapsed=1.0) == 1.0
    assert wait(retry, elapsed=1.001) is None


def test_retry_after_is_kept_to_within_the_budget() -> None:
    limited = RateLimitedError(status=429, retry_after=4.0)

    assert wait(Retry(), limited, jitter=0.0) == 4.0
    assert wait(Retry(budget=3.0), limited) is None
    assert wait(Retry(), RateLimitedError(status=429, retry_after=float("inf"))) is None


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("attempts", 0, "must be a number from 1, not 0"),
        ("attempts", -1, "must be a number from 1, not -1"),
        ("attempts", "3", "must be a number from 1, not '3'"),
        ("attempts", True, "must be a number from 1, not True"),
        ("budget", -1.0, "must be a number of seconds from 0, not -1.0"),
        ("budget", float("nan"), "must be a number of seconds from 0, not nan"),
        ("base", -0.1, "must be a number of seconds from 0, not -0.1"),
        ("cap", None, "must be a number of seconds from 0, not None"),
        ("after_timeout", "no", "must be True or False, not 'no'"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(name: str, wrong: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Retry(**{name: wrong})

    assert error.value.setting == f"retry.{name}"
    assert str(error.value) == f"retry.{name} {said}"


@given(st.integers(1, 10**6), st.floats(0, 100), st.floats(0, 1))
def test_a_wait_is_never_longer_than_the_cap_or_what_is_left(attempt: int, elapsed: float, jitter: float) -> None:
    seconds = wait(Retry(attempts=10**7, budget=50.0, cap=2.0), attempt=attempt, elapsed=elapsed, jitter=jitter)

    assert seconds is None or 0 <= seconds <= min(2.0, 50.0 - elapsed)
