"""What carries the events: the server in this process, or the service that BROADCAST_CONNECTION names."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broadcastkit import AsyncBroadcaster
from broadcastkit.config import settings_from_env
from broadcastkit.drivers.pusher.endpoint import settings_from_url
from broadcastkit.errors import ConfigurationError
from broadcastkit.server import App, AsyncEmbeddedDriver, EmbeddedServer
from examples.chat.rules import channels

__all__ = ["Live", "PageSettings", "live_from_env"]

PageSettings = dict[str, str | int | bool]


@dataclass(frozen=True)
class Live:
    broadcaster: AsyncBroadcaster
    page_settings: PageSettings
    """Options of Laravel Echo; without a host it connects to where the page came from."""
    server: EmbeddedServer | None = None

    @property
    def websocket_origin(self) -> str:
        """Where pages may connect to, in the words of a Content-Security-Policy."""
        page = self.page_settings
        if self.server is not None:
            return "'self'"
        scheme = "wss" if page["forceTLS"] else "ws"
        return f"{scheme}://{page['wsHost']}:{page['wsPort']}"


def live_from_env(environ: Mapping[str, str]) -> Live:
    # "report": what is stored and not broadcast is seen at the next reload, which beats an error page
    if environ.get("BROADCAST_CONNECTION"):
        broadcaster = AsyncBroadcaster.from_env(environ, channels=channels, on_error="report")
        return Live(broadcaster, _page_settings(settings_from_env(environ)))
    app = App("chat", "chat-key", secrets.token_hex(), client_events="none")
    server = EmbeddedServer(app)
    broadcaster = AsyncBroadcaster(AsyncEmbeddedDriver(server), channels=channels, on_error="report")
    return Live(broadcaster, {"key": app.key}, server)


def _page_settings(settings: Mapping[str, Any]) -> PageSettings:
    options = settings["connections"][settings["default"]] if "connections" in settings else settings
    if "url" in options:
        options = settings_from_url(options["url"])
    if "key" not in options:
        raise ConfigurationError(
            "names nothing that a browser can connect to: leave it out, or use pusher or reverb",
            setting="BROADCAST_CONNECTION",
        )
    tls = options.get("scheme", "https") == "https"
    port = options.get("port", 443 if tls else 80)
    return {
        "key": options["key"],
        "forceTLS": tls,
        "wsHost": options.get("host") or f"ws-{options.get('cluster', 'mt1')}.pusher.com",
        "wsPort": port,
        "wssPort": port,
        "wsPath": options.get("path", ""),
    }
