"""Inline delivery's awaited half; apart from it, since blocking code should not pay for importing asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from weakref import ref

from broadcastkit.delivery.batching import MOST, Batch, Batcher, Item, distribute, messages_of, result_of
from broadcastkit.drivers.base import AsyncDriver, Outcome
from broadcastkit.errors import ConnectionLostError

__all__ = ["AsyncLine", "line_of"]


def line_of(lines: dict[tuple[int, int], AsyncLine], driver: AsyncDriver, limit: int) -> AsyncLine | None:
    """Return the running loop's line for a driver, or None where the loop is not asyncio's."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    # not a WeakKeyDictionary, which takes three times as long, and this is asked for every event
    key = id(loop), id(driver)
    line = lines.get(key)
    if line is None or line.loop() is not loop:
        for gone in [key for key, line in list(lines.items()) if line.loop() is None]:
            lines.pop(gone, None)
        line = lines[key] = AsyncLine(driver, limit, loop)
    return line


class AsyncLine:
    """The tasks of one event loop that send over one driver.

    A lone item is sent by its caller. What is shared is sent by a task of its own: that a caller is cancelled is no
    concern of the others.
    """

    def __init__(self, driver: AsyncDriver, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = ref(loop)
        self._driver = driver
        self._batcher = Batcher(limit, most=MOST)
        self._tasks: set[asyncio.Task[None]] = set()

    async def deliver(self, item: Item) -> Sequence[Outcome]:
        """Return the item's outcomes once it has been answered for."""
        batch = self._batcher.add(item)
        if batch is not None and batch[0] is item and len(batch) == 1:
            try:
                return await self._driver.send(item.messages)
            finally:
                self._land(batch)
        item.signal = asyncio.get_running_loop().create_future()
        if batch is not None:
            self._start(batch)
        try:
            await item.signal
        except asyncio.CancelledError:
            self._batcher.withdraw(item)
            raise
        return result_of(item)

    async def _send(self, batch: Batch) -> None:
        outcomes: Sequence[Outcome] | BaseException | None = None
        try:
            outcomes = await self._driver.send(messages_of(batch))
        except Exception as error:  # noqa: BLE001 - each caller of the batch raises it
            outcomes = error
        finally:
            self._land(batch)
            distribute(batch, ConnectionLostError("the sending was interrupted") if outcomes is None else outcomes)
            for item in batch:
                if not item.signal.done():
                    item.signal.set_result(None)

    def _land(self, batch: Batch) -> None:
        self._batcher.done(batch)
        for following in iter(self._batcher.take, None):
            self._start(following)

    def _start(self, batch: Batch) -> None:
        if all(item.signal.cancelled() for item in batch):  # as where the loop ends: nobody would await the task
            self._batcher.done(batch)
            return
        task = asyncio.get_running_loop().create_task(self._send(batch))
        self._tasks.add(task)  # a loop keeps no hold of its tasks
        task.add_done_callback(self._tasks.discard)
