"""Celery: a worker of the app sends what was broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from broadcastkit.delivery.backlog import FailureHook
from broadcastkit.delivery.queues.base import TASK, BlockingQueueDelivery, claim
from broadcastkit.delivery.queues.work import Ticket, Worker
from broadcastkit.delivery.source import Source, defaults
from broadcastkit.drivers.base import Driver
from broadcastkit.errors import MissingDependencyError

try:
    from celery import Celery
    from celery.exceptions import Reject
except ImportError:
    raise MissingDependencyError("Celery", "celery", "CeleryDelivery") from None

__all__ = ["CeleryDelivery"]


class CeleryDelivery(BlockingQueueDelivery):
    """Hands messages to the workers of a Celery app; the receipt says *queued*.

        delivery = CeleryDelivery(app)
        configure(Broadcaster.from_env(delivery=delivery))

    Workers import the module that says this, as they do for any task. `queue`, `tries`, `backoff`, `on_failed` and
    `broadcaster` are explained at `QueueDelivery`. Without a `queue`, tasks go where the app's go. What failed is in
    the result backend, if there is one. The payload is a task's argument, which Celery is told not to show: no log
    above DEBUG has it, nor has Flower.

    - Order: that of the calls with one worker that runs one task at a time (`--concurrency=1`), but for what is tried
      again; none otherwise.
    - A worker is killed: tasks are acknowledged late, so that another worker gets them. A killed child's at once, a
      whole worker's when the broker gives it up: RabbitMQ at once, Redis after the app's `visibility_timeout`, which
      is an hour unless set otherwise.
    """

    def __init__(
        self,
        app: Celery,
        *,
        queue: str | None = None,
        tries: int = 10,
        backoff: float = 1.0,
        on_failed: FailureHook | None = None,
        broadcaster: Callable[[], Source[Driver]] | None = None,
        name: str = TASK,
    ) -> None:
        super().__init__(queue=queue, tries=tries, backoff=backoff)
        worker = Worker(broadcaster or defaults.sync, on_failed)

        def send(task: Any, text: str) -> None:
            further = worker.send(text, task.request.retries + 1)
            if further is None:
                return
            args, label = [further.ticket.text], further.ticket.label
            try:
                raise task.retry(args=args, argsrepr=label, countdown=further.delay, exc=further.error)
            except Reject as refused:  # the broker did not take it: let it keep what it has
                raise Reject(refused.reason, requeue=True) from None

        self.task: Any = app.task(
            send,
            name=claim(app, name),
            bind=True,
            shared=False,  # with every other app of this process, as Celery would
            serializer="json",
            max_retries=None,  # the worker counts
            acks_late=True,
            reject_on_worker_lost=True,
            ignore_result=True,
            store_errors_even_if_ignored=True,
        )

    def _put(self, ticket: Ticket) -> None:
        options = {} if ticket.queue is None else {"queue": ticket.queue}
        self.task.apply_async(args=[ticket.text], argsrepr=ticket.label, task_id=ticket.id, **options)
