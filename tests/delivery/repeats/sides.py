"""Broadcasters of both colours behind one face, with a clock that stands still until the test moves it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from blockbuster import blockbuster_ctx

from broadcastkit import AsyncBroadcaster, Broadcaster, Event
from broadcastkit.delivery.repeats import MemoryRepeats
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.pending import Receipt

__all__ = ["AsyncSide", "Clock", "Side", "SyncSide", "dropped_by"]

SECONDS = 10.0


class Clock:
    """Time, as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Side(Protocol):
    """One colour."""

    driver: Any
    broadcaster: Any
    clock: Clock

    def begin(self, driver: Any = None, **options: Any) -> None:
        """Make the broadcaster: over a MemoryDriver, unless told otherwise."""
        ...

    def send(self, *events: Event, to_others: str | None = None, via: Sequence[str] = ()) -> tuple[Receipt, ...]:
        """Broadcast; a receipt for each."""
        ...

    def run(self, function: Callable[[], Any]) -> Any:
        """Call something that the awaited colour awaits."""
        ...

    def advance(self, seconds: float) -> None:
        """Move the clock, and wait until what is due has been sent."""
        ...

    def close(self) -> None:
        """Close the broadcaster."""
        ...

    def end(self) -> None:
        """Leave nothing behind."""
        ...


class _Side:
    driver: Any
    broadcaster: Any

    def __init__(self) -> None:
        self.clock = Clock()

    def sent(self) -> list[str]:
        """Return the payloads of what was sent, in order."""
        return [message.data for message in self.driver.messages]


class SyncSide(_Side):
    """Blocking code."""

    def begin(self, driver: Any = None, **options: Any) -> None:
        self.driver = MemoryDriver() if driver is None else driver
        options.setdefault("repeats", MemoryRepeats(now=self.clock))
        self.broadcaster = Broadcaster(self.driver, **options)

    def send(self, *events: Event, to_others: str | None = None, via: Sequence[str] = ()) -> tuple[Receipt, ...]:
        pending = self.broadcaster.broadcast_many(events).via(*via)
        receipts: tuple[Receipt, ...] = pending.to_everyone() if to_others is None else pending.to_others(to_others)
        return receipts

    def run(self, function: Callable[[], Any]) -> Any:
        return function()

    def advance(self, seconds: float) -> None:
        self.clock.now += seconds
        room = self.broadcaster._waiting_room()
        room.wake()
        here = room._here()
        with here._changed:
            assert here._changed.wait_for(lambda: self._idle(here), SECONDS)

    def _idle(self, here: Any) -> bool:
        return not here._sending and all(entry.at > self.clock.now for entry in here._quiet._entries.values())

    def close(self) -> None:
        self.broadcaster.close()

    def end(self) -> None:
        self.close()
        for thread in threading.enumerate():
            if thread.name == "broadcastkit-debounce":
                thread.join(SECONDS)
                assert not thread.is_alive()


class AsyncSide(_Side):
    """Async code, in an event loop that runs while it is asked something, and must not be blocked."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()

    def begin(self, driver: Any = None, **options: Any) -> None:
        self.driver = AsyncMemoryDriver() if driver is None else driver
        options.setdefault("repeats", MemoryRepeats(now=self.clock))
        self.broadcaster = AsyncBroadcaster(self.driver, **options)

    def send(self, *events: Event, to_others: str | None = None, via: Sequence[str] = ()) -> tuple[Receipt, ...]:
        pending = self.broadcaster.broadcast_many(events).via(*via)
        receipts: tuple[Receipt, ...]
        receipts = self.run(pending.to_everyone if to_others is None else lambda: pending.to_others(to_others))
        return receipts

    def run(self, function: Callable[[], Any]) -> Any:
        async def run() -> Any:
            with blockbuster_ctx("broadcastkit"):
                return await function()

        return self._runner.run(run())

    def advance(self, seconds: float) -> None:
        self.clock.now += seconds
        self.run(self._look)

    async def _look(self) -> None:
        room = self.broadcaster._waiting_room()
        room.wake()
        async with asyncio.timeout(SECONDS):
            while room._here()._tasks:  # noqa: ASYNC110 - tasks of this loop
                await asyncio.sleep(0)

    def close(self) -> None:
        self.run(self.broadcaster.aclose)

    def end(self) -> None:
        self.close()
        self._runner.close()


def dropped_by(receipts: Sequence[Receipt]) -> list[str | None]:
    """Return by which class option each was dropped."""
    return [receipt.dropped for receipt in receipts]
