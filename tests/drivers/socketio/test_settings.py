"""How a driver is made, and what is said of a setting that is wrong. Nothing here connects."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import redis
import redis.asyncio
import socketio
from socketio.async_pubsub_manager import AsyncPubSubManager

from broadcastkit import AsyncBroadcaster, Broadcaster, ChannelRegistry, PresenceMember
from broadcastkit.authorization import UserGrant
from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Sent
from broadcastkit.drivers.socketio import AsyncSocketIODriver, SocketIODriver
from broadcastkit.errors import ConfigurationError, DeniedError, UnreachableError

if TYPE_CHECKING:
    from tests.drivers.socketio.colours import Colour

SECRET = "t0psecret"


@pytest.mark.parametrize(
    ("driver", "shown"),
    [
        (SocketIODriver(url=f"redis://u:{SECRET}@cache/0"), "SocketIODriver(redis://cache, channel 'socketio')"),
        (
            AsyncSocketIODriver.from_url("socketio+redis://cache:1?channel=chat"),
            "AsyncSocketIODriver(redis://cache:1, channel 'chat')",
        ),
        (SocketIODriver(client=redis.Redis()), "SocketIODriver(the Redis client given, channel 'socketio')"),
        (
            AsyncSocketIODriver(manager=socketio.AsyncRedisManager(write_only=True)),
            "AsyncSocketIODriver(the AsyncRedisManager given)",
        ),
    ],
)
def test_the_repr_says_by_what_it_sends(driver: object, shown: str) -> None:
    assert repr(driver) == shown


def test_what_goes_over_a_network_blocks() -> None:
    assert SocketIODriver(url="redis://cache").blocking
    assert SocketIODriver(manager=socketio.RedisManager(write_only=True)).blocking
    assert SocketIODriver(server=socketio.Server(client_manager=socketio.RedisManager())).blocking


@pytest.mark.parametrize("options", [{}, {"url": "redis://h", "client": redis.Redis()}])
def test_there_is_one_way(colour: Colour, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="sends in one way: give one of url, client, manager and server"):
        colour.driver(**options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "redis://h", "namespace": "staff"}, "namespace must be a str that starts with /"),
        ({"url": "redis://h", "channel": ""}, "channel must be the name of a Redis channel"),
        ({"url": "redis://h", "channel": 5}, "channel must be the name of a Redis channel"),
        ({"manager": object()}, "manager is no manager of python-socketio's"),
        ({"server": object()}, "server is no server of python-socketio's"),
    ],
)
def test_a_wrong_setting_is_named(colour: Colour, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        colour.driver(**options)


@pytest.mark.parametrize("option", [{"channel": "chat"}, {"retry": Retry()}])
def test_a_manager_has_its_own_channel_and_attempts(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="a manager has its own"):
        SocketIODriver(manager=socketio.RedisManager(write_only=True), **option)


@pytest.mark.parametrize(
    ("make", "options", "says"),
    [
        (SocketIODriver, {"client": redis.asyncio.Redis()}, "client must be a blocking one; AsyncSocketIODriver"),
        (AsyncSocketIODriver, {"client": redis.Redis()}, "client must be an awaited one; SocketIODriver takes this"),
        (SocketIODriver, {"manager": socketio.AsyncManager()}, "manager must be a blocking one; AsyncSocketIODriver"),
        (AsyncSocketIODriver, {"manager": socketio.Manager()}, "manager must be an awaited one; SocketIODriver takes"),
        (SocketIODriver, {"server": socketio.AsyncServer(async_mode="asgi")}, "server must be a blocking one"),
        (AsyncSocketIODriver, {"server": socketio.Server()}, "server must be an awaited one"),
    ],
)
def test_the_other_colour_is_named(make: type[Any], options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        make(**options)


def test_a_cluster_is_refused() -> None:
    class ValkeyCluster:
        pass

    with pytest.raises(ConfigurationError, match="client must be of one server"):
        SocketIODriver(client=ValkeyCluster())


@pytest.mark.parametrize(
    "settings",
    [
        {"driver": "socketio", "url": f"redis://:{SECRET}@cache/0", "channel": "chat"},
        {"driver": "socketio", "url": f"socketio+redis://:{SECRET}@cache/0?channel=chat"},
    ],
)
def test_settings(settings: dict[str, Any]) -> None:
    assert repr(Broadcaster.from_settings(settings).driver()) == "SocketIODriver(redis://cache, channel 'chat')"
    assert (
        repr(AsyncBroadcaster.from_settings(settings).driver()) == "AsyncSocketIODriver(redis://cache, channel 'chat')"
    )


def test_a_url_and_the_environment() -> None:
    url = f"socketio+redis://:{SECRET}@cache"

    for broadcaster in (Broadcaster.from_url(url), Broadcaster.from_env({"BROADCAST_CONNECTION": url})):
        assert repr(broadcaster.driver()) == "SocketIODriver(redis://cache, channel 'socketio')"


def test_a_wrong_setting_is_named_by_its_connection() -> None:
    broadcaster = Broadcaster.from_settings({"driver": "socketio", "url": f"ftp://{SECRET}"})

    with pytest.raises(ConfigurationError, match=r"connections\.socketio\.url must start with socketio") as caught:
        broadcaster.driver()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("missing", ["socketio", "redis"])
def test_the_extra_is_named_where_it_is_missing(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from broadcastkit import Broadcaster\n"
        "Broadcaster.from_url('socketio+redis://127.0.0.1').driver()"
    )
    result = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)

    assert result.returncode != 0
    assert "pip install 'broadcastkit[socketio]'" in result.stderr


# -- what a driver is asked besides ------------------------------------------------------------------------------------


def test_a_server_elsewhere_may_ask_who_enters() -> None:
    """It sends no socket id: there is nothing to sign for one client."""
    channels = ChannelRegistry()

    @channels.authorize("private-user.{user_id}")
    def own(user: str, user_id: str) -> bool:
        return user == user_id

    @channels.authorize("presence-room.{room_id}")
    def here(user: str, room_id: str) -> PresenceMember:
        return PresenceMember(user)

    broadcaster = Broadcaster(SocketIODriver(url="redis://cache"), channels=channels)

    assert not broadcaster.needs_socket_id()
    assert broadcaster.authorize_channel(channel_name="private-user.7", user="7").to_json() == b"true"
    member = broadcaster.authorize_channel(channel_name="presence-room.1", user="7")
    assert member.to_json() == b'{"channel_data":{"user_id":"7","user_info":{}}}'
    with pytest.raises(DeniedError):
        broadcaster.authorize_channel(channel_name="private-user.8", user="7")


def test_what_only_servers_know(colour: Colour) -> None:
    driver = colour.driver("redis://cache")
    for ask in (
        driver.channels_info,
        lambda: driver.channel_info("news"),
        lambda: driver.users_info("presence-a"),
        lambda: driver.terminate_user_connections("7"),
    ):
        with pytest.raises(ConfigurationError, match="cannot tell who listens, nor disconnect: ask your servers"):
            colour.run(ask())
    with pytest.raises(ConfigurationError, match="cannot sign users in"):
        driver.answer_user(UserGrant("0.0", "{}"))


# -- managers of other queues ------------------------------------------------------------------------------------------


class Queue(socketio.PubSubManager):  # type: ignore[misc]
    """As python-socketio's for Kafka: it returns None, and raises when the queue is not there."""

    broken = False

    def _publish(self, data: object) -> None:
        if self.broken:
            raise OSError(f"password {SECRET}")


