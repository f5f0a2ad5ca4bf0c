"""The current socket id: which client's connection the running request came from.

Kept in a context variable, so it follows `await`, tasks and `anyio.to_thread`, and never leaks between requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from broadcastkit.core.names import usable_socket_id

__all__ = ["HEADER", "current_socket_id", "socket_id_scope"]

HEADER = "X-Socket-ID"

_current: ContextVar[str | None] = ContextVar("broadcastkit_socket_id", default=None)


def current_socket_id() -> str | None:
    """Return the socket id of the running request, or None."""
    return _current.get()


@contextmanager
def socket_id_scope(value: str | None) -> Iterator[str | None]:
    """Make `value` the current socket id inside the block; a malformed one counts as absent.

    Use it where no middleware runs: a worker, a script, a thread started by hand.
    """
    socket_id = usable_socket_id(value)
    token = _current.set(socket_id)
    try:
        yield socket_id
    finally:
        _current.reset(token)
