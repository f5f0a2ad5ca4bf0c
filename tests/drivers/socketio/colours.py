"""Both colours of the Socket.IO driver behind one face, so that one test is about both."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Protocol

import redis
import redis.asyncio
import socketio
from blockbuster import blockbuster_ctx

from broadcastkit.drivers.socketio import AsyncSocketIODriver, SocketIODriver
from broadcastkit.drivers.socketio.carriers import AsyncRedisCarrier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import Outcome

__all__ = ["AsyncColour", "Colour", "SyncColour"]


class Colour(Protocol):
    """Makes drivers and calls them; what they may be given is of the same colour."""

    client: Any
    manager: Any
    server: Any

    def driver(self, url: str | None = None, **options: Any) -> Any:
        """Return a driver that is closed with the test."""
        ...

    def send(self, driver: Any, *messages: Message) -> Sequence[Outcome]:
        """Send messages."""
        ...

    def close(self, driver: Any) -> None:
        """Close a driver."""
        ...

    def run(self, result: Any) -> Any:
        """Return what a function of this colour returns, in the end."""
        ...

    def end(self) -> None:
        """Close what was made."""
        ...


class SyncColour:
    """The blocking driver."""

    client = redis.Redis
    manager = socketio.RedisManager
    server = socketio.Server

    def __init__(self) -> None:
        self._made: list[SocketIODriver] = []

    def driver(self, url: str | None = None, **options: Any) -> Any:
        made = SocketIODriver(**options) if url is None else SocketIODriver.from_url(url, **options)
        self._made.append(made)
        return made

    def send(self, driver: Any, *messages: Message) -> Sequence[Outcome]:
        outcomes: Sequence[Outcome] = driver.send(messages)
        return outcomes

    def close(self, driver: Any) -> None:
        driver.close()

    def run(self, result: Any) -> Any:
        return result

    def end(self) -> None:
        for driver in self._made:
            driver.close()


class AsyncColour:
    """The awaited driver, in one event loop that must not be blocked."""

    client = redis.asyncio.Redis
    manager = socketio.AsyncRedisManager
    server = socketio.AsyncServer

    def __init__(self) -> None:
        self._made: list[AsyncSocketIODriver] = []
        self._runner = asyncio.Runner()

    def driver(self, url: str | None = None, **options: Any) -> Any:
        made = AsyncSocketIODriver(**options) if url is None else AsyncSocketIODriver.from_url(url, **options)
        self._made.append(made)
        return made

    def send(self, driver: Any, *messages: Message) -> Sequence[Outcome]:
        # python-socketio's own manager has redis-py read its version from the disk
        ours = isinstance(driver._carrier, AsyncRedisCarrier)
        with blockbuster_ctx("broadcastkit") if ours else contextlib.nullcontext():
            outcomes: Sequence[Outcome] = self.run(driver.send(messages))
        return outcomes

    def close(self, driver: Any) -> None:
        self.run(driver.aclose())

    def run(self, result: Any) -> Any:
        return self._runner.run(result)

    def end(self) -> None:
        for driver in self._made:
            self.run(driver.aclose())
        self._runner.close()
