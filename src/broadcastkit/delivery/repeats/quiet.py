"""What waits until its key has been quiet for a while: only the last of each. No clock, no I/O, not locked."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Due", "Put", "Quiet"]

T = TypeVar("T")


class Put(NamedTuple, Generic[T]):
    """What came of `put`: whether it waits now, and what had to go for it."""

    taken: bool
    replaced: T | None = None


class Due(NamedTuple, Generic[T]):
    """What has waited long enough; `at_last` if its key was not quiet, and it has waited as long as it may."""

    item: T
    at_last: bool


class _Entry(Generic[T]):
    __slots__ = ("at", "item", "key", "latest")

    def __init__(self, key: str, item: T, at: float, latest: float) -> None:
        self.key, self.item, self.at, self.latest = key, item, at, latest


class Quiet(Generic[T]):
    """Items by key, and when each is due. A key that is heard of again costs no more than looking it up."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: dict[str, _Entry[T]] = {}
        # one for each key, at the time it was due when last looked at: that can only have become later
        self._heap: list[tuple[float, int, _Entry[T]]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: str, item: T, *, now: float, seconds: float, max_wait: float | None) -> Put[T]:
        """Have an item wait in the place of its key's last one; nothing is taken for a new key if there is no room."""
        entry = self._entries.get(key)
        if entry is not None:
            replaced, entry.item = entry.item, item
            entry.at = min(now + seconds, entry.latest)
            return Put(taken=True, replaced=replaced)
        if len(self._entries) >= self._size:
            return Put(taken=False)
        latest = float("inf") if max_wait is None else now + max_wait
        entry = self._entries[key] = _Entry(key, item, min(now + seconds, latest), latest)
        self._push(entry)
        return Put(taken=True)

    def _push(self, entry: _Entry[T]) -> None:
        heappush(self._heap, (entry.at, next(self._numbers), entry))

    def due(self, now: float) -> list[Due[T]]:
        """Take what has waited long enough, in the order in which it was due."""
        found: list[_Entry[T]] = []
        while self._heap and self._heap[0][0] <= now:
            entry = heappop(self._heap)[2]
            if entry.at > now:
                self._push(entry)
            else:
                del self._entries[entry.key]
                found.append(entry)
        found.sort(key=lambda entry: entry.at)
        return [Due(entry.item, at_last=entry.at >= entry.latest) for entry in found]

    def next(self) -> float | None:
        """Return when to look again; None if nothing waits."""
        return self._heap[0][0] if self._heap else None

    def clear(self) -> list[Due[T]]:
        """Take everything, in the order in which it would be due."""
        entries = sorted(self._entries.values(), key=lambda entry: entry.at)
        self._entries.clear()
        self._heap.clear()
        return [Due(entry.item, at_last=False) for entry in entries]
