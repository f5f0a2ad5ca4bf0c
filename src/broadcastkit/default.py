"""The broadcasters behind the module-level functions: configured once, or read from the environment at first use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from broadcastkit.authorization import ChannelRegistry
from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster, ErrorPolicy
from broadcastkit.config import Settings, settings_from_env, settings_from_url
from broadcastkit.delivery import Delivery
from broadcastkit.delivery.repeats import AsyncRepeatStore, RepeatStore
from broadcastkit.delivery.source import defaults
from broadcastkit.errors import ConfigurationError
from broadcastkit.events.base import Broadcastable
from broadcastkit.pending import PendingBroadcast, Receipt

if TYPE_CHECKING:
    from broadcastkit.observability.hooks import Hooks
    from broadcastkit.offline import Fallbacks

__all__ = [
    "broadcast",
    "broadcast_many",
    "configure",
    "configured_channels",
    "default_async_broadcaster",
    "default_broadcaster",
    "is_swapped",
    "reset",
    "swapped",
]

BroadcasterT = TypeVar("BroadcasterT", bound=Broadcaster | AsyncBroadcaster)

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
        settings: Settings | None = None,
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

    @property
    def is_swapped(self) -> bool:
        return self._swap is not None

    def rules(self) -> ChannelRegistry | None:
        """Return the rules of what was configured or made so far; the environment has none."""
        broadcaster = self._broadcaster if self._settings is None else self._make()
        return None if broadcaster is None else broadcaster.channels

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
    broadcaster_or_settings: Broadcaster | AsyncBroadcaster | Settings | str,
    *,
    channels: ChannelRegistry | None = None,
    delivery: Delivery | None = None,
    on_error: ErrorPolicy = "raise",
    transaction: object | None = None,
    repeats: RepeatStore | AsyncRepeatStore | tuple[RepeatStore, AsyncRepeatStore] | None = None,
    hooks: Hooks | Iterable[Hooks] | None = None,
    when_offline: Fallbacks | None = None,
) -> None:
    """Set what `broadcast()` and `aio.broadcast()` use.

    A Broadcaster serves `broadcast()`, an AsyncBroadcaster `aio.broadcast()`: call it once for each if you use both.
    Settings (a mapping, a connection URL, a `BroadcastSettings`) serve both, with `channels`, `delivery`, `on_error`,
    `transaction`, `repeats`, `hooks` and `when_offline` as for the constructors; a pair of `repeats` is the store of
    `broadcast()` and that of `aio.broadcast()`. Without this call, both read the environment at first use.

    Raises:
        ConfigurationError: an option beside a broadcaster, which has its own.
    """
    given = broadcaster_or_settings
    options = {"channels": channels, "delivery": delivery, "transaction": transaction, "on_error": on_error}
    options |= {"hooks": hooks, "when_offline": when_offline}
    options = {name: value for name, value in options.items() if value is not None}
    own = [name for name, value in {**options, "repeats": repeats}.items() if value is not None and value != "raise"]
    if own and isinstance(given, Broadcaster | AsyncBroadcaster):
        raise ConfigurationError(f"a broadcaster has its own options: give it {', '.join(own)} when it is made")
    with _lock:
        if isinstance(given, Broadcaster):
            _sync.configure(given)
        elif isinstance(given, AsyncBroadcaster):
            _async.configure(given)
        else:
            settings = settings_from_url(given) if isinstance(given, str) else copy(given)
            stores = repeats if isinstance(repeats, tuple) else (repeats, repeats)
            _sync.configure(settings=settings, options=options | {"repeats": stores[0]})
            _async.configure(settings=settings, options=options | {"repeats": stores[1]})


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


def is_swapped() -> bool:
    """Whether a `swapped()` block is open."""
    return _sync.is_swapped


def configured_channels(*, asynchronous: bool = False) -> ChannelRegistry | None:
    """Return the rules that were configured, of this colour first; None where nothing was. For tests.

    A registry without rules is taken only if there is no other.
    """
    colours = (_async, _sync) if asynchronous else (_sync, _async)
    registries = [registry for colour in colours if (registry := colour.rules()) is not None]
    return next((registry for registry in registries if registry.rules), registries[0] if registries else None)


def default_broadcaster() -> Broadcaster:
    """Return the broadcaster behind `broadcast()`.

    Raises:
        ConfigurationError: nothing was configured, and the environment does not say what to use.
    """
    return _sync.get()


def default_async_broadcaster() -> AsyncBroadcaster:
    """Return the broadcaster behind `aio.broadcast()`; see `default_broadcaster`."""
    return _async.get()


defaults.sync, defaults.asynchronous = default_broadcaster, default_async_broadcaster


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
