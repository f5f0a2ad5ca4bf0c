"""What RQ's workers import, where a job names it."""

from __future__ import annotations

from redis import Redis

from broadcastkit.delivery.queues import RQDelivery
from tests.faults.queue_worker import options

__all__ = ["JOB", "send_broadcast"]

JOB = f"{__name__}.send_broadcast"

delivery = RQDelivery(Redis(), job=JOB, **options())
send_broadcast = delivery.task
