"""When a message leaves: at once, later, or with a transaction."""

from __future__ import annotations

from broadcastkit.delivery.background import Background
from broadcastkit.delivery.backlog import Statistics
from broadcastkit.delivery.base import Delivery, Queued, TransactionalDelivery
from broadcastkit.delivery.inline import Inline

__all__ = ["Background", "Delivery", "Inline", "Queued", "Statistics", "TransactionalDelivery"]
