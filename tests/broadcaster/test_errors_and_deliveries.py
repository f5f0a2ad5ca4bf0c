"""What a broadcaster does with errors, when its delivery sends, and how tests take its place."""

from __future__ import annotations

import asyncio
import logging
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Event
from broadcastkit.delivery import Delivery, Inline, Queued
from broadcastkit.drivers.base import Outcome
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.errors import (
    BroadcastError,
    ConfigurationError,
    ConnectError,
    InvalidChannelError,
    InvalidPayloadError,
)
from tests.broadcaster.stand_ins import Told, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import AsyncDriver, Driver
    from tests.broadcaster.stand_ins import Both

    MakeBoth = Callable[..., Both]
from tests.broadcaster.orders import Audited, OrderShipped, ping, send, send_many

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


def test_report_logs_an_outage_once_and_returns_receipts_that_carry_its_errors(
    broadcaster: MakeBoth, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = ConnectError("nobody there")
    both = broadcaster(Told(refused(nobody, "a", "c")), on_error="report")

    with caplog.at_level(logging.ERROR):
        receipts = send_many(both, ping("a"), ping("b"), ping("c"))

    assert [receipt.error for receipt in receipts] == [nobody, None, nobody]
    assert [receipt.delivered for receipt in receipts] == [False, True, False]
    assert [record.getMessage() for record in caplog.records] == ["broadcast failed: nobody there"]
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


# -- deliveries --------------------------------------------------------------------------------------------------------


class Later(Delivery):
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
