"""When to try again: one policy, for both colours and every driver."""

from __future__ import annotations

from dataclasses import dataclass

from broadcastkit.errors import ConfigurationError, DeliveryError, NoReplyError, UnreachableError

__all__ = ["OUTAGE", "Retry", "is_outage"]

OUTAGE = frozenset({401, 403, 404, 429, 502, 503, 504})
"""The statuses that say something of the app, of the service or of what is between, and nothing of the event."""
_PASSING = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retry:
    """Attempts and a budget in seconds for each request; waits grow by doubling, with full jitter.

    Retried: no connection, a connection that broke, 429 (its `Retry-After` is kept to), 502-504. A read timeout is
    retried only with `after_timeout=True`: the service may have acted, and the API has no idempotency key.
    """

    attempts: int = 3
    budget: float = 10.0
    base: float = 0.1
    cap: float = 2.0
    after_timeout: bool = False

    def __post_init__(self) -> None:
        attempts: object = self.attempts
        if type(attempts) is not int or attempts < 1:
            raise ConfigurationError(f"must be a number from 1, not {attempts!r}", setting="retry.attempts")
        for name in ("budget", "base", "cap"):
            value: object = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
                raise ConfigurationError(f"must be a number of seconds from 0, not {value!r}", setting=f"retry.{name}")
        after: object = self.after_timeout
        if not isinstance(after, bool):
            raise ConfigurationError(f"must be True or False, not {after!r}", setting="retry.after_timeout")

    def wait(self, error: DeliveryError, *, attempt: int, elapsed: float, jitter: float) -> float | None:
        """Return the seconds to wait before attempt + 1, or None to give up. `jitter` is between 0 and 1."""
        if attempt >= self.attempts or not self._worth_it(error):
            return None
        wait = min(self.cap, self.base * 2.0 ** min(attempt - 1, 62)) * jitter
        if error.retry_after is not None:
            wait = max(wait, error.retry_after)
        return wait if elapsed + wait <= self.budget else None

    def _worth_it(self, error: DeliveryError) -> bool:
        if isinstance(error, NoReplyError):
            return self.after_timeout
        if error.status is not None:
            return error.status in _PASSING
        return error.retryable


def is_outage(error: DeliveryError) -> bool:
    """Whether an error concerns everyone, and not the event that met with it: whatever is sent now fails like it."""
    return isinstance(error, UnreachableError) or error.status in OUTAGE
