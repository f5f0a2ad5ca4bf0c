"""Inline delivery: the caller waits until the service has answered."""

from __future__ import annotations

from collections.abc import Sequence

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome

__all__ = ["Inline"]


class Inline:
    """Sends at once. When a broadcast returns, the service has accepted it."""

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send, and wait for the answer."""
        del connection
        return driver.send(messages)

    async def adeliver(self, connection: str, driver: AsyncDriver, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send, and await the answer."""
        del connection
        return await driver.send(messages)
