"""Broadcasters of both colours: where an event goes, what comes back, and what happens when something does not."""

from __future__ import annotations

import asyncio
import logging
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import Field

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Channel, Event, Receipt
from broadcastkit.delivery import Inline, Queued
from broadcastkit.drivers.base import ChannelInfo, Outcome, Sent
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.errors import (
    BroadcastError,
    ConfigurationError,
    ConnectError,
    InvalidChannelError,
    InvalidPayloadError,
    PayloadTooLargeError,
)
from broadcastkit.pending import ConnectionReceipt
from tests.broadcaster.stand_ins import Told, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import AsyncDriver, Driver
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


# -- what is sent, and where -------------------------------------------------------------------------------------------


def test_an_event_becomes_one_message(broadcaster: MakeBoth) -> None:
    told = Told()
    both = broadcaster(told)

    receipt = both.run(both.broadcaster.broadcast(OrderShipped(order_id=7)).to_others("1.2"))

    ((message,),) = told.sent
    assert message == ("order.shipped", ("private-orders.7", "shipped"), '{"order_id":7}', "1.2", ())
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


# -- refused before anything is sent -----------------------------------------------------------------------------------


class Lost(Event):
    def broadcast_on(self) -> str:
        return "no such name"


class Unwritable(Event):
    def broadcast_on(self) -> str:
        return "news"

    def broadcast_with(self) -> Any:
        return object()


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (Lost(), InvalidChannelError),
        (Unwritable(), InvalidPayloadError),
        (AnonymousEvent("nowhere"), ConfigurationError),
        (AnonymousEvent("elsewhere", on="news", via="elsewhere"), ConfigurationError),
    ],
)
def test_an_event_that_cannot_be_sent_keeps_all_of_its_request_back(
    broadcaster: MakeBoth, event: Any, error: type[BroadcastError]
) -> None:
    told = Told()
    both = broadcaster(told)

    with pytest.raises(error):
        send(both, event)
    with pytest.raises(error) as raised:
        send_many(both, ping("a"), event, ping("b"))

    assert told.sent == []
    assert [receipt.delivered for receipt in raised.value.receipts] == [False] * 3


def test_what_is_no_error_of_ours_goes_on_as_it_is(broadcaster: MakeBoth) -> None:
    class Broken(Event):
        def broadcast_on(self) -> str:
            raise KeyError

    with pytest.raises(KeyError):
        send(broadcaster(Told(), on_error="report"), Broken())
    with pytest.raises(ZeroDivisionError):
        send(broadcaster(Told(raises=ZeroDivisionError()), on_error="report"), ping())


# -- error policies ----------------------------------------------------------------------------------------------------


