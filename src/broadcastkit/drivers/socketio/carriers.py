"""The I/O under the Socket.IO driver: emissions in, what came of each out.

Over Redis, what python-socketio's managers would publish is published here, in one round trip and with its errors
seen. A manager that is given, or a server's, is asked to emit. Clients and managers are known by their shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from broadcastkit.drivers.redis_io.transport import AsyncTransport, Transport
from broadcastkit.drivers.redis_io.wire import Command
from broadcastkit.drivers.socketio.emission import Emission
from broadcastkit.drivers.socketio.plan import Reply
from broadcastkit.errors import DeliveryError, UnreachableError

__all__ = [
    "AsyncCarrier",
    "AsyncManagerCarrier",
    "AsyncRedisCarrier",
    "Carrier",
    "ManagerCarrier",
    "RedisCarrier",
    "is_shared",
    "watch",
]

# Set by a watched manager where it gave up; read by whoever emitted, in the same thread and task.
_gave_up: ContextVar[bool] = ContextVar("broadcastkit_socketio_gave_up", default=False)


class Carrier(Protocol):
    """Emits; used from several threads at once."""

    def run(self, emissions: Sequence[Emission]) -> list[Reply]:
        """Emit in order and return as many replies."""
        ...

    def close(self) -> None:
        """Close connections; a later run opens new ones."""
        ...


class AsyncCarrier(Protocol):
    """The awaited twin of Carrier."""

    async def run(self, emissions: Sequence[Emission]) -> list[Reply]:
        """See Carrier.run."""
        ...

    async def aclose(self) -> None:
        """See Carrier.close."""
        ...


Render = Callable[[Sequence[Emission]], list[str]]


class RedisCarrier:
    """Publishes on the Redis channel that python-socketio's servers listen to."""

    def __init__(self, transport: Transport, render: Render, channel: str) -> None:
        self._transport = transport
        self._render = render
        self._channel = channel

    def run(self, emissions: Sequence[Emission]) -> list[Reply]:
        """Publish in one round trip."""
        return _failures(self._transport.run([("PUBLISH", self._channel, text) for text in self._render(emissions)]))

    def close(self) -> None:
        """Close kept connections, if they are not the caller's."""
        self._transport.close()


class AsyncRedisCarrier:
    """The awaited twin of RedisCarrier."""

    def __init__(self, transport: AsyncTransport, render: Render, channel: str) -> None:
        self._transport = transport
        self._render = render
        self._channel = channel

    async def run(self, emissions: Sequence[Emission]) -> list[Reply]:
        """See RedisCarrier.run."""
        commands: list[Command] = [("PUBLISH", self._channel, text) for text in self._render(emissions)]
        return _failures(await self._transport.run(commands))

    async def aclose(self) -> None:
        """See RedisCarrier.close."""
        await self._transport.aclose()


def _failures(replies: Sequence[object]) -> list[Reply]:
    """Leave the numbers of listening servers out."""
    return [reply if isinstance(reply, DeliveryError) else None for reply in replies]


class ManagerCarrier:
    """Asks python-socketio's manager to emit, in the order given, up to one that nobody answers."""

    def __init__(self, manager: Any, namespace: str) -> None:
        self._manager = manager
        self._namespace = namespace

    def run(self, emissions: Sequence[Emission]) -> list[Reply]:
        """Emit one after the other."""
        replies: list[Reply] = []
        for one in emissions:
            if replies and replies[-1] is not None:
                replies.append(replies[-1])
                continue
            _gave_up.set(False)
            try:
                self._manager.emit(one.event, one.payload, self._namespace, room=one.room, skip_sid=one.skip_sid)
            except Exception as error:  # noqa: BLE001 - whatever its client of a queue raises; see _failed
                replies.append(_failed(self._manager, error))
            else:
                replies.append(_lost(self._manager) if _gave_up.get() else None)
        return replies

    def close(self) -> None:
        """Do nothing: the manager is the caller's."""


class AsyncManagerCarrier:
    """The awaited twin of ManagerCarrier; for a server in this process, on its own event loop."""

    def __init__(self, manager: Any, namespace: str) -> None:
        self._manager = manager
        self._namespace = namespace

    async def run(self, emissions: Sequence[Emission]) -> list[Reply]:
        """See ManagerCarrier.run."""
        replies: list[Reply] = []
        for one in emissions:
            if replies and replies[-1] is not None:
                replies.append(replies[-1])
                continue
            _gave_up.set(False)
            try:
                await self._manager.emit(one.event, one.payload, self._namespace, room=one.room, skip_sid=one.skip_sid)
            except Exception as error:  # noqa: BLE001 - whatever its client of a queue raises; see _failed
                replies.append(_failed(self._manager, error))
            else:
                replies.append(_lost(self._manager) if _gave_up.get() else None)
        return replies

    async def aclose(self) -> None:
        """Do nothing: the manager is the caller's."""


def is_shared(manager: Any) -> bool:
    """Whether a manager publishes to other processes, over a network."""
    return hasattr(manager, "write_only")


def _failed(manager: Any, error: Exception) -> UnreachableError:
    if not is_shared(manager):
        raise error
    made = UnreachableError(f"{type(manager).__name__} raised {type(error).__name__}")
    made.__cause__ = error
    return made


def _lost(manager: Any) -> UnreachableError:
    return UnreachableError(f"{type(manager).__name__} could not publish and gave up; python-socketio's log says why")


def watch(manager: Any, *, asynchronous: bool) -> None:
    """Have a manager for Redis tell when it gave up, which it only logs.

    Its `_publish`, which python-socketio has every manager implement, returns the number of listeners, or None after
    the last attempt. Those for other queues return None in any case, and tell by raising or not at all.
    """
    publish = getattr(manager, "_publish", None)
    if publish is None or not hasattr(manager, "redis_url") or hasattr(publish, "watched"):
        return

    async def awatched(data: Any) -> Any:
        listeners = await publish(data)
        _gave_up.set(listeners is None)
        return listeners

    def watched(data: Any) -> Any:
        listeners = publish(data)
        _gave_up.set(listeners is None)
        return listeners

    chosen: Any = awatched if asynchronous else watched
    chosen.watched = True
    manager._publish = chosen  # noqa: SLF001 - see above
