"""Whose connections a queue's worker sends over unless it is told: those of `broadcast()`, as the layer above says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from broadcastkit.drivers.base import AsyncDriver, Driver

__all__ = ["Defaults", "Source", "defaults"]

DriverT_co = TypeVar("DriverT_co", covariant=True)


class Source(Protocol[DriverT_co]):
    """What a broadcaster is to a worker."""

    def driver(self, connection: str | None = None) -> DriverT_co:
        """Return a connection's driver.

        Raises:
            ConfigurationError: there is no such connection.
        """
        ...


class Defaults:
    """Set by `broadcastkit.default`, which is loaded with the package."""

    sync: Callable[[], Source[Driver]]
    asynchronous: Callable[[], Source[AsyncDriver]]


defaults: Defaults = Defaults()
