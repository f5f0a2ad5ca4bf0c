"""What background delivery decides: who may queue, what leaves when, and what is counted. No I/O, no clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

from broadcastkit.core.message import Message
from broadcastkit.delivery.batching import MOST, Batch, Batcher, batch_limit
from broadcastkit.delivery.patience import Entry, Patience
from broadcastkit.delivery.reports import FailureHook, Reports
from broadcastkit.delivery.watched import Watched
from broadcastkit.drivers.base import Outcome
from broadcastkit.errors import ConfigurationError, NoReplyError, QueueFullError

__all__ = ["Backlog", "FailureHook", "Overflow", "Policy", "Statistics"]

Overflow: TypeAlias = Literal["wait", "refuse", "drop_oldest"]

_OVERFLOWS = get_args(Overflow)
# What waits for other channels than those on their way goes without a full batch once no request has left for so many
# seconds. Longer than a service takes that is well, so that a busy queue sends full batches; and nobody's wait.
_STALLED = 0.05


@dataclass(frozen=True, slots=True)
class Statistics:
    """What became of the messages handed over so far, in this process."""

    waiting: int = 0
    """Queued, or on their way."""
    sent: int = 0
    failed: int = 0
    """Refused by the service, or given up; the failure hook was told of each."""
    dropped: int = 0
    """Taken out of a full queue, or not sent when time was up; the failure hook was told of these too."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of a Background."""

    size: int
    overflow: Overflow
    patience: float
    drain: float
    on_failed: FailureHook | None

    def __post_init__(self) -> None:
        size: object = self.size
        if type(size) is not int or size < 1:
            raise ConfigurationError(f"must be a number from 1, not {size!r}", setting="size")
        overflow: object = self.overflow
        if overflow not in _OVERFLOWS:
            raise ConfigurationError(f"must be one of {', '.join(_OVERFLOWS)}, not {overflow!r}", setting="overflow")
        for name in ("patience", "drain"):
            value: object = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
                raise ConfigurationError(f"must be a number of seconds from 0, not {value!r}", setting=name)
        if self.on_failed is not None and not callable(self.on_failed):
            raise ConfigurationError(
                "must be a callable that takes a connection's name, a message and an error", setting="on_failed"
            )


