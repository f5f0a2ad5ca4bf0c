"""What a failure means for an event: the table of the design, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from broadcastkit.core.message import Message
from broadcastkit.core.options import EventOptions
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox.verdicts import CAP, Tries
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    CircuitOpenError,
    ConfigurationError,
    ConnectError,
    ForbiddenError,
    InvalidPayloadError,
    NoReplyError,
    PayloadTooLargeError,
    RateLimitedError,
    ServiceFailedError,
    TooLargeForServiceError,
    UnknownAppError,
)

ENVELOPE = Envelope("main", Message("ping", ("a", "b"), "{}"), "some-id")
MANY = 10**6


def verdict(error: Exception, *, attempts: int = 0, refusals: int = 0, envelope: Envelope | None = ENVELOPE) -> object:
    return Tries().verdict(7, envelope, error, attempts=attempts, refusals=refusals, jitter=1.0)


@pytest.mark.parametrize(
    "error",
    [
        PayloadTooLargeError("large"),
        InvalidPayloadError("no envelope"),
        BadRequestError("no", status=400),
        TooLargeForServiceError("large", status=413),
    ],
)
def test_what_can_never_succeed_is_dead_at_once(error: Exception) -> None:
    assert verdict(error) == (7, type(error).__name__, None, True, None)


@pytest.mark.parametrize(
    "error",
    [
        ConnectError("refused"),
        NoReplyError("silence"),
        CircuitOpenError("open"),
        ConfigurationError("no such connection"),
        BadCredentialsError("no", status=401),
        ForbiddenError("no", status=403),
        UnknownAppError("no", status=404),
        RateLimitedError("slowly", status=429),
        ServiceFailedError("down", status=502),
        ServiceFailedError("down", status=503),
        ServiceFailedError("down", status=504),
    ],
)
def test_an_outage_kills_no_event_however_long_it_takes(error: Exception) -> None:
    assert verdict(error, attempts=MANY) == (7, type(error).__name__, CAP, False, None)


@pytest.mark.parametrize("error", [ServiceFailedError("oops", status=500), ServiceFailedError("a page"), ValueError()])
def test_what_the_service_fails_at_is_tried_so_often(error: Exception) -> None:
    name = type(error).__name__

    assert verdict(error, attempts=8, refusals=8) == (7, name, CAP, True, None)
    assert verdict(error, attempts=9, refusals=9) == (7, name, None, True, None)


def test_waits_double_and_are_spread() -> None:
    policy, error = Tries(backoff=1.0), ConnectError()

    assert [policy.wait(n, error, 1.0) for n in (1, 2, 3, 4, 7, MANY)] == [1, 2, 4, 8, CAP, CAP]
    assert policy.wait(3, error, 0.0) == 2


INF = float("inf")


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (40.0, 40.0),
        (400.0, CAP),
        (1e300, CAP),
        (10**400, CAP),
        (INF, CAP),
        (0.1, 0.5),
        (-INF, 0.5),
        (float("nan"), 0.5),
        ("40", 0.5),
    ],
)
def test_what_the_service_asks_for_is_kept_to_for_a_minute_at_most(asked: Any, seconds: float) -> None:
    assert Tries().wait(1, RateLimitedError(retry_after=asked), 0.0) == seconds


def test_an_event_may_have_wishes_of_its_own() -> None:
    message = ENVELOPE.message._replace(options=EventOptions(tries=2, backoff=30.0))
    own = ENVELOPE._replace(message=message)
    error = ServiceFailedError(status=500)

    assert verdict(error, envelope=own) == (7, "ServiceFailedError", 30.0, True, None)
    assert verdict(error, attempts=1, refusals=1, envelope=own) == (7, "ServiceFailedError", None, True, None)


def test_channels_that_were_served_are_left_out_of_the_next_attempt() -> None:
    rest = ENVELOPE._replace(message=ENVELOPE.message._replace(channels=("b",)))

    assert verdict(ConnectError(delivered=("a",))) == (7, "ConnectError", 1.0, False, rest)


@pytest.mark.parametrize("wrong", [{"tries": 0}, {"backoff": -1.0}])
def test_wrong_settings_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Tries(**wrong)  # type: ignore[arg-type]
