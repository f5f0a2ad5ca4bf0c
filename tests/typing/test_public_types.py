"""What type checkers must see in the public API, and what they must refuse.

Checked by `mypy --strict` (whose `warn_unused_ignores` fails where an error is missing) and by pyright (whose
`reportUnnecessaryTypeIgnoreComment` does the same). The tests run it too: what is refused here fails there as well.
"""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, assert_type

import pytest
from pydantic import ValidationError

import broadcastkit
from broadcastkit import (
    AnonymousEvent,
    AsyncBroadcaster,
    Broadcaster,
    Channel,
    ChannelRegistry,
    EncryptedChannel,
    Event,
    JobUpdated,
    MessageSent,
    NotificationSent,
    PendingBroadcast,
    PlanSubmitted,
    PresenceChannel,
    PresenceMember,
    PrivateChannel,
    Receipt,
    ServerToUser,
    aio,
    broadcast,
    broadcast_many,
    configure,
)
from broadcastkit.authorization import SubscriptionAuth, UserAuth
from broadcastkit.channels import AdminChannel, channel_from_name
from broadcastkit.errors import BroadcastError, InvalidChannelError
from broadcastkit.events import Broadcastable
from broadcastkit.offline import Fallbacks, Missed
from broadcastkit.offline.push import Fcm, PushSender

if TYPE_CHECKING:
    from collections.abc import Iterator


class UserChannel(PrivateChannel, pattern="user.{user_id}"):
    user_id: int


class RoomChannel(PresenceChannel, pattern="room.{room}.{seat}"):
    room: str
    seat: int | str


class OrderShipped(Event):
    order_id: int
    user_id: int = 3

    def broadcast_on(self) -> Iterator[Channel]:
        yield UserChannel(user_id=self.user_id)


class Named(Event, name="order.named", via=("reverb", "redis")):
    def broadcast_on(self) -> UserChannel:
        return UserChannel(user_id=3)


@pytest.fixture(autouse=True)
def nothing_is_sent() -> Iterator[None]:
    configure("null://")
    yield
    broadcastkit.default.reset()


# -- events ----------------------------------------------------------------------------------------------------------


def test_an_event_takes_a_source_and_keywords() -> None:
    event = OrderShipped({"order_id": 7})
    assert_type(event, OrderShipped)
    assert_type(OrderShipped(object(), order_id=7), OrderShipped)
    assert_type(OrderShipped(order_id=7, user_id=3), OrderShipped)
    assert_type(event.order_id, int)
    assert_type(event.event_name, str)
    assert_type(event.event_via, tuple[str, ...])
    assert_type(event.broadcast_payload(), str)
    assert_type(event.broadcast_when(), bool)
    assert_type(event.broadcast_with(), Any)
    assert_type(event.model_copy(), OrderShipped)
    assert_type(OrderShipped.model_validate({"order_id": 7}), OrderShipped)


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(TypeError):
        OrderShipped({}, {})  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        OrderShipped(None)


def test_events_are_broadcastable() -> None:
    several: list[Broadcastable] = [OrderShipped(order_id=7), Named(), AnonymousEvent("x", on="a")]

    assert [event.event_name for event in several] == ["order.shipped", "order.named", "x"]


def test_ready_made_events_are_events() -> None:
    classes: list[type[Event]] = [MessageSent, JobUpdated, NotificationSent, PlanSubmitted]

    assert all(issubclass(cls, Event) for cls in classes)


# -- channels --------------------------------------------------------------------------------------------------------


def test_a_typed_channel_takes_its_fields() -> None:
    channel = UserChannel(user_id=3)
    assert_type(channel, UserChannel)
    assert_type(channel.user_id, int)
    assert_type(channel.name, str)
    assert_type(UserChannel.parse("private-user.3"), UserChannel | None)
    assert_type(RoomChannel(room="a", seat=3).seat, int | str)
    assert_type(channel_from_name("private-a"), Channel)
    assert_type(AdminChannel(), AdminChannel)


def test_plain_channels_take_a_name() -> None:
    assert_type(Channel("a"), Channel)
    assert_type(PrivateChannel("a", cache=True), PrivateChannel)
    assert_type(PresenceChannel("a"), PresenceChannel)
    assert_type(EncryptedChannel("a"), EncryptedChannel)
    assert_type(ServerToUser(3), ServerToUser)
    assert_type(PresenceChannel.parse("presence-a"), PresenceChannel | None)


