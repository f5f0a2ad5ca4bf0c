"""Where debounced events wait for quiet: one room for each process, with a thread while something waits in it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from broadcastkit.delivery.repeats.gate import Late
from broadcastkit.delivery.repeats.quiet import Due, Put, Quiet
from broadcastkit.threads import at_exit, started

__all__ = ["SIZE", "WaitingRoom", "late_sender"]

SIZE = 10_000
"""How many keys may wait, of one process or event loop."""


class WaitingRoom:
    """Has events wait, and has their broadcaster send them (`send_late`) when they are due; at exit too."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._rooms: dict[int, _Room] = {}
        self._over = threading.Event()
        if at_exit():
            self._over.set()
        weakref.finalize(self, _end, self._rooms, self._over)  # also at exit

    @property
    def holder(self) -> str:
        """Whose events wait here: this process's."""
        return self._here().holder

    def put(self, late: Late) -> Put[Late]:
        """Have an event wait in the place of the last one of its key."""
        put = self._here().put(late)
        if self._over.is_set():  # the program ends: nobody else would close
            self.close()
        return put

    def _here(self) -> _Room:
        process = os.getpid()
        room = self._rooms.get(process)
        return self._rooms.setdefault(process, _Room(self._now)) if room is None else room

    def wake(self) -> None:
        """Look at the clock now: for who has changed it."""
        for room in _mine(self._rooms):
            room.wake()

    def close(self) -> None:
        """Send what waits, and wait for what is being sent. May be used again."""
        _close(self._rooms)


def _mine(rooms: dict[int, _Room]) -> list[_Room]:
    """Return this process's room: what waits in those of its parent is the parent's to send."""
    mine = rooms.get(os.getpid())
    return [] if mine is None else [mine]


def _close(rooms: dict[int, _Room]) -> None:
    for room in _mine(rooms):
        room.close()


def _end(rooms: dict[int, _Room], over: threading.Event) -> None:
    _close(rooms)
    over.set()


class _Room:
    """Knows the broadcaster only by what waits: what is called at exit would keep it alive until then."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.holder = uuid4().hex
        self._now = now
        self._quiet: Quiet[Late] = Quiet(SIZE)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._sending = False

    def put(self, late: Late) -> Put[Late]:
        repeats = late.repeats
        with self._changed:
            waiting = len(self._quiet)
            put = self._quiet.put(
                late.claim.key, late, now=self._now(), seconds=repeats.seconds, max_wait=repeats.max_wait
            )
            if self._thread is None:
                self._start()
            elif len(self._quiet) > waiting:
                self._changed.notify_all()  # it may be due before the others
        return put

    def _start(self) -> None:
        # where none can be started, the next one tries again; or the program is about to end, and sends what waits
        self._thread = started(self._run, "broadcastkit-debounce")

    def _run(self) -> None:
        while due := self._next():
            _send_quietly(due)
            with self._changed:
                self._sending = False
                self._changed.notify_all()

    def _next(self) -> list[Due[Late]]:
        """Wait for what is due; nothing ends the thread, since nothing waits."""
        with self._changed:
            while True:
                due, soonest = self._quiet.due(self._now()), self._quiet.next()
                if due:
                    self._sending = True
                    return due
                if soonest is None:
                    self._thread = None
                    return []
                self._changed.wait(min(soonest - self._now(), threading.TIMEOUT_MAX))

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            due = self._quiet.clear()
            self._changed.notify_all()
        if due:
            _send_quietly(due)
        with self._changed:
            if self._thread is not threading.current_thread():
                self._changed.wait_for(lambda: not self._sending)


def _send_quietly(due: Sequence[Due[Late]]) -> None:
    sender = late_sender(due)
    try:
        sender.send_late(due)
    except Exception as error:  # noqa: BLE001 - of a driver or an error policy of somebody else's
        sender.failures.log("debounced broadcast failed", error=error)


def late_sender(due: Sequence[Due[Late]]) -> Any:
    """Return the broadcaster of what is due: all that waits in a room is one's."""
    return due[0].item.held.sender