class AsyncQueue(AsyncPubSubManager):  # type: ignore[misc]
    """See Queue."""

    broken = False

    async def _publish(self, data: object) -> None:
        if self.broken:
            raise OSError(f"password {SECRET}")


def test_a_manager_of_another_queue(colour: Colour) -> None:
    manager = (AsyncQueue if "Async" in colour.manager.__name__ else Queue)(write_only=True)
    driver = colour.driver(manager=manager)
    assert colour.send(driver, Message("a", ("news",), "{}")) == [Sent(1)]

    manager.broken = True
    (outcome,) = colour.send(driver, Message("a", ("news",), "{}"))

    assert isinstance(outcome, UnreachableError)
    assert isinstance(outcome.__cause__, OSError)
    assert str(outcome).endswith("Queue raised OSError")


class Wrong(socketio.Manager):  # type: ignore[misc]
    """A server's, with a mistake in it."""

    def emit(self, *args: object, **options: object) -> None:
        raise TypeError("no")


class AsyncWrong(socketio.AsyncManager):  # type: ignore[misc]
    """See Wrong."""

    async def emit(self, *args: object, **options: object) -> None:
        raise TypeError("no")


def test_an_exception_of_a_server_in_this_process_is_its_own(colour: Colour) -> None:
    """A mistake, and no network: nobody should try again."""
    driver = colour.driver(manager=AsyncWrong() if "Async" in colour.manager.__name__ else Wrong())
    with pytest.raises(TypeError, match="no"):
        colour.send(driver, Message("a", ("news",), "{}"))


def test_callers_share_round_trips_to_redis_and_nothing_else(colour: Colour) -> None:
    over_redis = colour.driver("socketio+redis://127.0.0.1")
    over_client = colour.driver(client=colour.client())
    over_manager = colour.driver(manager=colour.manager("redis://127.0.0.1", write_only=True))

    assert (over_redis.batch_limit, over_client.batch_limit, over_manager.batch_limit) == (100, 100, 1)
