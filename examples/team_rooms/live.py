"""What carries the events: the service that the guide's variables name, or the server in this process."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broadcastkit import Broadcaster
from broadcastkit.drivers.base import ClientOptions
from broadcastkit.drivers.client_options import connect_sources
from broadcastkit.errors import ConfigurationError
from broadcastkit.observability import Hooks, Sending
from broadcastkit.server import App, EmbeddedDriver, EmbeddedServer
from broadcastkit.signing import Signer
from broadcastkit.webhooks import WebhookHandlers
from examples.team_rooms.rules import channels

__all__ = ["WS_PATH", "Live", "live_from_env"]

_log = logging.getLogger(__name__)

WS_PATH = "/ws"
"""Where asgi.py mounts the server of this process."""


@dataclass(frozen=True)
class Live:
    broadcaster: Broadcaster
    server: EmbeddedServer | None = None

    @property
    def signer(self) -> Signer | None:
        """What the service signs webhooks with; the server in this process calls the handlers itself."""
        signer: Signer | None = getattr(self.broadcaster.driver(), "signer", None)
        return None if self.server is not None else signer

    def page_settings(self, base_url: str) -> ClientOptions:
        """Return what pusher-js connects with; the server in this process is where the page came from."""
        url = None if self.server is None else base_url.rstrip("/") + WS_PATH
        return self.broadcaster.client_options(url=url)

    @property
    def origins(self) -> str:
        """Where pages may connect to, in the words of a Content-Security-Policy."""
        return " ".join(["'self'", *connect_sources(self.broadcaster.client_options())])


class DebugLog(Hooks):
    """Says in the log which events were sent, for whoever wonders whether they are; not what was in them."""

    def on_sent(self, sending: Sending) -> None:
        _log.debug("sent by %s: %s", sending.system, ", ".join(sending.events))


def live_from_env(environ: Mapping[str, str], webhooks: WebhookHandlers) -> Live:
    options: dict[str, Any] = {
        "channels": channels,
        # what is stored and not broadcast is seen after the next catching up, which beats an error page
        "on_error": "report",
        "hooks": DebugLog(),
    }
    if environ.get("BROADCAST_CONNECTION"):
        if environ.get("PUSHER_VERIFY_PEER", "").lower() in {"false", "0", "no", "off"}:
            _log.warning("PUSHER_VERIFY_PEER is false: whoever stands between here and the service can read all of it")
        live = Live(Broadcaster.from_env(environ, **options))
        if live.page_settings("").get("broadcaster") not in {"pusher", "reverb"}:
            raise ConfigurationError(
                "names nothing that this page can connect to: use pusher, or leave it out",
                setting="BROADCAST_CONNECTION",
            )
        return live
    app = App("team-rooms", "rooms-key", secrets.token_hex(), client_events="none")
    server = EmbeddedServer(app, webhooks=webhooks)
    return Live(Broadcaster(EmbeddedDriver(server), **options), server)
