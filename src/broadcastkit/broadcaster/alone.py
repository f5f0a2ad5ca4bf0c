"""The short way of one event that nothing but its delivery concerns, as nearly all are: a quarter less for each."""

from __future__ import annotations

from typing import TypeVar

from broadcastkit.broadcaster.receipts import receipt_of
from broadcastkit.broadcaster.repeating import RepeatingBase
from broadcastkit.core.message import Message
from broadcastkit.delivery import Queued
from broadcastkit.delivery.transactions.collecting import current_block
from broadcastkit.drivers.base import Outcome
from broadcastkit.errors import BroadcastError
from broadcastkit.pending import Receipt, Request

__all__ = ["AloneBase"]

DriverT = TypeVar("DriverT")


class AloneBase(RepeatingBase[DriverT]):
    """What has no color of it: which events may take it, and what is said of them; the same as on the long one."""

    def _alone(self, request: Request) -> str | None:
        """Return the one connection of an event that may take the short way, else None.

        It may not where something else has a say: a transaction or a block that it waits for, a store of repeats,
        fallbacks, hooks that trace, a test.
        """
        event = request.events[0]
        via = request.via or event.event_via
        if (
            request.after is not None
            or event.event_after_commit
            or event.event_repeats is not None
            or len(via) > 1
            or self._fallbacks is not None
            or (self._observers is not None and self._observers.traces)
            or self._observer is not None
            or self._delivery.joins
            or current_block() is not None
        ):
            return None
        return via[0] if via else self._default

    def _receipt(self, message: Message, connection: str, outcome: Outcome | Queued) -> Receipt:
        receipt = receipt_of(message, ((connection, outcome),))
        if isinstance(outcome, BroadcastError):
            self._handle([outcome], (receipt,))
        return receipt
