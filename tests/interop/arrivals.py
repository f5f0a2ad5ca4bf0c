"""What a subscriber of CHECKED_CHANNELS has heard, for the suite that every driver passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broadcastkit.testing import CHECKED_CHANNELS, Arrival

__all__ = ["Arrivals"]


class Arrivals:
    """Collects events until a fence has come on every channel."""

    def __init__(self, fence: str) -> None:
        self._fence, self._open = fence, set(CHECKED_CHANNELS)
        self.events: list[Arrival] = []

    def take(self, frame: Mapping[str, Any]) -> bool:
        """Whether more is to come after this."""
        self.events.append(Arrival(frame["event"], frame["channel"], frame["data"]))
        if frame["event"] == self._fence:
            self._open.discard(frame["channel"])
        return bool(self._open)
