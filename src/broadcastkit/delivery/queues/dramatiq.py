"""Dramatiq: a worker of the broker sends what was broadcast."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from broadcastkit.core.options import check_queue
from broadcastkit.delivery.backlog import FailureHook
from broadcastkit.delivery.queues.base import TASK, BlockingQueueDelivery, claim
from broadcastkit.delivery.queues.work import Ticket, Worker
from broadcastkit.delivery.source import Source, defaults
from broadcastkit.drivers.base import Driver
from broadcastkit.errors import ConfigurationError, MissingDependencyError

try:
    import dramatiq
    from dramatiq.middleware import CurrentMessage
except ImportError:
    raise MissingDependencyError("Dramatiq", "dramatiq", "DramatiqDelivery") from None

__all__ = ["DramatiqDelivery"]

_ENVELOPE, _ATTEMPT = "broadcast", "broadcast_attempt"


class DramatiqDelivery(BlockingQueueDelivery):
    """Hands messages to the workers of a Dramatiq broker; the receipt says *queued*.

        delivery = DramatiqDelivery(broker)
        configure(Broadcaster.from_env(delivery=delivery))

    Workers import the module that says this, as they do for any actor. `queue`, `tries`, `backoff`, `on_failed` and
    `broadcaster` are explained at `QueueDelivery`. `queues` are the others that events may name: workers take only
    from queues that they know of. What failed is with the broker's dead letters. The payload is in a message's
    options, which Dramatiq does not show.

    - Order: none. Each worker process has several threads.
    - A worker is killed: RabbitMQ hands its messages to another one at once, Redis when the worker has not been heard
      of for the broker's `heartbeat_timeout`, which is a minute unless set otherwise.
    """

    def __init__(
        self,
        broker: dramatiq.Broker,
        *,
        queue: str = "default",
        queues: Iterable[str] = (),
        tries: int = 10,
        backoff: float = 1.0,
        on_failed: FailureHook | None = None,
        broadcaster: Callable[[], Source[Driver]] | None = None,
        name: str = TASK,
    ) -> None:
        super().__init__(queue=queue, tries=tries, backoff=backoff)
        self._broker = broker
        self._queues = {queue, *(check_queue(other) for other in queues)}
        worker = Worker(broadcaster or defaults.sync, on_failed)

        @dramatiq.actor(actor_name=claim(broker, name), queue_name=queue, broker=broker, max_retries=0)
        def send() -> None:
            message = CurrentMessage.get_current_message()
            if message is None:
                raise ConfigurationError("is for workers: broadcast events, and they send them", setting=name)
            attempt = int(message.options[_ATTEMPT])
            further = worker.send(message.options[_ENVELOPE], attempt)
            if further is not None:
                options = {_ENVELOPE: further.ticket.text, _ATTEMPT: attempt + 1}
                broker.enqueue(message.copy(options=options), delay=round(further.delay * 1000))

        self.task: dramatiq.Actor[[], None] = send
        if not any(isinstance(middleware, CurrentMessage) for middleware in broker.middleware):
            broker.add_middleware(CurrentMessage())
        for other in self._queues:
            broker.declare_queue(other)

    def _put(self, ticket: Ticket) -> None:
        if ticket.queue not in self._queues:
            raise ConfigurationError(
                f"does not know the queue {ticket.queue!r}, which an event names: its workers would not look there; "
                f"say DramatiqDelivery(broker, queues=[{ticket.queue!r}])",
                setting="DramatiqDelivery",
            )
        options: dict[str, Any] = {_ENVELOPE: ticket.text, _ATTEMPT: 1}
        message = self.task.message_with_options(**options)
        self._broker.enqueue(message.copy(queue_name=ticket.queue, message_id=ticket.id))
