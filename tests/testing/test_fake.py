"""The fake: what it records, in which colour, thread and task, and what assertions say of it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from broadcastkit import (
    AnonymousEvent,
    Event,
    PrivateChannel,
    aio,
    broadcast,
    broadcast_many,
)
from broadcastkit.channels import UserChannel
from broadcastkit.errors import (
    InvalidChannelError,
)
from broadcastkit.socket_id import socket_id_scope
from broadcastkit.testing import Broadcasts, RecordedBroadcast, fake_broadcasts
from tests.testing.orders import Invoiced, OrderShipped, OrderShippedAbroad, ping

# -- what a record holds -----------------------------------------------------------------------------------------------


def test_a_record_holds_the_event_and_all_that_was_decided_about_it() -> None:
    event = OrderShipped(order_id=7, note="naïve ✓")

    with fake_broadcasts() as broadcasts, socket_id_scope("12.34"):
        broadcast(event).to_others()

    assert broadcasts.recorded == [
        RecordedBroadcast(
            event_name="order.shipped",
            event=event,
            channels=("private-orders.7", "private-warehouse"),
            payload={"order_id": 7, "note": "naïve ✓"},
            to_others=True,
            excluded_socket="12.34",
            connections=("default",),
        )
    ]
    assert broadcasts.recorded[0].event is event
    assert repr(broadcasts) == (
        "<Broadcasts [<RecordedBroadcast 'order.shipped' on private-orders.7, private-warehouse>]>"
    )


def test_to_others_is_recorded_as_it_was_asked_for_whoever_the_current_client_was() -> None:
    with fake_broadcasts() as broadcasts:
        broadcast(ping(1)).to_others()
        broadcast(ping(2)).to_others("12.34")
        broadcast(ping(3)).to_others("undefined")
        with socket_id_scope("56.78"):
            broadcast(ping(4)).to_others()
            broadcast(ping(5)).to_everyone()

    assert [(record.to_others, record.excluded_socket) for record in broadcasts.recorded] == [
        (True, None),
        (True, "12.34"),
        (True, None),
        (True, "56.78"),
        (False, None),
    ]


async def test_both_colours_are_recorded_in_one_list() -> None:
    with fake_broadcasts() as broadcasts:
        await aio.broadcast(ping(1)).to_others()
        await asyncio.to_thread(lambda: broadcast(ping(2)).to_others())
        await aio.broadcast_many([ping(3), ping(4)]).to_everyone()
        await asyncio.to_thread(lambda: broadcast_many([ping(5), ping(6)]).to_everyone())

    assert [record.payload["number"] for record in broadcasts.recorded] == [1, 2, 3, 4, 5, 6]


def test_broadcasts_of_every_thread_are_recorded() -> None:
    with fake_broadcasts() as broadcasts, ThreadPoolExecutor(8) as pool:
        ready = threading.Barrier(8)

        def work(worker: int) -> None:
            ready.wait(10)
            for number in range(50):
                broadcast(ping(worker * 50 + number)).to_others()

        list(pool.map(work, range(8)))

    numbers = [record.payload["number"] for record in broadcasts.recorded]
    assert sorted(numbers) == list(range(400))
    for worker in range(8):
        mine = [number for number in numbers if number // 50 == worker]
        assert mine == sorted(mine)


async def test_broadcasts_of_every_task_are_recorded_with_the_socket_of_each() -> None:
    async def work(number: int) -> None:
        with socket_id_scope(f"{number}.0"):
            await asyncio.sleep(0)
            await aio.broadcast(ping(number)).to_others()

    with fake_broadcasts() as broadcasts:
        await asyncio.gather(*(work(number) for number in range(20)))

    found = {record.payload["number"]: record.excluded_socket for record in broadcasts.recorded}
    assert found == {number: f"{number}.0" for number in range(20)}


def test_an_event_over_two_connections_is_one_record() -> None:
    with fake_broadcasts() as broadcasts:
        receipt = broadcast(Invoiced(number="A1")).to_everyone()

    assert [record.connections for record in broadcasts.recorded] == [("pusher", "log")]
    assert [connection.connection for connection in receipt.connections] == ["pusher", "log"]
    broadcasts.assert_broadcast(Invoiced, times=1, via="log")
    broadcasts.assert_broadcast(Invoiced, via=["pusher", "log"])
    broadcasts.assert_not_broadcast(Invoiced, via="redis")


def test_what_is_not_sent_is_not_recorded() -> None:
    with fake_broadcasts() as broadcasts:
        broadcast(OrderShipped(order_id=1, note="quiet")).to_everyone()
        broadcast(ping()).on().to_everyone()

    assert broadcasts.recorded == []
    broadcasts.assert_nothing_broadcast()


# -- assertions --------------------------------------------------------------------------------------------------------


@pytest.fixture
def shipped() -> Broadcasts:
    """Three broadcasts: OrderShipped 1 to others, OrderShippedAbroad 2 to everyone, and a ping."""
    with fake_broadcasts() as broadcasts:
        broadcast(OrderShipped(order_id=1)).to_others()
        broadcast(OrderShippedAbroad(order_id=2)).via("far").to_everyone()
        broadcast(ping()).to_everyone()
    return broadcasts


FITTING: list[tuple[type[Any] | str, dict[str, Any], int]] = [
    (OrderShipped, {}, 2),
    (OrderShippedAbroad, {}, 1),
    (Event, {}, 2),
    ("order.shipped", {}, 1),
    ("order.shipped.abroad", {}, 1),
    ("ping", {}, 1),
    (AnonymousEvent, {}, 1),
    (Invoiced, {}, 0),
    ("pong", {}, 0),
    (OrderShipped, {"on": PrivateChannel("warehouse")}, 2),
    (OrderShipped, {"on": "private-orders.1"}, 1),
    (OrderShipped, {"on": [PrivateChannel("warehouse"), "private-orders.1"]}, 1),
    (OrderShipped, {"on": ["private-orders.1", "private-orders.2"]}, 0),
    (OrderShipped, {"on": UserChannel(user_id=1)}, 0),
    (OrderShipped, {"to_others": True}, 1),
    (OrderShipped, {"to_others": False}, 1),
    ("ping", {"to_others": True}, 0),
    (OrderShipped, {"via": "far"}, 1),
    (OrderShipped, {"via": "default"}, 1),
    (OrderShipped, {"via": ["far", "default"]}, 0),
    (OrderShipped, {"where": lambda event: event.order_id == 2}, 1),
    ("ping", {"where": lambda event: event.payload == {"number": 1}}, 1),
    ("ping", {"where": lambda event: None}, 0),
    (OrderShipped, {"where": lambda event: event.order_id == 2, "to_others": True}, 0),
]


@pytest.mark.parametrize(("event", "filters", "fitting"), FITTING)
def test_a_filter_leaves_the_broadcasts_that_fit(
    shipped: Broadcasts, event: type[Any] | str, filters: dict[str, Any], fitting: int
) -> None:
    shipped.assert_broadcast(event, times=fitting, **filters)
    for other in {0, 1, 2, 3} - {fitting}:
        with pytest.raises(AssertionError, match=f"expected {other} broadcast"):
            shipped.assert_broadcast(event, times=other, **filters)
    if fitting:
        shipped.assert_broadcast(event, **filters)
        with pytest.raises(AssertionError, match=f"expected no broadcast of .*, found {fitting}"):
            shipped.assert_not_broadcast(event, **filters)
    else:
        shipped.assert_not_broadcast(event, **filters)
        with pytest.raises(AssertionError, match=r"expected a broadcast of .*, found none"):
            shipped.assert_broadcast(event, **filters)


def test_nothing_broadcast(shipped: Broadcasts) -> None:
    with pytest.raises(AssertionError, match="expected no broadcast at all"):
        shipped.assert_nothing_broadcast()
    shipped.recorded.clear()
    shipped.assert_nothing_broadcast()


def test_an_assertion_about_something_impossible_is_an_error_and_not_a_pass(shipped: Broadcasts) -> None:
    with pytest.raises(TypeError, match="takes an event class or a name on the wire"):
        shipped.assert_not_broadcast(OrderShipped(order_id=1))  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="must have 1 to 200"):
        shipped.assert_not_broadcast("")
    with pytest.raises(InvalidChannelError):
        shipped.assert_not_broadcast(OrderShipped, on="private orders")


def test_what_a_predicate_raises_is_not_swallowed(shipped: Broadcasts) -> None:
    with pytest.raises(AttributeError, match="colour"):
        shipped.assert_not_broadcast(OrderShipped, where=lambda event: event.colour)  # type: ignore[attr-defined]
