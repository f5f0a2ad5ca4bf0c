"""Whether a client may connect: decided from its address and headers alone."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from broadcastkit.server.effects import Close
from broadcastkit.server.settings import App, Limits

__all__ = ["OLDEST_VERSION", "PROTOCOL_VERSION", "origin_allowed", "refuse_handshake"]

PROTOCOL_VERSION = 7
# From version 5 on clients answer pings; the frames have not changed since.
OLDEST_VERSION = 5
_VERSIONS = frozenset(str(version) for version in range(OLDEST_VERSION, PROTOCOL_VERSION + 1))


def refuse_handshake(
    app: App | None, limits: Limits, query: Mapping[str, str], origin: str | None, *, connections: int
) -> Close | None:
    """Return why a client may not connect to an app with so many connections already, or None if it may."""
    if app is None:
        return Close(4001, "There is no app with this key here")
    if not app.enabled:
        return Close(4003, "The app is disabled")
    return _refuse_version(query.get("protocol", "")) or _refuse_client(limits, origin, connections)


def _refuse_version(version: str) -> Close | None:
    if not version:
        return Close(4008, f"No protocol version: connect with ?protocol={PROTOCOL_VERSION}")
    if version not in _VERSIONS:
        return Close(4007, f"Unsupported protocol version: not {OLDEST_VERSION} to {PROTOCOL_VERSION}")
    return None


def _refuse_client(limits: Limits, origin: str | None, connections: int) -> Close | None:
    if not origin_allowed(origin, limits.allowed_origins):
        return Close(4009, "Pages from this origin may not connect")
    if connections >= limits.connections:
        return Close(4004, "The app has as many connections as it may have")
    return None


def origin_allowed(origin: str | None, allowed: tuple[str, ...] | None) -> bool:
    """Whether pages from `origin` may connect; None is a client that is no browser."""
    if allowed is None or origin is None:
        return True
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    return any(_fits(entry, origin, host) for entry in allowed)


def _fits(entry: str, origin: str, host: str) -> bool:
    if "://" in entry:
        return origin.lower() == entry.lower().rstrip("/")
    if entry.startswith("*."):
        return host.endswith(entry[1:].lower())
    return host == entry.lower()
