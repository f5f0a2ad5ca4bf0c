"""What a worker makes of a message: one policy, both colours."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.core.options import EventOptions
from broadcastkit.core.repeats import Claim
from broadcastkit.core.retry import Retry
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.queues.work import Again, AsyncWorker, Worker, again, ticket_of
from broadcastkit.delivery.repeats import MemoryRepeats
from broadcastkit.drivers.base import Sent
from broadcastkit.errors import (
    BadCredentialsError,
    CircuitOpenError,
    ConfigurationError,
    ConnectError,
    DeliveryError,
    InvalidPayloadError,
    NoReplyError,
    RateLimitedError,
    ServiceFailedError,
)
from tests.delivery.held import AsyncHeld, Held

PAYLOAD = '{"text":"t0psecret"}'
OPTIONS = EventOptions(queue="high", tries=4, backoff=2.0)
ENVELOPE = Envelope("main", Message("shipped", ("a", "b", "c"), PAYLOAD, "1.2", (), OPTIONS), "e-1")


def with_options(**options: Any) -> Envelope:
    return ENVELOPE._replace(message=ENVELOPE.message._replace(options=EventOptions(**options)))


# -- the policy --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "attempt", "jitter", "delay"),
    [
        (ConnectError("down"), 1, 1.0, 2.0),
        (ConnectError("down"), 1, 0.0, 1.0),
        (ConnectError("down"), 2, 1.0, 4.0),
        (ConnectError("down"), 3, 1.0, 8.0),
        (ConnectError("down"), 4, 1.0, None),
        (RateLimitedError("slow down", status=429, retry_after=30.0), 1, 1.0, 30.0),
        (RateLimitedError("slow down", status=429, retry_after=1000.0), 1, 1.0, 1000.0),
        (RateLimitedError("slow down", status=429, retry_after=1e300), 1, 1.0, 1800.0),
        (RateLimitedError("slow down", status=429, retry_after=float("inf")), 1, 1.0, 1800.0),
        (RateLimitedError("slow down", status=429, retry_after=float("nan")), 1, 1.0, 2.0),
        (CircuitOpenError("not asked", retry_after=12.5), 1, 1.0, 12.5),
        (ServiceFailedError("broken", status=503), 1, 1.0, 2.0),
        (ServiceFailedError("broken", status=500), 1, 1.0, None),  # as of any send: it may have been taken
        (NoReplyError("silent"), 1, 1.0, None),
        (BadCredentialsError("no", status=401), 1, 1.0, None),
        (ConfigurationError("no such connection"), 1, 1.0, None),
        (ZeroDivisionError(), 1, 1.0, None),
    ],
)
def test_what_is_tried_again_and_when(error: Exception, attempt: int, jitter: float, delay: float | None) -> None:
    further = again(ENVELOPE, error, attempt=attempt, jitter=jitter)
    assert (None if further is None else further.delay) == delay


def test_the_back_off_ends_at_five_minutes_unless_it_begins_beyond() -> None:
    for backoff, delay in ((2.0, 300.0), (3600.0, 3600.0)):
        further = again(with_options(tries=99, backoff=backoff), ConnectError("down"), attempt=50, jitter=1.0)
        assert further is not None
        assert further.delay == delay


def test_a_silent_service_is_asked_again_where_the_event_says_so() -> None:
    envelope = with_options(tries=2, backoff=1.0, retry=Retry(after_timeout=True))
    assert again(envelope, NoReplyError("silent"), attempt=1, jitter=1.0) is not None


def test_without_options_there_is_one_try() -> None:
    bare = ENVELOPE._replace(message=ENVELOPE.message._replace(options=None))
    assert again(bare, ConnectError("down"), attempt=1, jitter=1.0) is None


@pytest.mark.parametrize(
    ("delivered", "left"), [((), ("a", "b", "c")), (("a", "c"), ("b",)), (("a", "b", "c"), ("a", "b", "c"))]
)
def test_only_the_channels_that_are_left_are_tried_again(delivered: tuple[str, ...], left: tuple[str, ...]) -> None:
    further = again(ENVELOPE, ConnectError("down", delivered=delivered), attempt=1, jitter=1.0)
    assert further is not None
    assert Envelope.from_json(further.ticket.text) == ENVELOPE._replace(
        message=ENVELOPE.message._replace(channels=left)
    )
    assert further.ticket.id == "e-1"


def test_a_ticket_says_what_may_be_shown() -> None:
    ticket = ticket_of(ENVELOPE)
    assert (ticket.queue, ticket.tries) == ("high", 4)
    assert ticket.label == "<Message 'shipped' on 3 channel(s), 20 characters>"
    assert "t0psecret" not in repr(ticket) + repr(Again(ticket, 1.0, ConnectError("down")))


# -- the worker --------------------------------------------------------------------------------------------------------


class Told:
    def __init__(self) -> None:
        self.failed: list[tuple[str, Message, Exception]] = []

    def __call__(self, connection: str, message: Message, error: Exception) -> None:
        self.failed.append((connection, message, error))


class Sync:
    """A blocking worker and its service."""

    def __init__(self, told: Told | None = None, store: MemoryRepeats | None = None) -> None:
        self.driver = Held(released=True)
        broadcaster = Broadcaster({"main": self.driver}, repeats=store)
        self._worker = Worker(lambda: broadcaster, told)

    async def send(self, text: str, attempt: int = 1) -> Again | None:
        return self._worker.send(text, attempt)


class Awaited:
    """An awaited worker and its service."""

    def __init__(self, told: Told | None = None, store: MemoryRepeats | None = None) -> None:
        self.driver = AsyncHeld(released=True)
        broadcaster = AsyncBroadcaster({"main": self.driver}, repeats=store)
        self._worker = AsyncWorker(lambda: broadcaster, told)

    async def send(self, text: str, attempt: int = 1) -> Again | None:
        return await self._worker.send(text, attempt)


COLOURS = pytest.mark.parametrize("colour", [Sync, Awaited])


@COLOURS
async def test_a_message_is_sent_over_its_connection(colour: type[Sync | Awaited]) -> None:
    worker = colour()
    assert await worker.send(ENVELOPE.to_json()) is None
    assert worker.driver.requests == [["shipped"]]


@COLOURS
async def test_a_failure_is_given_back(colour: type[Sync | Awaited], caplog: pytest.LogCaptureFixture) -> None:
    worker = colour()
    worker.driver.outcomes["shipped"] = RateLimitedError("slow down", status=429, retry_after=9.0)
    with caplog.at_level(logging.INFO, "broadcastkit.delivery"):
        further = await worker.send(ENVELOPE.to_json(), 2)
    assert further is not None
    assert further.delay == 9.0
    assert [record.getMessage() for record in caplog.records] == [
        "'shipped' to 'main' failed, try 2 of 4; again in 9.0 s: slow down"
    ]


@COLOURS
async def test_the_last_failure_is_logged_and_raised(
    colour: type[Sync | Awaited], caplog: pytest.LogCaptureFixture
) -> None:
    worker = colour()
    worker.driver.outcomes["shipped"] = ConnectError("down")
    with pytest.raises(ConnectError, match="down"):
        await worker.send(ENVELOPE.to_json(), 4)
    assert [record.getMessage() for record in caplog.records] == ["'shipped' to 'main' failed for good at try 4: down"]


@COLOURS
async def test_the_hook_is_told_in_the_place_of_the_log(
    colour: type[Sync | Awaited], caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    worker = colour(told)
    worker.driver.raises = error = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        await worker.send(ENVELOPE.to_json())
    assert told.failed == [("main", ENVELOPE.message, error)]
    assert caplog.records == []


@COLOURS
async def test_a_hook_that_fails_hides_nothing_from_the_queue(
    colour: type[Sync | Awaited], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Told):
        def __call__(self, connection: str, message: Message, error: Exception) -> None:
            raise KeyError

    worker = colour(Broken())
    worker.driver.outcomes["shipped"] = BadCredentialsError("no", status=401)
    with pytest.raises(BadCredentialsError):
        await worker.send(ENVELOPE.to_json())
    assert [record.getMessage() for record in caplog.records] == ["on_failed failed"]


@COLOURS
@pytest.mark.parametrize("limit", [0, 10], ids=["alone", "shared"])
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ([], "returned 0 outcomes for 1 messages"),
        ([Sent(1), Sent(1)], "returned 2 outcomes for 1 messages"),
        (None, "returned a NoneType, not a list"),
        ([None], "returned a NoneType for a message"),
    ],
    ids=["few", "many", "nothing", "none"],
)
async def test_a_driver_that_answers_wrongly_is_named(
    colour: type[Sync | Awaited], limit: int, answer: Any, text: str
) -> None:
    told = Told()
    worker = colour(told)
    worker.driver.batch_limit = limit
    worker.driver.answer = lambda messages: answer  # type: ignore[method-assign]
    with pytest.raises(TypeError, match=f"Held.*{text}") as caught:
        await worker.send(ENVELOPE.to_json())
    assert told.failed == [("main", ENVELOPE.message, caught.value)]


CLAIM = Claim("key", "holder", 600.0)
UNIQUE = ENVELOPE._replace(claim=("key", "holder"))


@COLOURS
async def test_what_is_unique_is_free_when_it_is_sent_or_given_up_and_not_before(
    colour: type[Sync | Awaited],
) -> None:
    store = MemoryRepeats()
    worker = colour(store=store)
    other = [Claim("key", "other", 600.0)]
    for outcome, attempt, is_free in (
        (ConnectError("down"), 1, False),
        (ConnectError("down"), 4, True),
        (None, 1, True),
    ):
        store.claim([CLAIM])
        worker.driver.outcomes = {"shipped": outcome} if outcome else {}
        with contextlib.suppress(ConnectError):
            further = await worker.send(UNIQUE.to_json(), attempt)
            if further is not None:
                assert Envelope.from_json(further.ticket.text).claim == UNIQUE.claim
        assert list(store.holds(other)) == [is_free]


@COLOURS
async def test_a_store_that_fails_costs_no_message(
    colour: type[Sync | Awaited], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(MemoryRepeats):
        def release(self, claims: Sequence[Claim]) -> None:
            raise KeyError

    worker = colour(store=Broken())
    assert await worker.send(UNIQUE.to_json()) is None
    assert [record.getMessage() for record in caplog.records] == [
        "a unique event stays pending until its time is over: KeyError"
    ]


@COLOURS
async def test_a_connection_that_a_worker_does_not_know_is_named(colour: type[Sync | Awaited]) -> None:
    with pytest.raises(ConfigurationError, match="there is no connection 'other'; there are: main"):
        await colour().send(ENVELOPE._replace(connection="other").to_json())


@COLOURS
async def test_what_is_no_envelope_is_refused_and_not_shown(colour: type[Sync | Awaited]) -> None:
    with pytest.raises(InvalidPayloadError, match="not an envelope") as raised:
        await colour().send(PAYLOAD)
    assert "t0psecret" not in str(raised.value)


def test_every_delivery_error_can_be_decided() -> None:
    """Also one that is the root of its branch."""
    assert again(ENVELOPE, DeliveryError("?"), attempt=1, jitter=1.0) is None
