"""Hooks that remember what they were told."""

from __future__ import annotations

from broadcastkit.observability import Drop, Hooks, Sending

__all__ = ["Recorded"]


class Recorded(Hooks):
    def __init__(self) -> None:
        self.sent: list[Sending] = []
        self.failed: list[tuple[Sending, Exception]] = []
        self.dropped: list[Drop] = []

    def on_sent(self, sending: Sending) -> None:
        self.sent.append(sending)

    def on_failed(self, sending: Sending, error: Exception) -> None:
        self.failed.append((sending, error))

    def on_dropped(self, drop: Drop) -> None:
        self.dropped.append(drop)
