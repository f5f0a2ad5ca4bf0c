"""Inline delivery's awaited half; apart from it, since blocking code should not pay for importing asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from weakref import ref

from broadcastkit.core.message import Message
from broadcastkit.delivery.batching import MOST, Batch, Batcher, Item, batch_limit, checked, distribute, messages_of
from broadcastkit.drivers.base import AsyncDriver, Outcome
from broadcastkit.errors import ConnectionLostError

__all__ = ["AsyncLine", "AsyncLines"]


class AsyncLines:
    """The lines of every event loop, one for each driver."""

    def __init__(self) -> None:
        # not a WeakKeyDictionary, which takes three times as long, and this is asked for every event
        self._lines: dict[tuple[int, int], AsyncLine] = {}

    def deliver(self, driver: AsyncDriver, messages: Sequence[Message]) -> Awaitable[Sequence[Outcome]]:
        """Send in the running loop's line; there is none where the loop is not asyncio's, or nothing can be shared.

        What is returned must be awaited at once: it has its place in the line already.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return driver.send(messages)
        line = self._lines.get((id(loop), id(driver)))
        if line is None or line.loop() is not loop:
            limit = batch_limit(driver)
            if not limit:
                return driver.send(messages)
            line = self._new(driver, limit, loop)
        return line.deliver(Item(messages), loop)

    def _new(self, driver: AsyncDriver, limit: int, loop: asyncio.AbstractEventLoop) -> AsyncLine:
        for key, line in list(self._lines.items()):
            if line.loop() is None:
                self._lines.pop(key, None)
        line = self._lines[id(loop), id(driver)] = AsyncLine(driver, limit, loop)
        return line


class AsyncLine:
    """The tasks of one event loop that send over one driver.

    A lone item is sent by its caller. What is shared is sent by a task of its own: that a caller is cancelled is no
    concern of the others.
    """

    def __init__(self, driver: AsyncDriver, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: ref[asyncio.AbstractEventLoop] = ref(loop)
        self._driver = driver
        self._batcher = Batcher(limit, most=MOST, free=1)
        self._sweeps = False
        self._tasks: set[asyncio.Task[None]] = set()

    def deliver(self, item: Item, loop: asyncio.AbstractEventLoop) -> Awaitable[Sequence[Outcome]]:
        """Return what gives the item's outcomes once it has been answered for.

        A future and no coroutine around it, since hundreds of callers may wait: each keeps a few objects in the
        processor's cache, and those are what many callers cost more than few.
        """
        batch = self._batcher.add(item)
        if batch is not None and batch[0] is item and len(batch) == 1:
            return self._send_alone(batch)
        item.signal = loop.create_future()
        batch = self._awaited(batch)
        if batch is not None:
            self._start(batch)
        elif self._batcher.may_part and not self._sweeps:
            # what other tasks broadcast in this turn of the loop shares the request; a service far away would make
            # it wait for the answer to another one
            self._sweeps = True
            loop.call_soon(self._sweep)
        answered: Awaitable[Sequence[Outcome]] = item.signal
        return answered

    async def _send_alone(self, batch: Batch) -> Sequence[Outcome]:
        try:
            return checked(self._driver, batch, await self._driver.send(batch[0].messages))
        finally:
            self._batcher.done(batch)
            self._take()

    async def _send(self, first: Batch) -> None:
        batch: Batch | None = first
        while batch is not None:
            outcomes: Sequence[Outcome] | BaseException
            try:
                outcomes = checked(self._driver, batch, await self._driver.send(messages_of(batch)))
            except Exception as error:  # noqa: BLE001 - each caller of the batch raises it
                outcomes = error
            except BaseException:
                self._tell(batch, ConnectionLostError("the sending was interrupted"))
                self._take()
                raise
            self._tell(batch, outcomes)
            # the next one leaves before the callers of this one have made anything of their answers
            batch = self._next()
            self._take()

    def _tell(self, batch: Batch, outcomes: Sequence[Outcome] | BaseException) -> None:
        self._batcher.done(batch)
        distribute(batch, outcomes)
        for item in batch:
            if not item.signal.done():
                if isinstance(item.outcomes, BaseException):
                    item.signal.set_exception(item.outcomes)
                else:
                    item.signal.set_result(item.outcomes)

    def _sweep(self) -> None:
        self._sweeps = False
        self._take()

    def _take(self) -> None:
        while (batch := self._next()) is not None:
            self._start(batch)

    def _next(self) -> Batch | None:
        return self._awaited(self._batcher.take(part=True))

    def _awaited(self, batch: Batch | None) -> Batch | None:
        """Return a batch, or another one in its place if some of its callers were cancelled while they waited."""
        while batch is not None:
            awaited = [item for item in batch if not item.signal.cancelled()]
            if len(awaited) == len(batch):
                break
            self._batcher.done(batch, again=awaited)
            batch = self._batcher.take(part=True)
        return batch

    def _start(self, batch: Batch) -> None:
        task = asyncio.get_running_loop().create_task(self._send(batch))
        self._tasks.add(task)  # a loop keeps no hold of its tasks
        task.add_done_callback(self._tasks.discard)
