"""What a queue's worker does with a message: send it, and say whether to try again. One policy for all queues."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar

from broadcastkit.core.message import Message
from broadcastkit.core.options import EventOptions
from broadcastkit.core.retry import Retry
from broadcastkit.delivery.backlog import FailureHook
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.inline import Inline
from broadcastkit.delivery.outcomes import one_each
from broadcastkit.delivery.queues.claims import release_claim, release_claim_awaited
from broadcastkit.delivery.source import Source
from broadcastkit.delivery.telling import Failures, tell_dropped
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome
from broadcastkit.errors import BroadcastError, DeliveryError

__all__ = ["CAP", "Again", "AsyncWorker", "Ticket", "Worker", "again", "ticket_of"]

CAP = 300.0
"""Seconds that a back-off does not grow beyond; what the service asks for is kept to all the same."""

_LONGEST = 1800.0
"""Seconds for which that is: it may ask for years, and of Redis Celery takes back after an hour what still waits."""

_log = logging.getLogger("broadcastkit.delivery")

DriverT = TypeVar("DriverT")


class Ticket(NamedTuple):
    """What is put into a queue: the envelope as JSON, and what may be shown of it."""

    id: str
    text: str
    label: str
    queue: str | None
    tries: int

    def __repr__(self) -> str:
        """Leave the payload out."""
        return f"<Ticket {self.id} of {self.label}>"


class Again(NamedTuple):
    """What is to be put back, with the seconds to wait and the reason."""

    ticket: Ticket
    delay: float
    error: DeliveryError


def ticket_of(envelope: Envelope) -> Ticket:
    """Return what is queued for an envelope."""
    options = envelope.message.options or EventOptions()
    return Ticket(envelope.id, envelope.to_json(), repr(envelope.message), options.queue, options.tries or 1)


def again(envelope: Envelope, error: Exception, *, attempt: int, jitter: float) -> Again | None:
    """Return what to try again after a failed attempt, or None to give up. `jitter` is between 0 and 1.

    What is tried again, and what is not, is as for every send: see `Retry`. A back-off is shortened by up to half, so
    that not all come back at once. Channels that were served are left out.
    """
    message, options = envelope.message, envelope.message.options or EventOptions()
    if not isinstance(error, DeliveryError):
        return None
    base = options.backoff or 0.0
    policy = Retry(
        attempts=options.tries or 1,
        budget=float("inf"),
        base=base,
        cap=max(base, CAP),
        after_timeout=options.retry is not None and options.retry.after_timeout,
    )
    delay = policy.wait(error, attempt=attempt, elapsed=0.0, jitter=(1 + jitter) / 2)
    if delay is None:
        return None
    left = tuple(name for name in message.channels if name not in error.delivered) or message.channels
    ticket = ticket_of(envelope._replace(message=message._replace(channels=left)))
    return Again(ticket, min(delay, max(base, _LONGEST)), error)


class _WorkerBase(Generic[DriverT]):
    """What both colours share. `source` returns the broadcaster whose connections are sent over."""

    def __init__(self, source: Callable[[], Source[DriverT]], on_failed: FailureHook | None) -> None:
        self._source = source
        self._on_failed = on_failed
        self._log = Failures(_log)
        self._inline = Inline()  # what one process's threads or tasks send together shares requests

    def _verdict(self, envelope: Envelope, outcome: Outcome | Exception, attempt: int) -> Again | None:
        if not isinstance(outcome, Exception):
            return None
        message = envelope.message
        further = again(envelope, outcome, attempt=attempt, jitter=random.random())  # noqa: S311
        if further is not None:
            _log.info(
                "%r to %r failed, try %d of %d; again in %.1f s: %s",
                *(message.event, envelope.connection, attempt, further.ticket.tries, further.delay, outcome),
                extra={
                    "broadcast_connection": envelope.connection,
                    "broadcast_event": message.event,
                    "broadcast_error": type(outcome).__name__,
                    "broadcast_attempt": attempt,
                    "broadcast_delay": further.delay,
                },
            )
            return further
        self._report(envelope.connection, message, outcome, attempt)
        raise outcome

    def _report(self, connection: str, message: Message, error: Exception, attempt: int) -> None:
        with suppress(BroadcastError):  # there is no such connection, and nobody who watches it
            tell_dropped(self._source().driver(connection), connection, [(message, error)], "failed")
        if self._on_failed is None:
            words = "%r to %r failed for good at try %d"
            about = message.event, connection, attempt
            self._log.log(words, *about, error=error, connection=connection, event=message.event)
            return
        try:
            self._on_failed(connection, message, error)
        except Exception:  # noqa: BLE001 - the queue is to see the failure itself
            _log.exception("on_failed failed", extra={"broadcast_connection": connection})


class Worker(_WorkerBase[Driver]):
    """Sends what blocking workers take out of a queue."""

    def send(self, text: str, attempt: int) -> Again | None:
        """Send a message; returns what to put back, or None when it is done.

        Raises:
            BroadcastError: it failed for good: the log or the hook was told, and the queue sees the error.
        """
        envelope = Envelope.from_json(text)
        outcome: Outcome | Exception
        try:
            driver = self._source().driver(envelope.connection)
            messages = [envelope.message]
            (outcome,) = one_each(driver, messages, self._inline.deliver(envelope.connection, driver, messages))
        except Exception as error:  # noqa: BLE001 - raised by the verdict
            outcome = error
        further: Again | None = None
        try:
            further = self._verdict(envelope, outcome, attempt)
        finally:
            if further is None and envelope.claim is not None:
                release_claim(self._source, envelope.claim)
        return further


class AsyncWorker(_WorkerBase[AsyncDriver]):
    """The awaited twin of Worker."""

    async def send(self, text: str, attempt: int) -> Again | None:
        """See Worker.send."""
        envelope = Envelope.from_json(text)
        outcome: Outcome | Exception
        try:
            driver = self._source().driver(envelope.connection)
            messages = [envelope.message]
            (outcome,) = one_each(driver, messages, await self._inline.adeliver(envelope.connection, driver, messages))
        except Exception as error:  # noqa: BLE001 - raised by the verdict
            outcome = error
        further: Again | None = None
        try:
            further = self._verdict(envelope, outcome, attempt)
        finally:
            if further is None and envelope.claim is not None:
                await release_claim_awaited(self._source, envelope.claim)
        return further
