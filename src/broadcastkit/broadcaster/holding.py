"""What broadcasters of both colors do about what waits for a commit, or is written into a transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from broadcastkit.broadcaster.base import BroadcasterBase, Plan
from broadcastkit.broadcaster.receipts import receipt_of
from broadcastkit.delivery import Queued, TransactionalDelivery
from broadcastkit.delivery.transactions import Held, Sender, Transaction
from broadcastkit.delivery.transactions.base import AMBIENT, ambient_transaction, transaction_of
from broadcastkit.delivery.transactions.collecting import current_block
from broadcastkit.drivers.base import Outcome
from broadcastkit.errors import BroadcastError, ConfigurationError
from broadcastkit.pending import Receipt, Request

if TYPE_CHECKING:
    from broadcastkit.observability.hooks import DropReason

__all__ = ["HoldingBase", "Joined"]

DriverT = TypeVar("DriverT")


class Joined(NamedTuple):
    """A transaction that the caller has named, and the delivery that writes into it."""

    delivery: TransactionalDelivery
    target: object


class HoldingBase(BroadcasterBase[DriverT]):
    """What has no color of `.after_commit()`, `collect()` and the outbox: what is held back, and for what."""

    def _hold(self, request: Request, plans: Sequence[Plan | None]) -> bool:
        """Have a request wait for its transaction if one is open, or else for the `collect()` block around it."""
        after = request.after
        if after is None:
            for event in request.events:  # any() takes five times as long, and this is asked for every event
                if event.event_after_commit:
                    after = AMBIENT
        block = current_block()
        if after is None and block is None:
            return False
        if self._delivery.joins:
            return False  # it is written into the transaction
        held = Held(cast("Sender", self), request, plans)
        if after is not None and self._commits:
            transaction = transaction_of(after) if after is not AMBIENT else self._ambient(block)
            if transaction is not None and transaction.hold(held):
                return True
        return block is not None and block.hold(held)

    def _within(self, request: Request) -> Joined | None:
        """Return whose transaction the delivery is to write into, if it does that and one is named."""
        if not self._delivery.joins:
            return None
        target = request.after
        if target is None or target is AMBIENT:
            target = self._transaction() if callable(self._transaction) else self._transaction
        return None if target is None else Joined(cast("TransactionalDelivery", self._delivery), target)

    def _ambient(self, block: object | None) -> Transaction | None:
        if self._transaction is not None:
            return ambient_transaction(self._transaction)
        if block is None:
            raise ConfigurationError(
                "after_commit: of what? Name a session or a database, use `with collect():` (`async with` in async "
                "code), or give the broadcaster a transaction="
            )
        return None

    def _queued(self, request: Request, plans: Sequence[Plan | None]) -> tuple[Receipt, ...]:
        """Return what is said of a request that is held back."""
        return tuple(
            Receipt(event.event_name, {}, request.exclude)
            if plan is None
            else receipt_of(plan[0], [(name, Queued()) for name in plan[1]])
            for event, plan in zip(request.events, plans, strict=True)
        )

    def _receipts_of_held(self, held: Sequence[Held], outcomes: Mapping[str, Iterator[Outcome | Queued]]) -> None:
        """Do the same for what was held back; the first error is raised when all have been seen to."""
        errors: list[BroadcastError] = []
        for _, request, plans in held:
            try:
                self._receipts(request, plans, outcomes)
            except BroadcastError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def drop_held(self, held: Sequence[Held], reason: DropReason = "rollback") -> None:
        """Take note that what was held back will not be sent: it was rolled back, unless another reason is given."""
        if self._observers is not None:
            for one in held:
                for message, connections in filter(None, one.plans):
                    for connection in connections:
                        self._observers.dropped(connection, [message], reason)
