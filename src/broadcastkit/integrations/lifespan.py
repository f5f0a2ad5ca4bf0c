"""What ends with an application: for every framework whose lifespan is an async context manager."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

from typing_extensions import TypeVar

from broadcastkit.broadcaster import AsyncBroadcaster

__all__ = ["Closable", "broadcasting_lifespan"]

AppT = TypeVar("AppT", default=Any)


class Closable(Protocol):
    """What is closed by awaiting its `aclose()`, such as an embedded server."""

    async def aclose(self) -> None:
        """Close."""
        ...


def broadcasting_lifespan(
    broadcaster: AsyncBroadcaster,
    inner: Callable[[AppT], AbstractAsyncContextManager[Any]] | None = None,
    *,
    also: Iterable[Closable] = (),
) -> Callable[[AppT], AbstractAsyncContextManager[Any]]:
    """Return a lifespan that closes the broadcaster's drivers when the app stops, around a lifespan of your own.

    Then it closes what is in `also`, in this order: an embedded server, which the drivers publish to until then.
    """

    @asynccontextmanager
    async def lifespan(app: AppT) -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            for thing in reversed([*also]):
                stack.push_async_callback(thing.aclose)
            await stack.enter_async_context(broadcaster)
            yield await stack.enter_async_context(inner(app)) if inner is not None else None

    return lifespan
