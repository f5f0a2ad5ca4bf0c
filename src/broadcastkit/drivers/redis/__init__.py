"""Laravel's messages over Redis: plan, payload and endpoint are pure; driver has the two shells, `redis_io` the I/O.

`clients` makes the clients: of one server, a cluster, or what sentinels know.
"""

from __future__ import annotations

from broadcastkit.drivers.asked import ServerAuth
from broadcastkit.drivers.redis.driver import AsyncRedisDriver, RedisDriver

__all__ = ["AsyncRedisDriver", "RedisDriver", "ServerAuth"]
