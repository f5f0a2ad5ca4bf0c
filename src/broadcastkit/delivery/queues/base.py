"""What the adapters of all task queues share: how a message becomes a task."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from anyio import to_thread

from broadcastkit.core.message import Message
from broadcastkit.core.options import EventOptions, check_queue, check_tries
from broadcastkit.delivery.base import Delivery, Queued
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.queues.work import Ticket, ticket_of
from broadcastkit.delivery.watched import Watched
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome
from broadcastkit.errors import BroadcastError, ConfigurationError, ConnectError

__all__ = ["TASK", "BlockingQueueDelivery", "QueueDelivery", "claim", "not_queued"]

TASK = "broadcastkit.send"
"""The name under which workers know the task."""

_QUEUED = Queued()
_UNREACHED = ("ConnectionError", "OperationalError", "TimeoutError")
_claimed: WeakKeyDictionary[object, set[str]] = WeakKeyDictionary()


def claim(app: object, name: str) -> str:
    """Return the name of a task, which no other delivery of this app may have.

    Raises:
        ConfigurationError: one has: its worker would send what was meant for this one's.
    """
    names = _claimed.setdefault(app, set())
    if name in names:
        raise ConfigurationError(
            f"has the task {name!r} already: share one delivery between the broadcasters, or give this one a name=",
            setting=type(app).__name__,
        )
    names.add(name)
    return name


class QueueDelivery(Delivery):
    """A delivery by the workers of a task queue; the receipt says *queued*.

    What travels is JSON, rendered when it was broadcast, with the connection and the excluded socket id. It goes to
    `queue`. A worker sends it over the connections of the broadcaster that `broadcast()` uses (`aio.broadcast()`, of
    Taskiq), or that `broadcaster()` returns. What the service could not take for the moment is tried again, for the
    channels that are left: `tries` times in all, after `backoff` seconds at first and twice as long each time, up to
    five minutes, or after what the service asks for, up to half an hour. Anything else fails: the log or
    `on_failed(connection, message, error)` is told, and the queue sees the error. An event's class options `queue`,
    `tries` and `backoff` win.

    A unique event is pending until a worker has sent it or given it up, where the worker's broadcaster has the same
    `RedisRepeats` as the one that broadcast it.

    Each message arrives at least once, if the queue keeps what it has taken and hands on what a killed worker had. It
    may arrive twice, and, with several workers or after a retry, in another order.
    """

    carries: bool = True

    def __init__(self, *, queue: str | None, tries: int, backoff: float) -> None:
        check_tries(tries, backoff)
        self._defaults = EventOptions(queue=None if queue is None else check_queue(queue), tries=tries, backoff=backoff)

    def _ticket(self, connection: str, message: Message) -> Ticket:
        """Return what to queue: the event's own options, and the delivery's where it has none."""
        own = message.options
        options = self._defaults if own is None else replace(self._defaults, **_given(own))
        claim = message.claim if isinstance(message, Watched) else None
        pending = None if claim is None else (claim.key, claim.holder)
        return ticket_of(Envelope(connection, message._replace(options=options), uuid4().hex, pending))


def _given(options: EventOptions) -> dict[str, Any]:
    return {name: value for name in EventOptions.__slots__ if (value := getattr(options, name)) is not None}


def not_queued(error: Exception) -> ConnectError:
    """Return what a caller is told when a queue has not taken a message.

    What kept it from being reached is shown. Any other text is not: Redis, for one, quotes what it refuses.
    """
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    if not any(word in cls.__name__ for cls in type(cause).__mro__ for word in _UNREACHED):
        return ConnectError(f"not queued: {type(cause).__module__}.{type(cause).__name__}")
    told = ConnectError(f"not queued: {cause}")
    told.__cause__ = cause
    return told


class BlockingQueueDelivery(QueueDelivery):
    """One over a blocking client; an awaited broadcast uses it in a thread."""

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Outcome | Queued]:
        """Queue messages, in order; after one that could not be queued, no other is."""
        del driver
        return self._put_all(connection, messages)

    async def adeliver(
        self, connection: str, driver: AsyncDriver, messages: Sequence[Message]
    ) -> Sequence[Outcome | Queued]:
        """See deliver."""
        del driver
        return await to_thread.run_sync(self._put_all, connection, messages)

    def _put_all(self, connection: str, messages: Sequence[Message]) -> Sequence[Outcome | Queued]:
        tickets = [self._ticket(connection, message) for message in messages]
        for count, ticket in enumerate(tickets):
            try:
                self._put(ticket)
            except BroadcastError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever the client of a queue raises
                told = not_queued(error)
                return [_QUEUED] * count + [told.twin() for _ in tickets[count:]]
        return [_QUEUED] * len(tickets)

    @abstractmethod
    def _put(self, ticket: Ticket) -> None:
        """Put one into its queue."""
