"""Broadcasters of both colours: where an event goes, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Channel, Receipt
from broadcastkit.drivers.base import ChannelInfo, Sent
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.errors import (
    ConfigurationError,
    ConnectError,
    PayloadTooLargeError,
)
from broadcastkit.pending import ConnectionReceipt
from tests.broadcaster.stand_ins import Told, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.broadcaster.stand_ins import Both

    MakeBoth = Callable[..., Both]
from tests.broadcaster.orders import Audited, OrderShipped, ping, send, send_many

# -- what is sent, and where -------------------------------------------------------------------------------------------


def test_an_event_becomes_one_message(broadcaster: MakeBoth) -> None:
    told = Told()
    both = broadcaster(told)

    receipt = both.run(both.broadcaster.broadcast(OrderShipped(order_id=7)).to_others("1.2"))

    ((message,),) = told.sent
    assert message == ("order.shipped", ("private-orders.7", "shipped"), '{"order_id":7}', "1.2", (), None)
    assert receipt == Receipt(
        "order.shipped",
        {"private-orders.7": ChannelInfo(), "shipped": ChannelInfo()},
        "1.2",
        (ConnectionReceipt("default", 1),),
    )
    assert receipt.delivered
    assert receipt.requests == 1


def test_the_default_connection_the_events_own_and_the_callers(broadcaster: MakeBoth) -> None:
    connections = {"main": Told(), "audit": Told(), "other": Told()}
    both = broadcaster(connections, default="main")

    send(both, OrderShipped(order_id=1))
    send(both, Audited(order_id=2))
    both.run(both.broadcaster.broadcast(Audited(order_id=3)).via("other").to_everyone())

    assert connections["main"].events == ["order.shipped", "audited"]
    assert connections["audit"].events == ["audited"]
    assert connections["other"].events == ["audited"]


def test_a_connection_that_is_named_twice_sends_once(broadcaster: MakeBoth) -> None:
    told = Told()
    both = broadcaster({"main": told})

    receipt = both.run(both.broadcaster.broadcast(ping()).via("main", "main").to_everyone())

    assert told.events == ["ping"]
    assert receipt.requests == 1


def test_channels_may_be_the_callers_too(broadcaster: MakeBoth) -> None:
    told = Told()
    both = broadcaster(told)

    both.run(both.broadcaster.broadcast(OrderShipped(order_id=1)).on("a", Channel("b"), "a").to_everyone())

    assert told.sent[0][0].channels == ("a", "b")


@pytest.mark.parametrize("event", [OrderShipped(order_id=0), AnonymousEvent("ping", on="news")])
def test_nothing_is_sent_to_nobody(broadcaster: MakeBoth, event: Any) -> None:
    told = Told()
    both = broadcaster(told)
    pending = both.broadcaster.broadcast(event)

    receipt = both.run((pending if isinstance(event, OrderShipped) else pending.on()).to_everyone())

    assert told.sent == []
    assert receipt.connections == ()
    assert receipt.channels == {}
    assert not receipt.delivered
    assert not receipt.queued
    assert receipt.requests == 0
    assert receipt.error is None


def test_what_the_service_says_of_channels_is_in_the_receipt(broadcaster: MakeBoth) -> None:
    told = Told(lambda message: Sent(2, {"shipped": ChannelInfo(subscription_count=3)}))
    both = broadcaster(told)
    pending = both.broadcaster.broadcast(OrderShipped(order_id=7)).with_info("subscription_count")

    receipt = both.run(pending.to_everyone())

    assert told.sent[0][0].info == ("subscription_count",)
    assert receipt.channels == {"private-orders.7": ChannelInfo(), "shipped": ChannelInfo(subscription_count=3)}
    assert receipt.requests == 2


# -- several events ----------------------------------------------------------------------------------------------------


def test_several_events_go_in_one_call_for_each_connection_in_order(broadcaster: MakeBoth) -> None:
    connections = {"main": Told(), "audit": Told()}
    both = broadcaster(connections, default="main")

    receipts = send_many(both, ping("a"), Audited(order_id=1), OrderShipped(order_id=0), ping("b"))

    assert [[message.event for message in messages] for messages in connections["main"].sent] == [["a", "audited", "b"]]
    assert [[message.event for message in messages] for messages in connections["audit"].sent] == [["audited"]]
    assert [receipt.event for receipt in receipts] == ["a", "audited", "order.shipped", "b"]
    assert [[c.connection for c in receipt.connections] for receipt in receipts] == [
        ["main"],
        ["main", "audit"],
        [],
        ["main"],
    ]


def test_no_events_are_no_receipts(broadcaster: MakeBoth) -> None:
    told = Told()

    assert send_many(broadcaster(told)) == ()
    assert told.sent == []


def test_events_may_come_from_a_generator(broadcaster: MakeBoth) -> None:
    told = Told()
    both = broadcaster(told)

    both.run(both.broadcaster.broadcast_many(ping(name) for name in "abc").to_everyone())

    assert told.events == ["a", "b", "c"]


def test_an_error_of_one_does_not_keep_the_others_from_being_sent(broadcaster: MakeBoth) -> None:
    told = Told(refused(PayloadTooLargeError("too large"), "b"))
    both = broadcaster(told)

    with pytest.raises(PayloadTooLargeError) as error:
        send_many(both, ping("a"), ping("b"), ping("c"))

    assert told.events == ["a", "b", "c"]
    assert [receipt.delivered for receipt in error.value.receipts] == [True, False, True]
    assert error.value.receipts[1].error is error.value
    assert error.value.__notes__ == ["1 failed in all; .receipts says what became of each"]


def test_an_error_of_one_connection_does_not_keep_the_others_from_sending(broadcaster: MakeBoth) -> None:
    connections = {"main": Told(raises=ConnectError("nobody")), "audit": Told()}
    both = broadcaster(connections, default="main")

    with pytest.raises(ConnectError) as error:
        send(both, Audited(order_id=1))

    assert connections["audit"].events == ["audited"]
    (receipt,) = error.value.receipts
    assert [(c.connection, c.error) for c in receipt.connections] == [("main", error.value), ("audit", None)]


def test_the_only_error_of_the_only_event_has_nothing_to_add(broadcaster: MakeBoth) -> None:
    with pytest.raises(ConnectError) as error:
        send(broadcaster(Told(raises=ConnectError("nobody"))), ping())

    assert error.value.receipts == ()
    assert not hasattr(error.value, "__notes__")


# -- made wrongly ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connections", "options", "said"),
    [
        ({}, {}, "at least one connection"),
        ({"a": Told(), "b": Told()}, {}, "default= must name one of the connections: a, b"),
        ({"a": Told()}, {"default": "b"}, "default='b' is none of: a"),
        (Told(), {"on_error": "ignore"}, "on_error must be 'raise', 'report' or a callable, not 'ignore'"),
        (Told(), {"on_error": None}, "on_error must be"),
    ],
)
def test_a_broadcaster_that_makes_no_sense_is_refused(
    broadcaster: MakeBoth, connections: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        broadcaster(connections, **options)


def test_one_connection_of_any_name_is_the_default(broadcaster: MakeBoth) -> None:
    told = Told()

    send(broadcaster({"only": told}), ping())
    assert told.events == ["ping"]


# -- closing -----------------------------------------------------------------------------------------------------------


def test_closing_closes_every_connection(broadcaster: MakeBoth) -> None:
    connections = {"main": Told(), "audit": Told()}

    broadcaster(connections, default="main").close()

    assert [told.closed for told in connections.values()] == [1, 1]


def test_a_broadcaster_is_a_context_manager() -> None:
    told = Told()

    with Broadcaster(told.sync()) as broadcaster:
        broadcaster.broadcast(ping()).to_everyone()
        assert told.closed == 0
    assert told.closed == 1


async def test_so_is_an_awaited_one() -> None:
    told = Told()

    async with AsyncBroadcaster(told.asynchronous()) as broadcaster:
        await broadcaster.broadcast(ping()).to_everyone()
        assert told.closed == 0
    assert told.closed == 1


def test_a_class_in_the_place_of_a_driver_is_named() -> None:
    with pytest.raises(ConfigurationError, match="MemoryDriver is a class; give a driver made of it"):
        Broadcaster(MemoryDriver)  # type: ignore[arg-type]


def test_channels_are_a_registry() -> None:
    with pytest.raises(ConfigurationError, match="channels must be a ChannelRegistry, not str"):
        Broadcaster(MemoryDriver(), channels="news")  # type: ignore[arg-type]


def test_its_repr_names_the_connections_and_the_drivers_made() -> None:
    broadcaster = Broadcaster.from_settings(
        {"default": "main", "connections": {"main": {"driver": "null"}, "spare": {"driver": "log"}}}
    )
    assert repr(broadcaster) == "Broadcaster(main, spare; [])"
    broadcaster.driver()
    assert repr(broadcaster) == f"Broadcaster(main, spare; [{broadcaster.driver()!r}])"
