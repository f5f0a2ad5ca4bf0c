"""Connections of our own to one Redis for the awaited driver; `resp` has the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import cast

from anyio.to_thread import run_sync

from broadcastkit.drivers.redis_io.resp import Answer, Packed, ReplyReader, packed, welcomed
from broadcastkit.drivers.redis_io.server import Server
from broadcastkit.drivers.redis_io.wire import Command, Reply
from broadcastkit.drivers.sockets.awaited import connected, connected_to_path
from broadcastkit.drivers.sockets.idle import speaks
from broadcastkit.drivers.sockets.pool_awaited import AsyncPool
from broadcastkit.errors import ConnectionLostError, DeliveryError, NoReplyError

__all__ = ["AsyncConnections"]


class AsyncConnections:
    """The awaited twin of Connections, for the tasks of one event loop."""

    def __init__(self, server: Server) -> None:
        self._pool = AsyncPool(partial(_connect, server), server.seconds)

    def run(self, commands: Sequence[Command]) -> Awaitable[list[Reply]]:
        """See Connections.run."""
        # without a coroutine of its own, which each of many that wait would pay for
        return self._pool.ask(packed(commands))

    async def aclose(self) -> None:
        """See Pool.close."""
        await self._pool.aclose()


class _Connection(asyncio.Protocol):
    """One connection, in the hands of one task at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._answer: asyncio.Future[Answer] | None = None
        self._reader: ReplyReader
        self._transport: asyncio.Transport
        self._speaks: Callable[[], bool]
        self.idle_since = 0.0
        self.closed: asyncio.Future[None] = loop.create_future()

    async def ask(self, question: Packed) -> Answer:
        """Send commands and wait for as many replies."""
        data, count = question
        self._reader = ReplyReader(count)
        self._answer = self._loop.create_future()
        timer = self._loop.call_later(self._seconds, self._time_is_up)
        try:
            self._transport.write(data)
            return await self._answer
        finally:
            self._answer = None
            timer.cancel()

    def is_open(self) -> bool:
        """See Kept.is_open."""
        return not self._transport.is_closing() and not self._speaks()

    def close(self) -> None:
        """See Kept.close."""
        self._transport.abort()

    def _time_is_up(self) -> None:
        self._fail(NoReplyError(f"not every reply came within {self._seconds:g} s"))

    def _fail(self, error: DeliveryError) -> None:
        if self._answer is None or self._answer.done():
            return
        try:
            self._answer.set_result(self._reader.cut(error))
        except DeliveryError:
            self._answer.set_exception(error)

    # -- what asyncio calls ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._speaks = speaks(transport.get_extra_info("socket").fileno())

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None or answer.done():
            self.close()  # nobody asked
            return
        try:
            found = self._reader.feed(data)
        except DeliveryError as error:
            answer.set_exception(error)
        else:
            if found is not None:
                answer.set_result(found)

    def eof_received(self) -> None:
        if self._answer is not None:
            self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        said = f"{type(exc).__name__} {exc}" if exc is not None else "the connection was closed"
        self._fail(ConnectionLostError(said))
        if not self.closed.done():
            self.closed.set_result(None)


async def _connect(server: Server) -> _Connection:
    loop = asyncio.get_running_loop()

    def make() -> _Connection:
        return _Connection(loop, server.seconds)

    if server.path is not None:
        connection = await connected_to_path(make, server.path, server.seconds)
    else:
        context = await run_sync(server.context) if server.tls else None
        connection = await connected(make, server.host, server.port, server.seconds, context)
    try:
        if server.greeting:
            welcomed(await connection.ask(packed(server.greeting)))
    except BaseException:
        connection.close()
        raise
    return connection
