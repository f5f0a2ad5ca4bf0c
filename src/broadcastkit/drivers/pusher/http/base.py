"""The seam under the Pusher driver: what sends a request and brings its reply, where to, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable

    import httpx

__all__ = [
    "BODY_LIMIT",
    "HEADERS",
    "AsyncTransport",
    "Timeouts",
    "Transport",
    "TransportOptions",
]

# The longest answers list the occupied channels of an app. Whoever says more than this is no service of ours.
BODY_LIMIT = 16 * 1024 * 1024
HEADERS = (
    ("Accept", "application/json"),
    ("Content-Type", "application/json"),
    ("User-Agent", "broadcastkit"),
    ("X-Pusher-Library", "broadcastkit"),
)


class Transport(Protocol):
    """Performs requests against one origin; used from several threads at once."""

    def send(self, request: HttpRequest) -> HttpReply:
        """Return the reply, or raise an UnreachableError."""
        ...

    def close(self) -> None:
        """Close connections; a later send opens new ones."""
        ...


class AsyncTransport(Protocol):
    """The awaited twin of Transport; used from several event loops, one after another or at once."""

    def send(self, request: HttpRequest) -> Awaitable[HttpReply]:
        """See Transport.send."""
        ...

    async def aclose(self) -> None:
        """See Transport.close."""
        ...


class Timeouts(NamedTuple):
    """Seconds for each phase; None is for ever."""

    connect: float | None
    """Until a connection is made, TLS included."""
    read: float | None
    """From the end of the request to the end of the answer."""
    write: float | None
    """Until the request has gone out."""
    pool: float | None
    """Waiting for a connection while all are in use."""

    @classmethod
    def of(cls, value: float | httpx.Timeout) -> Timeouts:
        """Take one number for every phase, or a timeout of httpx's shape."""
        given: Any = value
        if hasattr(given, "as_dict"):
            return cls(**given.as_dict())
        if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
            raise ConfigurationError(
                f"must be a number of seconds over 0, or an httpx.Timeout, not {given!r}", setting="timeout"
            )
        return cls(given, given, given, given)


class TransportOptions:
    """Where to connect, how long to wait, and whom to trust. Nothing is read or loaded before it is needed."""

    def __init__(self, origin: str, *, timeout: float | httpx.Timeout, verify: ssl.SSLContext | bool | str) -> None:
        parts = urlsplit(origin)
        self.origin: str = origin
        self.scheme: str = parts.scheme
        self.host: str = parts.hostname or ""
        self.port: int = parts.port or 0
        self.timeouts: Timeouts = Timeouts.of(timeout)
        self._verify = verify
        self._context: ssl.SSLContext | None = None

    @property
    def host_header(self) -> str:
        """Return the host as requests name it: a port that goes without saying is not said."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if (self.scheme, self.port) in {("http", 80), ("https", 443)} else f"{host}:{self.port}"

    def proxy(self) -> str | None:
        """Return the proxy that the environment names for the origin."""
        proxies = getproxies()
        proxy = proxies.get(self.scheme) or proxies.get("all")
        if proxy is None or proxy_bypass(self.host):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    def context(self) -> ssl.SSLContext | None:
        """Return the TLS context, or None for plain HTTP. Making it takes 20 ms, most of it for certificates."""
        if self._context is None and self.scheme == "https":
            from broadcastkit.drivers.pusher.http.trust import context_for

            self._context = context_for(self._verify)
        return self._context
