"""What laravel-echo-server is told, through the endpoint that it asks: `channel_name` and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster, ChannelRegistry, PresenceMember
from broadcastkit.authorization import SubscriptionGrant, UserGrant
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver, ServerAuth
from broadcastkit.errors import ConfigurationError, DeniedError, InvalidChannelError, InvalidSocketIdError
from broadcastkit.integrations.endpoints import AsyncEndpoints, Endpoints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from broadcastkit.drivers.base import AsyncDriver, Driver

FORM, JSON = "application/x-www-form-urlencoded", "application/json"

channels = ChannelRegistry()


@channels.authorize("private-orders.{order_id}")
def own_order(user: int, order_id: int) -> bool:
    return order_id == user


@channels.authorize("presence-room.{room_id}")
def members(user: int, room_id: int) -> PresenceMember:
    return PresenceMember(user, {"name": "Zoë"})


@channels.authorize("private-encrypted-{name}")
def sealed(user: int, name: str) -> bool:
    return True


REDIS: Mapping[str, Driver] = {"redis": RedisDriver(prefix="laravel_database_"), "log": MemoryDriver()}
AWAITED: Mapping[str, AsyncDriver] = {"redis": AsyncRedisDriver(prefix="laravel_database_"), "log": AsyncMemoryDriver()}
sync = Broadcaster(REDIS, default="redis", channels=channels)
awaited = AsyncBroadcaster(AWAITED, default="redis", channels=channels)
endpoints: Endpoints[None] = Endpoints("a test", lambda _: None)
awaited_endpoints: AsyncEndpoints[None] = AsyncEndpoints("a test", lambda _: None)


async def both(body: bytes, content_type: str = FORM, user: int | None = 7) -> tuple[int, bytes]:
    """Ask both colours; they say the same."""
    answer = await awaited_endpoints.authorize_channel(awaited, content_type, body, user, None)
    assert endpoints.authorize_channel(sync, content_type, body, user, None) == answer
    return answer.status, answer.body


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"channel_name=private-orders.7"),
        (JSON, b'{"channel_name":"private-orders.7"}'),
        # from a client of an echo server without keyPrefix
        (FORM, b"channel_name=laravel_database_private-orders.7"),
        # whatever it is: nobody here needs it
        (FORM, b"channel_name=private-orders.7&socket_id=h3nAdb134tbvqwrgAAAB"),
        (FORM, b"channel_name=private-orders.7&socket_id="),
        (JSON, b'{"channel_name":"private-orders.7","socket_id":null}'),
    ],
)
async def test_a_private_channel_is_true(content_type: str, body: bytes) -> None:
    assert await both(body, content_type) == (200, b"true")


async def test_a_presence_channel_has_its_member_as_an_object() -> None:
    status, told = await both(b"channel_name=presence-room.1")

    assert status == 200
    assert json.loads(told) == {"channel_data": {"user_id": "7", "user_info": {"name": "Zoë"}}}


@pytest.mark.parametrize(
    ("body", "user"),
    [
        (b"channel_name=private-orders.8", 7),
        (b"channel_name=private-orders.7", None),
        (b"channel_name=private-unknown", 7),
        (b"channel_name=news", 7),
        # Laravel looks for the guard in the name with the prefix, and strips every one of them
        (b"channel_name=laravel_database_private-orders.7", None),
        (b"channel_name=laravel_database_laravel_database_private-orders.7", 7),
        (b"channel_name=private-laravel_database_orders.7", 7),
    ],
)
async def test_no_is_no(body: bytes, user: int | None) -> None:
    assert await both(body, user=user) == (403, b'{"error":"forbidden"}')


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "the field channel_name is missing"),
        (b"socket_id=1.2", "the field channel_name is missing"),
        (b"channel_name=", "the field channel_name is missing"),
    ],
)
async def test_a_malformed_request_is_told_what_is_missing(body: bytes, error: str) -> None:
    status, told = await both(body)

    assert (status, json.loads(told)) == (400, {"error": error})


async def test_several_channels_are_answered_in_the_same_form() -> None:
    status, told = await both(b"channel_name[]=private-orders.7&channel_name[]=private-orders.8")

    assert status == 200
    assert json.loads(told) == {
        "private-orders.7": {"status": 200, "data": True},
        "private-orders.8": {"status": 403, "data": {"error": "forbidden"}},
    }


async def test_another_connection_needs_its_socket_id_all_the_same() -> None:
    asked: Mapping[str, Any] = {"channel_name": "private-orders.7", "user": 7, "connection": "log"}

    assert (sync.needs_socket_id(), sync.needs_socket_id("log")) == (False, True)
    without: list[dict[str, Any]] = [{}, {"socket_id": None}, {"socket_id": ""}, {"socket_id": "h3nA"}]
    for given in without:
        with pytest.raises(InvalidSocketIdError):
            sync.authorize_channel(**asked, **given)
        with pytest.raises(InvalidSocketIdError):
            await awaited.authorize_channel(**asked, **given)
    assert sync.authorize_channel(**asked, socket_id="1.2").as_dict() == {"auth": ""}


def test_in_code_the_socket_id_may_be_left_out() -> None:
    assert sync.authorize_channel(channel_name="private-orders.7", user=7).to_json() == b"true"
    with pytest.raises(DeniedError):
        sync.authorize_channel(channel_name="private-orders.8", user=7)
    for name in (None, 7, "", "private-", "private-ü"):
        with pytest.raises(InvalidChannelError):
            sync.authorize_channel(channel_name=name, user=7)  # type: ignore[arg-type]


async def test_an_encrypted_channel_cannot_be_answered() -> None:
    with pytest.raises(ConfigurationError, match="cannot carry 'private-encrypted-x'"):
        endpoints.authorize_channel(sync, FORM, b"channel_name=private-encrypted-x", 7, None)
    with pytest.raises(ConfigurationError, match="cannot carry 'private-encrypted-x'"):
        await awaited_endpoints.authorize_channel(awaited, FORM, b"channel_name=private-encrypted-x", 7, None)


def test_both_forms_of_an_answer() -> None:
    driver = RedisDriver()
    plain = driver.answer_subscription(SubscriptionGrant("0.0", "private-a"))
    present = driver.answer_subscription(SubscriptionGrant("0.0", "presence-a", '{"user_id":"7"}'))

    assert isinstance(plain, ServerAuth)
    assert (plain.as_dict(), plain.to_json()) == ({}, b"true")
    assert present.as_dict() == json.loads(present.to_json()) == {"channel_data": {"user_id": "7"}}
    assert repr(present) == "SubscriptionAuth(...)"


async def test_who_is_not_there_cannot_be_asked_about() -> None:
    blocking: Any = RedisDriver()
    with pytest.raises(ConfigurationError, match="cannot sign users in"):
        blocking.answer_user(UserGrant("1.2", "{}"))
    for method, *arguments in (
        ("channels_info",),
        ("channel_info", "a"),
        ("users_info", "presence-a"),
        ("terminate_user_connections", "7"),
    ):
        with pytest.raises(ConfigurationError, match="RedisDriver cannot tell who listens"):
            getattr(blocking, method)(*arguments)
        with pytest.raises(ConfigurationError, match="AsyncRedisDriver cannot tell who listens"):
            await getattr(AsyncRedisDriver(), method)(*arguments)
