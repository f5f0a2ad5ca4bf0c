"""Background delivery's awaited half; apart from it, since blocking code should not pay for importing asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import MutableMapping, Sequence
from functools import partial
from typing import TypeAlias

from broadcastkit.core.message import Message
from broadcastkit.delivery.backlog import Backlog, Policy
from broadcastkit.delivery.batching import Batch, checked, messages_of
from broadcastkit.delivery.watched import settle
from broadcastkit.drivers.base import AsyncDriver, Outcome

__all__ = ["AsyncWorkers", "Loops", "close", "flush", "workers_of"]


class AsyncWorkers:
    """The tasks of one event loop that send over one driver, and their queue."""

    def __init__(self, connection: str, driver: AsyncDriver, policy: Policy) -> None:
        self.backlog: Backlog = Backlog(connection, policy, driver)
        self._driver = driver
        self._tasks: set[asyncio.Task[None]] = set()
        self._progress: list[asyncio.Future[None]] = []
        self._awake = asyncio.Event()  # not set: the service is given time
        self._awake.set()

    async def put(self, messages: Sequence[Message]) -> None:
        """Queue messages; waits for room if the policy says so."""
        backlog = self.backlog
        while not backlog.room(len(messages)):
            await self._some_progress()
        dropped = backlog.put(messages, time.monotonic())
        if backlog.worth_taking:
            self._start()
        if dropped:
            backlog.report_overflow(dropped)

    def _start(self) -> None:
        batch = self.backlog.batcher.take() if self._awake.is_set() else None
        if batch is not None:
            flight = [batch]
            task = asyncio.get_running_loop().create_task(self._run(flight))
            self._tasks.add(task)  # a loop keeps no hold of its tasks
            task.add_done_callback(partial(self._ended, flight))

    async def _run(self, flight: list[Batch]) -> None:
        """Send what is in `flight`, and then what follows; it always holds what has not been answered for."""
        while flight:
            batch = flight[0]
            outcomes = await self._send(batch)
            pause, failed = self.backlog.land(
                batch,
                outcomes,
                now=time.monotonic(),
                jitter=random.random(),  # noqa: S311
            )
            done = self.backlog.take_done()
            flight.clear()
            self.backlog.report(failed)
            settle(done)
            self.backlog.settle(len(failed), len(done))
            self._tell()
            if pause:
                await self._sleep(pause)
            else:
                self._awake.set()
            following = self.backlog.batcher.take()
            if following is not None:
                flight.append(following)

    def _ended(self, flight: list[Batch], task: asyncio.Task[None]) -> None:
        # here and not in the task: one that is cancelled before it begins never runs
        self._tasks.discard(task)
        if task.cancelled():  # time was up, or the loop ends and nobody has closed the broadcaster
            self.backlog.report_unanswered([message for batch in flight for message in self.backlog.abandon(batch)])
            self.backlog.report_unsent(self.backlog.give_up())
            self._tell()

    async def _sleep(self, seconds: float) -> None:
        """Wait until time is over, or another task has got through."""
        self._awake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        self._awake.set()

    async def _send(self, batch: Batch) -> Sequence[Outcome | Exception]:
        try:
            return checked(self._driver, batch, await self._driver.send(messages_of(batch)))
        except Exception as error:  # noqa: BLE001 - there is no caller to raise it to
            return [error] * len(batch)

    def _tell(self) -> None:
        waiting, self._progress = self._progress, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    async def _some_progress(self) -> None:
        one = asyncio.get_running_loop().create_future()
        self._progress.append(one)
        await one

    async def flush(self) -> None:
        """Wait until everything queued is answered for."""
        while self.backlog.waiting:
            await self._some_progress()

    async def give_up(self) -> None:
        """Empty the queue, stop what is on its way, and report both."""
        self.backlog.report_unsent(self.backlog.give_up())
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


Loops: TypeAlias = MutableMapping[asyncio.AbstractEventLoop, dict[tuple[int, str], AsyncWorkers]]


def workers_of(loops: Loops, connection: str, driver: AsyncDriver, policy: Policy) -> AsyncWorkers:
    """Return the running loop's workers for a driver."""
    mine = loops.setdefault(asyncio.get_running_loop(), {})
    workers = mine.get((id(driver), connection))
    if workers is None:
        workers = mine[id(driver), connection] = AsyncWorkers(connection, driver, policy)
    return workers


async def flush(loops: Loops, timeout: float | None) -> bool:  # noqa: ASYNC109 - its twin has one
    """Wait until the running loop has nothing left; returns whether that came in time."""
    mine = loops.get(asyncio.get_running_loop(), {})
    try:
        async with asyncio.timeout(timeout):
            for workers in mine.values():
                await workers.flush()
    except TimeoutError:
        return False
    return True


async def close(loops: Loops, drain: float) -> None:
    """Send what waits in the running loop, and report what could not be sent in time."""
    if not await flush(loops, drain):
        for workers in loops.get(asyncio.get_running_loop(), {}).values():
            await workers.give_up()
