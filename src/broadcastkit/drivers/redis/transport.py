"""The I/O under the Redis driver: commands out, replies in. It knows clients by their shape, and imports none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from anyio.lowlevel import RunVar

from broadcastkit.drivers.redis.replies import error_from, reply_from
from broadcastkit.drivers.redis.wire import Command, Reply
from broadcastkit.errors import ConfigurationError, UnreachableError

__all__ = ["AsyncTransport", "Transport", "async_transport", "is_cluster", "sync_transport"]


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


def sync_transport(make: Callable[[], Any], *, client: Any, cluster: bool) -> Transport:
    """Return the transport for a driver: over the caller's client, or over those that `make` returns."""
    if _checked(client) is not None and hasattr(client, "aclose"):
        raise ConfigurationError("must be a blocking client; AsyncRedisDriver takes this one", setting="client")
    return _SyncTransport(make, client, cluster=cluster)


def async_transport(make: Callable[[], Any], *, client: Any, cluster: bool) -> AsyncTransport:
    """Return the awaited twin of `sync_transport`."""
    if _checked(client) is not None and not hasattr(client, "aclose"):
        raise ConfigurationError("must be a client of redis.asyncio; RedisDriver takes this one", setting="client")
    return _AsyncTransport(make, client, cluster=cluster)


def _checked(client: Any) -> Any:
    if client is not None and not callable(getattr(client, "execute_command", None)):
        raise ConfigurationError("must be a client of redis-py or valkey", setting="client")
    return client


class _SyncTransport:
    """One client for each process: after a fork, connections cannot be shared."""

    def __init__(self, make: Callable[[], Any], client: Any, *, cluster: bool) -> None:
        self._make = make
        self._given = client
        self._run = _one_by_one if cluster else _together
        self._processes: dict[int, Any] = {}

    def run(self, commands: Sequence[Command]) -> list[Reply]:
        try:
            return self._run(self._mine() if self._given is None else self._given, commands)
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


class _Ticket:
    """Commands that wait for their turn; `round` is the round trip that they share with others, once it began."""

    __slots__ = ("commands", "round", "start")

    def __init__(self, commands: Sequence[Command]) -> None:
        self.commands = commands
        self.start = 0
        self.round: asyncio.Task[list[Reply]] | None = None


class _PerLoop:
    """What belongs to one event loop: a client, whose turn it is, and who waits."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.turn = asyncio.Lock()
        self.waiting: list[_Ticket] = []


class _AsyncTransport:
    """One client for each event loop. What is sent while a round trip is under way goes out together in the next.

    Fifty tasks that publish at once need one connection that way, and a third of the time.
    """

    def __init__(self, make: Callable[[], Any], client: Any, *, cluster: bool) -> None:
        self._make = make
        self._given = client
        self._run = _aone_by_one if cluster else _atogether
        # a name of its own: anyio's earlier releases tell variables apart by name
        self._loops: RunVar[_PerLoop | None] = RunVar(f"broadcastkit_redis_{id(self)}", None)

    async def run(self, commands: Sequence[Command]) -> list[Reply]:
        mine = self._here()
        ticket = _Ticket(commands)
        mine.waiting.append(ticket)
        try:
            async with mine.turn:
                if ticket.round is None:
                    taken, mine.waiting = mine.waiting, []
                    if len(taken) == 1:
                        return await self._perform(mine.client, commands)
                    # a task of its own: one who gives up must not take the others' messages along
                    _share(taken, asyncio.ensure_future(self._perform(mine.client, _all_commands(taken))))
                shared: asyncio.Task[list[Reply]] | None = ticket.round
                replies = await asyncio.shield(shared) if shared is not None else []
        finally:
            if ticket in mine.waiting:  # who gives up before it went out has not sent
                mine.waiting.remove(ticket)
        return replies[ticket.start : ticket.start + len(commands)]

    async def aclose(self) -> None:
        mine = self._loops.get()
        self._loops.set(None)
        for client in _with_sentinels(mine.client) if mine is not None and self._given is None else ():
            await client.aclose()

    def _here(self) -> _PerLoop:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError("redis-py awaits on asyncio only: use RedisDriver from a thread") from None
        mine = self._loops.get()
        if mine is None:
            mine = _PerLoop(self._make() if self._given is None else self._given)
            self._loops.set(mine)
        return mine

    async def _perform(self, client: Any, commands: Sequence[Command]) -> list[Reply]:
        try:
            return await self._run(client, commands)
        except Exception as error:  # noqa: BLE001 - error_from raises what is no client's
            return [error_from(error)] * len(commands)


def _with_sentinels(client: Any) -> list[Any]:
    """Return a client and those of the sentinels that it asks, which it does not close by itself."""
    manager = getattr(getattr(client, "connection_pool", None), "sentinel_manager", None)
    return [client, *getattr(manager, "sentinels", ())]


def _all_commands(tickets: Sequence[_Ticket]) -> list[Command]:
    return [command for ticket in tickets for command in ticket.commands]


def _share(tickets: Sequence[_Ticket], shared: asyncio.Task[list[Reply]]) -> None:
    start = 0
    for ticket in tickets:
        ticket.round, ticket.start = shared, start
        start += len(ticket.commands)


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
