"""Which broadcaster answers a request: the one that was given, the configured one, or what a function chooses.

Nothing is kept here: a function that chooses, as for tenants, is asked in each request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeAlias, TypeVar, cast

from broadcastkit.authorization.rules import callback_name
from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster
from broadcastkit.calls import is_async
from broadcastkit.default import default_async_broadcaster, default_broadcaster
from broadcastkit.errors import ConfigurationError

__all__ = [
    "AsyncBroadcasterSource",
    "BroadcasterSource",
    "async_broadcaster",
    "blocking_broadcaster",
    "checked_choice",
    "chooser_of",
    "require_sync",
]

RequestT = TypeVar("RequestT")
BroadcasterT = TypeVar("BroadcasterT", Broadcaster, AsyncBroadcaster)

BroadcasterSource: TypeAlias = Broadcaster | Callable[[RequestT], Broadcaster | None]
"""A broadcaster, or a function that chooses one for a request; None means that nobody answers it."""

AsyncBroadcasterSource: TypeAlias = (
    AsyncBroadcaster | Callable[[RequestT], AsyncBroadcaster | Awaitable[AsyncBroadcaster | None] | None]
)
"""The same for async code; the function may be `async`."""


def chooser_of(by: str, given: Any, kind: type[BroadcasterT]) -> Callable[..., Any] | None:
    """Return the function that chooses a broadcaster, or None if there is one for all requests.

    Raises:
        ConfigurationError: it is neither, or of the other color.
    """
    if given is None or isinstance(given, kind):
        return None
    if not callable(given):
        name = kind.__name__
        raise ConfigurationError(f"{by} takes {name}, or a function that returns one; not {type(given).__name__}")
    return cast("Callable[..., Any]", given)


def checked_choice(by: str, chosen: Any, kind: type[BroadcasterT]) -> BroadcasterT | None:
    """Return what a function chose, if it is a broadcaster of the right color, or None.

    Raises:
        ConfigurationError: it is something else.
    """
    if chosen is None or isinstance(chosen, kind):
        return chosen
    name = type(chosen).__name__
    raise ConfigurationError(f"{by} was to choose a broadcaster: it takes {kind.__name__} or None, not {name}")


async def async_broadcaster(by: str, given: Any, request: Any) -> AsyncBroadcaster | None:
    """Return who answers a request: the given one, else the configured one, or what the given function chooses."""
    if given is None:
        return default_async_broadcaster()
    if isinstance(given, AsyncBroadcaster):
        return given
    chosen = given(request)
    return checked_choice(by, await chosen if isawaitable(chosen) else chosen, AsyncBroadcaster)


def blocking_broadcaster(by: str, given: Any, *request: Any) -> Broadcaster | None:
    """See async_broadcaster; the rules of what was not there from the beginning are checked here.

    Raises:
        ConfigurationError: a rule is `async`, or nothing is configured.
    """
    if isinstance(given, Broadcaster):
        return given
    found = default_broadcaster() if given is None else checked_choice(by, given(*request), Broadcaster)
    if found is not None:
        found.channels.require_sync(by)
    return found


def require_sync(by: str, broadcaster: Any, *callbacks: Callable[..., Any] | None) -> None:
    """Refuse what a sync integration would have to await, and have its rules refused that come later.

    Raises:
        ConfigurationError: it names the callback.
    """
    if isinstance(broadcaster, AsyncBroadcaster):
        raise ConfigurationError(f"{by} is sync and takes a Broadcaster, not an AsyncBroadcaster")
    chooser = chooser_of(by, broadcaster, Broadcaster)
    for callback in (*callbacks, chooser):
        if callback is not None and is_async(callback):
            raise ConfigurationError(f"{by} is sync and cannot await {callback_name(callback)}; use def")
    if broadcaster is not None and chooser is None:
        broadcaster.channels.require_sync(by)