def test_wrong_fields_are_refused() -> None:
    with pytest.raises(InvalidChannelError):
        UserChannel(user_id="x")  # type: ignore[arg-type]
    with pytest.raises(InvalidChannelError):
        RoomChannel(room=3, seat="x")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        UserChannel()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        UserChannel(user_id=3, other=4)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        UserChannel(3)  # type: ignore[call-arg]
    with pytest.raises(InvalidChannelError):
        Channel(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        ServerToUser("a", cache=True)  # type: ignore[call-arg]


def test_channels_are_frozen() -> None:
    with pytest.raises(AttributeError):
        UserChannel(user_id=3).user_id = 4  # type: ignore[misc]


# -- broadcasting ----------------------------------------------------------------------------------------------------


def test_a_broadcast_gives_a_receipt() -> None:
    pending = broadcast(OrderShipped(order_id=7))
    assert_type(pending, PendingBroadcast[Receipt])
    elsewhere = pending.via("null").on(UserChannel(user_id=3), "news")
    assert_type(elsewhere, PendingBroadcast[Receipt])
    assert_type(elsewhere.to_everyone(), Receipt)

    receipt = broadcast(OrderShipped(order_id=7)).to_others()
    assert_type(receipt, Receipt)
    assert_type(receipt.event, str)
    assert_type(receipt.delivered, bool)
    assert_type(receipt.error, BroadcastError | None)
    assert_type(broadcast(Named()).on("news").via("null").to_everyone(), Receipt)


def test_several_give_several() -> None:
    receipts = broadcast_many([OrderShipped(order_id=7), AnonymousEvent("x", on="a")]).to_everyone()
    assert_type(receipts, tuple[Receipt, ...])
    assert [receipt.event for receipt in receipts] == ["order.shipped", "x"]


async def test_awaited_it_is_the_same() -> None:
    pending = aio.broadcast(Named()).on("a").via("null")
    assert_type(pending, PendingBroadcast[Coroutine[Any, Any, Receipt]])
    assert_type(await pending.to_everyone(), Receipt)
    receipt = await aio.broadcast(OrderShipped(order_id=7)).to_others(socket_id="1.1")
    assert_type(receipt, Receipt)
    receipts = await aio.broadcast_many([OrderShipped(order_id=7)]).to_everyone()
    assert_type(receipts, tuple[Receipt, ...])


def test_an_unawaited_one_is_no_receipt() -> None:
    def never_run() -> Receipt:
        return aio.broadcast(Named()).to_everyone()  # type: ignore[return-value]

    assert callable(never_run)


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(AttributeError):
        broadcast({"id": 7}).to_everyone()  # type: ignore[arg-type]


# -- broadcasters and rules ------------------------------------------------------------------------------------------


def test_the_decorator_keeps_the_callbacks_type() -> None:
    channels = ChannelRegistry()

    @channels.authorize(UserChannel)
    def own(user: int, channel: UserChannel) -> bool:
        return user == channel.user_id

    @channels.authorize("presence-lobby")
    async def lobby(user: int) -> PresenceMember:
        return PresenceMember(user, {"name": "Ann"})

    assert_type(own(3, UserChannel(user_id=3)), bool)
    assert len(channels.rules) == 2
    assert lobby is channels.rules[1].callback


async def test_both_colours_have_the_same_words() -> None:
    def never_run(blocking: Broadcaster, awaited: AsyncBroadcaster) -> None:
        assert_type(
            blocking.authorize_channel(socket_id="1.1", channel_name="private-a", user=None),
            SubscriptionAuth,
        )
        assert_type(blocking.authenticate_user(socket_id="1.1", user=3), UserAuth)
        assert_type(blocking.broadcast(Named()), PendingBroadcast[Receipt])
        assert_type(awaited.broadcast(Named()), PendingBroadcast[Coroutine[Any, Any, Receipt]])

    async def never_awaited(awaited: AsyncBroadcaster) -> None:
        assert_type(
            await awaited.authorize_channel(socket_id="1.1", channel_name="private-a", user=None),
            SubscriptionAuth,
        )
        assert_type(await awaited.authenticate_user(socket_id="1.1", user=3), UserAuth)
        assert_type(await awaited.broadcast_many([]).to_everyone(), tuple[Receipt, ...])

    assert callable(never_run)
    assert callable(never_awaited)


def test_an_answer_has_two_forms() -> None:
    auth = SubscriptionAuth("key:signature")
    assert_type(auth.as_dict(), dict[str, str])
    assert_type(auth.to_json(), bytes)


# -- who is not there ------------------------------------------------------------------------------------------------


def test_a_fallback_is_told_of_the_channel_that_it_is_registered_for() -> None:
    fallbacks = Fallbacks(online=lambda channel: False)

    @fallbacks.when_offline(UserChannel, OrderShipped, "order.named")
    def tell_them(missed: Missed[UserChannel]) -> None:
        assert_type(missed.channel.user_id, int)

    @fallbacks.when_offline(UserChannel)
    async def tell_them_later(missed: Missed[PrivateChannel]) -> None:
        assert_type(missed.channel, PrivateChannel)

    tell_them(Missed(UserChannel(user_id=3), "order.shipped", {}, "1"))
    fallbacks.when_offline(RoomChannel, name="other")(tell_them)  # type: ignore[arg-type]
    assert_type(Broadcaster.from_url("null://", when_offline=fallbacks), Broadcaster)
    sender: PushSender = Fcm("project", lambda: "token")
    assert callable(sender.send)
