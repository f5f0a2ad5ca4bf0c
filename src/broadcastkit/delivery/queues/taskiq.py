"""Taskiq: a worker of the broker sends what was broadcast."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from broadcastkit.core.message import Message
from broadcastkit.delivery.backlog import FailureHook
from broadcastkit.delivery.base import Queued
from broadcastkit.delivery.queues.base import TASK, QueueDelivery, claim, not_queued
from broadcastkit.delivery.queues.work import Again, AsyncWorker, Ticket
from broadcastkit.delivery.source import Source, defaults
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome
from broadcastkit.errors import ConfigurationError, MissingDependencyError

try:
    from taskiq import AsyncBroker, Context, TaskiqDepends
    from taskiq.exceptions import SendTaskError
except ImportError:
    raise MissingDependencyError("Taskiq", "taskiq", "TaskiqDelivery") from None

__all__ = ["TaskiqDelivery"]

_log = logging.getLogger("broadcastkit.delivery")

_ENVELOPE, _ATTEMPT, _QUEUE = "broadcast", "broadcast_attempt", "queue_name"


class TaskiqDelivery(QueueDelivery):
    """Hands messages to the workers of a Taskiq broker; the receipt says *queued*. For async code only.

        delivery = TaskiqDelivery(broker)
        configure(AsyncBroadcaster.from_env(delivery=delivery))

    Workers import the module that says this, as they do for any task. `queue`, `tries`, `backoff`, `on_failed` and
    `broadcaster` are explained at `QueueDelivery`. `queue` becomes the label `queue_name`, which taskiq-redis knows;
    without it, tasks go where the broker's go. What is tried again waits in a worker, and then goes into the queue.
    What failed is in the result backend, if there is one. The payload is in a label.

    - Order: none. A worker process runs many tasks at once.
    - A worker is killed: as the broker promises. Of taskiq-redis, `RedisStreamBroker` hands on what the worker had
      after `idle_timeout`, ten minutes unless set otherwise, and when something new comes (set its
      `unacknowledged_lock_timeout`, or a killed worker's lock may stay); with `ListQueueBroker`, what it had is lost.
    """

    waits: bool = False  # blocking code is refused

    def __init__(
        self,
        broker: AsyncBroker,
        *,
        queue: str | None = None,
        tries: int = 10,
        backoff: float = 1.0,
        on_failed: FailureHook | None = None,
        broadcaster: Callable[[], Source[AsyncDriver]] | None = None,
        name: str = TASK,
    ) -> None:
        super().__init__(queue=queue, tries=tries, backoff=backoff)
        worker = AsyncWorker(broadcaster or defaults.asynchronous, on_failed)

        async def send(context: Annotated[Context, TaskiqDepends()]) -> None:
            labels = context.message.labels
            attempt = int(labels[_ATTEMPT])
            further = await worker.send(labels[_ENVELOPE], attempt)
            if further is not None:
                await self._put_back(further, attempt + 1)

        # a middleware that retries whatever fails would begin again with every channel
        self.task: Any = broker.register_task(send, task_name=claim(broker, name), retry_on_error=False)

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Outcome | Queued]:
        """Refuse: Taskiq is for async code.

        Raises:
            ConfigurationError: always.
        """
        del connection, driver, messages
        raise ConfigurationError("is awaited: use AsyncBroadcaster, or broadcastkit.aio", setting="TaskiqDelivery")

    async def adeliver(
        self, connection: str, driver: AsyncDriver, messages: Sequence[Message]
    ) -> Sequence[Outcome | Queued]:
        """Queue messages, in order; after one that could not be queued, no other is."""
        del driver
        outcomes: list[Outcome | Queued] = []
        for message in messages:
            try:
                await self._kick(self._ticket(connection, message), 1)
            except Exception as error:  # noqa: BLE001 - whatever the client of a queue raises
                told = not_queued(error)
                return outcomes + [told.twin() for _ in messages[len(outcomes) :]]
            outcomes.append(Queued())
        return outcomes

    async def _put_back(self, further: Again, attempt: int) -> None:
        delay = further.delay
        while True:
            await asyncio.sleep(delay)
            try:
                return await self._kick(further.ticket, attempt)
            except SendTaskError as error:  # it would be lost if the task ended now
                delay = max(1.0, further.delay)
                extra = {"broadcast_error": type(error).__name__, "broadcast_delay": delay}
                _log.warning("%s, and tried again in %.1f s", not_queued(error), delay, extra=extra)

    async def _kick(self, ticket: Ticket, attempt: int) -> None:
        labels: dict[str, Any] = {_ENVELOPE: ticket.text, _ATTEMPT: attempt}
        if ticket.queue is not None:
            labels[_QUEUE] = ticket.queue
        await self.task.kicker().with_task_id(ticket.id).with_labels(**labels).kiq()
