"""Makes redis-py's clients. This driver's only module that imports it: a client that is given may be another's."""

from __future__ import annotations

from typing import Any

from broadcastkit.errors import MissingDependencyError

try:
    import redis
    import redis.asyncio as aredis
    from redis.asyncio.retry import Retry as AsyncRetry
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError:
    raise MissingDependencyError("redis", "socketio", "the socketio driver") from None

__all__ = ["async_client", "sync_client"]

_ABOUT: dict[str, Any] = {}
try:
    from redis.driver_info import DriverInfo
except ImportError:  # an earlier release
    pass
else:
    # left to itself, it reads its own version from the disk for each client: that would block an event loop
    _ABOUT["driver_info"] = DriverInfo("redis-py", redis.__version__)


def sync_client(url: str, timeout: float) -> Any:
    """Return a blocking client; it connects when it is used."""
    # `core.retry` decides about trying again
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_options(timeout))


def async_client(url: str, timeout: float) -> Any:
    """Return an awaited client, for the event loop that runs."""
    return aredis.Redis.from_url(url, retry=AsyncRetry(NoBackoff(), 0), **_options(timeout))


def _options(timeout: float) -> dict[str, Any]:
    # publishing needs nothing of RESP3, and an old server does not know it
    return {"protocol": 2, "socket_timeout": timeout, "socket_connect_timeout": timeout, **_ABOUT}
