"""The queue's worker, for QUEUE_CONNECTION=redis: `python -m examples.dentist_chat.worker`.

It sends what the application has broadcast, and tells those by email and push who were not there to hear it.
"""

from __future__ import annotations

import os

from redis import Redis
from rq import SimpleWorker

from broadcastkit import Broadcaster
from broadcastkit.delivery.queues import RQDelivery
from examples.dentist_chat.live import JOB
from examples.dentist_chat.monitoring import log_to_file
from examples.dentist_chat.notifications import Notifications
from examples.dentist_chat.settings import Settings

__all__ = ["main", "send_broadcast"]

settings = Settings.from_env()
connection = Redis.from_url(settings.redis)
broadcaster = Broadcaster.from_env(when_offline=Notifications(settings, os.environ).fallbacks)
delivery = RQDelivery(connection, queue=settings.queue_name, job=JOB, broadcaster=lambda: broadcaster)
send_broadcast = delivery.task


def main() -> None:
    log_to_file(settings)
    # what has to be tried again waits for a scheduler
    SimpleWorker([settings.queue_name], connection=connection).work(with_scheduler=True)


if __name__ == "__main__":
    main()
