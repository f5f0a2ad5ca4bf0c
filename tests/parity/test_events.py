"""What a Laravel event class may define, and what comes of it here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import Broadcaster, Channel, Event, PresenceChannel, broadcast, configure
from broadcastkit.delivery import Inline, Queued
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.errors import BroadcastError, ConfigurationError, ServiceFailedError
from broadcastkit.events import Debounce, Unique
from tests.parity.tools import OrderChannel, OrderShipped, Service, kept

if TYPE_CHECKING:
    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome


class Names(StrEnum):
    SHIPPED = "order.shipped"


class Places(StrEnum):
    REDIS = "redis"


def sent_by(event: Any) -> list[tuple[str, tuple[str, ...], Any]]:
    driver = MemoryDriver()
    Broadcaster(driver).broadcast(event).to_everyone()
    return kept(driver)


def test_should_broadcast() -> None:
    driver = MemoryDriver()
    configure(Broadcaster(driver))

    broadcast(OrderShipped(id=7)).to_everyone()

    assert kept(driver) == [("order.shipped", ("private-orders.7",), {"id": 7})]


def test_should_broadcast_now(service: Service) -> None:
    receipt = service.broadcaster.broadcast(OrderShipped(id=7)).to_everyone()

    assert (receipt.delivered, receipt.queued, len(service.requests)) == (True, False, 1)


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (Channel("orders"), ("orders",)),
        # a text is the whole name, as in Laravel: 'orders.1' is public, 'private-x' is not
        ("orders.1", ("orders.1",)),
        ("private-x", ("private-x",)),
        ([OrderChannel(order_id=1), PresenceChannel("room.2"), "pub"], ("private-orders.1", "presence-room.2", "pub")),
    ],
)
def test_broadcast_on(where: Any, names: tuple[str, ...]) -> None:
    class Heard(Event):
        def broadcast_on(self) -> Any:
            return where

    class Yielded(Event):
        def broadcast_on(self) -> Any:
            yield from where if isinstance(where, list) else [where]

    assert sent_by(Heard()) == [("heard", names, {})]
    assert sent_by(Yielded()) == [("yielded", names, {})]


def test_broadcast_on_nobody() -> None:
    class Unheard(Event):
        def broadcast_on(self) -> Any:
            return []

    class Forgotten(Event):
        def broadcast_on(self) -> Any:
            return None

    assert sent_by(Unheard()) == []
    with pytest.raises(ConfigurationError, match="returned None"):
        sent_by(Forgotten())


def test_broadcast_on_by_connection() -> None:
    pusher, redis = MemoryDriver(), MemoryDriver()
    broadcaster = Broadcaster({"pusher": pusher, "redis": redis}, default="pusher")

    event = OrderShipped(id=7)
    broadcaster.broadcast(event).to_everyone()
    broadcaster.broadcast(event).via("redis").on("warehouse").to_everyone()

    assert kept(pusher) == [("order.shipped", ("private-orders.7",), {"id": 7})]
    assert kept(redis) == [("order.shipped", ("warehouse",), {"id": 7})]


def test_broadcast_as(service: Service) -> None:
    class Derived(OrderShipped, name=Names.SHIPPED):
        pass

    # what an Echo that was told nothing of names listens for
    class AsInLaravel(OrderShipped, name=r"App\Events\OrderShipped"):
        pass

    for event in (Derived(id=7), AsInLaravel(id=7)):
        service.broadcaster.broadcast(event).to_everyone()

    # Laravel writes the second one as "name":"App\\Events\\OrderShipped"
    assert [request.content.partition(b',"data"')[0] for request in service.requests] == [
        rb'{"name":"order.shipped"',
        rb'{"name":"App\\Events\\OrderShipped"',
    ]


def test_default_event_name() -> None:
    class OrderWasShipped(Event):
        def broadcast_on(self) -> Any:
            return "orders"

    assert sent_by(OrderWasShipped()) == [("order.was.shipped", ("orders",), {})]


def test_broadcast_with() -> None:
    class Custom(OrderShipped):
        def broadcast_with(self) -> Any:
            # a key of this name is nothing special: Laravel overwrites it
            return {"order": {"id": self.id}, "socket": "mine"}

    driver = MemoryDriver()
    Broadcaster(driver).broadcast(Custom(id=7)).to_others("123.456")

    assert kept(driver) == [("order.shipped", ("private-orders.7",), {"order": {"id": 7}, "socket": "mine"})]


def test_broadcast_with_by_connection() -> None:
    """A key is a key, also if a connection is called so; Laravel sends what it holds in the place of the payload."""

    class Custom(OrderShipped):
        def broadcast_with(self) -> Any:
            return {"id": self.id, "default": {"stock": 3}}

    assert sent_by(Custom(id=7)) == [("order.shipped", ("private-orders.7",), {"id": 7, "default": {"stock": 3}})]


def test_public_properties() -> None:
    """The declared fields are sent; what steers the broadcast is no field, and what the row has besides stays there."""

    class Order:
        id = 7
        # as in an event of Laravel's that has them in public: each of them reaches the browser there
        connection, queue, tries, after_commit = "redis", "high", 3, True

    class Steered(OrderShipped, via="default"):
        pass

    assert sent_by(Steered(Order())) == [("order.shipped", ("private-orders.7",), {"id": 7})]


def test_broadcast_when() -> None:
    asked = []

    class Large(OrderShipped):
        def broadcast_when(self) -> bool:
            asked.append(self.id)
            return self.id > 10

    assert sent_by(Large(id=7)) == []
    assert sent_by(Large(id=11)) == [("order.shipped", ("private-orders.11",), {"id": 11})]
    assert asked == [7, 11]


def test_broadcast_connections() -> None:
    """All are tried: in Laravel the first that fails keeps the rest from being sent, and a retry doubles the others."""

    class Everywhere(OrderShipped, via=("pusher", Places.REDIS)):
        pass

    redis = MemoryDriver()
    broadcaster = Broadcaster(
        {"default": MemoryDriver(), "pusher": Service(500, "down").driver, "redis": redis}, default="default"
    )

    with pytest.raises(ServiceFailedError) as raised:
        broadcaster.broadcast(Everywhere(id=7)).to_everyone()

    (receipt,) = raised.value.receipts
    assert [(done.connection, done.error is None) for done in receipt.connections] == [
        ("pusher", False),
        ("redis", True),
    ]
    assert kept(redis) == [("order.shipped", ("private-orders.7",), {"id": 7})]


def test_should_rescue(caplog: pytest.LogCaptureFixture) -> None:
    broadcaster = Broadcaster(Service(500, "down").driver, on_error="report")

    with caplog.at_level(logging.ERROR, logger="broadcastkit"):
        receipt = broadcaster.broadcast(OrderShipped(id=7)).to_everyone()

    assert isinstance(receipt.error, ServiceFailedError)
    assert "broadcast failed" in caplog.text


def test_failed() -> None:
    failures: list[BroadcastError] = []
    broadcaster = Broadcaster(Service(500, "down").driver, on_error=failures.append)

    broadcaster.broadcast(OrderShipped(id=7)).to_everyone()

    assert [type(error) for error in failures] == [ServiceFailedError]


class Later(Inline):
    """Keeps messages until it is told to send them, as a queue does."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Driver, Message]] = []

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Any]:
        self.waiting += [(driver, message) for message in messages]
        return [Queued() for _ in messages]

    async def adeliver(self, connection: str, driver: AsyncDriver, messages: Sequence[Message]) -> Sequence[Outcome]:
        raise NotImplementedError

    def work(self) -> None:
        for driver, message in self.waiting:
            driver.send([message])


