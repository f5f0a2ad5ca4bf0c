"""The I/O under the Pusher driver: one request out, one reply in. The only module that knows httpx.

Without a client of the caller's own, httpx's transports are used directly: the layers of `httpx.Client` cost more
than signing and sending together, and its INFO log line would show the signed URL.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterable, Iterable
from functools import lru_cache
from typing import Any, Protocol, cast
from urllib.request import getproxies, proxy_bypass

import httpx
from anyio import Semaphore
from anyio.lowlevel import RunVar

from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.errors import (
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    NoReplyError,
    UnreachableError,
)

__all__ = ["AsyncTransport", "Transport", "TransportOptions", "async_transport", "sync_transport"]

_CONNECTIONS = 8
_KEEPALIVE_SECONDS = 30.0
_HEADERS = [
    (b"Accept", b"application/json"),
    (b"Content-Type", b"application/json"),
    (b"User-Agent", b"broadcastkit"),
    (b"X-Pusher-Library", b"broadcastkit"),
]


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

    async def send(self, request: HttpRequest) -> HttpReply:
        """See Transport.send."""
        ...

    async def aclose(self) -> None:
        """See Transport.close."""
        ...


class TransportOptions:
    """Where to connect and how long to wait: seconds for everything, or an httpx.Timeout for each phase."""

    def __init__(self, origin: str, *, timeout: float | httpx.Timeout, verify: ssl.SSLContext | bool | str) -> None:
        self.origin: httpx.URL = httpx.URL(origin)
        timeouts = timeout if isinstance(timeout, httpx.Timeout) else httpx.Timeout(timeout)
        self._timeouts = timeouts.as_dict()
        self._verify = verify

    def transport_arguments(self) -> dict[str, Any]:
        """Return what httpx's transports are made with; the proxy comes from the environment, as everywhere."""
        limits = httpx.Limits(
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEEPALIVE_SECONDS,
        )
        return {"verify": self._context(), "proxy": self._proxy(), "limits": limits, "trust_env": True}

    def request(self, request: HttpRequest) -> httpx.Request:
        """Return httpx's form of a request: the target goes beside the URL, which takes 15 µs to make anew."""
        extensions = {"timeout": self._timeouts, "target": request.target.encode()}
        return httpx.Request(
            request.method, self.origin, headers=_HEADERS, content=request.body or None, extensions=extensions
        )

    def proxied_request(self, request: HttpRequest) -> httpx.Request:
        """Return the form that a forwarding proxy needs, with the target in the URL."""
        url = self.origin.copy_with(raw_path=request.target.encode())
        extensions = {"timeout": self._timeouts}
        return httpx.Request(request.method, url, headers=_HEADERS, content=request.body or None, extensions=extensions)

    def _proxy(self) -> str | None:
        """Return the proxy that the environment names for the origin."""
        proxies = getproxies()
        proxy = proxies.get(self.origin.scheme) or proxies.get("all")
        return None if proxy is None or proxy_bypass(self.origin.host) else proxy

    def _context(self) -> ssl.SSLContext | bool:
        if self.origin.scheme == "http":
            return False  # a TLS context takes 20 ms to make, and none is needed
        if isinstance(self._verify, str):
            try:
                return ssl.create_default_context(cafile=self._verify)
            except OSError as error:
                raise ConfigurationError(f"verify: the CA file {self._verify!r} cannot be read ({error})") from None
        return self._verify


class _PerProcess:
    """What belongs to one process: after a fork, connections cannot be shared."""

    def __init__(self, options: TransportOptions) -> None:
        arguments = options.transport_arguments()
        self.form = options.request if arguments["proxy"] is None else options.proxied_request
        self.transport = httpx.HTTPTransport(**arguments)


