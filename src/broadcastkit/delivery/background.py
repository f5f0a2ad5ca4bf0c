"""Background delivery: the caller goes on, and threads or tasks of this process send."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections.abc import MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from broadcastkit.core.message import Message
from broadcastkit.delivery.background_threads import Tie, Workers
from broadcastkit.delivery.backlog import FailureHook, Overflow, Policy, Statistics
from broadcastkit.delivery.base import Delivery, Queued
from broadcastkit.drivers.base import AsyncDriver, Driver
from broadcastkit.threads import at_exit

if TYPE_CHECKING:
    import asyncio

    from broadcastkit.delivery.background_async import AsyncWorkers

__all__ = ["Background"]

_QUEUED = Queued()


class Background(Delivery):
    """Hands messages to this process's background and returns at once; the receipt says *queued*.

    Promises: messages to one channel arrive in the order of the calls. What the service cannot take for the moment
    (no connection, 429, 502-504) is tried again for `patience` seconds from its first failure. What waits when the
    process ends in good order is still sent, for at most `drain` seconds; what waits when it is killed is lost (the
    outbox keeps that too). Of each message that is given up or dropped, `on_failed(connection, message, error)` is
    told; by default the log.

    A queue holds `size` messages, for each connection (and event loop). When it is full, `overflow` says what happens:
    the caller waits (`"wait"`), gets a QueueFullError (`"refuse"`), or the oldest go (`"drop_oldest"`).

    Blocking code gets threads, started when there is work; where none can be started, the caller sends. After a
    `fork()` the child begins with an empty queue and sends nothing of its parent's. Async code gets tasks of its event
    loop: close the broadcaster (`aclose()`, or the integration's lifespan) before the loop ends, since nothing can be
    sent once it has. It must be asyncio's.
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
        self._workers: dict[tuple[int, int, str], Workers] = {}
        self._loops: MutableMapping[asyncio.AbstractEventLoop, dict[tuple[int, str], AsyncWorkers]]
        self._loops = weakref.WeakKeyDictionary()
        self._over = threading.Event()
        if at_exit():
            self._over.set()
        self._tie = Tie()
        weakref.finalize(self._tie, _end, self._workers, drain, self._over)  # also at exit
        weakref.finalize(self, _release, self._workers).atexit = False

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Queued]:
        """Queue messages.

        Raises:
            QueueFullError: with overflow="refuse"; none of them was queued.
        """
        key = os.getpid(), id(driver), connection
        workers = self._workers.get(key)
        if workers is None:
            workers = self._workers.setdefault(key, Workers(connection, driver, self._policy, self._tie))
            _close_with_child(self._tie, self._workers, self._policy.drain)
        workers.put(messages)
        if self._over.is_set() and not any(one.is_inside() for one in _mine(self._workers)):
            self.close()  # the program ends, and nobody else would
        return [_QUEUED] * len(messages)

    async def adeliver(self, connection: str, driver: AsyncDriver, messages: Sequence[Message]) -> Sequence[Queued]:
        """See deliver."""
        # imported here: asyncio takes a third of this package's import time, and who awaits has it
        from broadcastkit.delivery.background_async import workers_of

        await workers_of(self._loops, connection, driver, self._policy).put(messages)
        return [_QUEUED] * len(messages)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything queued by blocking code is answered for; returns whether that came in time."""
        return _flush(self._workers, float("inf") if timeout is None else time.monotonic() + timeout)

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


def _mine(workers: dict[tuple[int, int, str], Workers]) -> list[Workers]:
    process = os.getpid()
    return [one for (of, _, _), one in list(workers.items()) if of == process]


def _flush(workers: dict[tuple[int, int, str], Workers], ends: float) -> bool:
    # twice: while one was waited for, its failure hook may have handed something to another, if only now there is one
    return all(one.flush(ends) for _ in range(2) for one in _mine(workers))


def _close(workers: dict[tuple[int, int, str], Workers], drain: float) -> None:
    ends = time.monotonic() + drain
    _flush(workers, ends)
    for one in _mine(workers):
        one.close(ends)


def _end(workers: dict[tuple[int, int, str], Workers], drain: float, over: threading.Event) -> None:
    _close(workers, drain)
    over.set()


def _release(workers: dict[tuple[int, int, str], Workers]) -> None:
    """Have the threads end once they have sent what waits: the Background is gone, and whoever let go of it goes on."""
    for one in _mine(workers):
        one.release()


def _close_with_child(tie: Tie, workers: dict[tuple[int, int, str], Workers], drain: float) -> None:
    """Close at the end of a child of multiprocessing, or of Celery's billiard: it ends without `atexit`."""
    for name in ("multiprocessing.util", "billiard.util"):
        util: Any = sys.modules.get(name)
        if util is not None:
            util.Finalize(tie, _close, (workers, drain), exitpriority=0)
