"""Where debounced events of async code wait: a timer of their event loop; apart, since asyncio takes long to import."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from uuid import uuid4

from broadcastkit.delivery.repeats.gate import Late
from broadcastkit.delivery.repeats.quiet import Due, Put, Quiet
from broadcastkit.delivery.repeats.waiting import SIZE, late_sender
from broadcastkit.errors import ConfigurationError

__all__ = ["AsyncWaitingRoom"]


class AsyncWaitingRoom:
    """The awaited twin of WaitingRoom: each event loop has its own, and must be told when it ends (`aclose`)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._rooms: MutableMapping[asyncio.AbstractEventLoop, _Room] = weakref.WeakKeyDictionary()

    @property
    def holder(self) -> str:
        """Whose events wait here: this event loop's."""
        room = self._here()
        return "" if room is None else room.holder

    def put(self, late: Late) -> Put[Late]:
        """See WaitingRoom.put.

        Raises:
            ConfigurationError: the loop is not asyncio's.
        """
        room = self._here()
        if room is None:
            raise ConfigurationError("debounce= waits on asyncio only: nothing else was found to run")
        return room.put(late)

    def spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Have something done that nobody awaits, before `aclose` returns."""
        room = self._here()
        if room is not None:
            room.spawn(work)

    def wake(self) -> None:
        """See WaitingRoom.wake."""
        room = self._here()
        if room is not None:
            room.look()

    async def aclose(self) -> None:
        """Send what waits in this event loop, and wait for what is being sent. May be used again."""
        room = self._here()
        if room is not None:
            await room.aclose()

    def _here(self) -> _Room | None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return None
        room = self._rooms.get(loop)
        if room is None:
            room = self._rooms[loop] = _Room(self._now)
        return room


class _Room:
    def __init__(self, now: Callable[[], float]) -> None:
        self.holder = uuid4().hex
        self._now = now
        self._quiet: Quiet[Late] = Quiet(SIZE)
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Future[None]] = set()

    def put(self, late: Late) -> Put[Late]:
        repeats, waiting = late.repeats, len(self._quiet)
        put = self._quiet.put(late.claim.key, late, now=self._now(), seconds=repeats.seconds, max_wait=repeats.max_wait)
        if len(self._quiet) > waiting:
            self._set_timer()
        return put

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        soonest = self._quiet.next()
        if soonest is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, soonest - self._now()), self.look)

    def look(self) -> None:
        due = self._quiet.due(self._now())
        self._set_timer()
        if due:
            self.spawn(lambda: _send_quietly(due))

    def spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(_await(work))
        self._tasks.add(task)  # a loop keeps no hold of its tasks
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        due = self._quiet.clear()
        self._set_timer()
        if due:
            await _send_quietly(due)
        while others := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(others)


async def _send_quietly(due: Sequence[Due[Late]]) -> None:
    sender = late_sender(due)
    try:
        await sender.send_late(due)
    except Exception as error:  # noqa: BLE001 - of a driver or an error policy of somebody else's
        sender.failures.log("debounced broadcast failed", error=error)


async def _await(work: Callable[[], Awaitable[None]]) -> None:
    await work()
