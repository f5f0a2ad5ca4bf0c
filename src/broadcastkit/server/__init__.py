"""The embedded server: Pusher's protocol in this process, as an ASGI app and a driver that publishes to it."""

from __future__ import annotations

from broadcastkit.server.app import EmbeddedServer
from broadcastkit.server.driver import AsyncEmbeddedDriver, EmbeddedDriver
from broadcastkit.server.settings import App, ClientEvents, Limits

__all__ = ["App", "AsyncEmbeddedDriver", "ClientEvents", "EmbeddedDriver", "EmbeddedServer", "Limits"]
