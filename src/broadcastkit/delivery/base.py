"""The seam between a broadcaster and its drivers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome

__all__ = ["Delivery", "Queued", "TransactionalDelivery"]


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that will be sent later: what its receipt says until then."""


class Delivery(ABC):
    """Takes messages for a connection and says what became of each, in order; both colours over one policy.

    Used from several threads and event loops at once. Subclass it: only `deliver` and `adeliver` must be written.
    """

    waits: bool = True
    """Whether `deliver` waits for a driver that does, so that calling it inside an event loop deserves a warning."""

    settles: bool = False
    """Whether it tells when it is done with messages that it has queued; see `broadcastkit.delivery.watched`."""

    carries: bool = False
    """Whether the claim of a unique event (`Watched.claim`) travels to who sends it, and is freed there."""

    joins: bool = False
    """Whether it is a TransactionalDelivery, which is asked for every event: `isinstance` takes five times as long."""

    @abstractmethod
    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Outcome | Queued]:
        """Take messages from blocking code."""

    @abstractmethod
    def adeliver(
        self, connection: str, driver: AsyncDriver, messages: Sequence[Message]
    ) -> Awaitable[Sequence[Outcome | Queued]]:
        """Take messages from async code: an `async def`, or what else returns something that is awaited at once."""

    def close(self) -> None:  # noqa: B027 - most have nothing to do
        """Send what waits, within a limit of time; called before the drivers are closed. May be used again."""

    async def aclose(self) -> None:  # noqa: B027 - see close
        """See close."""


class TransactionalDelivery(Delivery):
    """Writes messages into the caller's transaction, in place of having them held back until its commit."""

    joins: bool = True

    @abstractmethod
    def deliver_within(
        self, target: object, connection: str, driver: Driver, messages: Sequence[Message]
    ) -> Sequence[Outcome | Queued]:
        """Take messages from blocking code into the transaction of `target`, which the caller has named."""

    @abstractmethod
    def adeliver_within(
        self, target: object, connection: str, driver: AsyncDriver, messages: Sequence[Message]
    ) -> Awaitable[Sequence[Outcome | Queued]]:
        """Take messages from async code into it."""
