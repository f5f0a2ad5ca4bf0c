"""Both colours of the Redis driver behind one face, so that one test is about both."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

import redis
import redis.asyncio
from blockbuster import blockbuster_ctx

from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import Outcome

__all__ = ["AsyncColour", "Colour", "SyncColour"]


class Colour(Protocol):
    """Makes drivers and calls them."""

    def driver(self, url: str = "redis://", **options: Any) -> Any:
        """Return a driver that is closed with the test."""
        ...

    def send(self, driver: Any, *messages: Message) -> Sequence[Outcome]:
        """Send messages."""
        ...

    def close(self, driver: Any) -> None:
        """Close a driver."""
        ...

    def end(self) -> None:
        """Close what was made."""
        ...


class SyncColour:
    """The blocking driver."""

    client = redis.Redis
    cluster = redis.RedisCluster

    def __init__(self) -> None:
        self._made: list[RedisDriver] = []

    def driver(self, url: str = "redis://", **options: Any) -> Any:
        self._made.append(RedisDriver.from_url(url, **options))
        return self._made[-1]

    def send(self, driver: Any, *messages: Message) -> Sequence[Outcome]:
        outcomes: Sequence[Outcome] = driver.send(messages)
        return outcomes

    def close(self, driver: Any) -> None:
        driver.close()

    def run(self, result: Any) -> Any:
        return result

    def end(self) -> None:
        for driver in self._made:
            driver.close()


class AsyncColour:
    """The awaited driver, in one event loop that must not be blocked."""

    client = redis.asyncio.Redis
    cluster = redis.asyncio.RedisCluster

    def __init__(self) -> None:
        self._made: list[AsyncRedisDriver] = []
        self._runner = asyncio.Runner()

    def driver(self, url: str = "redis://", **options: Any) -> Any:
        self._made.append(AsyncRedisDriver.from_url(url, **options))
        return self._made[-1]

    def send(self, driver: Any, *messages: Message) -> Sequence[Outcome]:
        with blockbuster_ctx("broadcastkit"):
            outcomes: Sequence[Outcome] = self.run(driver.send(messages))
        return outcomes

    def close(self, driver: Any) -> None:
        self.run(driver.aclose())

    def run(self, result: Any) -> Any:
        return self._runner.run(result)

    def end(self) -> None:
        for driver in self._made:
            self.run(driver.aclose())
        self._runner.close()
