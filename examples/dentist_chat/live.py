"""What carries the events: the server in this process, or the service that BROADCAST_DRIVER and PUSHER_* name.

With QUEUE_CONNECTION=redis the workers of worker.py send; otherwise this process does, in the background.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry
from redis import Redis

from broadcastkit import AsyncBroadcaster
from broadcastkit.delivery import Background, Delivery
from broadcastkit.delivery.queues import RQDelivery
from broadcastkit.delivery.repeats import AsyncRedisRepeats
from broadcastkit.drivers.base import ClientOptions
from broadcastkit.drivers.client_options import connect_sources
from broadcastkit.errors import ConfigurationError
from broadcastkit.observability.prometheus import PrometheusHooks
from broadcastkit.offline import Fallbacks
from broadcastkit.server import App, AsyncEmbeddedDriver, EmbeddedServer
from examples.dentist_chat.rules import channels
from examples.dentist_chat.settings import Settings

__all__ = ["JOB", "Live", "live_from"]

JOB = "examples.dentist_chat.worker.send_broadcast"
"""What workers call for each event."""


@dataclass(frozen=True)
class Live:
    broadcaster: AsyncBroadcaster
    metrics: CollectorRegistry
    server: EmbeddedServer | None = None
    queue: Redis | None = None

    def page_settings(self, base_url: str) -> ClientOptions:
        """Return the options of pusher-js; the server in this process is where the page came from."""
        return self.broadcaster.client_options(url=None if self.server is None else base_url)

    @property
    def origins(self) -> str:
        """Where pages may connect to, in the words of a Content-Security-Policy."""
        return " ".join(["'self'", *connect_sources(self.broadcaster.client_options())])

    async def aclose(self) -> None:
        """Close what the broadcaster does not close itself, after it."""
        if self.server is not None:
            await self.server.aclose()
        self.close()

    def close(self) -> None:
        if self.queue is not None:
            self.queue.close()


def live_from(settings: Settings, missed: Fallbacks, environ: Mapping[str, str] = os.environ) -> Live:
    metrics = CollectorRegistry()
    queue = Redis.from_url(settings.redis) if settings.queue_connection == "redis" else None
    delivery: Delivery = Background()
    if queue is not None:
        delivery = RQDelivery(queue, queue=settings.queue_name, job=JOB)
    # what is throttled is counted where the queue is, too: for all processes of the application together
    repeats = None if queue is None else AsyncRedisRepeats(settings.redis)
    options: dict[str, Any] = {
        "channels": channels,
        "delivery": delivery,
        "hooks": PrometheusHooks(metrics, queue=delivery if isinstance(delivery, Background) else None),
        # what is stored and not broadcast is seen at the next reload, which beats an error page
        "on_error": "report",
        "repeats": repeats,
        "when_offline": missed,
    }
    if settings.broadcast_driver is not None:
        return Live(AsyncBroadcaster.from_env(environ, **options), metrics, queue=queue)
    if queue is not None:
        raise ConfigurationError(
            "cannot be redis without BROADCAST_DRIVER=pusher: workers cannot reach the server in this process",
            setting="QUEUE_CONNECTION",
        )
    server = EmbeddedServer(App("ask-dentist", settings.pusher_app_key, secrets.token_hex(), client_events="none"))
    return Live(AsyncBroadcaster(AsyncEmbeddedDriver(server), **options), metrics, server)
