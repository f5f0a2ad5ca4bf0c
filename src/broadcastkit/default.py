"""The broadcasters behind the module-level functions: configured once, or read from the environment at first use."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

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


class _Default:
    """What is configured; each colour's broadcaster is made when it is first used."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        self.settings: Mapping[str, Any] | None = None
        self.options: dict[str, Any] = {}
        self.sync: Broadcaster | None = None
        self.asynchronous: AsyncBroadcaster | None = None


_default = _Default()


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
    with _default.lock:
        if isinstance(broadcaster_or_settings, Broadcaster):
            _default.sync = broadcaster_or_settings
            return
        if isinstance(broadcaster_or_settings, AsyncBroadcaster):
            _default.asynchronous = broadcaster_or_settings
            return
        url = broadcaster_or_settings
        _default.clear()
        _default.settings = settings_from_url(url) if isinstance(url, str) else dict(url)
        _default.options = {"channels": channels, "on_error": on_error}


def reset() -> None:
    """Forget what was configured; nothing is closed. For tests."""
    with _default.lock:
        _default.clear()


@contextmanager
def swapped(sync: Broadcaster, asynchronous: AsyncBroadcaster) -> Iterator[None]:
    """Serve the module-level functions with other broadcasters inside the block, in every thread. For tests."""
    with _default.lock:
        before = (_default.sync, _default.asynchronous)
        _default.sync, _default.asynchronous = sync, asynchronous
    try:
        yield
    finally:
        with _default.lock:
            _default.sync, _default.asynchronous = before


def default_broadcaster() -> Broadcaster:
    """Return the broadcaster behind `broadcast()`.

    Raises:
        ConfigurationError: nothing was configured, and the environment does not say what to use.
    """
    if _default.sync is None:
        with _default.lock:
            if _default.sync is None:
                settings = _default.settings or settings_from_env()
                _default.sync = Broadcaster.from_settings(settings, **_default.options)
    return _default.sync


def default_async_broadcaster() -> AsyncBroadcaster:
    """Return the broadcaster behind `aio.broadcast()`; see `default_broadcaster`."""
    if _default.asynchronous is None:
        with _default.lock:
            if _default.asynchronous is None:
                settings = _default.settings or settings_from_env()
                _default.asynchronous = AsyncBroadcaster.from_settings(settings, **_default.options)
    return _default.asynchronous


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
