"""What RQ's workers import where a job names it: it says whose connections they use."""

from __future__ import annotations

import os

from redis import Redis

from broadcastkit import Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.delivery.queues import RQDelivery

__all__ = ["JOB", "send_broadcast", "told"]

JOB = f"{__name__}.send_broadcast"

told: list[tuple[str, str, str]] = []


def on_failed(connection: str, message: Message, error: Exception) -> None:
    told.append((connection, message.event, type(error).__name__))


def broadcaster() -> Broadcaster:
    return Broadcaster({"pusher": Broadcaster.from_url(os.environ["SHOP_BROADCASTS"]).driver()})


delivery = RQDelivery(Redis(), job=JOB, broadcaster=broadcaster, on_failed=on_failed)
send_broadcast = delivery.task
