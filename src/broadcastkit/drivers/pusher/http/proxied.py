"""httpx's own transports, for what our connections do not do: proxies, and event loops that are not asyncio's.

Without httpx's client around them: its layers cost more than signing and sending together, and its INFO log line
would show the signed URL. The only module that imports httpx.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable
from time import monotonic
from typing import Any, TypeVar, cast

import anyio
import httpx

from broadcastkit.drivers.pusher.http.base import HEADERS, TransportOptions
from broadcastkit.drivers.pusher.http.failures import check_size, unreachable
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.drivers.sockets.idle import CONNECTIONS, IDLE_SECONDS
from broadcastkit.errors import ConfigurationError, NoReplyError, UnreachableError

__all__ = ["AsyncHttpxTransport", "HttpxTransport"]

T = TypeVar("T")
_PROXY = "the proxy that the environment names (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY) is"


class HttpxTransport:
    """For one process."""

    def __init__(self, options: TransportOptions) -> None:
        self._form = _Form(options)
        self._seconds = options.timeouts.read
        self._transport = _opened(httpx.HTTPTransport, self._form.arguments)

    def send(self, request: HttpRequest) -> HttpReply:
        """See Transport.send."""
        failed: UnreachableError
        try:
            response = self._transport.handle_request(self._form.request(request))
            try:
                body = self._body(cast("Iterable[bytes]", response.stream))
            finally:
                response.close()
            return HttpReply(response.status_code, body, response.headers.get("retry-after"))
        except Exception as error:  # noqa: BLE001 - unreachable raises what is not httpx's
            failed = unreachable(error)
        raise failed

    def close(self) -> None:
        """See Transport.close."""
        self._transport.close()

    def _body(self, stream: Iterable[bytes]) -> bytes:
        deadline = None if self._seconds is None else monotonic() + self._seconds
        body = bytearray()
        for chunk in stream:
            body += chunk
            check_size(body)
            if deadline is not None and monotonic() > deadline:
                raise NoReplyError(f"no whole answer came within {self._seconds:g} s")
        return bytes(body)


class AsyncHttpxTransport:
    """The awaited twin of HttpxTransport, for one event loop.

    The gate is there because httpx's pool, asked by more callers than it has connections, rescans itself for each.
    """

    def __init__(self, options: TransportOptions) -> None:
        self._form = _Form(options)
        self._seconds = options.timeouts.read
        self._transport = _opened(httpx.AsyncHTTPTransport, self._form.arguments)
        self._gate = anyio.Semaphore(CONNECTIONS, fast_acquire=True)

    async def send(self, request: HttpRequest) -> HttpReply:
        """See AsyncTransport.send."""
        failed: UnreachableError
        try:
            async with self._gate:
                response = await self._transport.handle_async_request(self._form.request(request))
                try:
                    with anyio.fail_after(self._seconds):
                        body = await self._body(cast("AsyncIterable[bytes]", response.stream))
                except TimeoutError as error:
                    raise NoReplyError(f"no whole answer came within {self._seconds:g} s") from error
                finally:
                    await response.aclose()
            return HttpReply(response.status_code, body, response.headers.get("retry-after"))
        except Exception as error:  # noqa: BLE001 - see HttpxTransport.send
            failed = unreachable(error)
        raise failed

    async def aclose(self) -> None:
        """See AsyncTransport.aclose."""
        await self._transport.aclose()

    async def _body(self, stream: AsyncIterable[bytes]) -> bytes:
        body = bytearray()
        async for chunk in stream:
            body += chunk
            check_size(body)
        return bytes(body)


def _opened(transport: Callable[..., T], arguments: dict[str, Any]) -> T:
    # What the environment names is read when it is needed; a proxy's address may hold a password, and is not shown.
    try:
        return transport(**arguments)
    except ImportError:
        raise ConfigurationError(
            f"{_PROXY} a SOCKS proxy, which needs socksio: run `pip install 'httpx[socks]'`"
        ) from None
    except (ValueError, httpx.InvalidURL):
        raise ConfigurationError(
            f"{_PROXY} none that can be used: http://, https://, socks5:// or socks5h://"
        ) from None


class _Form:
    """What httpx is given: how its transports are made, and requests in its form."""

    def __init__(self, options: TransportOptions) -> None:
        limits = httpx.Limits(
            max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=IDLE_SECONDS
        )
        self._url = httpx.URL(options.origin)
        self._timeout = options.timeouts._asdict()
        self._proxy = options.proxy()
        # a context of httpx's own takes 20 ms to make, whether it is needed or not
        verify = options.context() or False
        self.arguments: dict[str, Any] = {"verify": verify, "proxy": self._proxy, "limits": limits, "trust_env": True}

    def request(self, request: HttpRequest) -> httpx.Request:
        # A forwarding proxy needs the target in the URL; elsewhere it goes beside it, since a URL takes 15 µs to make.
        target = request.target.encode()
        url, extensions = self._url, {"timeout": self._timeout, "target": target}
        if self._proxy is not None:
            url, extensions = url.copy_with(raw_path=target), {"timeout": self._timeout}
        return httpx.Request(request.method, url, headers=HEADERS, content=request.body or None, extensions=extensions)
