"""How long a `Retry-After` says to wait: what of it is kept to, and what nobody gets to see."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broadcastkit.core.retry_after import DAY, seconds_of

# 2026-11-20 10:00:00 UTC
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("3", 3.0),
        (" 3 ", 3.0),
        ("1.5", 1.5),
        ("86400", DAY),
        ("86401", DAY),
        ("9" * 500, DAY),
        ("9" * 5000, DAY),
        # RFC 9110, 5.6.7: the three forms of a date
        ("Fri, 20 Nov 2026 10:00:30 GMT", 30.0),
        ("Friday, 20-Nov-26 10:01:00 GMT", 60.0),
        ("Fri Nov 20 10:00:02 2026", 2.0),
        ("Fri, 20 Nov 2026 11:00:00 +0100", 0.0),
        ("Fri, 20 Nov 2026 09:59:59 GMT", 0.0),
        ("Sat, 01 Jan 0001 00:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2026 10:00:00 GMT", DAY),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
    ],
)
def test_what_is_kept_to(header: str, seconds: float) -> None:
    assert seconds_of(header, NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", " ", "soon", "-1", "-5", "+5", "inf", "-inf", "nan", "1e400", "1e3", "1_0", "0x10", ".5", "5."),
        *("\u0663", "3, 4", "Fri, 32 Nov 2026 10:00:00 GMT", "Fri, 20 Nov 2026 25:00:00 GMT", "Fri, 20 Nov", "GMT"),
        "Fri, 20 Nov 99999 10:00:00 GMT",
    ],
)
def test_what_says_nothing(header: str | None) -> None:
    assert seconds_of(header, NOW) is None


@given(st.text(max_size=60))
@example("Mon, 01 Jan 0001 00:00:00 +9999")
@example("Mon, 31 Dec 9999 23:59:59 -9999")
@example("1 Jan 2026 00:00:00 +99999999999999999999")
def test_whatever_comes_is_a_wait_of_a_day_at_most_or_nothing(header: str) -> None:
    seconds = seconds_of(header, NOW)

    assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= DAY)


@given(st.integers(0, 86_399))
def test_a_date_that_is_so_far_off(seconds: int) -> None:
    when = datetime.fromtimestamp(NOW + seconds, UTC)

    assert seconds_of(format_datetime(when, usegmt=True), NOW) == seconds
