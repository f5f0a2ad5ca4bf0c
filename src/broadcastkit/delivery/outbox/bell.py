"""What a relay with nothing to do waits for: a time, a signal, or the news of a commit."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import Protocol

__all__ = ["Bell", "PlainBell"]


class Bell(Protocol):
    """Wakes a relay."""

    def wait(self, seconds: float) -> None:
        """Wait until it rings, or for so long."""
        ...

    def ring(self) -> None:
        """Wake who waits, or will; safe in a signal handler, and in another thread."""
        ...

    def close(self) -> None:
        """Let go of what it listens to; may be used again."""
        ...


class PlainBell:
    """Rings when it is told to."""

    def __init__(self) -> None:
        # and not a threading.Event, which a signal handler may not set while its thread waits for it
        self._rung: SimpleQueue[None] = SimpleQueue()

    def wait(self, seconds: float) -> None:
        """See Bell."""
        try:
            self._rung.get(timeout=seconds)
        except Empty:
            return

    def ring(self) -> None:
        """See Bell."""
        self._rung.put(None)

    def close(self) -> None:
        """See Bell."""
