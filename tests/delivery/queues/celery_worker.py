"""What `celery worker` imports; tests make the same app, for the side that broadcasts."""

from __future__ import annotations

import os

from celery import Celery

from broadcastkit.delivery.queues import CeleryDelivery
from tests.delivery.queues.options import options

__all__ = ["create"]


def create(redis: str) -> Celery:
    app = Celery("shop", broker=redis, backend=redis)
    app.conf.broker_connection_retry_on_startup = True
    return app


if "QUEUE_REDIS" in os.environ:
    app = create(os.environ["QUEUE_REDIS"])
    delivery = CeleryDelivery(app, **options())
