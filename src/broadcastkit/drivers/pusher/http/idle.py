"""Whether a connection that nothing is expected from has something to say: its end, or what nobody asked for."""

from __future__ import annotations

import select
from collections.abc import Callable

__all__ = ["speaks"]


def speaks(descriptor: int) -> Callable[[], bool]:
    """Return a question that takes a microsecond and does not wait."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return lambda: bool(poll.poll(0))
    return lambda: bool(select.select([descriptor], [], [], 0)[0])
