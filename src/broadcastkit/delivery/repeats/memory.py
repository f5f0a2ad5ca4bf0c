"""Remembers in the memory of this process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from broadcastkit.core.repeats import Claim
from broadcastkit.errors import ConfigurationError

__all__ = ["MemoryRepeats"]


class _Held(NamedTuple):
    holder: str
    state: str
    until: float


class MemoryRepeats:
    """Remembers events in this process: what a broadcaster does unless it is given something else.

    Each process for itself: with four workers, four may go where one was asked for; `RedisRepeats` knows them all. It
    remembers `size` keys at most. When there are more, the oldest are forgotten, and their next event goes out. Serves
    broadcasters of both colors, from several threads; after a fork, the child begins with nothing.
    """

    blocking: bool = False

    def __init__(self, *, size: int = 10_000, now: Callable[[], float] = time.monotonic) -> None:
        if type(size) is not int or size < 1:
            raise ConfigurationError(f"must be a number from 1, not {size!r}", setting="size")
        self.now: Callable[[], float] = now
        self._size = size
        self._processes: dict[int, _Memory] = {}

    def claim(self, claims: Sequence[Claim]) -> list[bool]:
        """See RepeatStore.claim."""
        mine, now = self._mine(), self.now()
        with mine.lock:
            return [mine.claim(claim, now, self._size) for claim in claims]

    def holds(self, claims: Sequence[Claim]) -> list[bool]:
        """See RepeatStore.holds."""
        mine, now = self._mine(), self.now()
        with mine.lock:
            found = [mine.live(claim.key, now) for claim in claims]
        return [held is None or held.holder == claim.holder for claim, held in zip(claims, found, strict=True)]

    def release(self, claims: Sequence[Claim]) -> None:
        """See RepeatStore.release."""
        mine = self._mine()
        with mine.lock:
            for claim in claims:
                held = mine.keys.get(claim.key)
                if held is not None and held.holder == claim.holder:
                    del mine.keys[claim.key]

    def _mine(self) -> _Memory:
        process = os.getpid()
        return self._processes.get(process) or self._processes.setdefault(process, _Memory())


class _Memory:
    """One process's keys, those that were claimed first first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.keys: dict[str, _Held] = {}

    def live(self, key: str, now: float) -> _Held | None:
        held = self.keys.get(key)
        return None if held is None or held.until <= now else held

    def claim(self, claim: Claim, now: float, size: int) -> bool:
        held = self.live(claim.key, now)
        if held is not None and held.state == claim.state and not claim.wins:
            return False
        self.keys.pop(claim.key, None)
        if len(self.keys) >= size:
            self._make_room(now, size)
        self.keys[claim.key] = _Held(claim.holder, claim.state, now + claim.seconds)
        return True

    def _make_room(self, now: float, size: int) -> None:
        """Forget what is over; if that is not enough, the oldest quarter: to look at all of them is to be rare."""
        live = [(key, held) for key, held in self.keys.items() if held.until > now]
        most = size * 3 // 4
        self.keys = dict(live[len(live) - most :] if len(live) > most else live)
