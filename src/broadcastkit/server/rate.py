"""How often something may happen. No clock: the time is an argument."""

from __future__ import annotations

__all__ = ["RateLimit"]


class RateLimit:
    """A token bucket: `burst` at once, `per_second` on average."""

    __slots__ = ("_burst", "_per_second", "_tokens", "_updated")

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._updated = now

    def allows(self, now: float) -> bool:
        """Whether it may happen once more, now; counts it if so."""
        # max: a clock that steps back must not take tokens away
        earned = max(0.0, now - self._updated) * self._per_second
        self._tokens = min(self._burst, self._tokens + earned)
        self._updated = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
