"""For how long the background waits where a service cannot take a message for the moment. Pure: no I/O, no clock."""

from __future__ import annotations

import math
from collections.abc import Sequence

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.delivery.batching import Item
from broadcastkit.drivers.base import Outcome
from broadcastkit.errors import CircuitOpenError, DeliveryError

__all__ = ["Entry", "Patience"]

_PAUSES = Retry(attempts=2**31, budget=float("inf"), base=0.1, cap=5.0)


class Entry(Item):
    """One message, with the moment it was queued, and the one from which patience with it counts."""

    __slots__ = ("failing", "since")

    def __init__(self, message: Message, since: float, failing: float | None = None) -> None:
        super().__init__((message,))
        self.since: float = since
        self.failing: float | None = failing

    def remaining(self, served: Sequence[str]) -> Entry:
        """Return the entry without the channels that have been served."""
        (message,) = self.messages
        channels = tuple(name for name in message.channels if name not in served)
        return Entry(message._replace(channels=channels), self.since, self.failing)


class Patience:
    """What the answers so far mean for those that wait: when the next request may leave, and who is given up.

    Patience counts from the first failure, so that time in the queue takes nothing of it; with what was queued before
    an outage, from the outage's, or a long queue would be given up one request after another, each in its own time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._failures = 0
        self._outage: float | None = None  # since when nothing but failures came back
        self._asked = -math.inf  # until when the service has asked to be left alone
        self._backoff = -math.inf  # until when nothing is sent, unless a request gets through

    def pause(self, now: float) -> float:
        """Return for how many seconds nothing may be sent; 0 if something may."""
        return max(self._asked - now, self._backoff - now, 0.0)

    def meet(self, outcomes: Sequence[Outcome | Exception], *, now: float) -> None:
        """Note the answers for a batch, before it is asked what to `wait` for each."""
        passing = [error for error in outcomes if _passes(error)]
        if len(passing) < len(outcomes):
            self._outage = None
        elif self._outage is None:
            self._outage = now
        for error in passing:
            asked = None if isinstance(error, CircuitOpenError) else getattr(error, "retry_after", None)
            if asked is not None:
                self._asked = max(self._asked, now + min(asked, self._seconds))

    def wait(self, entry: Entry, error: Exception, *, now: float, jitter: float) -> float | None:
        """Return the seconds after which an entry is to be tried again; None gives it up."""
        if not isinstance(error, DeliveryError):
            return None
        wait = _PAUSES.wait(error, attempt=self._failures + 1, elapsed=0.0, jitter=jitter)
        if wait is None:
            return None
        ends = self._ends(entry, now)
        asked = error.retry_after
        if isinstance(error, CircuitOpenError):
            # nobody has asked the service: once the circuit lets a message through, this one has a last try
            return None if asked is not None and now > ends else wait
        if now >= ends or (asked is not None and now + asked > ends):
            return None
        return min(wait, ends - now)  # the last try is at the end, and not before it

    def _ends(self, entry: Entry, now: float) -> float:
        if entry.failing is None:
            entry.failing = now if self._outage is None else max(entry.since, self._outage)
        return entry.failing + self._seconds

    def settle(self, waits: Sequence[float], *, now: float) -> None:
        """Pause for what `wait` has said of a batch's items that are tried again, if any are."""
        self._failures = self._failures + 1 if waits else 0
        self._backoff = now + max(waits) if waits else -math.inf


def _passes(outcome: Outcome | Exception) -> bool:
    """Whether it is an error of the service that the same message may not meet again."""
    return isinstance(outcome, DeliveryError) and _PAUSES.wait(outcome, attempt=1, elapsed=0.0, jitter=0.0) is not None
