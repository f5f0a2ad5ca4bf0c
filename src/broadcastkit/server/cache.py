"""The last event of each cache channel, for subscribers who come later."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Cached", "EventCache"]


class Cached(NamedTuple):
    """An event as it was sent: its frame and its data; `expires` on the hub's clock."""

    frame: str
    data: str
    expires: float


class EventCache:
    """Bounded in number and time. No clock: the time is an argument."""

    __slots__ = ("_events", "_size", "_ttl")

    def __init__(self, *, size: int, ttl: float) -> None:
        self._size = size
        self._ttl = ttl
        # in the order of writing: all live equally long, so the first is the oldest
        self._events: dict[str, Cached] = {}

    def __len__(self) -> int:
        return len(self._events)

    def put(self, channel: str, frame: str, data: str, now: float) -> None:
        """Keep an event in place of the channel's last one."""
        self._events.pop(channel, None)
        self._events[channel] = Cached(frame, data, now + self._ttl)
        while len(self._events) > self._size or self._oldest().expires <= now:
            del self._events[next(iter(self._events))]

    def get(self, channel: str, now: float) -> Cached | None:
        """Return the channel's last event, unless it is too old."""
        cached = self._events.get(channel)
        return None if cached is None or cached.expires <= now else cached

    def _oldest(self) -> Cached:
        # never empty here: the one just put has its whole time before it
        return next(iter(self._events.values()))
