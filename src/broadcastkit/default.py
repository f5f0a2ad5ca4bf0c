"""The broadcasters behind the module-level functions: configured once, or read from the environment at first use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from broadcastkit.authorization import ChannelRegistry
from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster, ErrorPolicy
from broadcastkit.config import settings_from_env, settings_from_url
from broadcastkit.events.base import Broadcastable
from broadcastkit.pending import PendingBroadcast, Receipt

__all__ = [
    "broadcast",
    "broadcast_many",
    "configure",
    "default_async_broadcaster",
    "default_broadcaster",
    "reset",
    "swapped",
]

BroadcasterT = TypeVar("BroadcasterT")

_lock = threading.RLock()


class _Default(Generic[BroadcasterT]):
    """One colour's broadcaster: given, or made at first use from settings or from the environment."""

    def __init__(self, from_settings: Callable[..., BroadcasterT]) -> None:
        self._from_settings = from_settings
        self._swap: Callable[[BroadcasterT | None], BroadcasterT] | None = None
        self.configure()

    def configure(
        self,
        broadcaster: BroadcasterT | None = None,
        settings: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._broadcaster = broadcaster
        self._settings = settings
        self._options = options or {}
        self._from_env = False
        if self._swap is not None and broadcaster is not None:
            self._swap(broadcaster)

    def get(self) -> BroadcasterT:
        if self._swap is not None:
            return self._swap(self._configured())
        return self._broadcaster or self._make()

    def _make(self) -> BroadcasterT:
        with _lock:
            if self._broadcaster is None:
                self._from_env = self._settings is None
                settings = settings_from_env() if self._settings is None else self._settings
                self._broadcaster = self._from_settings(settings, **self._options)
            return self._broadcaster

    def _configured(self) -> BroadcasterT | None:
        """Return what `configure()` asked for, or None where that is left to the environment."""
        if self._settings is not None:
            return self._broadcaster or self._make()
        return None if self._from_env else self._broadcaster

    @contextmanager
    def swapped(self, swap: Callable[[BroadcasterT | None], BroadcasterT]) -> Iterator[None]:
        before, self._swap = self._swap, swap
        try:
            configured = self._configured()
            if configured is not None:
                swap(configured)
            yield
        finally:
            self._swap = before


_sync = _Default(Broadcaster.from_settings)
_async = _Default(AsyncBroadcaster.from_settings)


def configure(
    broadcaster_or_settings: Broadcaster | AsyncBroadcaster | Mapping[str, Any] | str,
    *,
    channels: ChannelRegistry | None = None,
    on_error: ErrorPolicy = "raise",
) -> None:
    """Set what `broadcast()` and `aio.broadcast()` use.

    A Broadcaster serves `broadcast()`, an AsyncBroadcaster `aio.broadcast()`: call it once for each if you use both.
    Settings (a mapping, or a connection URL) serve both, with `channels` and `on_error` as for the constructors.
    Without this call, both read the environment at first use.
    """
    given = broadcaster_or_settings
    with _lock:
        if isinstance(given, Broadcaster):
            _sync.configure(given)
        elif isinstance(given, AsyncBroadcaster):
            _async.configure(given)
        else:
            settings = settings_from_url(given) if isinstance(given, str) else dict(given)
            options = {"channels": channels, "on_error": on_error}
            _sync.configure(settings=settings, options=options)
            _async.configure(settings=settings, options=options)


def reset() -> None:
    """Forget what was configured; nothing is closed. For tests."""
    with _lock:
        _sync.configure()
        _async.configure()


@contextmanager
def swapped(
    sync: Callable[[Broadcaster | None], Broadcaster],
    asynchronous: Callable[[AsyncBroadcaster | None], AsyncBroadcaster],
) -> Iterator[None]:
    """Serve the module-level functions by other broadcasters inside the block, in every thread. For tests.

    Each callable is given what is configured (None where the environment would be read) and returns what to use
    instead; it is asked at the start, at each use and when `configure()` is called inside the block.
    """
    with _sync.swapped(sync), _async.swapped(asynchronous):
        yield


def default_broadcaster() -> Broadcaster:
    """Return the broadcaster behind `broadcast()`.

    Raises:
        ConfigurationError: nothing was configured, and the environment does not say what to use.
    """
    return _sync.get()


def default_async_broadcaster() -> AsyncBroadcaster:
    """Return the broadcaster behind `aio.broadcast()`; see `default_broadcaster`."""
    return _async.get()


def broadcast(event: Broadcastable) -> PendingBroadcast[Receipt]:
    """Begin a broadcast of one event; `.to_others()` or `.to_everyone()` sends it. Async code: `broadcastkit.aio`.

    >>> from broadcastkit import AnonymousEvent, broadcast, configure
    >>> configure("null://")
    >>> broadcast(AnonymousEvent("ping", on="news")).to_everyone().delivered
    True
    """
    return default_broadcaster().broadcast(event)


def broadcast_many(events: Iterable[Broadcastable]) -> PendingBroadcast[tuple[Receipt, ...]]:
    """Begin a broadcast of several events, in as few requests as the service allows."""
    return default_broadcaster().broadcast_many(events)
