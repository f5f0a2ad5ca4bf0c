"""When a message leaves: at once, later, or with a transaction."""

from __future__ import annotations

from broadcastkit.delivery.base import Delivery, Queued
from broadcastkit.delivery.inline import Inline

__all__ = ["Delivery", "Inline", "Queued"]
