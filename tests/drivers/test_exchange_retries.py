"""What is tried again, when, how often, and with which signature: the exchange driven by hand."""

from __future__ import annotations

import pytest

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Sent
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConnectError,
    ConnectionLostError,
    DeliveryError,
    ForbiddenError,
    NoReplyError,
    RateLimitedError,
    ServiceFailedError,
    TooLargeForServiceError,
    UnknownAppError,
)
from tests.drivers.talk import APP, NOW, YES, Answer, Talk, message, reply

ONCE = Retry(attempts=1)
AFTER_TIMEOUT = Retry(after_timeout=True)

# (what came, the error it is, tried again by default, tried again with after_timeout)
TABLE: list[tuple[Answer, type[DeliveryError], bool, bool]] = [
    (ConnectError("refused"), ConnectError, True, True),
    (ConnectionLostError("reset"), ConnectionLostError, True, True),
    (NoReplyError("read timeout"), NoReplyError, False, True),
    (reply(400, b"Data should be a string"), BadRequestError, False, False),
    (reply(401, b"Unknown auth_key"), BadCredentialsError, False, False),
    (reply(403), ForbiddenError, False, False),
    (reply(404), UnknownAppError, False, False),
    (reply(407), BadRequestError, False, False),
    (reply(413), TooLargeForServiceError, False, False),
    (reply(422, {"name": ["required"]}), BadRequestError, False, False),
    (reply(429), RateLimitedError, True, True),
    (reply(500), ServiceFailedError, False, False),
    (reply(501), ServiceFailedError, False, False),
    (reply(502), ServiceFailedError, True, True),
    (reply(503), ServiceFailedError, True, True),
    (reply(504), ServiceFailedError, True, True),
    (reply(200, {"error": "rate", "code": 429}), RateLimitedError, True, True),
    (reply(200, {"error": "signature", "code": 401}), BadCredentialsError, False, False),
    (reply(200, b"<html>a page</html>"), ServiceFailedError, False, False),
    (reply(302), ServiceFailedError, False, False),
]
IDS = [
    f"{answer.status} {answer.body[:20]!r}"
    if not isinstance(answer, DeliveryError) and not callable(answer)
    else type(answer).__name__
    for answer, *_ in TABLE
]


@pytest.mark.parametrize(("answer", "error", "again", "again_after_timeout"), TABLE, ids=IDS)
def test_what_is_tried_again(
    answer: Answer, error: type[DeliveryError], again: bool, again_after_timeout: bool
) -> None:
    for retry, tried_again in ((None, again), (AFTER_TIMEOUT, again_after_timeout)):
        talk = Talk(answer, retry=retry)
        (outcome,) = talk.send(message())

        if tried_again:
            assert outcome == Sent(1)
            assert len(talk.asked) == 2
        else:
            assert type(outcome) is error
            assert len(talk.asked) == 1
            assert talk.waited == []

    (outcome,) = Talk(answer, retry=ONCE).send(message())
    assert type(outcome) is error


def test_three_attempts_and_then_the_last_error() -> None:
    talk = Talk(ConnectError("first"), reply(503), ConnectionLostError("third"), YES)

    (outcome,) = talk.send(message())

    assert isinstance(outcome, ConnectionLostError)
    assert "third" in str(outcome)
    assert len(talk.asked) == 3


def test_attempts_are_a_setting() -> None:
    talk = Talk(*[ConnectError("no")] * 4, retry=Retry(attempts=5))

    assert talk.send(message()) == [Sent(1)]
    assert len(talk.asked) == 5


def test_waits_double_up_to_a_cap_and_are_spread_by_the_jitter_given() -> None:
    failing = [ConnectError("no")] * 5

    for jitter in (1.0, 0.5, 0.0):
        talk = Talk(*failing, retry=Retry(attempts=6, base=0.1, cap=0.5, budget=100), jitter=jitter)
        talk.send(message())
        assert talk.waited == pytest.approx([wait * jitter for wait in (0.1, 0.2, 0.4, 0.5, 0.5)])


def test_the_budget_counts_waits_and_requests_and_ends_before_it_would_be_exceeded() -> None:
    # each attempt takes 3 s and each wait 1 s: 3, 1, 3 s have gone when the second wait would make it 8
    retry = Retry(attempts=100, base=1.0, cap=1.0, budget=7.5)
    talk = Talk(*[ConnectError("no")] * 100, retry=retry, request_takes=3.0)

    (outcome,) = talk.send(message())

    assert isinstance(outcome, ConnectError)
    assert talk.waited == [1.0]
    assert len(talk.asked) == 2


def test_each_request_has_a_budget_of_its_own() -> None:
    retry = Retry(attempts=2, base=1.0, budget=1.5)
    talk = Talk(ConnectError("no"), YES, ConnectError("no"), YES, ConnectError("no"), YES, retry=retry)

    (outcome,) = talk.send(message("many", *(f"c-{number}" for number in range(250))))

    assert isinstance(outcome, Sent)
    assert outcome.requests == 3


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        *[("2", 2.0), ("0.5", 0.5), ("0", 0.1), (None, 0.1), ("soon", 0.1), ("-5", 0.1), ("inf", 0.1)],
        ("Tue, 14 Nov 2023 22:13:23 GMT", 2.75),  # NOW is a quarter of a second after :20
    ],
)
def test_retry_after_is_kept_to(header: str | None, wait: float) -> None:
    talk = Talk(reply(429, b"slow down", retry_after=header))

    assert talk.send(message()) == [Sent(1)]
    assert talk.waited == [wait]


def test_retry_after_is_not_shortened_by_the_jitter() -> None:
    talk = Talk(reply(503, retry_after="2"), jitter=0.1)

    talk.send(message())
    assert talk.waited == [2.0]


def test_a_retry_after_beyond_the_budget_is_not_waited_for() -> None:
    talk = Talk(reply(429, retry_after="3600"))

    (outcome,) = talk.send(message())

    assert isinstance(outcome, RateLimitedError)
    assert outcome.retry_after == 3600.0
    assert outcome.retryable
    assert talk.waited == []


def test_each_attempt_is_signed_anew_with_the_time_it_is_made_at() -> None:
    talk = Talk(reply(429, retry_after="3"), reply(503, retry_after="4"), YES)

    talk.send(message())

    assert [asked.query["auth_timestamp"] for asked in talk.asked] == [str(int(NOW) + s) for s in (0, 3, 7)]
    assert len({asked.query["auth_signature"] for asked in talk.asked}) == 3
    assert all(asked.signed_as(f"/apps/{APP}/events") for asked in talk.asked)
    assert len({asked.raw for asked in talk.asked}) == 1


def test_questions_are_tried_again_too() -> None:
    talk = Talk(ConnectError("no"), reply(200, {"channels": {}}))

    assert talk.query("GET", "/channels", {}) == {"channels": {}}
    assert len(talk.asked) == 2


def test_a_question_that_is_refused_raises() -> None:
    with pytest.raises(BadRequestError, match=r"GET /channels/news was refused by http://service\.test:8080: 400"):
        Talk(reply(400, b"no")).query("GET", "/channels/news", {})


def test_an_error_says_what_did_not_reach_whom_and_why() -> None:
    (outcome,) = Talk(ConnectError("ConnectError name or service not known"), retry=ONCE).send(message("order.paid"))

    assert str(outcome) == (
        "event 'order.paid' did not reach http://service.test:8080: ConnectError name or service not known"
    )
    assert isinstance(outcome.__cause__, ConnectError)
