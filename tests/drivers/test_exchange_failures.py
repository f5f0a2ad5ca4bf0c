"""What became of each part when something was refused: by this side, by the service, or for everyone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Sent
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConnectError,
    ConnectionLostError,
    ForbiddenError,
    NoReplyError,
    PayloadTooLargeError,
    RateLimitedError,
    ServiceFailedError,
    TooLargeForServiceError,
    UnknownAppError,
)
from tests.drivers.talk import YES, Asked, Talk, batched, each, many, message, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcastkit.drivers.pusher.wire import HttpReply

ONCE = Retry(attempts=1)


def refusing(*names: str, status: int = 400) -> Callable[[Asked], HttpReply]:
    """Refuse a request that has one of these events in it, as a service does with a batch."""

    def answer(asked: Asked) -> HttpReply:
        return reply(status, b"no") if {name for name, _ in batched(asked)} & set(names) else YES

    return answer


# -- refused before anything is sent -----------------------------------------------------------------------------------


def test_a_message_that_the_service_would_refuse_is_refused_here_and_touches_no_other() -> None:
    talk = Talk()

    before, large, after = talk.send(message("a"), message("large", data=json.dumps("x" * 10_240)), message("b"))

    assert before == after == Sent(1)
    assert isinstance(large, PayloadTooLargeError)
    assert (large.event, large.size, large.limit) == ("large", 10_242, 10_240)
    assert [entry for asked in talk.asked for entry in batched(asked)] == [("a", "news"), ("b", "news")]


def test_a_size_is_measured_in_bytes_of_utf_8_and_the_largest_fields_are_named() -> None:
    data = json.dumps({"note": "ü" * 5_000, "id": 7, "title": "x" * 300}, ensure_ascii=False)

    (outcome,) = Talk().send(message("large", data=data))

    assert isinstance(outcome, PayloadTooLargeError)
    assert outcome.size == len(data.encode())
    assert outcome.largest == (("note", 10_002), ("title", 302), ("id", 1))
    assert "note (10002 B), title (302 B), id (1 B)" in str(outcome)
    assert "üü" not in str(outcome)


def test_a_request_that_would_be_too_large_for_reverb_is_refused_here() -> None:
    talk = Talk(profile="reverb")
    # quotes are written twice, once in the payload and once around it
    data = json.dumps('"' * 2_600)
    assert len(data) < 10_000

    (outcome,) = talk.send(message("large", data=data))

    assert isinstance(outcome, PayloadTooLargeError)
    assert "reverb takes 10000" in str(outcome)
    assert talk.asked == []


# -- refused by the service --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error"), [(400, BadRequestError), (413, TooLargeForServiceError), (422, BadRequestError)]
)
def test_one_bad_entry_does_not_spoil_the_others_of_its_batch(status: int, error: type[Exception]) -> None:
    answer = refusing("event.2", status=status)
    talk = Talk(*[answer] * 20)

    outcomes = talk.send(*each(12))

    assert [type(outcome) for outcome in outcomes] == [error if n == 2 else Sent for n in range(12)]
    # the batch of ten, each of it for itself, and the batch of two
    assert [len(batched(asked)) for asked in talk.asked] == [10, *[1] * 10, 2]
    assert [asked.path.rpartition("/")[2] for asked in talk.asked] == ["batch_events", *["events"] * 10, "batch_events"]


def test_an_error_that_concerns_everyone_stops_the_asking_about_each() -> None:
    talk = Talk(reply(400, b"no"), YES, reply(401), retry=ONCE)

    outcomes = talk.send(*each(5))

    assert [type(outcome) for outcome in outcomes] == [Sent] + [BadCredentialsError] * 4
    assert [len(batched(asked)) for asked in talk.asked] == [5, 1, 1]


def test_the_parts_of_one_message_that_were_served_are_named_in_its_error() -> None:
    def answer(asked: Asked) -> HttpReply:
        return reply(400, b"no") if "bad" in {name for _, name in batched(asked)} else YES

    talk = Talk(*[answer] * 9)

    first, second = talk.send(message("a", "good", "bad", "other"), message("b", "good"))

    assert isinstance(first, BadRequestError)
    assert first.delivered == ("good",)
    assert second == Sent(1)
    # what comes after the refused part of the same message is not tried
    assert [entry for asked in talk.asked[1:] for entry in batched(asked)] == [
        ("a", "good"),
        ("a", "bad"),
        ("b", "good"),
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (ConnectError("nobody"), ConnectError),
        (reply(401), BadCredentialsError),
        (ConnectionLostError("broken"), ConnectionLostError),
        (NoReplyError("silence"), NoReplyError),
        (reply(403), ForbiddenError),
        (reply(404), UnknownAppError),
        (reply(429), RateLimitedError),
        (reply(502), ServiceFailedError),
        (reply(503), ServiceFailedError),
        (reply(504), ServiceFailedError),
        (reply(200, {"error": "signature", "code": 401}), BadCredentialsError),
    ],
)
def test_an_error_that_concerns_everyone_stops_the_sending(answer: HttpReply, error: type[Exception]) -> None:
    talk = Talk(YES, answer, retry=ONCE)

    outcomes = talk.send(*each(25))

    assert [type(outcome) for outcome in outcomes] == [Sent] * 10 + [error] * 15
    assert len(talk.asked) == 2


@pytest.mark.parametrize(
    "answer", [reply(500), reply(501), reply(520), reply(200, b"<html>blocked</html>"), reply(302)], ids=str
)
def test_an_answer_that_may_be_about_one_event_keeps_no_other_request_from_being_tried(answer: HttpReply) -> None:
    def about(asked: Asked) -> HttpReply:
        return answer if "event.3" in {name for name, _ in batched(asked)} else YES

    talk = Talk(*[about] * 9)

    outcomes = talk.send(*(message(f"event.{n}", f"c-{n}") for n in range(25)))

    # those that shared its request are not sent again: the service may have sent some
    assert [type(outcome) for outcome in outcomes] == [ServiceFailedError] * 10 + [Sent] * 15
    assert [len(batched(asked)) for asked in talk.asked] == [10, 10, 5]


def test_nothing_overtakes_what_the_service_failed_at_on_its_channel() -> None:
    """Somebody may send it again: the outbox does."""
    talk = Talk(reply(500), retry=ONCE)
    first = [message(f"event.{n}", f"c-{n}") for n in range(10)]

    outcomes = talk.send(*first, message("free", "x"), message("late", "x", "c-3"), message("later", "x"))

    assert [type(outcome) for outcome in outcomes] == [ServiceFailedError] * 10 + [Sent] + [ServiceFailedError] * 2
    # `late` waits for `event.3`, and `later` for `late`
    assert [entry for asked in talk.asked[1:] for entry in batched(asked)] == [("free", "x")]


def test_of_a_batch_that_is_cut_up_a_failure_touches_its_own_channels_only() -> None:
    talk = Talk(reply(400, b"no"), YES, reply(500), YES)

    outcomes = talk.send(message("a", "x"), message("b", "y"), message("c", "y"), message("d", "z"))

    assert [type(outcome) for outcome in outcomes] == [Sent, ServiceFailedError, ServiceFailedError, Sent]
    assert [batched(asked)[0][0] for asked in talk.asked[1:]] == ["a", "b", "d"]


def test_what_follows_of_a_message_that_the_service_failed_at_is_not_tried() -> None:
    talk = Talk(YES, reply(500))

    first, second = talk.send(message("a", *many(250)), message("b", "other"))

    assert isinstance(first, ServiceFailedError)
    assert first.delivered == many(100)
    assert second == Sent(1)
    assert [len(batched(asked)) for asked in talk.asked] == [100, 100, 1]


def test_channels_that_had_been_served_are_named_in_the_error() -> None:
    names = many(250)
    talk = Talk(YES, reply(503), retry=ONCE)

    (outcome,) = talk.send(message("ping", *names))

    assert isinstance(outcome, ServiceFailedError)
    assert outcome.delivered == names[:100]
    assert len(talk.asked) == 2


def test_messages_that_share_an_error_do_not_share_what_was_delivered() -> None:
    # 2 x 102 channels: two requests each
    talk = Talk(YES, reply(503), retry=ONCE)

    first, second = talk.send(message("a", *many(102)), message("b", *many(102, "d")))

    assert first.delivered == many(100)
    assert second.delivered == ()
    assert str(first) == str(second)


def test_an_error_of_its_own_stays_a_messages_own_when_the_sending_stops() -> None:
    large = message("large", data=json.dumps("x" * 10_240))

    first, second = Talk(reply(401), retry=ONCE).send(large, message("b"))

    assert isinstance(first, PayloadTooLargeError)
    assert isinstance(second, BadCredentialsError)
