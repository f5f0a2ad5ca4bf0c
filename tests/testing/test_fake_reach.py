"""The fake: whose broadcasts it takes over, how strict it is, and what it answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from broadcastkit import (
    AnonymousEvent,
    AsyncBroadcaster,
    Broadcaster,
    ChannelRegistry,
    PresenceMember,
    aio,
    broadcast,
    broadcast_many,
    configure,
)
from broadcastkit.authorization import SubscriptionGrant
from broadcastkit.channels import RoomPresence, UserChannel
from broadcastkit.default import default_async_broadcaster, default_broadcaster
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import (
    ConfigurationError,
    DeniedError,
    InvalidChannelError,
    InvalidSocketIdError,
    PayloadTooLargeError,
    SyncInEventLoopWarning,
)
from broadcastkit.testing import fake_broadcasts
from tests.testing.orders import QueueingDelivery, ping

CREDENTIALS: dict[str, Any] = {"app_id": "1", "key": "key", "secret": "secret"}


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


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "socketio+redis://127.0.0.1:1"])
def test_a_server_that_asks_for_its_clients_is_answered_in_its_form(url: str) -> None:
    configure(url, channels=rules())

    with fake_broadcasts() as outer, fake_broadcasts() as inner:
        broadcaster, awaited = default_broadcaster(), default_async_broadcaster()
        assert not broadcaster.needs_socket_id()
        assert not awaited.needs_socket_id()
        plain = broadcaster.authorize_channel(channel_name="private-user.7", user=7)
        present = asyncio.run(awaited.authorize_channel(channel_name="presence-room-1", user=1))
        with pytest.raises(DeniedError):
            broadcaster.authorize_channel(channel_name="private-user.7", user=8)
        with pytest.raises(ConfigurationError, match="encrypted"):
            broadcaster.driver().answer_subscription(SubscriptionGrant("0.0", "private-encrypted-a"))
        broadcast(ping()).to_everyone()

    # research/laravel.md: what laravel-echo-server takes for a yes
    assert plain.to_json() == b"true"
    assert json.loads(present.to_json()) == {"channel_data": {"user_id": "1", "user_info": {"name": "x"}}}
    inner.assert_broadcast("ping", times=1)
    outer.assert_nothing_broadcast()


def test_the_prefix_of_the_connection_is_taken_off() -> None:
    configure({"driver": "redis", "prefix": "shop_"}, channels=rules())

    with fake_broadcasts():
        answer = default_broadcaster().authorize_channel(channel_name="shop_private-user.7", user=7)

    assert answer.to_json() == b"true"


@pytest.mark.parametrize(
    "settings",
    [
        None,
        {"driver": "null"},
        {"driver": "pusher", **CREDENTIALS},
        {"driver": "pusher"},  # without its settings, which a test may not have
        {
            "default": "pusher",
            "connections": {"pusher": {"driver": "pusher", **CREDENTIALS}, "redis": {"driver": "redis"}},
        },
    ],
    ids=["nothing configured", "null", "pusher", "incomplete", "pusher by default"],
)
def test_clients_that_ask_for_themselves_must_have_a_socket_id(settings: dict[str, Any] | None) -> None:
    if settings is not None:
        configure(settings, channels=rules())

    with fake_broadcasts():
        broadcaster = default_broadcaster()
        assert broadcaster.needs_socket_id()
        with pytest.raises(InvalidSocketIdError):
            broadcaster.authorize_channel(channel_name="private-user.7", user=7)
        if settings is not None:
            answer = broadcaster.authorize_channel(socket_id="1.2", channel_name="private-user.7", user=7)
            assert answer.as_dict() == {"auth": ""}


def test_a_wrong_option_is_refused_before_anything_is_broadcast() -> None:
    with pytest.raises(ConfigurationError, match="profile"), fake_broadcasts(profile="pushr"):
        pass
    with pytest.raises(TypeError, match="takes Broadcaster and AsyncBroadcaster objects, not 'reverb'"):
        fake_broadcasts("reverb").__enter__()  # type: ignore[arg-type]
    with fake_broadcasts(connections="reverb") as broadcasts:
        broadcast(ping()).to_everyone()

    assert broadcasts.recorded[0].connections == ("reverb",)


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
