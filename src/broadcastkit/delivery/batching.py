"""Which waiting messages share the next request, and which must wait: order per channel, no waiting window.

Pure: no I/O, no clock, no locks. Both colours of both deliveries run over it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

from broadcastkit.core.message import Message
from broadcastkit.delivery.outcomes import counted
from broadcastkit.drivers.base import Outcome
from broadcastkit.errors import BroadcastError

__all__ = ["MOST", "Batch", "Batcher", "Item", "batch_limit", "checked", "distribute", "messages_of", "result_of"]

MOST = 8
"""Requests on their way at once, for each connection: more would cost a client's pool more than they gain."""
# How far into the queue a batch that has something looks for more: what is further back waits a little longer.
_WINDOW = 128


class Item:
    """The messages of one caller: they travel together, and their outcomes come back together."""

    __slots__ = ("batch", "channels", "messages", "outcomes", "signal", "weight")

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages: Sequence[Message] = messages
        if len(messages) == 1:
            self.channels: Sequence[str] = messages[0].channels
        else:
            self.channels = [name for message in messages for name in message.channels]
        self.weight: int = len(self.channels)
        self.outcomes: Sequence[Outcome] | BaseException | None = None
        # the shells': what wakes the caller, and the batch that a woken caller is to send for others too
        self.signal: Any = None
        self.batch: Batch | None = None


Batch = list[Item]


class Batcher:
    """A queue for one connection.

    A batch holds at most `limit` channels, but for a single item that has more. While fewer than `free` batches are on
    their way, whatever waits leaves at once; beyond, up to `most`, only full batches do, unless `take` is asked for a
    part. Two batches that are on their way at the same time have no channel in common, and an item never overtakes
    another of one of its channels.
    """

    __slots__ = ("_awaiting", "_busy", "_flying", "_free", "_limit", "_ripe", "_waiting", "most")

    def __init__(self, limit: int, *, most: int, free: int) -> None:
        self._limit = limit
        self._free = free
        self.most: int = most
        self._waiting: deque[Item] = deque()
        # how many items wait for each channel: where all of them are busy, there is no need to look at the items
        self._awaiting: defaultdict[str, int] = defaultdict(int)
        self._busy: set[str] = set()
        # by identity; entered before anything else is noted of a batch, so that an interruption loses none
        self._flying: dict[int, Batch] = {}
        # the weight that has come since, for channels that were not busy: when looking again may be worth it
        self._ripe = 0

    def __len__(self) -> int:
        """Count the items that wait."""
        return len(self._waiting)

    def add(self, item: Item) -> Batch | None:
        """Queue an item; returns the batch that may leave now, if one may: usually the item by itself."""
        if not self._waiting and len(self._flying) < self._free and self._busy.isdisjoint(item.channels):
            batch = [item]
            self._flying[id(batch)] = batch
            self._busy.update(item.channels)
            return batch
        return self.take() if self.put(item) else None

    def put(self, item: Item) -> bool:
        """Queue an item and take nothing; returns whether to `take` is worth trying."""
        self._waiting.append(item)
        for name in item.channels:
            self._awaiting[name] += 1
        if not self._busy.isdisjoint(item.channels):
            return False
        self._ripe += item.weight
        return len(self._flying) < self._free or self._ripe >= self._limit

    @property
    def may_part(self) -> bool:
        """Whether something may have come that could leave now, if not in a full batch."""
        return self._ripe > 0 and len(self._flying) < self.most

    @property
    def may_leave(self) -> bool:
        """Whether something waits for channels that are not busy, and another batch may be on its way."""
        return len(self._flying) < self.most and not self._awaiting.keys() <= self._busy

    def take(self, *, part: bool = False) -> Batch | None:
        """Return the next batch that may leave now, if one may; with `part`, it need not be full."""
        if not self.may_leave:
            return None
        batch, weight, in_front = self._choose()
        if not batch or (weight < self._limit and len(self._flying) >= self._free and not part):
            self._ripe = 0
            return None
        self._flying[id(batch)] = batch
        for item in batch:
            if in_front:
                self._waiting.popleft()
            else:
                self._waiting.remove(item)
            self._busy.update(item.channels)
            self._discount(item)
        self._ripe = max(0, self._ripe - weight)
        return batch

    def _choose(self) -> tuple[Batch, int, bool]:
        """Choose a batch: it, its weight, and whether it is what is in front, with nothing between."""
        batch: Batch = []
        in_front = True
        blocked = set(self._busy)
        weight = 0
        for seen, item in enumerate(self._waiting):
            if not blocked.isdisjoint(item.channels):
                in_front = False
                blocked.update(item.channels)  # nobody overtakes it
            elif batch and weight + item.weight > self._limit:
                break
            else:
                batch.append(item)
                weight += item.weight
            if batch and seen >= _WINDOW:
                break
        return batch, weight, in_front

    def done(self, batch: Batch, *, again: Sequence[Item] = ()) -> None:
        """Note that a batch has been answered for; items to be sent `again` go to the front of the queue."""
        if self._flying.pop(id(batch), None) is None:
            return  # after an interruption: it was noted before
        for item in batch:
            self._busy.difference_update(item.channels)
        self._waiting.extendleft(reversed(again))
        for item in again:
            for name in item.channels:
                self._awaiting[name] += 1

    def repaired(self) -> list[Batch]:
        """Put right what an interruption has left half noted; returns the batches that are on their way."""
        flying = list(self._flying.values())
        gone = {id(item) for batch in flying for item in batch}
        self._waiting = deque(item for item in self._waiting if id(item) not in gone)
        self._busy = {name for batch in flying for item in batch for name in item.channels}
        self._awaiting.clear()
        for item in self._waiting:
            for name in item.channels:
                self._awaiting[name] += 1
        self._ripe = sum(item.weight for item in self._waiting)
        return flying

    def withdraw(self, item: Item) -> bool:
        """Take an item back that still waits; returns whether it did."""
        try:
            self._waiting.remove(item)
        except ValueError:
            return False
        self._discount(item)
        return True

    def drop_oldest(self) -> Item:
        """Take back the item that has waited longest."""
        item = self._waiting.popleft()
        self._discount(item)
        return item

    def _discount(self, item: Item) -> None:
        for name in item.channels:
            self._awaiting[name] -= 1
            if not self._awaiting[name]:
                del self._awaiting[name]