class Backlog:
    """The messages that wait for one connection. Not locked: the shells see to that."""

    def __init__(self, connection: str, policy: Policy, driver: object) -> None:
        self.connection = connection
        self.policy = policy
        self.batcher: Batcher = Batcher(batch_limit(driver) or 1, most=MOST, free=1)
        self.reports: Reports = Reports(connection, policy.on_failed, driver)
        self.waiting: int = 0
        self.sent: int = 0
        self.failed: int = 0
        self.dropped: int = 0
        self.worth_taking: bool = False
        """Whether a sender should look, after the last `put`."""
        self._patience = Patience(policy.patience)
        self._turns: deque[object] = deque()
        self._left = -math.inf  # when the last request did
        self._futile = False  # a part was looked for, and nothing has changed since
        self._done: list[Watched] = []

    # -- who may queue ---------------------------------------------------------------------------------------------

    def room(self, count: int, turn: object = None, *, within: bool = False) -> bool:
        """Whether so many more may come now; False asks the caller to wait, with a `turn`.

        Who waits gets in by turn, or a later caller who wants less would overtake. A caller `within` the background,
        such as a hook, cannot wait for what it is to do itself.

        Raises:
            QueueFullError: the policy is to refuse, or the caller must not wait.
        """
        overflow, size, queued = self.policy.overflow, self.policy.size, len(self.batcher)
        # into an empty queue always: it will not get any emptier
        if overflow == "drop_oldest" or ((queued + count <= size or not queued) and self._is_next(turn)):
            return True
        if overflow == "wait" and not within:
            return False
        text = f"{queued} messages wait for the connection {self.connection!r}, and {size} may"
        raise QueueFullError(f"{text}: what runs in its background cannot wait for room there" if within else text)

    def _is_next(self, turn: object) -> bool:
        return not self._turns or self._turns[0] is turn

    def turn(self) -> object:
        """Return a caller's turn to wait for room; to be given back."""
        turn = object()
        self._turns.append(turn)
        return turn

    def give_back(self, turn: object) -> None:
        """Note that a caller waits no longer: there may be room for the next one."""
        self._turns.remove(turn)

    def put(self, messages: Sequence[Message], now: float) -> list[Message]:
        """Queue messages; returns those that had to go for them."""
        dropped: list[Message] = []
        while len(self.batcher) and len(self.batcher) + len(messages) > self.policy.size:
            dropped += self.batcher.drop_oldest().messages
        self.worth_taking = True in [self.batcher.put(Entry(message, now)) for message in messages]
        if self.batcher.may_part:
            self._futile = False
        self.waiting += len(messages) - len(dropped)
        self.dropped += len(dropped)
        return dropped

    # -- what leaves -----------------------------------------------------------------------------------------------

    def pause(self, now: float) -> float:
        """Return for how many seconds nothing may be sent; 0 if something may."""
        return self._patience.pause(now)

    @property
    def may_part(self) -> bool:
        """Whether something that waits could leave, if not in a full batch: somebody is to look when it may."""
        return not self._futile and self.batcher.may_leave

    def take(self, now: float) -> Batch | None:
        """Return what is to be sent now, if anything is."""
        if self.pause(now):
            return None
        batch = self.batcher.take()
        if batch is None and self.may_part and now - self._left >= _STALLED:
            batch = self.batcher.take(part=True)
            self._futile = batch is None
        if batch is not None:
            self._left = now
        return batch

    def look_in(self, now: float) -> float | None:
        """Return the seconds after which to look again, if nothing comes or lands before; None for no need."""
        pause = self.pause(now)
        if pause and len(self.batcher):
            return pause
        return max(0.0, self._left + _STALLED - now) if self.may_part else None

    # -- what came back --------------------------------------------------------------------------------------------

    def land(
        self, batch: Batch, outcomes: Sequence[Outcome | Exception], *, now: float, jitter: float
    ) -> list[tuple[Message, Exception]]:
        """Take the answers for a batch; returns what failed for good.

        What the service could not take for the moment goes back to the front, in order, until `patience` is over. What
        failed, or was sent and is watched, counts as waiting until that was reported, and `settle` is called.
        """
        again: list[Entry] = []
        waits: list[float] = []
        failed: list[tuple[Message, Exception]] = []
        self._patience.meet(outcomes, now=now)
        for item, outcome in zip(cast("list[Entry]", batch), outcomes, strict=True):
            if not isinstance(outcome, Exception):
                if isinstance(item.messages[0], Watched):
                    self._done.append(item.messages[0])
                continue
            wait = self._patience.wait(item, outcome, now=now, jitter=jitter)
            if wait is None:
                failed.append((item.messages[0], outcome))
            else:
                waits.append(wait)
                served = getattr(outcome, "delivered", ())
                again.append(item.remaining(served) if served else item)
        self._patience.settle(waits, now=now)
        self._landed(batch, again)
        done = len(batch) - len(again)
        self.waiting -= done - len(failed) - len(self._done)
        self.sent += done - len(failed)
        return failed

    def _landed(self, batch: Batch, again: Sequence[Entry] = ()) -> None:
        self.batcher.done(batch, again=again)
        self._futile = False

    def interrupted(self, batch: Batch, by: BaseException) -> list[NoReplyError]:
        """Return the outcomes of a batch whose sending was ended by what is no Exception."""
        text = f"the sending to {self.connection!r} was interrupted by {type(by).__name__}: it may have been sent"
        error = NoReplyError(text)
        error.__cause__ = by
        return [error] * len(batch)

    def take_done(self) -> list[Watched]:
        """Take what `land` has found to be sent and watched; called with the same hold of the lock."""
        done, self._done = self._done, []
        return done

    def settle(self, failed: int, done: int = 0) -> None:
        """Count what failed for good, and what was sent and is watched, once that was reported."""
        self.waiting -= failed + done
        self.failed += failed

    def give_up(self) -> list[Message]:
        """Empty the queue; returns what will not be sent."""
        dropped: list[Message] = []
        while len(self.batcher):
            dropped += self.batcher.drop_oldest().messages
        self.waiting -= len(dropped)
        self.dropped += len(dropped)
        return dropped

    def abandon(self, batch: Batch) -> list[Message]:
        """Give a batch up that is on its way: nobody will know what became of it."""
        self._landed(batch)
        self.waiting -= len(batch)
        self.dropped += len(batch)
        return [item.messages[0] for item in batch]
