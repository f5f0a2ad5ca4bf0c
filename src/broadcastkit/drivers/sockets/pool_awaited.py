"""A pool of connections in the awaited color: who may ask over one, and what becomes of it afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from broadcastkit.drivers.sockets.gate import Gate
from broadcastkit.drivers.sockets.idle import CONNECTIONS, Idle, Kept

__all__ = ["AsyncConnection", "AsyncPool"]

QuestionT_contra = TypeVar("QuestionT_contra", contravariant=True)
ReplyT_co = TypeVar("ReplyT_co", covariant=True)


class AsyncConnection(Kept, Protocol[QuestionT_contra, ReplyT_co]):
    """The awaited twin of Connection."""

    closed: asyncio.Future[None]
    """Done once it is closed, which asyncio does a little after it is told to."""

    async def ask(self, question: QuestionT_contra) -> tuple[ReplyT_co, bool]:
        """See Connection.ask."""
        ...


class AsyncPool(Generic[QuestionT_contra, ReplyT_co]):
    """The awaited twin of Pool, for the tasks of one event loop."""

    def __init__(
        self, connect: Callable[[], Awaitable[AsyncConnection[QuestionT_contra, ReplyT_co]]], seconds: float | None
    ) -> None:
        """See Pool."""
        self._connect = connect
        self._seconds = seconds
        self._gate = Gate(CONNECTIONS)
        self._idle: Idle[AsyncConnection[QuestionT_contra, ReplyT_co]] = Idle()

    async def ask(self, question: QuestionT_contra) -> ReplyT_co:
        """See Pool.ask."""
        await self._gate.enter(self._seconds)
        try:
            connection = self._idle.take() or await self._connect()
            try:
                reply, keep = await connection.ask(question)
            except BaseException:  # a cancellation too; see Pool
                connection.close()
                raise
            if keep:
                self._idle.keep(connection)
            else:
                connection.close()
        finally:
            self._gate.leave()
        return reply

    async def aclose(self) -> None:
        """Close what is idle, and later what is in use now."""
        for connection in self._idle.close():
            await connection.closed