def batch_limit(driver: object) -> int:
    """Return how many channels one request of a driver may serve; 0 where the driver does not say.

    With 1, sharing saves nothing, but callers of one channel are kept in order.
    """
    limit: int = getattr(driver, "batch_limit", 0)
    return limit


def messages_of(batch: Batch) -> Sequence[Message]:
    """Return what a driver is to send for a batch."""
    return batch[0].messages if len(batch) == 1 else [message for item in batch for message in item.messages]


def checked(driver: object, batch: Batch, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """Return what a driver said, one outcome for each message.

    Raises:
        WrongOutcomesError: fewer or more, which would be given to the wrong messages; or no sequence at all.
    """
    asked = len(batch[0].messages) if len(batch) == 1 else sum([len(item.messages) for item in batch])
    return counted(driver, asked, outcomes)


def distribute(batch: Batch, outcomes: Sequence[Outcome] | BaseException) -> None:
    """Give each item its own outcomes; an error that several callers share becomes one object for each."""
    if len(batch) == 1:
        batch[0].outcomes = outcomes
        return
    position = 0
    for item in batch:
        if isinstance(outcomes, BaseException):
            item.outcomes = outcomes.twin() if isinstance(outcomes, BroadcastError) else outcomes
            continue
        end = position + len(item.messages)
        mine = outcomes[position:end]
        for outcome in mine:
            if isinstance(outcome, BroadcastError):
                mine = [one.twin() if isinstance(one, BroadcastError) else one for one in mine]
                break
        item.outcomes = mine
        position = end


def result_of(item: Item) -> Sequence[Outcome]:
    """Return an item's outcomes, or raise what kept them from coming."""
    outcomes = item.outcomes
    if outcomes is None or isinstance(outcomes, BaseException):
        raise outcomes or RuntimeError("woken without an outcome")
    return outcomes
