"""How the application's own callables are called, be they `async` or not: rules, handlers, and who the user is."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any

__all__ = ["in_worker_thread", "is_async"]


def is_async(call: Callable[..., Any]) -> bool:
    """Whether what a callable returns has to be awaited, as far as can be told without calling it."""
    return iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__)


async def in_worker_thread(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call what may block, and await what turns out to be awaitable: from a lambda around a coroutine function."""
    from anyio.to_thread import run_sync  # takes 12 ms to import, and only this needs it

    # in a tuple, since Trio takes a coroutine that comes out of a thread for a mistake
    (answer,) = await run_sync(lambda: (call(*arguments, **named),))
    return await answer if isawaitable(answer) else answer
