"""What `celery --app examples.marketplace.worker worker` imports: the guide's `php artisan queue:work`."""

from __future__ import annotations

import logging
import os

from broadcastkit import Broadcaster
from broadcastkit.config import redis_url_from_env
from broadcastkit.delivery.queues import CeleryDelivery
from examples.marketplace.figures import RedisFigures
from examples.marketplace.workers import celery_app

__all__ = ["app", "delivery"]

logging.basicConfig(level=logging.INFO)

app = celery_app(redis_url_from_env(os.environ))
broadcaster = Broadcaster.from_env(os.environ, hooks=RedisFigures(redis_url_from_env(os.environ)))
delivery = CeleryDelivery(app, broadcaster=lambda: broadcaster)
