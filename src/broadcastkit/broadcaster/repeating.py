"""What broadcasters of both colors do about events that are broadcast again and again."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from broadcastkit.broadcaster.base import Plan
from broadcastkit.broadcaster.holding import HoldingBase
from broadcastkit.broadcaster.receipts import receipt_of
from broadcastkit.core.message import Message
from broadcastkit.core.repeats import Dropped
from broadcastkit.delivery import Queued
from broadcastkit.delivery.transactions import Held, Sender
from broadcastkit.drivers.base import Outcome
from broadcastkit.errors import BroadcastError
from broadcastkit.events.base import Broadcastable
from broadcastkit.pending import Receipt, Request

if TYPE_CHECKING:
    from broadcastkit.delivery.repeats.gate import Late, Round
    from broadcastkit.delivery.repeats.quiet import Due

__all__ = ["RepeatingBase"]

DriverT = TypeVar("DriverT")


class RepeatingBase(HoldingBase[DriverT], ABC):
    """What has no color of throttle, debounce and unique: what asks the store first, and what comes of that."""

    def _round(self, request: Request, plans: Sequence[Plan | None]) -> Round | None:
        """Return what is to ask the store of repeats first; None if no event is one that may be dropped, as mostly."""
        for event in request.events:  # asked for every event, as in _hold
            if event.event_repeats is not None and self._repeats is not None and self._within(request) is None:
                return self._round_of([Held(cast("Sender", self), request, plans)])
        return None

    def _round_of_held(self, held: Sequence[Held]) -> Round | None:
        repeated = (event.event_repeats is not None for one in held for event in one.request.events)
        return self._round_of(held) if self._repeats is not None and any(repeated) else None

    def _round_of(self, held: Sequence[Held]) -> Round:
        from broadcastkit.delivery.repeats.gate import Round  # what few events need, few programs pay for

        carried = self._delivery.carries and getattr(self._store, "shared", False)
        return Round(held, self._waiting_room().holder, carried=carried)

    def _waiting_room(self) -> Any:
        """Return where debounced events wait."""
        room = vars(self).get("_room")
        # of several threads that come first, one wins
        return vars(self).setdefault("_room", self._new_room(_clock(self._store))) if room is None else room

    @abstractmethod
    def _new_room(self, now: Callable[[], float]) -> Any:
        """Return where debounced events wait, in this color."""

    def _receipts_of_round(
        self, round_: Round, outcomes: Mapping[str, Iterator[Outcome | Queued]]
    ) -> list[tuple[Receipt, ...]]:
        """Take the outcomes of what has passed; the first error is raised when all have been seen to."""
        for late in round_.replaced:
            self._dropped(late.event, late.message, "debounce")
        found: list[tuple[Receipt, ...]] = []
        errors: list[BroadcastError] = []
        for number, one in enumerate(round_.held):
            try:
                found.append(
                    self._receipts(one.request, round_.passing[number], outcomes, self._instead(round_, number))
                )
            except BroadcastError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return found

    def _instead(self, round_: Round, number: int) -> dict[int, Receipt]:
        """Return the receipts of what has not passed."""
        _, request, plans = round_.held[number]
        receipts: dict[int, Receipt] = {}
        for at, (event, plan) in enumerate(zip(request.events, plans, strict=True)):
            if (number, at) in round_.waiting:
                receipts[at] = receipt_of(plan[0], [(name, Queued()) for name in plan[1]])
            elif (number, at) in round_.dropped:
                receipts[at] = self._dropped(event, plan[0], round_.dropped[number, at])
        return receipts

    def _dropped(self, event: Broadcastable, message: Message, reason: Dropped) -> Receipt:
        """Return the receipt of an event that is not sent; nobody gets that of one which others have replaced."""
        del event
        if self._observers is not None:
            self._observers.dropped(None, [message], reason)
        return replace(receipt_of(message, []), dropped=reason)

    def _last_ones(self, due: Sequence[Due[Late]], is_last: Sequence[bool]) -> list[Held]:
        """Return what was debounced in vain in no other process: there, another one was later."""
        held: list[Held] = []
        for (late, at_last), last in zip(due, is_last, strict=True):
            if last or at_last:
                held.append(late.held)
            else:
                self._dropped(late.event, late.message, "debounce")
        return held

    def _receipts_of_late(self, held: Sequence[Held], outcomes: Mapping[str, Iterator[Outcome | Queued]]) -> None:
        """Take the outcomes of what was debounced; there is no caller to raise an error to."""
        for _, request, plans in held:
            try:
                self._receipts(request, plans, outcomes)
            except BroadcastError as error:
                event = request.events[0].event_name
                self.failures.log("debounced broadcast failed", error=error, event=event)


def _clock(store: object) -> Callable[[], float]:
    """Return the clock of a store of repeats, so that a test has to change one only."""
    now: Callable[[], float] = getattr(store, "now", time.monotonic)
    return now
