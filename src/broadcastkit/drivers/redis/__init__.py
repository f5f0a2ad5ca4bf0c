"""Laravel's messages over Redis: plan, payload and replies are pure; driver has the two shells, transport the I/O.

`clients` makes the clients, and is the only module that imports redis-py.
"""

from __future__ import annotations

from broadcastkit.drivers.redis.answers import EchoServerAuth
from broadcastkit.drivers.redis.driver import AsyncRedisDriver, RedisDriver

__all__ = ["AsyncRedisDriver", "EchoServerAuth", "RedisDriver"]
