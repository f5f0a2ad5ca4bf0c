"""Seeing what is sent: hooks of your own, OpenTelemetry, Prometheus. Never a payload, a secret or a signature."""

from __future__ import annotations

from broadcastkit.observability.hooks import Drop, DropReason, Hooks, Sending
from broadcastkit.observability.observers import observe

__all__ = ["Drop", "DropReason", "Hooks", "Sending", "observe"]
