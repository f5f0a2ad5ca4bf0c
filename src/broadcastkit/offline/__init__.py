"""Telling who is not there: functions that run after a broadcast to somebody's channel, if nobody is subscribed to it.

`broadcastkit.offline.email` and `broadcastkit.offline.push` have senders for them.
"""

from __future__ import annotations

from broadcastkit.offline.fallbacks import Fallbacks
from broadcastkit.offline.missed import Missed

__all__ = ["Fallbacks", "Missed"]
