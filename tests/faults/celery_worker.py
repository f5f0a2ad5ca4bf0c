"""What `celery worker` imports; the test makes the same app, for the side that broadcasts.

The worker notes in Redis which tasks came to an end, and what its failure hook was told.
"""

from __future__ import annotations

import json
import os
from typing import Any

from celery import Celery
from celery.signals import task_postrun
from redis import Redis

from broadcastkit import Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.delivery.queues import CeleryDelivery
from broadcastkit.drivers.pusher import PusherDriver
from tests.faults.deliveries import RETRY, numbered

__all__ = ["DONE", "TOLD", "create", "delivery_of"]

DONE, TOLD = "faults:done", "faults:told"
TIMEOUT = 0.5


def create(redis: str) -> Celery:
    """Make the app."""
    app = Celery("shop", broker=redis)
    app.conf.broker_connection_retry_on_startup = True
    return app


def delivery_of(app: Celery, **options: Any) -> CeleryDelivery:
    """Make the delivery: three tries, soon after each other."""
    return CeleryDelivery(app, tries=3, backoff=0.05, **options)


if "QUEUE_REDIS" in os.environ:
    app = create(os.environ["QUEUE_REDIS"])
    notes = Redis.from_url(os.environ["QUEUE_REDIS"])
    broadcaster = Broadcaster(PusherDriver.from_url(os.environ["SERVICE_URL"], retry=RETRY, timeout=TIMEOUT))

    def on_failed(connection: str, message: Message, error: Exception) -> None:
        notes.rpush(TOLD, json.dumps([numbered(message), type(error).__name__]))

    def note(state: str, **_: Any) -> None:
        if state != "RETRY":
            notes.rpush(DONE, state)

    task_postrun.connect(note)
    delivery = delivery_of(app, on_failed=on_failed, broadcaster=lambda: broadcaster)
