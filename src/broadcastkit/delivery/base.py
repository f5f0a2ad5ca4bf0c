"""The seam between a broadcaster and its drivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome

__all__ = ["Delivery", "Queued"]


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that will be sent later: what its receipt says until then."""


class Delivery(Protocol):
    """Takes messages for a connection and says what became of each, in order; both colours over one policy."""

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Outcome | Queued]:
        """Take messages from blocking code."""
        ...

    async def adeliver(
        self, connection: str, driver: AsyncDriver, messages: Sequence[Message]
    ) -> Sequence[Outcome | Queued]:
        """Take messages from async code."""
        ...
