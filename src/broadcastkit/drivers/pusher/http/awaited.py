"""Connections of our own for the awaited driver: asyncio's protocols, and the pure half of HTTP in `messages`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import cast

from anyio.to_thread import run_sync

from broadcastkit.drivers.pusher.http.base import Timeouts, TransportOptions
from broadcastkit.drivers.pusher.http.messages import Answer, AnswerReader, RequestWriter
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.drivers.sockets.awaited import connected
from broadcastkit.drivers.sockets.idle import speaks
from broadcastkit.drivers.sockets.pool_awaited import AsyncPool
from broadcastkit.errors import ConnectionLostError, NoReplyError

__all__ = ["AsyncConnections"]


class AsyncConnections:
    """The awaited twin of Connections, for the tasks of one event loop."""

    def __init__(self, options: TransportOptions) -> None:
        self._write = RequestWriter(options.host_header).write
        self._pool = AsyncPool(partial(_connect, options), options.timeouts.pool)

    def send(self, request: HttpRequest) -> Awaitable[HttpReply]:
        """See AsyncTransport.send."""
        # without a coroutine of its own, which each of many that wait would pay for
        return self._pool.ask(self._write(request))

    async def aclose(self) -> None:
        """See Pool.close."""
        await self._pool.aclose()


class _Connection(asyncio.Protocol):
    """One connection, in the hands of one task at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timeouts: Timeouts) -> None:
        self._loop = loop
        self._timeouts = timeouts
        self._answer: asyncio.Future[Answer] | None = None
        self._reader = AnswerReader()
        self._timer: asyncio.TimerHandle | None = None
        self._writing = False
        self._transport: asyncio.Transport
        self._speaks: Callable[[], bool]
        self.idle_since = 0.0
        self.closed: asyncio.Future[None] = loop.create_future()

    async def ask(self, question: bytes) -> Answer:
        """Send a request and wait for its answer."""
        self._reader = AnswerReader()
        self._answer = self._loop.create_future()
        self._transport.write(question)
        if not self._writing:
            self._wait_for(self._timeouts.read)
        try:
            return await self._answer
        finally:
            self._answer = None
            if self._timer is not None:
                self._timer.cancel()

    def is_open(self) -> bool:
        """See Kept.is_open."""
        return not self._transport.is_closing() and not self._speaks()

    def close(self) -> None:
        """See Kept.close."""
        self._transport.abort()

    # -- what asyncio calls ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # so that pause_writing and resume_writing say when a request has gone out
        self._transport.set_write_buffer_limits(high=1, low=0)
        self._speaks = speaks(transport.get_extra_info("socket").fileno())

    def pause_writing(self) -> None:
        self._writing = True
        if self._answer is not None:
            self._wait_for(self._timeouts.write)

    def resume_writing(self) -> None:
        self._writing = False
        if self._answer is not None:
            self._wait_for(self._timeouts.read)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None or answer.done():
            self.close()  # nobody asked
            return
        try:
            found = self._reader.feed(data)
        except ConnectionLostError as error:
            answer.set_exception(error)
        else:
            if found is not None:
                answer.set_result(found)

    def eof_received(self) -> None:
        if self._answer is not None:
            self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            said = f"{type(exc).__name__} {exc}" if exc is not None else "the connection was closed"
            self._answer.set_exception(ConnectionLostError(said))
        if not self.closed.done():
            self.closed.set_result(None)

    # -- time ------------------------------------------------------------------------------------------------------

    def _wait_for(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self._loop.call_later(seconds, self._time_is_up)

    def _time_is_up(self) -> None:
        if self._answer is None or self._answer.done():
            return
        if self._writing:
            error = NoReplyError(f"the request did not go out within {self._timeouts.write:g} s")
        else:
            error = NoReplyError(f"no whole answer came within {self._timeouts.read:g} s")
        self._answer.set_exception(error)


async def _connect(options: TransportOptions) -> _Connection:
    context = await run_sync(options.context) if options.scheme == "https" else None
    loop = asyncio.get_running_loop()

    def make() -> _Connection:
        return _Connection(loop, options.timeouts)

    return await connected(make, options.host, options.port, options.timeouts.connect, context)
