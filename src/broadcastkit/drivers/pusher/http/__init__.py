"""HTTP under the Pusher driver: which connections are used.

Without a client of the caller's own, connections of ours, which take an eighth of the CPU of httpx's client; httpx's
transports where a proxy is in between, or where the event loop is not asyncio's.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from anyio.lowlevel import RunVar

from broadcastkit.drivers.pusher.http import clients, pyreqwest
from broadcastkit.drivers.pusher.http.base import AsyncTransport, Transport, TransportOptions
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.errors import ConfigurationError

__all__ = ["AsyncTransport", "Transport", "TransportOptions", "async_transport", "sync_transport"]


def sync_transport(options: TransportOptions, client: Any = None) -> Transport:
    """Return the transport for a driver: over the caller's client if there is one."""
    if client is None:
        return _PerProcess(options)
    _check_kind(client)
    if hasattr(client, "__aenter__"):
        raise ConfigurationError("must be a blocking client; AsyncPusherDriver takes this one", setting="client")
    return clients.ClientTransport(options, client, pyreqwest.ask if pyreqwest.is_client(client) else clients.ask)


def async_transport(options: TransportOptions, client: Any = None) -> AsyncTransport:
    """Return the awaited twin of `sync_transport`."""
    if client is None:
        return _PerLoop(options)
    _check_kind(client)
    if not hasattr(client, "__aenter__"):
        raise ConfigurationError("must be an async client; PusherDriver takes this one", setting="client")
    ask = pyreqwest.ask_async if pyreqwest.is_client(client) else clients.ask_async
    return clients.AsyncClientTransport(options, client, ask)


def _check_kind(client: Any) -> None:
    if not pyreqwest.is_client(client) and not callable(getattr(client, "build_request", None)):
        raise ConfigurationError("must be a client of httpx's shape, or of pyreqwest", setting="client")


class _PerProcess:
    """Connections for each process: after a fork they cannot be shared."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._processes: dict[int, Transport] = {}
        _import_for(options)

    def send(self, request: HttpRequest) -> HttpReply:
        pid = os.getpid()
        # Of several threads that come first, one wins. No lock: one that is held while forking would never be free.
        mine = self._processes.get(pid) or self._processes.setdefault(pid, _connections(self._options))
        return mine.send(request)

    def close(self) -> None:
        mine = self._processes.pop(os.getpid(), None)
        if mine is not None:
            mine.close()


class _PerLoop:
    """The awaited twin of _PerProcess: connections for each event loop it is used from."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._loops: RunVar[AsyncTransport | None] = RunVar(f"broadcastkit_pusher_{id(self)}", None)

    async def send(self, request: HttpRequest) -> HttpReply:
        mine = self._loops.get()
        if mine is None:
            mine = _async_connections(self._options)
            self._loops.set(mine)
        return await mine.send(request)

    async def aclose(self) -> None:
        mine = self._loops.get()
        self._loops.set(None)
        if mine is not None:
            await mine.aclose()


def _import_for(options: TransportOptions) -> None:
    """Import what connections need, in the thread that makes the driver.

    A process that forks while a thread of it imports leaves the child half a module, or a lock that nobody frees.
    """
    import encodings.idna  # noqa: F401 - what names of hosts are encoded with

    import broadcastkit.drivers.pusher.http.blocking

    if options.scheme == "https":
        import broadcastkit.drivers.pusher.http.trust
    if options.proxy() is not None:
        import broadcastkit.drivers.pusher.http.proxied  # noqa: F401


def _connections(options: TransportOptions) -> Transport:
    if options.proxy() is None:
        from broadcastkit.drivers.pusher.http.blocking import Connections

        return Connections(options)
    from broadcastkit.drivers.pusher.http.proxied import HttpxTransport

    return HttpxTransport(options)


def _async_connections(options: TransportOptions) -> AsyncTransport:
    if options.proxy() is None and _in_asyncio():
        from broadcastkit.drivers.pusher.http.awaited import AsyncConnections

        return AsyncConnections(options)
    from broadcastkit.drivers.pusher.http.proxied import AsyncHttpxTransport

    return AsyncHttpxTransport(options)


def _in_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
