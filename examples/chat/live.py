"""What carries the events: the server in this process, or the service that BROADCAST_CONNECTION names."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from broadcastkit import AsyncBroadcaster
from broadcastkit.drivers.base import ClientOptions
from broadcastkit.drivers.client_options import client_options, connect_sources
from broadcastkit.errors import ConfigurationError
from broadcastkit.server import App, AsyncEmbeddedDriver, EmbeddedServer
from examples.chat.rules import channels

__all__ = ["Live", "live_from_env"]


@dataclass(frozen=True)
class Live:
    broadcaster: AsyncBroadcaster
    server: EmbeddedServer | None = None

    def page_settings(self, base_url: str) -> ClientOptions:
        """Return the options of Laravel Echo; the server in this process is where the page came from."""
        return client_options(self.broadcaster.driver(), url=None if self.server is None else base_url)

    @property
    def sources(self) -> str:
        """Where pages may connect to, in the words of a Content-Security-Policy."""
        return " ".join(["'self'", *connect_sources(client_options(self.broadcaster.driver()))])


def live_from_env(environ: Mapping[str, str]) -> Live:
    # "report": what is stored and not broadcast is seen at the next reload, which beats an error page
    if environ.get("BROADCAST_CONNECTION"):
        live = Live(AsyncBroadcaster.from_env(environ, channels=channels, on_error="report"))
        if live.page_settings("").get("broadcaster") not in {"pusher", "reverb"}:
            raise ConfigurationError(
                "names nothing that this page can connect to: leave it out, or use pusher or reverb",
                setting="BROADCAST_CONNECTION",
            )
        return live
    server = EmbeddedServer(App("chat", "chat-key", secrets.token_hex(), client_events="none"))
    return Live(AsyncBroadcaster(AsyncEmbeddedDriver(server), channels=channels, on_error="report"), server)
