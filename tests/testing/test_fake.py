"""The fake: what it records, in which colour, thread and task, and over which connections."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import (
    AnonymousEvent,
    AsyncBroadcaster,
    Broadcaster,
    ChannelRegistry,
    Event,
    PresenceMember,
    PrivateChannel,
    aio,
    broadcast,
    broadcast_many,
    configure,
)
from broadcastkit.channels import RoomPresence, UserChannel
from broadcastkit.default import default_async_broadcaster, default_broadcaster
from broadcastkit.delivery import Queued
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import (
    ConfigurationError,
    DeniedError,
    InvalidChannelError,
    PayloadTooLargeError,
    SyncInEventLoopWarning,
)
from broadcastkit.socket_id import socket_id_scope
from broadcastkit.testing import Broadcasts, RecordedBroadcast, fake_broadcasts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import AsyncDriver, Driver

CREDENTIALS: dict[str, Any] = {"app_id": "1", "key": "key", "secret": "secret"}


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


class QueueingDelivery:
    """Takes messages for later, and never sends one."""

    def __init__(self) -> None:
        self.taken: list[Message] = []

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> list[Queued]:
        self.taken += messages
        return [Queued() for _ in messages]

    async def adeliver(self, connection: str, driver: AsyncDriver, messages: Sequence[Message]) -> list[Queued]:
        return self.deliver(connection, NullDriver(), messages)


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


# -- strict ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "fits", "too_large"),
    [("pusher", 10_240, 10_241), ("soketi", 102_400, 102_401), ("reverb", 9_000, 9_600)],
)
def test_a_payload_over_the_limit_is_refused_as_the_real_driver_refuses_it(
    profile: str, fits: int, too_large: int
) -> None:
    event = AnonymousEvent("large", "x" * (too_large - 2), on="news")
    real = Broadcaster(PusherDriver(**CREDENTIALS, host="127.0.0.1", scheme="http", profile=profile))

    with fake_broadcasts(profile=profile) as broadcasts:
        broadcast(AnonymousEvent("large", "x" * (fits - 2), on="news")).to_everyone()
        with pytest.raises(PayloadTooLargeError) as faked:
            broadcast(event).to_everyone()
    with pytest.raises(PayloadTooLargeError) as refused:
        real.broadcast(event).to_everyone()

    assert str(faked.value) == str(refused.value)
    assert faked.value.limit == refused.value.limit
    broadcasts.assert_broadcast("large", times=1)


def test_an_encrypted_channel_needs_no_key_and_is_measured_after_encryption() -> None:
    # 7,619 bytes is the most that fits 10,240 once encrypted (research/peers.md §2.4)
    with fake_broadcasts() as broadcasts:
        broadcast(AnonymousEvent("secret", "x" * 7617, on="private-encrypted-a")).to_everyone()
        with pytest.raises(PayloadTooLargeError):
            broadcast(AnonymousEvent("secret", "x" * 7620, on="private-encrypted-a")).to_everyone()

    assert [record.payload for record in broadcasts.recorded] == ["x" * 7617]


async def test_the_awaited_fake_is_as_strict() -> None:
    with fake_broadcasts() as broadcasts, pytest.raises(PayloadTooLargeError):
        await aio.broadcast(AnonymousEvent("large", "x" * 10_240, on="news")).to_everyone()

    broadcasts.assert_nothing_broadcast()


def test_of_several_events_those_that_are_refused_are_left_out() -> None:
    large = AnonymousEvent("large", "x" * 10_240, on="news")

    with fake_broadcasts() as broadcasts, pytest.raises(PayloadTooLargeError):
        broadcast_many([ping(1), large, ping(2)]).to_everyone()

    assert [record.payload for record in broadcasts.recorded] == [{"number": 1}, {"number": 2}]


def test_an_event_that_cannot_be_rendered_is_refused_and_so_are_those_with_it() -> None:
    with fake_broadcasts() as broadcasts, pytest.raises(InvalidChannelError):
        broadcast_many([ping(1), AnonymousEvent("lost", on="no such name")]).to_everyone()

    broadcasts.assert_nothing_broadcast()


async def test_a_blocking_broadcast_in_an_event_loop_warns_as_it_would_without_the_fake() -> None:
    with fake_broadcasts(), pytest.warns(SyncInEventLoopWarning):
        broadcast(ping()).to_others()


# -- which broadcasters ------------------------------------------------------------------------------------------------


def test_any_connection_name_will_do_where_nothing_is_configured() -> None:
    with fake_broadcasts() as broadcasts:
        broadcast(ping()).via("pusher", "a name of the deployment's").to_everyone()

    assert broadcasts.recorded[0].connections == ("pusher", "a name of the deployment's")


def test_connection_names_may_be_given() -> None:
    with fake_broadcasts(connections=["reverb", "audit"]) as broadcasts:
        broadcast(ping(1)).to_everyone()
        broadcast(ping(2)).via("audit").to_everyone()
        with pytest.raises(ConfigurationError, match="there is no connection 'pusher'; there are: reverb, audit"):
            broadcast(ping(3)).via("pusher").to_everyone()

    assert [record.connections for record in broadcasts.recorded] == [("reverb",), ("audit",)]


def test_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "no such connection")

    with fake_broadcasts() as broadcasts:
        broadcast(ping()).to_everyone()

    broadcasts.assert_broadcast("ping")
    with pytest.raises(ConfigurationError):
        broadcast(ping())


def test_what_was_read_from_the_environment_earlier_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "null")
    broadcast(ping()).to_everyone()

    with fake_broadcasts() as broadcasts:
        broadcast(ping()).via("a name that is not in the environment").to_everyone()

    broadcasts.assert_broadcast("ping", times=1)
    assert isinstance(default_broadcaster().driver(), NullDriver)


def test_a_configured_broadcaster_keeps_its_connections_and_is_itself_again_afterwards() -> None:
    driver = MemoryDriver()
    broadcaster = Broadcaster({"main": driver})
    configure(broadcaster)

    with fake_broadcasts() as broadcasts:
        broadcast(ping(1)).to_everyone()
        broadcaster.broadcast(ping(2)).to_everyone()
        with pytest.raises(ConfigurationError):
            broadcast(ping(3)).via("other").to_everyone()
    broadcast(ping(4)).to_everyone()

    assert [(record.payload["number"], record.connections) for record in broadcasts.recorded] == [
        (1, ("main",)),
        (2, ("main",)),
    ]
    assert [message.data for message in driver.messages] == ['{"number":4}']


async def test_what_is_configured_inside_the_block_is_taken_over_too() -> None:
    driver, awaited = MemoryDriver(), AsyncMemoryDriver()

    with fake_broadcasts() as broadcasts:
        configure(Broadcaster({"main": driver}))
        configure(AsyncBroadcaster({"amain": awaited}))
        await asyncio.to_thread(lambda: broadcast(ping(1)).to_everyone())
        await aio.broadcast(ping(2)).to_everyone()
        configure({"default": "log", "connections": {"log": {"driver": "log"}}})
        await aio.broadcast(ping(3)).to_everyone()

    assert [record.connections for record in broadcasts.recorded] == [("main",), ("amain",), ("log",)]
    assert driver.messages == awaited.messages == []


def test_a_configured_error_policy_is_kept() -> None:
    reported: list[Exception] = []
    configure("null://", on_error=reported.append)

    with fake_broadcasts() as broadcasts:
        receipt = broadcast(AnonymousEvent("large", "x" * 10_240, on="news")).to_everyone()

    assert isinstance(receipt.error, PayloadTooLargeError)
    assert reported == [receipt.error]
    broadcasts.assert_nothing_broadcast()


def test_broadcasters_of_ones_own_are_given() -> None:
    driver = MemoryDriver()
    mine = Broadcaster({"main": driver})

    with fake_broadcasts(mine, mine) as broadcasts:
        mine.broadcast(ping(1)).to_everyone()
        broadcast(ping(2)).to_everyone()
    mine.broadcast(ping(3)).to_everyone()

    assert [record.connections for record in broadcasts.recorded] == [("main",), ("default",)]
    assert len(driver.messages) == 1


def test_queued_deliveries_are_skipped() -> None:
    delivery = QueueingDelivery()
    mine = Broadcaster(NullDriver(), delivery=delivery)

    with fake_broadcasts(mine) as broadcasts:
        assert mine.broadcast(ping(1)).to_everyone().delivered
    assert mine.broadcast(ping(2)).to_everyone().queued

    assert [record.payload for record in broadcasts.recorded] == [{"number": 1}]
    assert [message.data for message in delivery.taken] == ['{"number":2}']


def test_the_innermost_block_records() -> None:
    mine = Broadcaster(NullDriver())

    with fake_broadcasts(mine) as outer:
        broadcast(ping(1)).to_everyone()
        with fake_broadcasts(mine) as inner:
            broadcast(ping(2)).to_everyone()
            mine.broadcast(ping(3)).to_everyone()
        mine.broadcast(ping(4)).to_everyone()
        broadcast(ping(5)).to_everyone()

    assert [record.payload["number"] for record in outer.recorded] == [1, 4, 5]
    assert [record.payload["number"] for record in inner.recorded] == [2, 3]


def test_the_block_is_left_whatever_happens_in_it() -> None:
    driver = MemoryDriver()
    configure(Broadcaster(driver))

    with pytest.raises(ZeroDivisionError), fake_broadcasts():
        raise ZeroDivisionError
    broadcast(ping()).to_everyone()

    assert len(driver.messages) == 1


# -- answers and questions ---------------------------------------------------------------------------------------------


def rules() -> ChannelRegistry:
    channels = ChannelRegistry()

    @channels.authorize(UserChannel)
    def own_channel(user: int, user_id: int) -> bool:
        return user == user_id

    @channels.authorize(RoomPresence)
    def member(user: int, channel: RoomPresence) -> PresenceMember:
        return PresenceMember(user, {"name": "x" * user})

    return channels


def test_the_same_rules_are_asked_and_nothing_is_signed() -> None:
    broadcaster = Broadcaster(PusherDriver(**CREDENTIALS), channels=rules())
    configure(broadcaster)
    asked: dict[str, Any] = {"socket_id": "1.2", "channel_name": "private-user.7"}
    signed = broadcaster.authorize_channel(**asked, user=7)

    with fake_broadcasts():
        assert default_broadcaster().authorize_channel(**asked, user=7).as_dict() == {"auth": ""}
        with pytest.raises(DeniedError):
            broadcaster.authorize_channel(**asked, user=8)
        present = broadcaster.authorize_channel(socket_id="1.2", channel_name="presence-room-1", user=3)
        assert present.as_dict() == {"auth": "", "channel_data": '{"user_id":"3","user_info":{"name":"xxx"}}'}
        with pytest.raises(ValueError, match=r"presence member has \d+ bytes"):
            broadcaster.authorize_channel(socket_id="1.2", channel_name="presence-room-1", user=1024)
        user = broadcaster.authenticate_user(socket_id="1.2", user={"id": 7})
        assert user.as_dict() == {"auth": "", "user_data": '{"id":"7"}'}

    assert broadcaster.authorize_channel(**asked, user=7) == signed


async def test_the_awaited_colour_answers_alike() -> None:
    configure("null://", channels=rules())

    with fake_broadcasts():
        broadcaster = default_async_broadcaster()
        answer = await broadcaster.authorize_channel(socket_id="1.2", channel_name="presence-room-1", user=1)
        user = await broadcaster.authenticate_user(socket_id="1.2", user={"id": 7})

    assert answer.as_dict() == {"auth": "", "channel_data": '{"user_id":"1","user_info":{"name":"x"}}'}
    assert user.as_dict() == {"auth": "", "user_data": '{"id":"7"}'}


def test_nobody_is_there_to_be_asked_about() -> None:
    mine = Broadcaster(MemoryDriver())

    with fake_broadcasts(mine):
        assert mine.channels_info() == {}
        assert mine.channel_info("news").occupied is None
        assert mine.users_info("presence-room-1") == ()
        mine.terminate_user_connections("7")
        with pytest.raises(InvalidChannelError):
            mine.users_info("private-user.1")
        mine.close()


async def test_nobody_is_there_to_be_asked_about_in_the_other_colour() -> None:
    mine = AsyncBroadcaster(AsyncNullDriver())

    with fake_broadcasts(mine):
        assert await mine.channels_info() == {}
        await mine.terminate_user_connections("7")
        await mine.aclose()
