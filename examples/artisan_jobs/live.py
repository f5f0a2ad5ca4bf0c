"""Where pages connect to: the service that the environment names."""

from __future__ import annotations

from broadcastkit.default import default_broadcaster
from broadcastkit.drivers.base import ClientOptions
from broadcastkit.drivers.client_options import client_options, connect_sources
from broadcastkit.errors import ConfigurationError

__all__ = ["page_settings", "websocket_sources"]


def page_settings() -> ClientOptions | None:
    """Return the options of Laravel Echo; None where events go to no service (`BROADCAST_CONNECTION=log`)."""
    try:
        options = client_options(default_broadcaster().driver())
    except ConfigurationError:
        return None
    return options if options["broadcaster"] in {"pusher", "reverb"} else None


def websocket_sources() -> str:
    """Return where pages may connect to, in the words of a Content-Security-Policy."""
    return " ".join(["'self'", *connect_sources(page_settings() or {})])
