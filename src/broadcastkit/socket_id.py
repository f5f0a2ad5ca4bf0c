"""The current socket id: which client's connection the running request came from.

Kept in a context variable, so it follows `await`, tasks, `asyncio.to_thread` and `anyio.to_thread`, and never leaks
between requests. Threads and executors that you use by hand know nothing of it: `carry_socket_id` takes it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from typing import ParamSpec, TypeVar

from broadcastkit.core.names import usable_socket_id
from broadcastkit.errors import ConfigurationError

__all__ = ["HEADER", "carry_socket_id", "current_socket_id", "socket_id_scope"]

P = ParamSpec("P")
T = TypeVar("T")

HEADER = "X-Socket-ID"
"""The request header in which clients send their socket id."""

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


def carry_socket_id(function: Callable[P, T]) -> Callable[P, T]:
    """Return the function as one that runs with the socket id of now, in whatever thread and however often.

        pool.submit(carry_socket_id(work), order)        # a concurrent.futures.ThreadPoolExecutor
        threading.Thread(target=carry_socket_id(work))

    `contextvars.copy_context().run` does so too, with all context variables, but only for one call at a time. Tasks
    need neither.

    Raises:
        ConfigurationError: the function is `async`: it would run after this one has returned.
    """
    if iscoroutinefunction(function):
        raise ConfigurationError(f"{function.__qualname__} is async: a task that runs it has the socket id by itself")
    socket_id = current_socket_id()

    @wraps(function)
    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        with socket_id_scope(socket_id):
            return function(*args, **kwargs)

    return carried
