"""What background delivery decides: what is queued, what a failure means, and what is counted. No I/O, no waiting."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.delivery.batching import MOST, Batch, Batcher, Item, batch_limit
from broadcastkit.delivery.telling import Failures, tell_dropped
from broadcastkit.delivery.watched import Watched, settle
from broadcastkit.drivers.base import Outcome
from broadcastkit.errors import (
    CircuitOpenError,
    ConfigurationError,
    DeliveryError,
    NoReplyError,
    NotSentError,
    QueueFullError,
)

if TYPE_CHECKING:
    from broadcastkit.observability.hooks import DropReason

__all__ = ["Backlog", "FailureHook", "Overflow", "Policy", "Statistics"]

Overflow: TypeAlias = Literal["wait", "refuse", "drop_oldest"]
FailureHook: TypeAlias = Callable[[str, Message, Exception], None]
"""Gets the connection's name, the message that will not arrive, and why."""

_log = logging.getLogger("broadcastkit.delivery")

_OVERFLOWS = get_args(Overflow)
_PAUSES = Retry(attempts=2**31, budget=float("inf"), base=0.1, cap=5.0)


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


class _Entry(Item):
    """One message, with the moment it was queued."""

    __slots__ = ("since",)

    def __init__(self, message: Message, since: float) -> None:
        super().__init__((message,))
        self.since = since


class Backlog:
    """The messages that wait for one connection. Not locked: the shells see to that."""

    def __init__(self, connection: str, policy: Policy, driver: object) -> None:
        self.connection = connection
        self.policy = policy
        self.batcher: Batcher = Batcher(batch_limit(driver) or 1, most=MOST, free=1)
        self._driver = driver
        self._log = Failures(_log)
        self.waiting: int = 0
        self.sent: int = 0
        self.failed: int = 0
        self.dropped: int = 0
        self.worth_taking: bool = False
        """Whether a sender should look, after the last `put`."""
        self._done: list[Watched] = []
        self._failures = 0

    def room(self, count: int) -> bool:
        """Whether so many more may come now; False asks the caller to wait.

        Raises:
            QueueFullError: the policy is to refuse.
        """
        overflow, size, queued = self.policy.overflow, self.policy.size, len(self.batcher)
        # into an empty queue always: it will not get any emptier
        if queued + count <= size or not queued or overflow == "drop_oldest":
            return True
        if overflow == "wait":
            return False
        raise QueueFullError(f"{queued} messages wait for the connection {self.connection!r}, and {size} may")

    def put(self, messages: Sequence[Message], now: float) -> list[Message]:
        """Queue messages; returns those that had to go for them."""
        dropped: list[Message] = []
        while len(self.batcher) and len(self.batcher) + len(messages) > self.policy.size:
            dropped += self.batcher.drop_oldest().messages
        for message in messages:
            self.worth_taking = self.batcher.put(_Entry(message, now))
        self.waiting += len(messages) - len(dropped)
        self.dropped += len(dropped)
        return dropped

    def land(
        self, batch: Batch, outcomes: Sequence[Outcome | Exception], *, now: float, jitter: float
    ) -> tuple[float, list[tuple[Message, Exception]]]:
        """Take the answers for a batch; returns the seconds to pause before the next one, and what failed for good.

        What the service could not take for the moment goes back to the front, in order, until `patience` is over. What
        failed, or was sent and is watched, counts as waiting until that was reported, and `settle` is called.
        """
        again: list[Item] = []
        failed: list[tuple[Message, Exception]] = []
        pause = 0.0
        for item, outcome in zip(batch, outcomes, strict=True):
            if not isinstance(outcome, Exception):
                if isinstance(item.messages[0], Watched):
                    self._done.append(item.messages[0])
                continue
            wait = self._pause(item, outcome, now=now, jitter=jitter)
            if wait is None:
                failed.append((item.messages[0], outcome))
            else:
                pause = max(pause, wait)
                again.append(_remaining(item, outcome))
        done = len(batch) - len(again)
        self._failures = self._failures + 1 if again else 0
        self.batcher.done(batch, again=again)
        self.waiting -= done - len(failed) - len(self._done)
        self.sent += done - len(failed)
        return pause, failed

    def take_done(self) -> list[Watched]:
        """Take what `land` has found to be sent and watched; called with the same hold of the lock."""
        done, self._done = self._done, []
        return done

    def settle(self, failed: int, done: int = 0) -> None:
        """Count what failed for good, and what was sent and is watched, once that was reported."""
        self.waiting -= failed + done
        self.failed += failed

    def _pause(self, item: Item, error: Exception, *, now: float, jitter: float) -> float | None:
        if not isinstance(error, DeliveryError) or not isinstance(item, _Entry):
            return None
        wait = _PAUSES.wait(error, attempt=self._failures + 1, elapsed=0.0, jitter=jitter)
        if wait is None:
            return None
        ends = item.since + self.policy.patience
        if isinstance(error, CircuitOpenError):
            # nobody has asked the service: once the circuit lets a message through, this one has a last try
            return None if error.retry_after is not None and now > ends else wait
        return None if now + wait > ends else wait

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
        self.batcher.done(batch)
        self.waiting -= len(batch)
        self.dropped += len(batch)
        return [item.messages[0] for item in batch]

    # -- telling ---------------------------------------------------------------------------------------------------

    def report(self, failed: Sequence[tuple[Message, Exception]], reason: DropReason = "failed") -> None:
        """Tell the hook of each message that will not arrive, or the log of all in one line."""
        tell_dropped(self._driver, self.connection, failed, reason)
        settle(message for message, _ in failed)
        hook = self.policy.on_failed
        if hook is None:
            if failed:
                message, error = failed[0]
                words, count, connection = "%d message(s) to %r failed; %r", len(failed), self.connection
                self._log.log(
                    words,
                    *(count, connection, message.event),
                    error=error,
                    connection=connection,
                    event=message.event,
                    messages=count,
                )
            return
        for message, error in failed:
            try:
                hook(self.connection, message, error)
            except Exception:  # noqa: BLE001 - it must not end the background
                _log.exception("on_failed failed", extra={"broadcast_connection": self.connection})

    def report_overflow(self, dropped: Sequence[Message]) -> None:
        """Report messages that had to go for newer ones."""
        full = QueueFullError(f"dropped: {self.policy.size} newer messages wait for {self.connection!r}")
        self.report([(message, full) for message in dropped], "overflow")

    def report_unsent(self, unsent: Sequence[Message]) -> None:
        """Report messages that were not sent when time was up."""
        late = NotSentError(f"not sent to {self.connection!r} before the end")
        self.report([(message, late) for message in unsent], "unsent")

    def report_unanswered(self, abandoned: Sequence[Message]) -> None:
        """Report messages that were on their way when time was up: they may arrive."""
        unknown = NoReplyError(f"no answer from {self.connection!r} before the end: it may have been sent")
        self.report([(message, unknown) for message in abandoned], "unsent")


def _remaining(item: Item, error: Exception) -> Item:
    """Return the item without the channels that have been served."""
    served = getattr(error, "delivered", ())
    if not served or not isinstance(item, _Entry):
        return item
    message = item.messages[0]
    return _Entry(message._replace(channels=tuple(n for n in message.channels if n not in served)), item.since)
