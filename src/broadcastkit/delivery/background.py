"""Background delivery: the caller goes on, and threads or tasks of this process send."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
import weakref
from collections.abc import MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from broadcastkit.core.message import Message
from broadcastkit.delivery.backlog import Backlog, FailureHook, Overflow, Policy, Statistics
from broadcastkit.delivery.base import Delivery, Queued
from broadcastkit.delivery.batching import Batch, checked, messages_of
from broadcastkit.delivery.watched import settle
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome

if TYPE_CHECKING:
    import asyncio

    from broadcastkit.delivery.background_async import AsyncWorkers

__all__ = ["Background"]

_QUEUED = Queued()


class Background(Delivery):
    """Hands messages to this process's background and returns at once; the receipt says *queued*.

    Promises: messages to one channel arrive in the order of the calls. What the service cannot take for the moment
    (no connection, 429, 502-504) is tried again for `patience` seconds. What waits when the process ends in good order
    is still sent, for at most `drain` seconds; what waits when it is killed is lost (the outbox keeps that too). Of
    each message that is given up or dropped, `on_failed(connection, message, error)` is told; by default the log.

    A queue holds `size` messages, for each connection (and event loop). When it is full, `overflow` says what happens:
    the caller waits (`"wait"`), gets a QueueFullError (`"refuse"`), or the oldest go (`"drop_oldest"`).

    Blocking code gets threads, started when there is work; after a `fork()` the child begins with an empty queue and
    sends nothing of its parent's. Async code gets tasks of its event loop: close the broadcaster (`aclose()`, or the
    integration's lifespan) before the loop ends, since nothing can be sent once it has.
    """

    waits: bool = False
    settles: bool = True

    def __init__(
        self,
        *,
        size: int = 10_000,
        overflow: Overflow = "wait",
        patience: float = 60.0,
        drain: float = 5.0,
        on_failed: FailureHook | None = None,
    ) -> None:
        self._policy = Policy(size, overflow, patience, drain, on_failed)
        self._workers: dict[tuple[int, int, str], _Workers] = {}
        self._loops: MutableMapping[asyncio.AbstractEventLoop, dict[tuple[int, str], AsyncWorkers]]
        self._loops = weakref.WeakKeyDictionary()
        weakref.finalize(self, _close, self._workers, drain)  # also at exit

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Queued]:
        """Queue messages.

        Raises:
            QueueFullError: with overflow="refuse"; none of them was queued.
        """
        key = os.getpid(), id(driver), connection
        workers = self._workers.get(key)
        if workers is None:
            workers = self._workers.setdefault(key, _Workers(connection, driver, self._policy))
            _close_with_child(self, self._workers, self._policy.drain)
        workers.put(messages)
        return [_QUEUED] * len(messages)

    async def adeliver(self, connection: str, driver: AsyncDriver, messages: Sequence[Message]) -> Sequence[Queued]:
        """See deliver."""
        # imported here: asyncio takes a third of this package's import time, and who awaits has it
        from broadcastkit.delivery.background_async import workers_of

        await workers_of(self._loops, connection, driver, self._policy).put(messages)
        return [_QUEUED] * len(messages)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything queued by blocking code is answered for; returns whether that came in time."""
        ends = None if timeout is None else time.monotonic() + timeout
        return all(workers.flush(ends) for workers in _mine(self._workers))

    async def aflush(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - its twin has one
        """Wait until everything queued from this event loop is answered for; see flush."""
        from broadcastkit.delivery.background_async import flush

        return await flush(self._loops, timeout)

    def statistics(self) -> Statistics:
        """Count what became of the messages handed over in this process."""
        backlogs = [workers.backlog for workers in _mine(self._workers)]
        backlogs += [workers.backlog for loop in list(self._loops.values()) for workers in loop.values()]
        return Statistics(
            waiting=sum(backlog.waiting for backlog in backlogs),
            sent=sum(backlog.sent for backlog in backlogs),
            failed=sum(backlog.failed for backlog in backlogs),
            dropped=sum(backlog.dropped for backlog in backlogs),
        )

    def close(self) -> None:
        """Send what waits for at most `drain` seconds, and report what could not be sent. May be used again."""
        _close(self._workers, self._policy.drain)

    async def aclose(self) -> None:
        """See close; concerns this event loop."""
        from broadcastkit.delivery.background_async import close

        await close(self._loops, self._policy.drain)


def _mine(workers: dict[tuple[int, int, str], _Workers]) -> list[_Workers]:
    process = os.getpid()
    return [one for (of, _, _), one in list(workers.items()) if of == process]


def _close(workers: dict[tuple[int, int, str], _Workers], drain: float) -> None:
    ends = time.monotonic() + drain
    for one in _mine(workers):
        one.close(ends)


def _close_with_child(owner: Background, workers: dict[tuple[int, int, str], _Workers], drain: float) -> None:
    """Close at the end of a child of multiprocessing, or of Celery's billiard: it ends without `atexit`."""
    for name in ("multiprocessing.util", "billiard.util"):
        util: Any = sys.modules.get(name)
        if util is not None:
            util.Finalize(owner, _close, (workers, drain), exitpriority=0)


class _Workers:
    """The threads that send over one blocking driver, and their queue."""

    def __init__(self, connection: str, driver: Driver, policy: Policy) -> None:
        self.backlog = Backlog(connection, policy, driver)
        self._driver = driver
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._progress = threading.Condition(self._lock)
        self._threads = self._idle = 0
        self._resume = 0.0
        self._closing = False
        self._flying: list[Batch] = []

    def put(self, messages: Sequence[Message]) -> None:
        backlog = self.backlog
        with self._lock:
            while not backlog.room(len(messages)):
                self._progress.wait()
            dropped = backlog.put(messages, time.monotonic())
            self._closing = False
            if backlog.worth_taking:
                self._wake()
        if dropped:
            backlog.report_overflow(dropped)

    def _wake(self) -> None:
        if self._idle:
            self._work.notify()
        elif self._threads < self.backlog.batcher.most:
            self._threads += 1
            threading.Thread(target=self._run, name="broadcastkit", daemon=True).start()

    def _run(self) -> None:
        while True:
            batch = self._next()
            if batch is None:
                return
            outcomes = self._send(batch)
            with self._lock:
                if batch not in self._flying:
                    continue  # time was up, and it was told of
                self._flying.remove(batch)
                now = time.monotonic()
                pause, failed = self.backlog.land(batch, outcomes, now=now, jitter=random.random())  # noqa: S311
                self._resume = now + pause if pause else 0.0
                done = self.backlog.take_done()
                self._progress.notify_all()
            if failed or done:
                self.backlog.report(failed)
                settle(done)
                with self._lock:
                    self.backlog.settle(len(failed), len(done))
                    self._progress.notify_all()

    def _next(self) -> Batch | None:
        """Wait for a batch; None ends the thread."""
        with self._lock:
            while True:
                wait = self._resume - time.monotonic() if self._resume else 0.0
                batch = self.backlog.batcher.take() if wait <= 0 else None
                if batch is not None:
                    self._flying.append(batch)
                    return batch
                if self._closing and not len(self.backlog.batcher):
                    self._threads -= 1
                    return None
                self._idle += 1
                self._work.wait(wait if wait > 0 else None)
                self._idle -= 1

    def _send(self, batch: Batch) -> Sequence[Outcome | Exception]:
        try:
            return checked(self._driver, batch, self._driver.send(messages_of(batch)))
        except Exception as error:  # noqa: BLE001 - there is no caller to raise it to
            return [error] * len(batch)

    def flush(self, ends: float | None) -> bool:
        with self._lock:
            timeout = None if ends is None else max(0.0, ends - time.monotonic())
            return self._progress.wait_for(lambda: not self.backlog.waiting, timeout)

    def close(self, ends: float) -> None:
        in_time = self.flush(ends)
        with self._lock:
            unsent = [] if in_time else self.backlog.give_up()
            flying, self._flying = self._flying, []
            unanswered = [message for batch in flying for message in self.backlog.abandon(batch)]
            self._closing = True
            self._work.notify_all()
            self._progress.notify_all()
        self.backlog.report_unsent(unsent)
        self.backlog.report_unanswered(unanswered)
