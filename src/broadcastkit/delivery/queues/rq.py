"""RQ: a worker of the queue sends what was broadcast."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from broadcastkit.delivery.backlog import FailureHook
from broadcastkit.delivery.queues.base import BlockingQueueDelivery
from broadcastkit.delivery.queues.work import Ticket, Worker
from broadcastkit.delivery.source import Source, defaults
from broadcastkit.drivers.base import Driver
from broadcastkit.errors import ConfigurationError, MissingDependencyError

try:
    from rq import Queue, Retry, get_current_job
except ImportError:
    raise MissingDependencyError("RQ", "rq", "RQDelivery") from None

__all__ = ["RQDelivery", "send"]

_ENVELOPE = "broadcast"


class RQDelivery(BlockingQueueDelivery):
    """Hands messages to RQ's workers; the receipt says *queued*. `connection` is a client of redis-py.

    RQ's workers import the function that a job names. That is `broadcastkit.delivery.queues.rq.send`, which sends over
    the connections that the worker's environment describes. Where code configures them, name a function of it with
    `job`, so that the worker imports that module; it is this delivery's `task`:

        delivery = RQDelivery(Redis(), job="shop.realtime.send_broadcast")
        send_broadcast = delivery.task              # in shop/realtime.py
        configure(Broadcaster.from_env(delivery=delivery))

    `queue`, `tries`, `backoff`, `on_failed` and `broadcaster` are explained at `QueueDelivery`. What is tried again
    waits for a scheduler: one worker at least must run `--with-scheduler`. What failed is with RQ's failed jobs.
    Workers must have the `serializer` that is given here, if one is. The payload is in a job's `meta`, which RQ does
    not show.

    - Order: that of the calls with one worker, but for what is tried again; none otherwise.
    - A worker is killed: a killed child's job is tried again at once; a whole worker's when another one looks for such
      jobs, which workers do every ten minutes, and it has not been heard of for 90 seconds. Each counts as a try.
    """

    def __init__(
        self,
        connection: Any,
        *,
        queue: str = "default",
        tries: int = 10,
        backoff: float = 1.0,
        serializer: Any = None,
        job: str | None = None,
        on_failed: FailureHook | None = None,
        broadcaster: Callable[[], Source[Driver]] | None = None,
    ) -> None:
        super().__init__(queue=queue, tries=tries, backoff=backoff)
        if job is None and (on_failed or broadcaster):
            raise ConfigurationError(
                "on_failed= and broadcaster= are for a task of this process: name it with job=", setting="RQDelivery"
            )
        self._connection = connection
        self._serializer = serializer
        self._job = f"{__name__}.send" if job is None else job
        self._worker = Worker(broadcaster or defaults.sync, on_failed)

    def task(self) -> Retry | None:
        """Send the current job's message: what workers call if `job` names it."""
        return _send_current(self._worker)

    def _put(self, ticket: Ticket) -> None:
        queue = Queue(ticket.queue or "default", connection=self._connection, serializer=self._serializer)
        queue.enqueue_call(
            self._job,
            job_id=ticket.id,
            description=ticket.label,
            meta={_ENVELOPE: ticket.text, "tries": ticket.tries},
            result_ttl=0,  # a job that is done would keep the payload in Redis
            # for jobs whose worker was killed
            retry=Retry(max=ticket.tries - 1) if ticket.tries > 1 else None,
        )


def send() -> Retry | None:
    """Send the current job's message over the connections of the broadcaster that `broadcast()` uses."""
    return _send_current(Worker(defaults.sync, None))


def _send_current(worker: Worker) -> Retry | None:
    job = get_current_job()
    if job is None or _ENVELOPE not in job.meta:
        raise ConfigurationError("is for jobs that were broadcast: RQ's workers call it", setting=f"{__name__}.send")
    tries: int = job.meta["tries"]
    killed = tries - 1 - (job.retries_left or 0) if tries > 1 else 0
    try:
        further = worker.send(job.meta[_ENVELOPE], 1 + killed + (job.number_of_retries or 0))
    except BaseException:
        job.retries_left = None  # it failed for good
        raise
    if further is None:
        return None
    job.meta[_ENVELOPE] = further.ticket.text
    return Retry(max=tries, interval=math.ceil(further.delay))