def test_serializes_models() -> None:
    """What was true when it was broadcast is sent; in Laravel, what the row says when the worker gets to it."""
    driver, later = MemoryDriver(), Later()
    row = {"id": 7}
    receipt = Broadcaster(driver, delivery=later).broadcast(OrderShipped(row)).to_everyone()

    row.clear()  # changed, or deleted
    later.work()

    assert receipt.queued
    assert kept(driver) == [("order.shipped", ("private-orders.7",), {"id": 7})]


def test_job_middleware() -> None:
    """What is to happen around each sending is a delivery of one's own."""
    seen: list[str] = []

    class Watched(Inline):
        def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Outcome]:
            seen.extend(f"{connection}: {message.event}" for message in messages)
            return super().deliver(connection, driver, messages)

    driver = MemoryDriver()
    Broadcaster(driver, delivery=Watched()).broadcast(OrderShipped(id=7)).to_everyone()

    assert (seen, len(driver.messages)) == (["default: order.shipped"], 1)


def test_should_be_unique() -> None:
    """Laravel's lock is of the class and `uniqueId`, for `uniqueFor` seconds or until it was sent: the first wins."""
    repeats: list[str | None] = []

    class Report(Event, unique=Unique(60.0, per="id")):
        id: int

        def broadcast_on(self) -> Any:
            return Channel("reports")

    class Service(MemoryDriver):
        def send(self, messages: Sequence[Message]) -> list[Outcome]:
            if not repeats:  # while the first one is being sent
                repeats.extend(broadcaster.broadcast(Report(id=n)).to_everyone().dropped for n in (1, 2, 1))
            return super().send(messages)

    broadcaster = Broadcaster(Service())

    assert broadcaster.broadcast(Report(id=1)).to_everyone().delivered
    assert repeats == ["unique", None, "unique"]
    assert broadcaster.broadcast(Report(id=1)).to_everyone().delivered


def test_debounce_for() -> None:
    """`#[DebounceFor(30, maxWait: 60)]`: the last one wins, after 30 seconds of quiet, and waits no longer than 60."""

    class Report(Event, debounce=Debounce(30, max_wait=60)):
        id: int

        def broadcast_on(self) -> Any:
            return Channel("reports")

    driver = MemoryDriver()
    with Broadcaster(driver) as broadcaster:
        assert all(broadcaster.broadcast(Report(id=n)).to_everyone().queued for n in (1, 2, 3))
        assert kept(driver) == []

    assert kept(driver) == [("report", ("reports",), {"id": 3})]
