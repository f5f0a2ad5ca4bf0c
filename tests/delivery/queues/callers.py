"""The caller's side of an application: its driver sends nothing, so that what arrives was sent by a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.drivers.null import NullDriver

if TYPE_CHECKING:
    from broadcastkit.delivery import Delivery
    from broadcastkit.events import Broadcastable

__all__ = ["EVENT", "broadcast"]

EVENT = AnonymousEvent("shipped", {"text": "t0psecret"}, on=["a", "b"])


def broadcast(delivery: Delivery, event: Broadcastable = EVENT) -> None:
    assert Broadcaster({"main": NullDriver()}, delivery=delivery).broadcast(event).to_everyone().queued
