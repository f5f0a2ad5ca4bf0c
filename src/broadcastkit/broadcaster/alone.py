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
    """What has no color of it: which events take it, and what is said of them, which is what the long one would say."""

    def _alone(self, request: Request) -> tuple[str, DriverT, Message] | Receipt | None:
        """Return what the short way delivers, and over what; the receipt, if that is nothing; None for the long way.

        That is for events where something else has a say: a transaction or a block that they wait for, a store of
        repeats, fallbacks, hooks that trace, a test.
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
        try:
            message = self._message(event, request)
            if message is None:
                return Receipt(event.event_name, {}, request.exclude)
            connection = via[0] if via else self._default
            return connection, self.driver(connection), message
        except BroadcastError as error:
            return self._unrendered(error, request)[0]

    def _receipt(self, message: Message, connection: str, outcome: Outcome | Queued) -> Receipt:
        receipt = receipt_of(message, ((connection, outcome),))
        if isinstance(outcome, BroadcastError):
            self._handle([outcome], (receipt,))
        return receipt
