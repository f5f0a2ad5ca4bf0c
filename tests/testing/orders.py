"""Events and a delivery for the tests of the fake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broadcastkit import (
    AnonymousEvent,
    Event,
    PrivateChannel,
)
from broadcastkit.delivery import Delivery, Queued
from broadcastkit.drivers.null import NullDriver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import AsyncDriver, Driver


class OrderShipped(Event):
    order_id: int
    note: str = ""

    def broadcast_on(self) -> list[PrivateChannel]:
        return [PrivateChannel(f"orders.{self.order_id}"), PrivateChannel("warehouse")]

    def broadcast_when(self) -> bool:
        return self.note != "quiet"


class OrderShippedAbroad(OrderShipped):
    pass


class Invoiced(Event, name="invoiced", via=("pusher", "log")):
    number: str

    def broadcast_on(self) -> str:
        return "private-books"


def ping(number: int = 1) -> AnonymousEvent:
    return AnonymousEvent("ping", {"number": number}, on="news")


class QueueingDelivery(Delivery):
    """Takes messages for later, and never sends one."""

    def __init__(self) -> None:
        self.taken: list[Message] = []

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> list[Queued]:
        self.taken += messages
        return [Queued() for _ in messages]

    async def adeliver(self, connection: str, driver: AsyncDriver, messages: Sequence[Message]) -> list[Queued]:
        return self.deliver(connection, NullDriver(), messages)
