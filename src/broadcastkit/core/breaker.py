"""When to stop asking a service that does not answer: one circuit for each connection. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broadcastkit.errors import ConfigurationError, ServiceFailedError, UnreachableError

__all__ = ["Breaker", "Circuit"]

_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Breaker:
    """After `failures` failed sends in a row, nothing is sent for `cooldown` seconds; then one send is let through.

    A send has failed, for this, if the service was not reached or answered 5xx, for all of its messages and after all
    of its retries. A service that refuses what it is sent (4xx, 429) is there.
    """

    failures: int = 5
    cooldown: float = 30.0

    def __post_init__(self) -> None:
        failures: object = self.failures
        if type(failures) is not int or failures < 1:
            raise ConfigurationError(f"must be a number from 1, not {failures!r}", setting="breaker.failures")
        cooldown: object = self.cooldown
        if isinstance(cooldown, bool) or not isinstance(cooldown, (int, float)) or not cooldown > 0:
            raise ConfigurationError(
                f"must be a number of seconds over 0, not {cooldown!r}", setting="breaker.cooldown"
            )


class Circuit:
    """Whether a service may be asked. Not locked: the shell sees to that."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._failures = 0
        self._open_until: float | None = None

    def wait(self, now: float) -> float | None:
        """Return the seconds until the service may be asked again, or None to ask it now.

        When the time is over, the first caller is let through, and the others wait for what comes of that.
        """
        until = self._open_until
        if until is None:
            return None
        if now < until:
            return until - now
        self._open_until = now + self._breaker.cooldown
        return None

    def note(self, outcomes: Sequence[object], now: float) -> bool | None:
        """Take note of what came of a send; returns True if the circuit has opened now, False if it has closed."""
        if not outcomes or not all(map(_is_failure, outcomes)):
            was_open, self._open_until, self._failures = self._open_until is not None, None, 0
            return False if was_open else None
        self._failures += 1
        if self._failures < self._breaker.failures:
            return None
        was_open, self._open_until = self._open_until is not None, now + self._breaker.cooldown
        return None if was_open else True


def _is_failure(outcome: object) -> bool:
    if isinstance(outcome, ServiceFailedError):
        return (outcome.status or _SERVER_ERROR) >= _SERVER_ERROR
    return isinstance(outcome, UnreachableError)
