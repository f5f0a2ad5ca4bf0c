"""The way to one client: a bounded queue, emptied by one writer.

A client that reads too slowly fills its own queue and loses its own connection; it never holds up the others.
"""

from __future__ import annotations

import asyncio
from collections import deque

from broadcastkit.server.asgi import Message, Send
from broadcastkit.server.connection import Connection
from broadcastkit.server.effects import Close
from broadcastkit.server.settings import Limits

__all__ = ["Link"]

# For what is queued already, and again for the closing frame, of a connection that ends.
_GRACE = 5.0


class Link(Connection):
    """A connection and its queue. Belongs to one event loop; only `loop` may be read from another thread."""

    __slots__ = ("_close", "_draining", "_gone", "_most", "_queue", "_scope", "_size", "_size_limit", "_wake", "loop")

    def __init__(self, socket_id: str, limits: Limits, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(socket_id)
        self.loop: asyncio.AbstractEventLoop = loop
        self._most = limits.send_queue
        self._size_limit = limits.send_queue_size
        self._queue: deque[Message] = deque()
        self._size = 0
        self._close: Close | None = None
        self._gone = False
        self._draining = False
        self._wake: asyncio.Future[None] | None = None
        self._scope = asyncio.Timeout(None)

    @property
    def closing(self) -> bool:
        """Whether nothing is taken any more."""
        return self._close is not None or self._gone

    def push(self, message: Message) -> bool:
        """Queue a message, which other connections may share; False if the queue is full."""
        if self.closing:
            return True
        size = self._size + len(message["text"])
        # one frame always fits, however large
        if self._queue and (len(self._queue) >= self._most or size > self._size_limit):
            return False
        self._queue.append(message)
        self._size = size
        self._wake_up()
        return True

    def close(self, close: Close) -> None:
        """End the connection after what is queued; later calls change nothing."""
        if not self.closing:
            self._close = close
            self._hurry(self.loop.time() + _GRACE)

    def cut(self, close: Close) -> None:
        """End the connection now, and drop what is queued."""
        if not self.closing:
            self._close = close
            self._queue.clear()
            self._hurry(self.loop.time())

    def gone(self) -> None:
        """Note that the client has left: there is nobody to send to."""
        self._gone = True
        self._hurry(self.loop.time())

    async def write(self, send: Send) -> None:
        """Send what is queued until the connection ends; then end it."""
        try:
            async with self._scope:
                await self._drain(send)
        except TimeoutError:
            pass  # close(), cut() or gone() while the writer waited for the client
        except OSError:
            return  # the client has left, as ASGI tells it
        if self._close is not None and not self._gone:
            await self._end(send, self._close)

    async def _drain(self, send: Send) -> None:
        self._draining = True
        try:
            while True:
                while self._queue:
                    message = self._queue.popleft()
                    self._size -= len(message["text"])
                    await send(message)
                if self.closing:
                    return
                self._wake = self.loop.create_future()
                await self._wake
        finally:
            self._draining = False

    async def _end(self, send: Send, close: Close) -> None:
        try:
            async with asyncio.timeout(_GRACE):
                await send({"type": "websocket.close", "code": close.code, "reason": close.reason})
        except OSError:  # TimeoutError is one
            return

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _hurry(self, deadline: float) -> None:
        """Wake the writer, and give it until then if it waits for the client."""
        self._wake_up()
        if self._draining and not self._scope.expired():
            self._scope.reschedule(deadline)
