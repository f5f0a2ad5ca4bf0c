"""A driver that lets a test wait for what arrives."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from broadcastkit.drivers.memory import MemoryDriver

if TYPE_CHECKING:
    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import Outcome

__all__ = ["Arrivals"]

SECONDS = 60.0


class Arrivals(MemoryDriver):
    """Lets a test wait for what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self._came = threading.Condition()

    def take(self, message: Message) -> Outcome:
        with self._came:
            self._came.notify_all()
            return super().take(message)

    def wait_for(self, *events: str) -> None:
        """Wait until just these have come, in this order; one may have come twice, as promised at least once."""
        with self._came:
            came = self._came.wait_for(lambda: [*dict.fromkeys(m.event for m in self.messages)] == [*events], SECONDS)
            assert came, self.messages
