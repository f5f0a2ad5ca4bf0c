"""Every transport there is under the Pusher driver, in both colours, behind one face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import httpx
import httpx2
import pyreqwest.client
from blockbuster import blockbuster_ctx

from broadcastkit.drivers.pusher.http import TransportOptions, async_transport, sync_transport
from broadcastkit.drivers.pusher.http.awaited import AsyncConnections
from broadcastkit.drivers.pusher.http.blocking import Connections
from broadcastkit.drivers.pusher.http.proxied import AsyncHttpxTransport, HttpxTransport
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest

__all__ = ["CLIENTS", "DIRECT", "OURS", "REQUEST", "TIMEOUT", "WIRES", "Wire"]

REQUEST = HttpRequest("POST", "/apps/app-1/events?auth_signature=s1gned", b'{"name":"ping"}')
# Long enough for anything on loopback, but for an answer that does not come.
TIMEOUT = httpx.Timeout(5.0, read=0.3)


def _pyreqwest(builder: Any) -> Any:
    return builder.connect_timeout(timedelta(seconds=5)).read_timeout(timedelta(seconds=TIMEOUT.read or 0)).build()


# Name and colour: what makes one of the caller's clients, or a transport of ours.
CLIENTS: dict[tuple[str, str], Callable[[], Any]] = {
    ("httpx client", "sync"): lambda: httpx.Client(timeout=TIMEOUT),
    ("httpx client", "async"): lambda: httpx.AsyncClient(timeout=TIMEOUT),
    ("httpx2 client", "sync"): lambda: httpx2.Client(timeout=httpx2.Timeout(5.0, read=TIMEOUT.read)),
    ("httpx2 client", "async"): lambda: httpx2.AsyncClient(timeout=httpx2.Timeout(5.0, read=TIMEOUT.read)),
    ("pyreqwest client", "sync"): lambda: _pyreqwest(pyreqwest.client.SyncClientBuilder()),
    ("pyreqwest client", "async"): lambda: _pyreqwest(pyreqwest.client.ClientBuilder()),
}
DIRECT: dict[tuple[str, str], Callable[[TransportOptions], Any]] = {
    ("ours", "sync"): Connections,
    ("ours", "async"): AsyncConnections,
    ("ours on uvloop", "async"): AsyncConnections,
    ("httpx", "sync"): HttpxTransport,
    ("httpx", "async"): AsyncHttpxTransport,
}
OURS = [key for key in DIRECT if key[0] != "httpx"]
WIRES = [*DIRECT, *CLIENTS]


class Wire:
    """One transport in one colour."""

    def __init__(self, kind: str, colour: str) -> None:
        self.kind = kind
        self.colour = colour
        factory = None
        if kind == "ours on uvloop":
            import uvloop

            factory = uvloop.new_event_loop
        self._runner = asyncio.Runner(loop_factory=factory)
        make = CLIENTS.get((kind, colour))
        self.client: Any = make() if make is not None else None
        self._made: list[Any] = []

    def to(self, url: str, *, timeout: Any = TIMEOUT, verify: Any = True) -> Any:
        """Return the transport to an origin; closed with the test."""
        options = TransportOptions(url, timeout=timeout, verify=verify)
        if self.client is not None:
            return (sync_transport if self.colour == "sync" else async_transport)(options, self.client)
        self._made.append(self.run(self._make(options)))
        return self._made[-1]

    def _make(self, options: TransportOptions) -> Any:
        make = DIRECT[self.kind, self.colour]
        if self.colour == "sync":
            return make(options)

        async def in_the_loop() -> Any:
            return make(options)

        return in_the_loop()

    def ask(self, transport: Any, request: HttpRequest = REQUEST) -> HttpReply:
        """Send a request."""
        reply: HttpReply = self.run(transport.send(request))
        return reply

    def failure(self, transport: Any, request: HttpRequest = REQUEST) -> Exception:
        """Send a request that fails; returns how."""
        try:
            reply = self.ask(transport, request)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the test is about
            return error
        raise AssertionError(f"answered {reply}")

    def close(self, transport: Any) -> None:
        """Close a transport."""
        self.run(transport.close() if self.colour == "sync" else transport.aclose())

    def run(self, result: Any) -> Any:
        """Return what it is, awaited in a loop that must not be blocked if need be."""
        if not asyncio.iscoroutine(result):
            return result
        with blockbuster_ctx("broadcastkit"):
            return self._runner.run(result)

    def at_once(self, transport: Any, requests: Sequence[HttpRequest]) -> list[Any]:
        """Send from several threads or tasks at the same time; a failure is its error."""
        if self.colour == "sync":
            ready = Barrier(len(requests))

            def send(request: HttpRequest) -> Any:
                ready.wait(10)
                try:
                    return transport.send(request)
                except Exception as error:  # noqa: BLE001 - see failure
                    return error

            with ThreadPoolExecutor(len(requests)) as pool:
                return list(pool.map(send, requests))

        async def gather() -> list[Any]:
            return await asyncio.gather(*map(transport.send, requests), return_exceptions=True)

        found: list[Any] = self.run(gather())
        return found

    def end(self) -> None:
        """Close all that is open."""
        for transport in self._made:
            self.close(transport)
        if self.client is not None:
            self.end_client()
        self._runner.close()

    def end_client(self) -> None:
        """Close the client, as the caller would."""
        close = self.client.aclose if hasattr(self.client, "aclose") else self.client.close

        async def close_in_the_loop() -> None:
            await close()

        if self.colour == "sync":
            close()
        else:
            self._runner.run(close_in_the_loop())
