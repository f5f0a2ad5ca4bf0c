"""What every client of redis-py is made with here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from broadcastkit.errors import MissingDependencyError

__all__ = ["PUBLISHING", "Kit", "clients_of_url", "redis_kit"]

PUBLISHING = {"protocol": 2}
"""Needs nothing of RESP3, and an old server does not know it."""


class Kit(NamedTuple):
    """One color's classes, and the options that all clients share."""

    client: Any
    pool: Any
    retry: Any
    options: dict[str, Any]


def redis_kit(extra: str, purpose: str, *, awaited: bool) -> Kit:
    """Return what makes clients that try nothing again by themselves: `core.retry` decides about that.

    Raises:
        MissingDependencyError: redis-py is not installed; it names the extra and what it is for.
    """
    try:
        import redis
        import redis.asyncio as aredis
        from redis.asyncio.retry import Retry as AsyncRetry
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise MissingDependencyError("redis", extra, purpose) from None
    options: dict[str, Any] = {}
    try:
        from redis.driver_info import DriverInfo
    except ImportError:  # an earlier release
        pass
    else:
        # left to itself, it reads its own version from the disk for each client: that would block an event loop
        options["driver_info"] = DriverInfo("redis-py", redis.__version__)
    if awaited:
        return Kit(aredis.Redis, aredis.ConnectionPool, AsyncRetry(NoBackoff(), 0), options)
    return Kit(redis.Redis, redis.ConnectionPool, Retry(NoBackoff(), 0), options)


def clients_of_url(url: str, *, timeout: float, extra: str, purpose: str, awaited: bool) -> Callable[[], Any]:
    """Return what makes clients for a URL, for a transport with this timeout; see `redis_kit`."""
    kit = redis_kit(extra, purpose, awaited=awaited)
    # awaited, a whole round trip has one timer, and not each answer: see `transport`
    answers = None if awaited else timeout
    options = {
        **PUBLISHING,
        **kit.options,
        "retry": kit.retry,
        "socket_timeout": answers,
        "socket_connect_timeout": timeout,
    }
    return lambda: kit.client.from_url(url, **options)
