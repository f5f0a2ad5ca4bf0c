"""Both colours of the Pusher driver behind one face, so that one test is about both."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Protocol

from blockbuster import blockbuster_ctx

from broadcastkit.core.message import Message
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver

__all__ = ["AsyncColour", "Colour", "SyncColour"]


class Colour(Protocol):
    """Makes drivers and calls them."""

    name: str

    def driver(self, url: str, **options: Any) -> Any:
        """Return a driver for the app `app-1` at this address; closed with the test."""
        ...

    def call(self, driver: Any, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of it."""
        ...

    def close(self, driver: Any) -> None:
        """Close it."""
        ...

    def run(self, exchange: Any) -> Any:
        """Return what it is, awaited if need be."""
        ...

    def at_once(self, driver: Any, many: Sequence[Sequence[Message]]) -> list[Any]:
        """Send from several threads or tasks at the same time; returns the outcomes of each."""
        ...


class SyncColour:
    """The blocking driver."""

    name = "sync"

    def __init__(self) -> None:
        self._made: list[PusherDriver] = []

    def driver(self, url: str, **options: Any) -> Any:
        driver = PusherDriver.from_url(_address(url), **{"timeout": 5.0, **options})
        self._made.append(driver)
        return driver

    def call(self, driver: Any, method: str, *arguments: Any, **options: Any) -> Any:
        return getattr(driver, method)(*arguments, **options)

    def close(self, driver: Any) -> None:
        driver.close()

    def at_once(self, driver: Any, many: Sequence[Sequence[Message]]) -> list[Any]:
        ready = Barrier(len(many))

        def work(messages: Sequence[Message]) -> Any:
            ready.wait(10)
            return driver.send(messages)

        with ThreadPoolExecutor(len(many)) as pool:
            return list(pool.map(work, many))

    def run(self, exchange: Any) -> Any:
        return exchange

    def end(self) -> None:
        for driver in self._made:
            driver.close()


class AsyncColour:
    """The awaited driver, in one event loop that must not be blocked."""

    name = "async"

    def __init__(self) -> None:
        self._made: list[AsyncPusherDriver] = []
        self._runner = asyncio.Runner()

    def driver(self, url: str, **options: Any) -> Any:
        driver = AsyncPusherDriver.from_url(_address(url), **{"timeout": 5.0, **options})
        self._made.append(driver)
        return driver

    def call(self, driver: Any, method: str, *arguments: Any, **options: Any) -> Any:
        return self.run(getattr(driver, method)(*arguments, **options))

    def close(self, driver: Any) -> None:
        self.run(driver.aclose())

    def at_once(self, driver: Any, many: Sequence[Sequence[Message]]) -> list[Any]:
        async def gather() -> list[Any]:
            return await asyncio.gather(*(driver.send(messages) for messages in many))

        found: list[Any] = self.run(gather())
        return found

    def end(self) -> None:
        for driver in self._made:
            self.run(driver.aclose())
        self._runner.close()

    def run(self, exchange: Any) -> Any:
        with blockbuster_ctx("broadcastkit"):
            return self._runner.run(exchange)


def _address(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://key-1:secret-1@{rest}/apps/app-1"