class _DirectTransport:
    """httpx's transport without its client."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._processes: dict[int, _PerProcess] = {}

    def send(self, request: HttpRequest) -> HttpReply:
        pid = os.getpid()
        # Of several threads that come first, one wins. No lock: one that is held while forking would never be free.
        mine = self._processes.get(pid) or self._processes.setdefault(pid, _PerProcess(self._options))
        try:
            response = mine.transport.handle_request(mine.form(request))
            try:
                body = b"".join(cast("Iterable[bytes]", response.stream))
            finally:
                response.close()
        except Exception as error:
            raise _unreachable(error) from error
        return HttpReply(response.status_code, body, response.headers.get("retry-after"))

    def close(self) -> None:
        mine = self._processes.pop(os.getpid(), None)
        if mine is not None:
            mine.transport.close()


class _PerLoop:
    """What belongs to one event loop: connections, and the gate before them.

    The gate is there because httpx's pool, asked by more callers than it has connections, rescans itself for each.
    """

    def __init__(self, options: TransportOptions) -> None:
        arguments = options.transport_arguments()
        self.form = options.request if arguments["proxy"] is None else options.proxied_request
        self.transport = httpx.AsyncHTTPTransport(**arguments)
        self.gate = Semaphore(_CONNECTIONS, fast_acquire=True)


class _DirectAsyncTransport:
    """The awaited twin of _DirectTransport: one transport for each event loop it is used from."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._loops: RunVar[_PerLoop | None] = RunVar(f"broadcastkit_pusher_{id(self)}", None)

    async def send(self, request: HttpRequest) -> HttpReply:
        mine = self._loops.get()
        if mine is None:
            mine = _PerLoop(self._options)
            self._loops.set(mine)
        try:
            async with mine.gate:
                response = await mine.transport.handle_async_request(mine.form(request))
                try:
                    stream = cast("AsyncIterable[bytes]", response.stream)
                    body = b"".join([chunk async for chunk in stream])
                finally:
                    await response.aclose()
        except Exception as error:
            raise _unreachable(error) from error
        return HttpReply(response.status_code, body, response.headers.get("retry-after"))

    async def aclose(self) -> None:
        mine = self._loops.get()
        self._loops.set(None)
        if mine is not None:
            await mine.transport.aclose()


class _ClientTransport:
    """A client of httpx's shape that the caller made, and closes."""

    def __init__(self, options: TransportOptions, client: Any) -> None:
        self._options = options
        self._client = client

    def send(self, request: HttpRequest) -> HttpReply:
        try:
            response = self._client.send(_client_request(self._client, self._options, request))
        except Exception as error:
            raise _unreachable(error) from error
        return HttpReply(response.status_code, response.content, response.headers.get("retry-after"))

    def close(self) -> None:
        """Leave the caller's client open."""


class _AsyncClientTransport:
    """The awaited twin of _ClientTransport."""

    def __init__(self, options: TransportOptions, client: Any) -> None:
        self._options = options
        self._client = client

    async def send(self, request: HttpRequest) -> HttpReply:
        try:
            response = await self._client.send(_client_request(self._client, self._options, request))
        except Exception as error:
            raise _unreachable(error) from error
        return HttpReply(response.status_code, response.content, response.headers.get("retry-after"))

    async def aclose(self) -> None:
        """Leave the caller's client open."""


def sync_transport(options: TransportOptions, client: Any = None) -> Transport:
    """Return the transport for a driver: over the caller's client if there is one."""
    return _DirectTransport(options) if client is None else _ClientTransport(options, client)


def async_transport(options: TransportOptions, client: Any = None) -> AsyncTransport:
    """Return the awaited twin of `sync_transport`."""
    return _DirectAsyncTransport(options) if client is None else _AsyncClientTransport(options, client)


def _client_request(client: Any, options: TransportOptions, request: HttpRequest) -> Any:
    made = client.build_request(
        request.method,
        f"{options.origin}{request.target}",
        headers=dict(_HEADERS),
        content=request.body or None,
    )
    # httpx logs the URL of every request at INFO, and ours is signed
    url_class: Any = type(made.url)
    made.url = _quiet(url_class)(made.url)
    return made


@lru_cache
def _quiet(url_class: Any) -> Any:
    """Return a URL class whose text has no query; what goes out is made from its parts."""

    def text(self: Any) -> str:
        return f"{self.scheme}://{self.netloc.decode()}{self.path}"

    return type("QuietURL", (url_class,), {"__str__": text, "__repr__": text})


# By class name, since a caller's client may be httpx2's, whose exceptions are of the same names.
_BY_NAME: dict[str, type[UnreachableError]] = {
    "ConnectTimeout": ConnectError,
    "PoolTimeout": ConnectError,
    "ConnectError": ConnectError,
    "ProxyError": ConnectError,
    "TimeoutException": NoReplyError,
    "RequestError": ConnectionLostError,  # TransportError, and an answer that cannot be decoded
}


def _unreachable(error: Exception) -> UnreachableError:
    """Return the UnreachableError for an exception of httpx's; one that is none of httpx's goes on as it is."""
    for cls in type(error).__mro__:
        if cls.__name__ in _BY_NAME:
            return _BY_NAME[cls.__name__](f"{type(error).__name__} {error}".strip())
    raise error
