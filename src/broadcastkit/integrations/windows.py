"""Opens what the package `limits` counts in: the only module that imports it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from broadcastkit.drivers.redis_io.clients import redis_kit
from broadcastkit.errors import ConfigurationError, MissingDependencyError

try:
    import limits.aio.strategies
    import limits.errors
    import limits.storage
    import limits.strategies
except ImportError:
    raise MissingDependencyError("limits", "limits", "a rate limit") from None

__all__ = ["async_limiter", "blocking_limiter", "failures", "parsed_rate"]

_REDIS = {"redis", "rediss", "unix"}
_TIMEOUT = 1.0


def parsed_rate(rate: str) -> limits.RateLimitItem:
    """Read a rate such as `120/minute`; ConfigurationError says how one looks."""
    try:
        [parsed] = limits.parse_many(rate)
    except ValueError:
        parsed = None
    if parsed is None or parsed.amount < 1:
        raise ConfigurationError(f"must be one rate such as '120/minute', not {rate!r}", setting="rate")
    return parsed


def blocking_limiter(storage: Any, key_prefix: str) -> tuple[limits.strategies.FixedWindowRateLimiter, Any]:
    """Return what counts in a storage, given by its URL or ready-made; and the connections that are to be closed."""
    pool: Any = None
    if storage == "memory://":
        storage = limits.storage.MemoryStorage(wrap_exceptions=True)
    elif isinstance(storage, str):
        pool = _redis_pool(storage, awaited=False)
        storage = limits.storage.RedisStorage("redis://", pool, key_prefix, wrap_exceptions=True)
    if not isinstance(storage, limits.storage.Storage):
        raise _unknown(type(storage).__name__)
    return limits.strategies.FixedWindowRateLimiter(storage), pool


def async_limiter(storage: Any, key_prefix: str) -> tuple[Any, Any]:
    """Return the awaited twin; in memory it is the blocking one, which waits for nothing.

    The twin that `limits` has for it goes through all keys at each hit.
    """
    if storage == "memory://":
        return blocking_limiter(storage, key_prefix)
    pool: Any = None
    if isinstance(storage, str):
        pool = _redis_pool(storage, awaited=True)
        storage = limits.aio.storage.RedisStorage(
            "async+redis://",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix=key_prefix,
            connection_pool=pool,
        )
    if not isinstance(storage, limits.aio.storage.Storage):
        raise _unknown(type(storage).__name__)
    return limits.aio.strategies.FixedWindowRateLimiter(storage), pool


def failures(limiter: Any) -> tuple[type[Exception], ...]:
    """Return what a limiter raises where its storage fails."""
    own = limiter.storage.base_exceptions
    return (limits.errors.StorageError, *(own if isinstance(own, tuple) else (own,)))


def _redis_pool(url: str, *, awaited: bool) -> Any:
    if urlsplit(url).scheme not in _REDIS:
        raise _unknown("another URL")
    kit = redis_kit("redis", "a rate limit in Redis", awaited=awaited)
    # a client waits for this: better to admit it than to let it wait longer
    options = {"socket_timeout": _TIMEOUT, "socket_connect_timeout": _TIMEOUT, "retry": kit.retry, **kit.options}
    try:
        return kit.pool.from_url(url, **options)
    except ValueError:
        raise _unknown("a URL that cannot be read") from None  # which may hold a password


def _unknown(what: str) -> ConfigurationError:
    text = f"must be 'memory://', the URL of a Redis such as 'redis://host/0' or a storage of limits, not {what}"
    return ConfigurationError(text, setting="storage")
