"""`Retry-After`, as a number of seconds."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

__all__ = ["DAY", "seconds_of"]

DAY = 86_400.0
"""Seconds that nobody is asked to wait beyond."""
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


def seconds_of(header: str | None, now: float) -> float | None:
    """Return how long a `Retry-After` says to wait: a day at most. What is no number of seconds, nor a date, is None.

    `now` is the time since the epoch, which a date is compared with.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return min(DAY, float(text))
    if not text.isascii():
        return None
    try:
        when = parsedate_to_datetime(text)
        # "-0000" is a time of nobody's; RFC 9110 has all of them in UTC
        seconds = (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, TypeError, IndexError, OverflowError):  # all of them, as the parser happens to meet them
        return None
    return min(DAY, max(0.0, seconds))
