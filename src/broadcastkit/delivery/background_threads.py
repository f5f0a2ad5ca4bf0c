"""Background delivery's threads: the blocking half's counterpart of the tasks in background_async."""

from __future__ import annotations

import random
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial

from broadcastkit.core.message import Message
from broadcastkit.delivery.backlog import Backlog, Policy
from broadcastkit.delivery.batching import Batch, checked, messages_of
from broadcastkit.delivery.watched import settle
from broadcastkit.drivers.base import Driver, Outcome
from broadcastkit.threads import started

__all__ = ["Tie", "Workers"]

# Seconds that a caller sends what waits, where no thread can be started.
_LENT = 1.0


class Tie:
    """Lives as long as a Background, or a thread of it: its end, or the program's, is when to close."""


class Workers:
    """The threads that send over one blocking driver, and their queue."""

    def __init__(self, connection: str, driver: Driver, policy: Policy, tie: Tie) -> None:
        self.backlog: Backlog = Backlog(connection, policy, driver)
        self._driver = driver
        self._tie = weakref.ref(tie)
        self._lock = threading.RLock()  # not Lock: a collection of garbage may call `release` anywhere
        self._work = threading.Condition(self._lock)
        self._progress = threading.Condition(self._lock)
        self._threads = self._idle = 0
        # those of the idle that look again after a time, and whether another one was woken that has not looked yet
        self._watching, self._called = 0, False
        self._inside: set[int] = set()
        self._closing = False
        self._flying: list[Batch] = []

    def put(self, messages: Sequence[Message]) -> None:
        """Queue messages; waits for room if the policy says so."""
        backlog = self.backlog
        with self._lock:
            if not backlog.room(len(messages), within=self.is_inside()):
                self._wait_for_room(len(messages))
            dropped = backlog.put(messages, time.monotonic())
            self._closing = False
            if backlog.worth_taking:
                self._wake()
            else:
                self._watch()
        if dropped:
            backlog.reports.overflow(dropped, backlog.policy.size)
        if not self._threads:
            self._stand_in(time.monotonic() + _LENT)

    def is_inside(self) -> bool:
        """Whether this is called by a thread that sends: by a hook, or a driver."""
        return threading.get_ident() in self._inside

    def _wait_for_room(self, count: int) -> None:
        turn = self.backlog.turn()
        try:
            while not self.backlog.room(count, turn):
                if self._threads:
                    self._progress.wait()
                else:
                    self._release_and_stand_in()
        finally:
            self.backlog.give_back(turn)
            self._progress.notify_all()

    def _watch(self) -> None:
        """Have somebody look when what waits may leave, unless somebody does."""
        if not self._watching and not self._called and self.backlog.may_part:
            self._called = self._wake()

    def _wake(self) -> bool:
        """Have somebody look at what waits; returns whether there is a thread that can."""
        if self._idle:
            self._work.notify()
        elif self._threads < self.backlog.batcher.most and started(self._thread(), "broadcastkit"):
            self._threads += 1
        return self._threads > 0

    def _thread(self) -> Callable[[], None]:
        return partial(self._run, tie=self._tie())

    def _stand_in(self, ends: float) -> None:
        """Send what waits, if nobody does and no thread can be started: also at the end of the program, with some."""
        with self._lock:
            if self._threads or not len(self.backlog.batcher) or self._wake():
                return
            self._threads = 1
        self._run(ends)

    def _release_and_stand_in(self) -> None:
        self._lock.release()
        try:
            self._stand_in(time.monotonic() + _LENT)
        finally:
            self._lock.acquire()

    def _run(self, ends: float | None = None, *, tie: Tie | None = None) -> None:
        """Send what waits: a thread until the background is closed, who stands in for one until nothing waits."""
        self._inside.add(threading.get_ident())
        try:
            while (batch := self._next(ends)) is not None:
                self._serve(batch, ends)
        except BaseException:  # who stands in may be interrupted, and a hook may raise anything
            with self._lock:
                self._threads -= 1
                self._progress.notify_all()
            raise
        finally:
            self._inside.discard(threading.get_ident())
            del tie  # held until here

    def _serve(self, batch: Batch, ends: float | None) -> None:
        outcomes: Sequence[Outcome | Exception]
        try:
            outcomes = checked(self._driver, batch, self._driver.send(messages_of(batch)))
        except Exception as error:  # noqa: BLE001 - there is no caller to raise it to
            outcomes = [error] * len(batch)
        except BaseException as error:
            self._land(batch, self.backlog.interrupted(batch, error))
            if ends is not None:
                raise  # it is the caller's who stands in
            return
        self._land(batch, outcomes)

    def _land(self, batch: Batch, outcomes: Sequence[Outcome | Exception]) -> None:
        with self._lock:
            if batch not in self._flying:
                return  # time was up, and it was told of
            self._flying.remove(batch)
            failed = self.backlog.land(batch, outcomes, now=time.monotonic(), jitter=random.random())  # noqa: S311
            done = self.backlog.take_done()
            self._progress.notify_all()
        if failed or done:
            try:
                self.backlog.reports.failed(failed)
                settle(done)
            finally:
                with self._lock:
                    self.backlog.settle(len(failed), len(done))
                    self._progress.notify_all()

    def _next(self, ends: float | None) -> Batch | None:
        """Wait for a batch; None ends the thread."""
        with self._lock:
            while ends is None or time.monotonic() < ends:
                now = time.monotonic()
                self._called = False
                batch = self.backlog.take(now)
                if batch is not None:
                    self._flying.append(batch)
                    self._watch()
                    self._progress.notify_all()  # there is room
                    return batch
                if self._is_over(ends, now):
                    break
                self._rest(self.backlog.look_in(now), None if ends is None else ends - now)
            self._threads -= 1
            self._progress.notify_all()
            return None

    def _rest(self, seconds: float | None, most: float | None) -> None:
        watches = seconds is not None
        bounds = [bound for bound in (seconds, most) if bound is not None]
        self._idle += 1
        self._watching += watches
        self._work.wait(min(*bounds, threading.TIMEOUT_MAX) if bounds else None)
        self._watching -= watches
        self._idle -= 1

    def _is_over(self, ends: float | None, now: float) -> bool:
        """Whether a thread has no more to do; who stands in for one has not if another has come, or nothing waits."""
        waits = len(self.backlog.batcher)
        return self._closing and not waits if ends is None else not waits or not self.backlog.pause(now)

    def flush(self, ends: float) -> bool:
        """Wait until everything queued is answered for; returns whether that came in time."""
        backlog = self.backlog
        while backlog.waiting and time.monotonic() < ends:
            self._stand_in(ends)
            with self._lock:
                seconds = min(ends - time.monotonic(), threading.TIMEOUT_MAX)
                self._progress.wait_for(
                    lambda: not backlog.waiting or (not self._threads and len(backlog.batcher)), seconds
                )
        return not backlog.waiting

    def close(self, ends: float) -> None:
        """Have the threads end once nothing waits, and give up what then still does."""
        in_time = self.flush(ends)
        with self._lock:
            unsent = [] if in_time else self.backlog.give_up()
            flying, self._flying = self._flying, []
            unanswered = [message for batch in flying for message in self.backlog.abandon(batch)]
            self._closing = True
            self._work.notify_all()
            self._progress.notify_all()
        self.backlog.reports.unsent(unsent)
        self.backlog.reports.unanswered(unanswered)

    def release(self) -> None:
        """Have the threads end once nothing waits."""
        with self._lock:
            self._closing = True
            self._work.notify_all()
