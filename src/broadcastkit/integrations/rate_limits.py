"""How often the endpoints may be asked: what counts requests, and for whom a request counts."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from inspect import isawaitable
from ipaddress import IPv6Address, ip_network
from typing import Any, Protocol

__all__ = ["AsyncFixedWindow", "AsyncRateLimit", "FixedWindow", "RateLimit", "client_key"]

_log = logging.getLogger("broadcastkit.authorization")

_PAUSE = 5.0
# Whoever has an IPv6 address has 2**64 of them.
_OWN_PREFIX = 64


class RateLimit(Protocol):
    """Counts requests. One of your own may look at anything; what it raises is an error of the application."""

    def hit(self, key: str, cost: int = 1) -> float | None:
        """Count a request that asks for `cost` channels; return None to admit it, or else the seconds to wait."""
        ...


class AsyncRateLimit(Protocol):
    """The awaited twin of RateLimit."""

    async def hit(self, key: str, cost: int = 1) -> float | None:
        """See RateLimit.hit."""
        ...


def client_key(user: object | None, address: str | None) -> str:
    """Return for whom a request counts: the user, known by an id; a guest by the address that the server saw.

    Of an IPv6 address the first 64 bits count. Guests without any address, as behind a Unix socket, are all one.
    """
    user_id = _id_of(user)
    return f"address:{_network(address or '')}" if user_id is None else f"user:{user_id}"


def _id_of(user: object | None) -> object | None:
    if isinstance(user, (str, int)):
        return user
    if isinstance(user, Mapping):
        return user.get("id")
    return getattr(user, "id", None) or getattr(user, "pk", None)


def _network(address: str) -> str:
    if ":" not in address:
        return address
    try:
        found = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(found.ipv4_mapped or ip_network((found, _OWN_PREFIX), strict=False))


class _Window:
    """So many requests in a time that begins with the first: what both colors share."""

    def __init__(self, rate: str, limiter: Any, now: Callable[[], float]) -> None:
        from broadcastkit.integrations.windows import failures, parsed_rate

        self._rate = parsed_rate(rate)
        self._limiter = limiter
        self._failures = failures(limiter)
        self._now = now
        self._admits_all_until = -math.inf

    def _failed(self, error: Exception) -> None:
        self._admits_all_until = self._now() + _PAUSE
        # its own text may quote the URL, and with it a password
        kind = type(error.__cause__ or error).__name__
        words = "the store of the rate limit failed (%s): for %d s everybody is admitted"
        _log.warning(words, kind, _PAUSE, extra={"broadcast_error": kind})

    def _wait(self, resets_at: float) -> float:
        return min(max(resets_at - time.time(), 0.0), self._rate.get_expiry())


class FixedWindow(_Window):
    """Admits so many requests in a time that begins with the first: `FixedWindow("120/minute")`.

    They are counted in memory, where each process counts for itself, or together in a Redis:
    `storage="redis://host/0"`, below `key_prefix`. Another `storage` of the package `limits` may be given, made. A
    request that is refused counts too. While the store fails, everybody is admitted: a warning says so, and it is asked
    again after 5 seconds.

    Raises:
        ConfigurationError: the rate or the storage is none.
    """

    def __init__(
        self,
        rate: str,
        *,
        storage: Any = "memory://",
        key_prefix: str = "broadcastkit",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        from broadcastkit.integrations.windows import blocking_limiter

        limiter, self._connections = blocking_limiter(storage, key_prefix)
        super().__init__(rate, limiter, now)

    def hit(self, key: str, cost: int = 1) -> float | None:
        """See RateLimit.hit."""
        if self._now() < self._admits_all_until:
            return None
        try:
            if self._limiter.hit(self._rate, key, cost=cost):
                return None
            return self._wait(self._limiter.get_window_stats(self._rate, key).reset_time)
        except self._failures as error:
            self._failed(error)
            return None

    def close(self) -> None:
        """Close the connections to a Redis, if it was made from a URL."""
        if self._connections is not None:
            self._connections.disconnect()


class AsyncFixedWindow(_Window):
    """The awaited twin of FixedWindow; with a Redis it belongs to the event loop that first asks it."""

    def __init__(
        self,
        rate: str,
        *,
        storage: Any = "memory://",
        key_prefix: str = "broadcastkit",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        from broadcastkit.integrations.windows import async_limiter

        limiter, self._connections = async_limiter(storage, key_prefix)
        super().__init__(rate, limiter, now)

    async def hit(self, key: str, cost: int = 1) -> float | None:
        """See RateLimit.hit."""
        if self._now() < self._admits_all_until:
            return None
        try:
            admitted = self._limiter.hit(self._rate, key, cost=cost)
            if await admitted if isawaitable(admitted) else admitted:
                return None
            stats = self._limiter.get_window_stats(self._rate, key)
            return self._wait((await stats if isawaitable(stats) else stats).reset_time)
        except self._failures as error:
            self._failed(error)
            return None

    async def aclose(self) -> None:
        """See FixedWindow.close; a lifespan does so for what is in its `also`."""
        # the blocking one that counts in memory has none
        if self._connections is not None:
            await self._connections.aclose()
