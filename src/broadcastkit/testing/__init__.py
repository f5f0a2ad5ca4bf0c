"""For tests: a fake that records what was broadcast, and the suite by which a driver proves itself.

Nothing here needs pytest; with pytest, the fixture `broadcasts` yields what `fake_broadcasts()` does.
"""

from __future__ import annotations

from broadcastkit.testing.conformance import check_async_driver, check_driver
from broadcastkit.testing.fake import Broadcasts, fake_broadcasts
from broadcastkit.testing.records import RecordedBroadcast
from broadcastkit.testing.suite import CHECKED_CHANNELS, Arrival

__all__ = [
    "CHECKED_CHANNELS",
    "Arrival",
    "Broadcasts",
    "RecordedBroadcast",
    "check_async_driver",
    "check_driver",
    "fake_broadcasts",
]
