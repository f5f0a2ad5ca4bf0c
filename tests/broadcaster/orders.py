"""Events, and how to send them in either colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from broadcastkit import AnonymousEvent, Channel, Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.broadcaster.stand_ins import Both

    MakeBoth = Callable[..., Both]


class OrderShipped(Event):
    order_id: int
    customer_id: int = Field(exclude=True, default=0)

    def broadcast_on(self) -> Iterator[Channel | str]:
        yield f"private-orders.{self.order_id}"
        yield Channel("shipped")

    def broadcast_when(self) -> bool:
        return self.order_id > 0


class Audited(OrderShipped, via=("main", "audit")):
    pass


def ping(name: str = "ping") -> AnonymousEvent:
    return AnonymousEvent(name, {"name": name}, on="news")


def send(both: Both, event: Any) -> Any:
    return both.run(both.broadcaster.broadcast(event).to_everyone())


def send_many(both: Both, *events: Any) -> Any:
    return both.run(both.broadcaster.broadcast_many(events).to_everyone())
