"""What `taskiq worker` imports; tests make the same broker, for the side that broadcasts."""

from __future__ import annotations

import os

from taskiq import AsyncBroker
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from broadcastkit.delivery.queues import TaskiqDelivery
from tests.delivery.queues.options import options

__all__ = ["create"]


def create(redis: str, queue: str = "taskiq") -> AsyncBroker:
    return RedisStreamBroker(
        redis,
        queue_name=queue,
        consumer_id="0",
        xread_block=200,
        unacknowledged_lock_timeout=1.0,
    ).with_result_backend(RedisAsyncResultBackend(redis))


if "QUEUE_REDIS" in os.environ:
    broker = create(os.environ["QUEUE_REDIS"], os.environ.get("QUEUE_NAME", "taskiq"))
    delivery = TaskiqDelivery(broker, **options(awaited=True))
