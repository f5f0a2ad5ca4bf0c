"""Scenes: drivers that meet a fault on their way to soketi, and drivers that do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver
from tests.faults.deliveries import RETRY, Scene
from tests.faults.queues import QUEUES

if TYPE_CHECKING:
    from tests.faults.actions import Fault
    from tests.faults.ledger import Report
    from tests.faults.proxy import Proxy
    from tests.faults.queues import Deliveries
    from tests.interop.redis_servers import RedisServer
    from tests.interop.servers import PusherServer

__all__ = ["IMPATIENT", "LONG_ENOUGH", "meet", "through", "through_redis"]

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


def meet(
    fault: Fault, delivery: str, proxy: Proxy, scene_of: Callable[..., Scene], deliver: Deliveries
) -> tuple[Sequence[int], Report]:
    """Broadcast while a proxy does what a fault says; return which events, and what callers were told."""
    elsewhere = delivery in QUEUES
    proxy.does(fault.script, fault.then)
    proxy.refuse(fault.refused if fault.refused > 0 and not elsewhere else None)
    if not fault.refused:
        proxy.open()
    count = 100 if delivery.startswith("50") else 6 if fault.slow else 20
    timeout = IMPATIENT if fault.slow else LONG_ENOUGH
    scene = scene_of(count=count, port=proxy.port, timeout=timeout)
    if fault.refused > 0 and elsewhere:  # how often another process was refused, nobody here can tell
        scene = scene._replace(refused=proxy.open)
    report = deliver(delivery, scene._replace(ends=bool(fault.script) or not fault.told))
    proxy.settled()
    assert len(report.saw) == count, "somebody got no answer"
    return scene.numbers, report
