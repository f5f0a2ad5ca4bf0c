"""Inline delivery: the caller waits until the service has answered. Callers that come together share requests."""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING

from broadcastkit.core.message import Message
from broadcastkit.delivery.base import Delivery
from broadcastkit.delivery.batching import (
    MOST,
    Batch,
    Batcher,
    Item,
    batch_limit,
    checked,
    distribute,
    messages_of,
    result_of,
)
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome
from broadcastkit.errors import ConnectionLostError

if TYPE_CHECKING:
    from broadcastkit.delivery.inline_async import AsyncLines

__all__ = ["Inline"]

# Requests of threads that leave at once. More would be quicker for many threads and a service far away, and cost more
# where it is near; tasks gather by turns of their loop instead.
_FREE = 4


class Inline(Delivery):
    """Sends at once. When a broadcast returns, the service has answered for *its* event.

    One event alone goes out at once. Events that are broadcast while others are on their way, by other threads or
    tasks, share the next requests, up to what one request of the service may hold; each caller gets its own receipt
    or its own error. Events to one channel arrive in the order of the calls.
    """

    def __init__(self) -> None:
        self._lines: dict[tuple[int, int], _Line] = {}
        self._async_lines: AsyncLines | None = None

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send, and wait for the answer."""
        del connection
        limit = batch_limit(driver)
        if not limit:
            return driver.send(messages)
        # of each process its own: after a fork, somebody else's callers are in the old one
        key = os.getpid(), id(driver)
        line = self._lines.get(key) or self._lines.setdefault(key, _Line(driver, limit))
        return line.deliver(Item(messages))

    def adeliver(
        self, connection: str, driver: AsyncDriver, messages: Sequence[Message]
    ) -> Awaitable[Sequence[Outcome]]:
        """Send, and await the answer."""
        del connection
        if self._async_lines is None:
            # imported here: asyncio takes a third of this package's import time, and who awaits has it
            from broadcastkit.delivery.inline_async import AsyncLines

            self._async_lines = AsyncLines()
        return self._async_lines.deliver(driver, messages)


class _Line:
    """The threads that send over one blocking driver. The first caller of a batch sends it, the others wait for it."""

    def __init__(self, driver: Driver, limit: int) -> None:
        self.process = os.getpid()
        self._driver = driver
        self._batcher = Batcher(limit, most=MOST, free=_FREE)
        self._lock = threading.Lock()

    def deliver(self, item: Item) -> Sequence[Outcome]:
        try:
            self._deliver(item)
        except BaseException:
            self._leave(item)
            raise
        return result_of(item)

    def _deliver(self, item: Item) -> None:
        with self._lock:
            batch = self._batcher.add(item)
            if batch is not None:
                batch[0].batch = batch
            if item.batch is None:
                item.signal = SimpleQueue()  # an Event would stay locked where its waiting is interrupted
        if item.batch is None:
            if batch is not None:
                batch[0].signal.put(None)
            item.signal.get()
        if item.batch is not None:
            self._send(item.batch)

    def _send(self, batch: Batch) -> None:
        outcomes: Sequence[Outcome] | BaseException = ConnectionLostError("the sending was interrupted")
        try:
            outcomes = checked(self._driver, batch, self._driver.send(messages_of(batch)))
        except Exception as error:  # noqa: BLE001 - each caller of the batch raises it
            outcomes = error
        finally:
            distribute(batch, outcomes)
            self._land(batch)

    def _land(self, batch: Batch) -> None:
        """Let the next ones go, and the callers of a batch have their outcomes."""
        with self._lock:
            self._batcher.done(batch)
            following = list(iter(self._batcher.take, None))
            for other in following:
                other[0].batch = other
        for other in following:
            other[0].signal.put(None)
        for item in batch[1:]:
            item.signal.put(None)
        batch[0].batch = None

    def _leave(self, item: Item) -> None:
        """See to it that nobody waits for a caller who was interrupted, at whatever moment: Ctrl-C, a time limit."""
        with self._lock:
            self._batcher.withdraw(item)
            flying = self._batcher.repaired()
            for batch in flying:
                batch[0].batch = batch
        for batch in flying:
            if batch[0] is not item and batch[0].signal is not None:
                batch[0].signal.put(None)
        mine = item.batch
        if mine is None:
            return
        if item.outcomes is None and len(mine) > 1:
            self._send(mine)  # others rely on it
            return
        for one in mine:
            if one.outcomes is None:
                one.outcomes = ConnectionLostError("the sending was interrupted")
        self._land(mine)
