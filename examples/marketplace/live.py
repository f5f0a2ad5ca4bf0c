"""What carries the events: the server in this process, or the service that BROADCAST_DRIVER names."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from broadcastkit import AsyncBroadcaster
from broadcastkit.config import redis_url_from_env
from broadcastkit.delivery.queues import CeleryDelivery
from broadcastkit.delivery.repeats import AsyncRedisRepeats
from broadcastkit.drivers.base import ClientOptions
from broadcastkit.drivers.client_options import client_options, connect_sources
from broadcastkit.errors import BroadcastError
from broadcastkit.observability.prometheus import PrometheusHooks
from broadcastkit.server import App, AsyncEmbeddedDriver, EmbeddedServer
from examples.marketplace.figures import Figures, RedisFigures, WatchedServer
from examples.marketplace.rules import channels_for
from examples.marketplace.settings import Settings
from examples.marketplace.workers import celery_app

__all__ = ["Live", "connect_live"]

_log = logging.getLogger("marketplace")

HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")
ECHO_SERVER = "http://127.0.0.1:6001"
"""Where laravel-echo-server listens, unless WEBSOCKET_URL says so."""


@dataclass(frozen=True)
class Live:
    name: str
    queue: str
    broadcaster: AsyncBroadcaster
    figures: Figures
    workers: RedisFigures | None = None
    server: WatchedServer | None = None
    websocket_url: str | None = None

    def page_options(self, base_url: str) -> ClientOptions:
        """Return what Laravel Echo connects with, for a page that came from `base_url`."""
        driver = self.broadcaster.driver()
        if not hasattr(driver, "client_options"):
            return {"broadcaster": "null"}  # of the log driver: Echo has one that hears nothing
        return client_options(driver, url=self.websocket_url or self._address(base_url))

    async def disconnect(self, user_id: int) -> None:
        """End all connections of somebody: where his token still holds, the page comes back by itself."""
        try:
            await self.broadcaster.terminate_user_connections(str(user_id))
        except BroadcastError as error:  # also where nobody can, as with laravel-echo-server
            _log.warning("the connections of user %d were not ended: %s", user_id, error)

    def _address(self, base_url: str) -> str | None:
        page = urlsplit(base_url)
        if self.server is not None:
            return f"{page.scheme}://{page.netloc}{WatchedServer.path}"
        service = client_options(self.broadcaster.driver())
        host, port = service.get("wsHost"), service.get("wsPort")
        if service["broadcaster"] == "socket.io":
            scheme, host, port = page.scheme, urlsplit(ECHO_SERVER).hostname, urlsplit(ECHO_SERVER).port
        else:
            scheme = "https" if service.get("forceTLS") else "http"
        # one that runs beside the application is at the page's own host, as the guide has it
        if isinstance(host, str) and _is_loopback(host) and HOST.fullmatch(page.hostname or ""):
            return f"{scheme}://{page.hostname}:{port}"
        return None

    def websocket_sources(self, base_url: str) -> str:
        """Say where the page may connect to, in the words of a Content-Security-Policy."""
        sources = () if self.server is not None else connect_sources(self.page_options(base_url))
        return " ".join(["'self'", *sources])


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def connect_live(
    settings: Settings, environ: Mapping[str, str], sessions: async_sessionmaker[AsyncSession], metrics: PrometheusHooks
) -> Live:
    figures = Figures()
    # "report": a message that is stored and not broadcast is seen at the next reload, which beats an error page
    options: dict[str, Any] = {
        "channels": channels_for(sessions),
        "on_error": "report",
        "hooks": [figures, metrics],
    }
    name, queue, url = settings.driver or "embedded", settings.queue, settings.websocket_url
    if settings.driver is None:
        server = EmbeddedServer(App("marketplace", "marketplace-key", secrets.token_hex(), client_events="none"))
        broadcaster = AsyncBroadcaster(AsyncEmbeddedDriver(server), **options)
        return Live(name, queue, broadcaster, figures, server=WatchedServer(server), websocket_url=url)
    workers = None
    if queue == "redis":
        redis = redis_url_from_env(environ)
        workers = RedisFigures(redis)
        options |= {"delivery": CeleryDelivery(celery_app(redis)), "repeats": AsyncRedisRepeats(redis)}
    broadcaster = AsyncBroadcaster.from_env(environ, **options)
    return Live(name, queue, broadcaster, figures, workers, websocket_url=url)
