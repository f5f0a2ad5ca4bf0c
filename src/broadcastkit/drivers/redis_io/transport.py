"""Commands out, replies in: over connections of our own, or over clients, known by their shape.

A client of redis-py makes a pipeline of objects out of a batch, and awaits each reply: that costs ten times as much.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from anyio.lowlevel import RunVar

from broadcastkit.drivers.redis_io.awaited import AsyncConnections
from broadcastkit.drivers.redis_io.blocking import Connections
from broadcastkit.drivers.redis_io.replies import error_from, reply_from
from broadcastkit.drivers.redis_io.server import Server
from broadcastkit.drivers.redis_io.wire import Command, Reply
from broadcastkit.errors import ConfigurationError, DeliveryError, UnreachableError

__all__ = [
    "AsyncTransport",
    "Transport",
    "async_connections",
    "async_transport",
    "is_cluster",
    "sync_connections",
    "sync_transport",
]


class Transport(Protocol):
    """Runs commands; used from several threads at once."""

    def run(self, commands: Sequence[Command]) -> list[Reply]:
        """Run commands in order and return as many replies; what was not reached is an error in each."""
        ...

    def close(self) -> None:
        """Close connections; a later run opens new ones."""
        ...


class AsyncTransport(Protocol):
    """The awaited twin of Transport; used from several event loops, one after another or at once."""

    async def run(self, commands: Sequence[Command]) -> list[Reply]:
        """See Transport.run."""
        ...

    async def aclose(self) -> None:
        """See Transport.close."""
        ...


def is_cluster(client: Any) -> bool:
    """Whether a client is one of a cluster: redis-py's or valkey's."""
    return any(cls.__name__.endswith("Cluster") for cls in type(client).__mro__)


def sync_connections(server: Server) -> Transport:
    """Return a transport over connections of our own."""
    return _SyncTransport(lambda: Connections(server), None, Connections.run)


def async_connections(server: Server) -> AsyncTransport:
    """Return the awaited twin of `sync_connections`."""
    return _AsyncTransport(lambda: AsyncConnections(server), None, AsyncConnections.run, timeout=None)


def sync_transport(make: Callable[[], Any], *, client: Any, cluster: bool, timeout: float | None) -> Transport:
    """Return the transport for a driver: over the caller's client, or over those that `make` returns.

    `timeout` is for a whole round trip, in seconds; here, it is the client's to keep.
    """
    del timeout
    if _checked(client) is not None and hasattr(client, "aclose"):
        raise ConfigurationError("must be a blocking client; AsyncRedisDriver takes this one", setting="client")
    return _SyncTransport(make, client, _one_by_one if cluster else _together)


def async_transport(make: Callable[[], Any], *, client: Any, cluster: bool, timeout: float | None) -> AsyncTransport:
    """Return the awaited twin of `sync_transport`."""
    if _checked(client) is not None and not hasattr(client, "aclose"):
        raise ConfigurationError("must be a client of redis.asyncio; RedisDriver takes this one", setting="client")
    return _AsyncTransport(make, client, _aone_by_one if cluster else _atogether, timeout=timeout)


def _checked(client: Any) -> Any:
    if client is not None and not callable(getattr(client, "execute_command", None)):
        raise ConfigurationError("must be a client of redis-py or valkey", setting="client")
    return client


class _SyncTransport:
    """One client, or connections, for each process: after a fork they cannot be shared."""

    def __init__(
        self, make: Callable[[], Any], client: Any, run: Callable[[Any, Sequence[Command]], list[Reply]]
    ) -> None:
        self._make = make
        self._given = client
        self._run = run
        self._processes: dict[int, Any] = {}

    def run(self, commands: Sequence[Command]) -> list[Reply]:
        try:
            return self._run(self._mine() if self._given is None else self._given, commands)
        except DeliveryError as error:
            return [error] * len(commands)
        except Exception as error:  # noqa: BLE001 - error_from raises what is no client's
            return [error_from(error)] * len(commands)

    def close(self) -> None:
        mine = self._processes.pop(os.getpid(), None)
        for client in _with_sentinels(mine) if mine is not None else ():
            client.close()

    def _mine(self) -> Any:
        pid = os.getpid()
        mine = self._processes.get(pid)
        # Of several threads that come first, one wins. No lock: one that is held while forking would never be free.
        return self._processes.setdefault(pid, self._make()) if mine is None else mine


class _AsyncTransport:
    """One client, or connections, for each event loop.

    A client's time is limited here: redis-py would set a timer for each answer, which costs more than to read it.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        client: Any,
        run: Callable[[Any, Sequence[Command]], Awaitable[list[Reply]]],
        *,
        timeout: float | None,
    ) -> None:
        self._make = make
        self._timeout = timeout
        self._given = client
        self._run = run
        # a name of its own: anyio's earlier releases tell variables apart by name
        self._loops: RunVar[Any] = RunVar(f"broadcastkit_redis_{id(self)}", None)

    async def run(self, commands: Sequence[Command]) -> list[Reply]:
        client = self._here()
        try:
            if self._timeout is None:
                return await self._run(client, commands)
            async with asyncio.timeout(self._timeout):
                return await self._run(client, commands)
        except DeliveryError as error:
            return [error] * len(commands)
        except Exception as error:  # noqa: BLE001 - error_from raises what is no client's
            return [error_from(error)] * len(commands)

    async def aclose(self) -> None:
        mine = self._loops.get()
        self._loops.set(None)
        for client in _with_sentinels(mine) if mine is not None and self._given is None else ():
            await client.aclose()

    def _here(self) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError("Redis is awaited on asyncio only: use RedisDriver from a thread") from None
        mine = self._loops.get()
        if mine is None:
            mine = self._make() if self._given is None else self._given
            self._loops.set(mine)
        return mine


def _with_sentinels(client: Any) -> list[Any]:
    """Return a client and those of the sentinels that it asks, which it does not close by itself."""
    manager = getattr(getattr(client, "connection_pool", None), "sentinel_manager", None)
    return [client, *getattr(manager, "sentinels", ())]


def _together(client: Any, commands: Sequence[Command]) -> list[Reply]:
    """Run commands in one round trip."""
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    return [reply_from(result) for result in pipeline.execute(raise_on_error=False)]


async def _atogether(client: Any, commands: Sequence[Command]) -> list[Reply]:
    """See _together."""
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    return [reply_from(result) for result in await pipeline.execute(raise_on_error=False)]


def _one_by_one(client: Any, commands: Sequence[Command]) -> list[Reply]:
    """Run commands one after the other, up to one that nobody answers: the pipeline of a cluster takes no publish.

    All go to one node, which tells the others: over several, they would overtake each other. When that is gone, the
    client chooses another one.
    """
    replies: list[Reply] = []
    for command in commands:
        try:
            replies.append(reply_from(client.execute_command(*command, target_nodes=client.DEFAULT_NODE)))
        except Exception as error:  # noqa: BLE001 - error_from raises what is no client's
            replies.append(error_from(error))
        if isinstance(replies[-1], UnreachableError):
            return replies + replies[-1:] * (len(commands) - len(replies))
    return replies


async def _aone_by_one(client: Any, commands: Sequence[Command]) -> list[Reply]:
    """See _one_by_one."""
    replies: list[Reply] = []
    for command in commands:
        try:
            replies.append(reply_from(await client.execute_command(*command, target_nodes=client.DEFAULT_NODE)))
        except Exception as error:  # noqa: BLE001 - error_from raises what is no client's
            replies.append(error_from(error))
        if isinstance(replies[-1], UnreachableError):
            return replies + replies[-1:] * (len(commands) - len(replies))
    return replies
