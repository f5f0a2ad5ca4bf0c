"""The same words for async code: `from broadcastkit.aio import broadcast`, and `await` the terminals."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any

from broadcastkit.default import default_async_broadcaster
from broadcastkit.events.base import Broadcastable
from broadcastkit.pending import PendingBroadcast, Receipt

__all__ = ["broadcast", "broadcast_many"]


def broadcast(event: Broadcastable) -> PendingBroadcast[Coroutine[Any, Any, Receipt]]:
    """Begin a broadcast of one event; `await` its `.to_others()` or `.to_everyone()` to send it."""
    return default_async_broadcaster().broadcast(event)


def broadcast_many(events: Iterable[Broadcastable]) -> PendingBroadcast[Coroutine[Any, Any, tuple[Receipt, ...]]]:
    """Begin a broadcast of several events, in as few requests as the service allows."""
    return default_async_broadcaster().broadcast_many(events)
