"""What a page connects with: options for Laravel Echo and pusher-js, from what the driver was configured with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from broadcastkit.drivers.base import ClientOptions
from broadcastkit.errors import ConfigurationError

__all__ = [
    "PublicAddress",
    "client_options",
    "connect_sources",
    "public_address",
    "pusher_options",
    "socket_io_options",
]

_SCHEMES = {"http": (False, 80), "ws": (False, 80), "https": (True, 443), "wss": (True, 443)}
_CLUSTER = re.compile(r"api-([a-z0-9-]+)\.pusher\.com")
# Ably takes requests and connections under different names
_FOR_PAGES = {"rest-pusher.ably.io": "realtime-pusher.ably.io"}


class PublicAddress(NamedTuple):
    """Where pages connect to."""

    host: str
    port: int
    tls: bool
    path: str = ""

    def __str__(self) -> str:
        """Write it as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.path}"


def client_options(driver: object, *, url: str | None = None) -> ClientOptions:
    """Return what a page connects with, as options for Laravel Echo, which pusher-js takes too; no secret is in it.

    Args:
        driver: a connection's driver, as `broadcaster.driver()` returns it.
        url: where pages connect to, such as `https://ws.example.com`, if that is not where this process sends to.

    Raises:
        ConfigurationError: pages do not connect to what is behind the driver; or the URL cannot be one.
    """
    tell = getattr(driver, "client_options", None)
    if tell is None:
        raise ConfigurationError(f"{type(driver).__name__} does not know what pages connect with")
    options: ClientOptions = tell(url=url)
    return options


def connect_sources(options: Mapping[str, object]) -> tuple[str, ...]:
    """Return where a page with these options connects to, as sources for the directive `connect-src` of its CSP.

    Nothing, where the options say no host and the page connects to where it came from: that is `'self'`. For Pusher
    Channels, the cluster's hosts for WebSockets and for pusher-js's fallback over HTTP.
    """
    cluster, port = options.get("cluster"), options.get("wsPort")
    if cluster:
        return (f"wss://ws-{cluster}.pusher.com", f"https://sockjs-{cluster}.pusher.com")
    if options.get("broadcaster") == "socket.io":
        host = options.get("host")
        return () if host is None else (str(host), str(host).replace("http", "ws", 1))
    if "wsHost" not in options:
        return ()
    host = f"[{options['wsHost']}]" if ":" in str(options["wsHost"]) else options["wsHost"]
    # without forceTLS, pusher-js on a page that came over TLS still insists on it
    schemes = ("wss",) if options["forceTLS"] else ("ws", "wss")
    return tuple(f"{scheme}://{host}:{port}" for scheme in schemes)


def public_address(url: str) -> PublicAddress:
    """Read where pages connect to; ConfigurationError for what is no such URL, which is not shown."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong() from None
    if parts.scheme not in _SCHEMES or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise _wrong()
    tls, usual = _SCHEMES[parts.scheme]
    return PublicAddress(parts.hostname, port or usual, tls, parts.path.rstrip("/"))


def pusher_options(key: str, address: PublicAddress | None, *, broadcaster: str = "pusher") -> ClientOptions:
    """Return options for a service of Pusher's kind; without an address the page says where it is."""
    options: ClientOptions = {"broadcaster": broadcaster, "key": key}
    if address is None:
        return {**options, "cluster": "", "enabledTransports": ["ws", "wss"]}
    cluster = _CLUSTER.fullmatch(address.host)
    if cluster is not None:
        return {**options, "cluster": cluster[1], "forceTLS": True}
    return {
        **options,
        "cluster": "",  # pusher-js insists on one, and uses it only where there is no host
        "wsHost": _FOR_PAGES.get(address.host, address.host),
        "wsPort": address.port,
        "wssPort": address.port,
        "wsPath": address.path,
        "forceTLS": address.tls,
        "enabledTransports": ["ws", "wss"],
    }


def socket_io_options(url: str | None) -> ClientOptions:
    """Return options for laravel-echo-server; without a URL Echo connects to where the page came from."""
    return (
        {"broadcaster": "socket.io"} if url is None else {"broadcaster": "socket.io", "host": str(public_address(url))}
    )


def _wrong() -> ConfigurationError:
    return ConfigurationError(
        "must be like https://ws.example.com:8080/path, without user, query and fragment", setting="url"
    )