def test_report_logs_each_error_and_returns_receipts_that_carry_them(
    broadcaster: MakeBoth, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = ConnectError("nobody there")
    both = broadcaster(Told(refused(nobody, "a", "c")), on_error="report")

    with caplog.at_level(logging.ERROR):
        receipts = send_many(both, ping("a"), ping("b"), ping("c"))

    assert [receipt.error for receipt in receipts] == [nobody, None, nobody]
    assert [receipt.delivered for receipt in receipts] == [False, True, False]
    assert [record.getMessage() for record in caplog.records] == ["broadcast failed: nobody there"] * 2
    assert {record.name for record in caplog.records} == {"broadcastkit"}
    assert vars(caplog.records[0])["broadcast_error"] == "ConnectError"


def test_a_broken_broadcaster_takes_no_page_down(broadcaster: MakeBoth) -> None:
    both = broadcaster(Told(raises=ConnectError("nobody")), on_error="report")

    for event in (ping(), Lost(), Unwritable(), AnonymousEvent("nowhere"), AnonymousEvent("a", on="news", via="b")):
        receipt = send(both, event)
        assert receipt.event == event.event_name
        assert isinstance(receipt.error, BroadcastError)
        assert not receipt.delivered


def test_a_callable_is_handed_each_error(broadcaster: MakeBoth) -> None:
    handed: list[BroadcastError] = []
    first, second = ConnectError("a"), ConnectError("b")
    told = Told(lambda message: first if message.event == "a" else second)

    receipts = send_many(broadcaster(told, on_error=handed.append), ping("a"), ping("b"))

    assert handed == [first, second]
    assert [receipt.error for receipt in receipts] == [first, second]


def test_what_a_callable_raises_is_raised(broadcaster: MakeBoth) -> None:
    class OurOwnError(Exception):
        pass

    def convert(error: BroadcastError) -> None:
        raise OurOwnError from error

    with pytest.raises(OurOwnError) as raised:
        send(broadcaster(Told(raises=ConnectError("nobody")), on_error=convert), ping())
    assert isinstance(raised.value.__cause__, ConnectError)


def test_an_error_with_receipts_can_be_pickled() -> None:
    both = Broadcaster(Told(refused(ConnectError("nobody"), "b")).sync())

    with pytest.raises(ConnectError) as error:
        both.broadcast_many([ping("a"), ping("b")]).to_everyone()

    copied = pickle.loads(pickle.dumps(error.value))  # noqa: S301 - our own
    assert isinstance(copied, ConnectError)
    assert [receipt.delivered for receipt in copied.receipts] == [True, False]


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


# -- deliveries --------------------------------------------------------------------------------------------------------


class Later:
    """Queues what goes over `slow`."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str]]] = []

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Outcome | Queued]:
        self.taken.append((connection, [message.event for message in messages]))
        return [Queued()] * len(messages) if connection == "slow" else driver.send(messages)

    async def adeliver(
        self, connection: str, driver: AsyncDriver, messages: Sequence[Message]
    ) -> Sequence[Outcome | Queued]:
        self.taken.append((connection, [message.event for message in messages]))
        return [Queued()] * len(messages) if connection == "slow" else await driver.send(messages)


def test_a_delivery_decides_when(broadcaster: MakeBoth) -> None:
    later = Later()
    connections = {"main": Told(), "slow": Told()}
    both = broadcaster(connections, default="main", delivery=later)

    queued = both.run(both.broadcaster.broadcast(ping("a")).via("slow", "main").to_everyone())
    sent = send(both, ping("b"))

    assert later.taken == [("slow", ["a"]), ("main", ["a"]), ("main", ["b"])]
    assert connections["slow"].events == []
    assert connections["main"].events == ["a", "b"]
    assert queued.queued
    assert not queued.delivered
    assert queued.error is None
    assert [c.queued for c in queued.connections] == [True, False]
    assert sent.delivered


def test_inline_sends_at_once(broadcaster: MakeBoth) -> None:
    told = Told()

    assert send(broadcaster(told, delivery=Inline()), ping()).delivered
    assert told.events == ["ping"]


# -- substituted, for tests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_connections_can_be_substituted_for_a_while(colour: str) -> None:
    kept: list[Message] = []
    observed: list[tuple[Any, ...]] = []
    connections = {"main": Told(), "audit": Told()}
    broadcaster: Any
    if colour == "sync":
        broadcaster = Broadcaster({n: t.sync() for n, t in connections.items()}, default="main", delivery=Later())
        stand_in: Any = MemoryDriver(kept)
    else:
        broadcaster = AsyncBroadcaster(
            {n: t.asynchronous() for n, t in connections.items()}, default="main", delivery=Later()
        )
        stand_in = AsyncMemoryDriver(kept)

    async def broadcast(event: Any) -> Any:
        result = broadcaster.broadcast(event).to_others("1.2")
        return await result if colour == "async" else result

    async def story() -> None:
        with broadcaster.substituted(stand_in, lambda *told: observed.append(told)):
            await broadcast(Audited(order_id=1))
            await broadcast(OrderShipped(order_id=0))
        await broadcast(ping())

    asyncio.run(story())

    assert [message.event for message in kept] == ["audited", "audited"]
    assert connections["main"].events == ["ping"]
    assert connections["audit"].events == []
    (first, messages, receipts), (_, nothing, _) = observed
    assert first.to_others
    assert first.exclude == "1.2"
    assert [message.event for message in messages] == ["audited"]
    assert [c.connection for c in receipts[0].connections] == ["main", "audit"]
    assert nothing == [None]


def test_an_observer_is_told_of_errors_before_the_policy_is_applied(broadcaster: MakeBoth) -> None:
    observed: list[Any] = []
    both = broadcaster(Told())
    told = Told(raises=ConnectError("nobody"))
    stand_in = told.sync() if both.colour == "sync" else told.asynchronous()

    with both.broadcaster.substituted(stand_in, lambda _, __, receipts: observed.append(receipts[0].error)):
        with pytest.raises(ConnectError):
            send(both, ping())
        with pytest.raises(InvalidChannelError):
            send(both, Lost())

    assert [type(error) for error in observed] == [ConnectError, InvalidChannelError]
