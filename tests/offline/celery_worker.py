"""What `celery worker` imports; the test makes the same app, for the side that broadcasts."""

from __future__ import annotations

import os

from celery import Celery

from broadcastkit import Broadcaster, configure
from broadcastkit.delivery.queues import CeleryDelivery
from tests.offline.shop import fallbacks

__all__ = ["create"]


def create(redis: str) -> tuple[Celery, CeleryDelivery]:
    app = Celery("shop", broker=redis)
    app.conf.broker_connection_retry_on_startup = True
    return app, CeleryDelivery(app, backoff=0.1)


if "QUEUE_REDIS" in os.environ:
    app, delivery = create(os.environ["QUEUE_REDIS"])
    configure(Broadcaster.from_env(delivery=delivery, when_offline=fallbacks))
