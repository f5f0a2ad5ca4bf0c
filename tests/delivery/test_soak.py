"""A short soak of `Background`; the long one is `python -m benchmarks.soak`."""

from __future__ import annotations

import pytest

from benchmarks.soak import Heard, soak

pytestmark = pytest.mark.real

EVENTS = 20_000


def test_a_busy_background_loses_nothing_keeps_the_order_and_gives_memory_back() -> None:
    found = soak(EVENTS)
    assert found.sent == EVENTS
    assert found.heard == Heard(EVENTS, out_of_order=0)
    assert found.growth < 0.2
