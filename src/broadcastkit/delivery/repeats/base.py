"""The seam between a broadcaster and what remembers its events for a while."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import iscoroutinefunction
from typing import Protocol

from broadcastkit.core.repeats import Claim
from broadcastkit.errors import ConfigurationError

__all__ = ["AsyncRepeatStore", "RepeatStore", "check_store"]


class RepeatStore(Protocol):
    """Remembers who has which key, for a time. Used from several threads and event loops at once.

    What it raises reaches the caller of a broadcast: one that may fail must decide by itself what happens then. One
    that has `shared = True` is the same for all processes: a queue's worker frees there what was claimed elsewhere.
    """

    @property
    def blocking(self) -> bool:
        """Whether it waits for something, so that it is not for event loops."""
        ...

    def claim(self, claims: Sequence[Claim]) -> Sequence[bool]:
        """Say of each, in order, whether it may go: the key is free, or in another state, or the claim wins.

        If so, the key is the holder's from now on.
        """
        ...

    def holds(self, claims: Sequence[Claim]) -> Sequence[bool]:
        """Say of each whether nobody else has the key by now."""
        ...

    def release(self, claims: Sequence[Claim]) -> None:
        """Free the keys that are still the holders'."""
        ...


class AsyncRepeatStore(Protocol):
    """The awaited twin of RepeatStore."""

    async def claim(self, claims: Sequence[Claim]) -> Sequence[bool]:
        """See RepeatStore.claim."""
        ...

    async def holds(self, claims: Sequence[Claim]) -> Sequence[bool]:
        """See RepeatStore.holds."""
        ...

    async def release(self, claims: Sequence[Claim]) -> None:
        """See RepeatStore.release."""
        ...


def check_store(store: RepeatStore | AsyncRepeatStore, *, awaited: bool) -> None:
    """Raise ConfigurationError for a store that is not for broadcasters of this color."""
    name, is_awaited = type(store).__name__, iscoroutinefunction(getattr(store, "claim", None))
    if is_awaited and not awaited:
        raise ConfigurationError(f"{name} is awaited, and this broadcaster is not", setting="repeats")
    if awaited and not is_awaited and getattr(store, "blocking", True):
        raise ConfigurationError(f"{name} would block the event loop: take its awaited twin", setting="repeats")
