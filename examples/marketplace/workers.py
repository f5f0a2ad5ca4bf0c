"""The queue: Celery on Redis, which QUEUE_CONNECTION=redis puts between the application and the service."""

from __future__ import annotations

from celery import Celery

__all__ = ["celery_app"]


def celery_app(redis: str) -> Celery:
    app = Celery("marketplace", broker=redis)
    app.conf.update(
        broker_connection_retry_on_startup=True,
        # other applications may use this Redis
        task_default_queue="marketplace",
        worker_hijack_root_logger=False,
    )
    return app
