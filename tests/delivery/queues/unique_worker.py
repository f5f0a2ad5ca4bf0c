"""What workers are given that remember what is pending in the queue's Redis; RQ's jobs name its function."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from redis import Redis

from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.delivery.queues import RQDelivery
from broadcastkit.delivery.repeats import AsyncRedisRepeats, RedisRepeats

__all__ = ["JOB", "options", "send_broadcast"]

JOB = f"{__name__}.send_broadcast"


@cache
def blocking() -> Broadcaster:
    return Broadcaster.from_env(repeats=RedisRepeats(os.environ["QUEUE_REDIS"]))


@cache
def asynchronous() -> AsyncBroadcaster:
    return AsyncBroadcaster.from_env(repeats=AsyncRedisRepeats(os.environ["QUEUE_REDIS"]))


def options(*, awaited: bool = False) -> dict[str, Any]:
    return {"broadcaster": asynchronous if awaited else blocking}


delivery = RQDelivery(Redis(), job=JOB, **options())
send_broadcast = delivery.task
