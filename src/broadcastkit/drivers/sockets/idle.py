"""Connections that are kept for later: which may be used again, and when one is not worth keeping any more."""

from __future__ import annotations

import select
from collections.abc import Callable
from time import monotonic
from typing import Generic, Protocol, TypeVar

__all__ = ["CONNECTIONS", "IDLE_SECONDS", "Idle", "Kept", "speaks"]

CONNECTIONS = 8
"""So many are in use at once; who needs another one waits."""
# Services and balancers close what is idle after a minute or so: before that, we do.
IDLE_SECONDS = 30.0


class Kept(Protocol):
    """A connection in the hands of one thread, or task, at a time."""

    idle_since: float

    def is_open(self) -> bool:
        """Whether the other side has neither closed it nor sent what nobody asked for, as far as can be seen."""
        ...

    def close(self) -> None:
        """Close it without waiting."""
        ...


ConnectionT = TypeVar("ConnectionT", bound=Kept)


class Idle(Generic[ConnectionT]):
    """What waits to be used again, for the threads of one process or the tasks of one loop; the last one used first."""

    def __init__(self) -> None:
        self._waiting: list[ConnectionT] = []  # whose append and pop need no lock
        self._closed = False

    def take(self) -> ConnectionT | None:
        """Return a connection that is open as far as can be seen."""
        while (connection := self._pop()) is not None:
            if connection.idle_since + IDLE_SECONDS > monotonic() and connection.is_open():
                return connection
            connection.close()
        return None

    def keep(self, connection: ConnectionT) -> None:
        """Take a connection back; it is closed if all others are."""
        connection.idle_since = monotonic()
        self._waiting.append(connection)
        if self._closed:
            self.close()
        elif len(self._waiting) > 1:
            self._drop_oldest(before=connection.idle_since - IDLE_SECONDS)

    def close(self) -> list[ConnectionT]:
        """Close what waits, and later what is in use now; returns what was closed."""
        self._closed = True
        closed: list[ConnectionT] = []
        while (connection := self._pop()) is not None:
            connection.close()
            closed.append(connection)
        return closed

    def _drop_oldest(self, *, before: float) -> None:
        """Close what a burst has left over."""
        oldest = self._pop(0)
        if oldest is None:
            return
        if oldest.idle_since < before:
            oldest.close()
        else:
            self._waiting.insert(0, oldest)

    def _pop(self, position: int = -1) -> ConnectionT | None:
        try:
            return self._waiting.pop(position)
        except IndexError:  # another thread was first
            return None


def speaks(descriptor: int) -> Callable[[], bool]:
    """Return whether a connection has something to say that nobody waits for: its end, or what nobody asked for.

    As a question that takes a microsecond and does not wait.
    """
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return lambda: bool(poll.poll(0))
    return lambda: bool(select.select([descriptor], [], [], 0)[0])
