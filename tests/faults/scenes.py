"""Scenes: drivers that meet a fault on their way to soketi, and drivers that do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver
from tests.faults.deliveries import RETRY, Scene

if TYPE_CHECKING:
    from tests.interop.redis_servers import RedisServer
    from tests.interop.servers import PusherServer

__all__ = ["IMPATIENT", "LONG_ENOUGH", "through", "through_redis"]

LONG_ENOUGH = 10.0
IMPATIENT = 0.25


def through(
    soketi: PusherServer,
    channels: Sequence[str],
    count: int,
    *,
    port: int,
    host: str = "",
    scheme: str = "http",
    timeout: float = LONG_ENOUGH,
    beside: PusherServer | None = None,
    **options: Any,
) -> Scene:
    """Set a scene: drivers that go by way of a port, and drivers that go straight there."""
    there = dataclasses.replace(soketi, host=host or soketi.host, port=port).url.replace("http:", f"{scheme}:", 1)
    said = {"url": there, "timeout": timeout} | {key: value for key, value in options.items() if key != "retry"}
    options = {"retry": RETRY, "timeout": timeout} | options
    straight = (beside or soketi).url
    return Scene(
        lambda: PusherDriver.from_url(there, **options),
        lambda: AsyncPusherDriver.from_url(there, **options),
        lambda: PusherDriver.from_url(straight, retry=RETRY),
        lambda: AsyncPusherDriver.from_url(straight, retry=RETRY),
        channels,
        range(count),
        service=said,
    )


def through_redis(
    server: RedisServer,
    channels: Sequence[str],
    count: int,
    *,
    port: int,
    timeout: float = LONG_ENOUGH,
    retry: Retry = RETRY,
    beside: RedisServer | None = None,
) -> Scene:
    """Do the same for Redis."""
    beside = beside or server
    return Scene(
        lambda: RedisDriver(port=port, retry=retry, timeout=timeout),
        lambda: AsyncRedisDriver(port=port, retry=retry, timeout=timeout),
        lambda: RedisDriver(port=beside.port, retry=RETRY),
        lambda: AsyncRedisDriver(port=beside.port, retry=RETRY),
        channels,
        range(count),
        service={"port": port, "timeout": timeout},
    )
