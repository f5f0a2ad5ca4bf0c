"""Pools of connections that do what they are told, in both colours behind one face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import isawaitable
from threading import Barrier
from typing import Any, NamedTuple

from broadcastkit.drivers.sockets.pool import Pool
from broadcastkit.drivers.sockets.pool_awaited import AsyncPool
from broadcastkit.errors import ConnectError

__all__ = ["WAIT", "Async", "AsyncConnection", "Question", "Sync", "nested"]

WAIT = 10.0


class Question(NamedTuple):
    """What a connection makes of it, in the end and before that; its reply is its number."""

    keep: bool = True
    fails: BaseException | None = None
    meanwhile: Callable[[], Any] = bool


class Connection:
    """Does what a question tells it to."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.idle_since = 0.0
        self.left_by_the_service = False
        self.is_closed = False

    def is_open(self) -> bool:
        return not self.left_by_the_service

    def close(self) -> None:
        self.is_closed = True

    def ask(self, question: Question) -> tuple[int, bool]:
        question.meanwhile()
        return self._reply(question)

    def _reply(self, question: Question) -> tuple[int, bool]:
        assert not self.is_closed
        if question.fails is not None:
            raise question.fails
        return self.number, question.keep


class AsyncConnection(Connection):
    """Does so later."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()

    def close(self) -> None:
        super().close()
        self._loop.call_soon(self.closed.set_result, None)

    async def ask(self, question: Question) -> tuple[int, bool]:  # type: ignore[override]
        meanwhile = question.meanwhile()
        await (meanwhile if isawaitable(meanwhile) else asyncio.sleep(0))
        return self._reply(question)


class Sync:
    """A pool of the blocking colour, and all connections that it has made."""

    def __init__(self, seconds: float | None = WAIT) -> None:
        self.made: list[Connection] = []
        self.refuses = False
        self.pool: Any = self._make(seconds)

    def _make(self, seconds: float | None) -> Any:
        return Pool(self._connect, seconds)

    def _connect(self) -> Connection:
        return self._connected(Connection)

    def _connected(self, kind: Callable[[int], Connection]) -> Connection:
        if self.refuses:
            raise ConnectError("refused")
        self.made.append(kind(len(self.made) + 1))
        return self.made[-1]

    @property
    def left_open(self) -> list[int]:
        """The numbers of those that are not closed."""
        return [connection.number for connection in self.made if not connection.is_closed]

    def run(self, result: Any) -> Any:
        """Return what it is, awaited if need be."""
        return result

    def ask(self, question: Question = Question()) -> int:  # noqa: B008 - a value
        """Return the number of the connection that replied."""
        number: int = self.run(self.pool.ask(question))
        return number

    def close(self) -> Any:
        """Close the pool; to be run."""
        return self.pool.close()

    def at_once(self, count: int) -> list[int]:
        """Ask from so many threads, or tasks."""
        ready = Barrier(count)

        def ask(_: int) -> int:
            ready.wait(WAIT)
            return self.ask()

        with ThreadPoolExecutor(count) as threads:
            return list(threads.map(ask, range(count)))

    def end(self) -> None:
        """Close what tests have left."""
        self.run(self.close())


class Async(Sync):
    """The same in the awaited colour."""

    def __init__(self, seconds: float | None = WAIT) -> None:
        self._runner = asyncio.Runner()
        super().__init__(seconds)

    def _make(self, seconds: float | None) -> Any:
        async def connect() -> Any:
            return self._connected(AsyncConnection)

        return AsyncPool(connect, seconds)

    def run(self, result: Any) -> Any:
        return self._runner.run(result)

    def close(self) -> Any:
        return self.pool.aclose()

    def at_once(self, count: int) -> list[int]:
        async def gather() -> list[int]:
            numbers: list[int] = await asyncio.gather(*(self.pool.ask(Question()) for _ in range(count)))
            return numbers

        found: list[int] = self.run(gather())
        return found

    def end(self) -> None:
        super().end()
        self._runner.close()


def nested(pool: Sync, depth: int, last: Callable[[], Any] = bool) -> Question:
    """Return a question that needs so many connections at the same time, with what happens while all are in use."""
    question = Question(meanwhile=last)
    for _ in range(depth - 1):
        question = Question(meanwhile=partial(pool.pool.ask, question))
    return question
