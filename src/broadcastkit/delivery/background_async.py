"""Background delivery's awaited half; apart from it, since blocking code should not pay for importing asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import MutableMapping, Sequence
from typing import TypeAlias, cast

from broadcastkit.core.message import Message
from broadcastkit.delivery.backlog import Backlog, Policy
from broadcastkit.delivery.batching import Batch, checked, messages_of
from broadcastkit.delivery.watched import settle
from broadcastkit.drivers.base import AsyncDriver, Outcome
from broadcastkit.errors import ConfigurationError

__all__ = ["AsyncWorkers", "Loops", "close", "flush", "workers_of"]


# Seconds that a task which was cancelled, since time is up, has for its own end.
_GRACE = 0.1


class AsyncWorkers:
    """The tasks of one event loop that send over one driver, and their queue."""

    def __init__(self, connection: str, driver: AsyncDriver, policy: Policy) -> None:
        self.backlog: Backlog = Backlog(connection, policy, driver)
        self._driver = driver
        # what each has on its way; a loop keeps no hold of its tasks
        self._tasks: dict[asyncio.Task[None], Batch | None] = {}
        self._given_up: set[asyncio.Task[None]] = set()
        self._progress: list[asyncio.Future[None]] = []
        self._look: asyncio.TimerHandle | None = None

    async def put(self, messages: Sequence[Message]) -> None:
        """Queue messages; waits for room if the policy says so."""
        backlog = self.backlog
        if not backlog.room(len(messages), within=asyncio.current_task() in self._tasks):
            await self._wait_for_room(len(messages))
        dropped = backlog.put(messages, time.monotonic())
        if backlog.worth_taking:
            self._start()
        self._watch()
        if dropped:
            backlog.reports.overflow(dropped, backlog.policy.size)

    async def _wait_for_room(self, count: int) -> None:
        turn = self.backlog.turn()
        try:
            while not self.backlog.room(count, turn):
                await self._some_progress()
        finally:
            self.backlog.give_back(turn)
            self._tell()

    def _start(self) -> None:
        batch = self._take()
        if batch is not None:
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._tasks[task] = batch
            task.add_done_callback(self._ended)

    def _take(self) -> Batch | None:
        batch = self.backlog.take(time.monotonic())
        if batch is not None:
            self._tell()
        return batch

    def _watch(self) -> None:
        """Look again when what waits may leave, if nothing comes or lands before."""
        seconds = self.backlog.look_in(time.monotonic())
        if seconds is None:
            return
        loop = asyncio.get_running_loop()
        if self._look is not None:
            if self._look.when() <= loop.time() + seconds:
                return
            self._look.cancel()
        self._look = loop.call_later(seconds, self._look_again)

    def _look_again(self) -> None:
        self._look = None
        self._start()
        self._watch()

    async def _run(self, batch: Batch | None) -> None:
        """Send a batch, and then what follows."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        while batch is not None:
            outcomes = await self._send(batch)
            if task not in self._tasks:
                return  # time was up, and it was told of
            self._tasks[task] = None
            self._land(batch, outcomes)
            await self._pause()
            batch = self._tasks[task] = self._take()
            self._watch()

    async def _send(self, batch: Batch) -> Sequence[Outcome | Exception]:
        try:
            return checked(self._driver, batch, await self._driver.send(messages_of(batch)))
        except Exception as error:  # noqa: BLE001 - there is no caller to raise it to
            return [error] * len(batch)
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)) or _is_cancelled():
                raise  # it is not the driver's
            return self.backlog.interrupted(batch, error)

    def _land(self, batch: Batch, outcomes: Sequence[Outcome | Exception]) -> None:
        failed = self.backlog.land(batch, outcomes, now=time.monotonic(), jitter=random.random())  # noqa: S311
        done = self.backlog.take_done()
        try:
            self.backlog.reports.failed(failed)
            settle(done)
        finally:
            self.backlog.settle(len(failed), len(done))
            self._tell()

    async def _pause(self) -> None:
        """Wait until something may be sent; another task that gets through may end that."""
        while seconds := self.backlog.pause(time.monotonic()):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._some_progress()

    def _ended(self, task: asyncio.Task[None]) -> None:
        # here and not in the task: one that is cancelled before it begins never runs
        in_good_order = not task.cancelled() and task.exception() is None
        self._given_up.discard(task)
        if task not in self._tasks:
            return  # time was up, and it was told of
        batch = self._tasks.pop(task)
        if not in_good_order:  # the loop ends, and nobody has closed the broadcaster
            self.backlog.reports.unanswered([] if batch is None else self.backlog.abandon(batch))
            self.backlog.reports.unsent(self.backlog.give_up())
            self._tell()

    def _tell(self) -> None:
        if self._look is not None and not len(self.backlog.batcher):
            self._look.cancel()  # it would keep the loop, which may be over
            self._look = None
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

    def give_up(self) -> Sequence[asyncio.Task[None]]:
        """Empty the queue, cancel what is on its way, and report both; returns the tasks that are to end."""
        self.backlog.reports.unsent(self.backlog.give_up())
        tasks, self._tasks = self._tasks, {}
        self._given_up.update(tasks)
        batches = [batch for batch in tasks.values() if batch is not None]
        self.backlog.reports.unanswered([message for batch in batches for message in self.backlog.abandon(batch)])
        for task in tasks:
            task.cancel()
        self._tell()
        return list(tasks)


Loops: TypeAlias = MutableMapping[asyncio.AbstractEventLoop, dict[tuple[int, str], AsyncWorkers]]


def workers_of(loops: Loops, connection: str, driver: AsyncDriver, policy: Policy) -> AsyncWorkers:
    """Return the running loop's workers for a driver.

    Raises:
        ConfigurationError: the loop is not asyncio's.
    """
    loop = _running_loop()
    if loop is None:
        raise ConfigurationError(
            "Background's awaited half needs asyncio's event loop, and none runs here: "
            "on trio, use Inline, or the blocking broadcaster in a thread"
        )
    mine = loops.setdefault(loop, {})
    workers = mine.get((id(driver), connection))
    if workers is None:
        workers = mine[id(driver), connection] = AsyncWorkers(connection, driver, policy)
    return workers


async def flush(loops: Loops, timeout: float | None) -> bool:  # noqa: ASYNC109 - its twin has one
    """Wait until the running loop has nothing left; returns whether that came in time."""
    mine = _mine(loops)
    if not mine:
        return True
    try:
        async with asyncio.timeout(timeout):
            for workers in mine:
                await workers.flush()
    except TimeoutError:
        return False
    return True


async def close(loops: Loops, drain: float) -> None:
    """Send what waits in the running loop, and report what could not be sent in time."""
    if not await flush(loops, drain):
        tasks = [task for workers in _mine(loops) for task in workers.give_up()]
        if tasks:
            await asyncio.wait(tasks, timeout=_GRACE)


def _mine(loops: Loops) -> list[AsyncWorkers]:
    loop = _running_loop()
    return [] if loop is None else list(loops.get(loop, {}).values())


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
