"""What `dramatiq` imports; tests make the same broker, for the side that broadcasts."""

from __future__ import annotations

import os

from dramatiq.brokers.redis import RedisBroker

from broadcastkit.delivery.queues import DramatiqDelivery
from tests.delivery.queues.options import options

__all__ = ["create"]


def create(redis: str) -> RedisBroker:
    # how many of a million requests look for what a killed worker had
    return RedisBroker(url=redis, maintenance_chance=1_000_000)


if "QUEUE_REDIS" in os.environ:
    broker = create(os.environ["QUEUE_REDIS"])
    delivery = DramatiqDelivery(broker, queues=["high"], **options())
