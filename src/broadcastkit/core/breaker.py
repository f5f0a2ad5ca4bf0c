"""When to stop asking a service that does not answer: one circuit for each connection. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broadcastkit.errors import (
    ConfigurationError,
    DeliveryError,
    NotSentError,
    ServiceFailedError,
    UnreachableError,
)

__all__ = ["Breaker", "Circuit"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """After `failures` failed sends in a row, nothing is sent for `cooldown` seconds; then one send is let through.

    A send has failed, for this, if the service was not reached, or answered 5xx or what is no reply of its API: for all
    of its messages, and after all of its retries. A service that refuses what it is sent (4xx, 429) is there.
    """

    failures: int = 5
    cooldown: float = 30.0

    def __post_init__(self) -> None:
        failures: object = self.failures
        if type(failures) is not int or failures < 1:
            raise ConfigurationError(f"must be a number from 1, not {failures!r}", setting="breaker.failures")
        cooldown: object = self.cooldown
        if isinstance(cooldown, bool) or not isinstance(cooldown, (int, float)) or not 0 < cooldown < float("inf"):
            raise ConfigurationError(
                f"must be a number of seconds over 0, not {cooldown!r}", setting="breaker.cooldown"
            )


class Circuit:
    """Whether a service may be asked. Not locked: the shell sees to that.

    `turn` changes whenever it opens, lets a trial through or closes. Who is let through keeps it, and says it with what
    came of the send, so that what began in an earlier turn is told from the trial.
    """

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._failures = 0
        self._open_until: float | None = None
        self._trying = False
        self.turn: int = 0

    def wait(self, now: float) -> float | None:
        """Return the seconds until the service may be asked again, or None to ask it now.

        When the cooldown is over, one caller is let through. Until that one says what came of it, for a cooldown at
        most, the others get 0: nobody knows how long it takes.
        """
        if self._open_until is None:
            return None
        if now < self._open_until:
            return 0.0 if self._trying else self._open_until - now
        self._set(now + self._breaker.cooldown, trying=True)
        return None

    def note(self, outcomes: Sequence[object], now: float, turn: int) -> bool | None:
        """Take note of what came of a send; returns True if the circuit has opened now, False if it has closed.

        What was refused or raised here says nothing about the service; if it was the trial, the next is one. A failure
        of an earlier turn is no news; an answer is, whenever it was asked for.
        """
        told = [outcome for outcome in outcomes if not _says_nothing(outcome)]
        was_open = self._open_until is not None
        if not all(isinstance(outcome, UnreachableError | ServiceFailedError) for outcome in told):
            self._failures = 0
            if was_open:
                self._set(None)
            return False if was_open else None
        if turn != self.turn:
            return None
        if not told:
            if self._trying:
                self._set(now)
            return None
        self._failures += 1
        if self._failures < self._breaker.failures:
            return None
        self._set(now + self._breaker.cooldown)
        return None if was_open else True

    def _set(self, open_until: float | None, *, trying: bool = False) -> None:
        self._open_until, self._trying = open_until, trying
        self.turn += 1


def _says_nothing(outcome: object) -> bool:
    if isinstance(outcome, DeliveryError):
        return isinstance(outcome, NotSentError)
    return isinstance(outcome, BaseException)
