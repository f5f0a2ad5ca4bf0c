"""For tests: a fake that records what was broadcast, assertions about rules, and the suite for drivers.

Nothing here needs pytest; with pytest, the fixture `broadcasts` yields what `fake_broadcasts()` does.
"""

from __future__ import annotations

from broadcastkit.testing.broadcasts import Broadcasts
from broadcastkit.testing.case import BroadcastTestCase
from broadcastkit.testing.conformance import check_async_driver, check_driver
from broadcastkit.testing.fake import fake_broadcasts
from broadcastkit.testing.records import RecordedBroadcast
from broadcastkit.testing.rules import assert_authorized, assert_denied
from broadcastkit.testing.suite import CHECKED_CHANNELS, Arrival
from broadcastkit.testing.suppression import suppress

__all__ = [
    "CHECKED_CHANNELS",
    "Arrival",
    "BroadcastTestCase",
    "Broadcasts",
    "RecordedBroadcast",
    "assert_authorized",
    "assert_denied",
    "check_async_driver",
    "check_driver",
    "fake_broadcasts",
    "suppress",
]
