"""Clients that the caller made, and closes; and how those of httpx's shape are asked. None is imported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import anyio
from anyio.lowlevel import RunVar

from broadcastkit.drivers.pusher.http.base import HEADERS, TransportOptions
from broadcastkit.drivers.pusher.http.failures import check_size, unreachable
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.errors import UnreachableError

__all__ = ["AsyncClientTransport", "ClientTransport", "ask", "ask_async"]

# httpx's pool rescans all of its connections for each request: asked by 50 tasks at once it takes 4.5 ms of CPU for
# each, by eight 0.9, by four 0.6.
_AT_ONCE = 4


class ClientTransport:
    """Asks one of the caller's clients, in the way that it wants to be asked."""

    def __init__(
        self, options: TransportOptions, client: Any, ask: Callable[[Any, str, HttpRequest], HttpReply]
    ) -> None:
        self._origin = options.origin
        self._client = client
        self._ask = ask

    def send(self, request: HttpRequest) -> HttpReply:
        """See Transport.send."""
        return self._ask(self._client, self._origin + request.target, request)

    def close(self) -> None:
        """Leave the caller's client open."""


class AsyncClientTransport:
    """The awaited twin of ClientTransport, with a gate before it."""

    def __init__(
        self, options: TransportOptions, client: Any, ask: Callable[[Any, str, HttpRequest], Awaitable[HttpReply]]
    ) -> None:
        self._origin = options.origin
        self._client = client
        self._ask = ask
        self._gates: RunVar[anyio.Semaphore | None] = RunVar(f"broadcastkit_pusher_gate_{id(self)}", None)

    async def send(self, request: HttpRequest) -> HttpReply:
        """See AsyncTransport.send."""
        gate = self._gates.get()
        if gate is None:
            gate = anyio.Semaphore(_AT_ONCE, fast_acquire=True)
            self._gates.set(gate)
        async with gate:
            return await self._ask(self._client, self._origin + request.target, request)

    async def aclose(self) -> None:
        """Leave the caller's client open."""


def ask(client: Any, url: str, request: HttpRequest) -> HttpReply:
    """Ask a client such as httpx.Client."""
    failed: UnreachableError
    try:
        response = client.send(_request(client, url, request), stream=True)
        try:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                check_size(body)
        finally:
            response.close()
        return HttpReply(response.status_code, bytes(body), response.headers.get("retry-after"))
    except Exception as error:  # noqa: BLE001 - unreachable raises what is no client's
        failed = unreachable(error)
    raise failed


async def ask_async(client: Any, url: str, request: HttpRequest) -> HttpReply:
    """Ask a client such as httpx.AsyncClient."""
    failed: UnreachableError
    try:
        response = await client.send(_request(client, url, request), stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                check_size(body)
        finally:
            await response.aclose()
        return HttpReply(response.status_code, bytes(body), response.headers.get("retry-after"))
    except Exception as error:  # noqa: BLE001 - see ask
        failed = unreachable(error)
    raise failed


def _request(client: Any, url: str, request: HttpRequest) -> Any:
    made = client.build_request(request.method, url, headers=dict(HEADERS), content=request.body or None)
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
