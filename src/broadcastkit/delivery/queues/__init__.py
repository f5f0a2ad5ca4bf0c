"""Deliveries by task queues: workers send what was broadcast. Each adapter is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from broadcastkit.core.lazy import lazy_names

if TYPE_CHECKING:
    from broadcastkit.delivery.queues.base import QueueDelivery
    from broadcastkit.delivery.queues.celery import CeleryDelivery
    from broadcastkit.delivery.queues.dramatiq import DramatiqDelivery
    from broadcastkit.delivery.queues.rq import RQDelivery
    from broadcastkit.delivery.queues.taskiq import TaskiqDelivery

__getattr__: Callable[[str], Any] = lazy_names(
    __name__,
    {
        "CeleryDelivery": f"{__name__}.celery",
        "DramatiqDelivery": f"{__name__}.dramatiq",
        "QueueDelivery": f"{__name__}.base",
        "RQDelivery": f"{__name__}.rq",
        "TaskiqDelivery": f"{__name__}.taskiq",
    },
)

__all__ = ["CeleryDelivery", "DramatiqDelivery", "QueueDelivery", "RQDelivery", "TaskiqDelivery"]
