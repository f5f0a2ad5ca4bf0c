"""Redis, laravel-echo-server and Laravel Echo 2 on socket.io-client 2, with our FastAPI application to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import anyio.to_thread
import httpx
import pytest
from fastapi import FastAPI, Header

from broadcastkit import (
    AnonymousEvent,
    AsyncBroadcaster,
    Broadcaster,
    Channel,
    ChannelRegistry,
    PresenceChannel,
    PresenceMember,
    PrivateChannel,
)
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver
from broadcastkit.integrations.fastapi import SocketIdMiddleware, broadcasting_lifespan, broadcasting_router
from broadcastkit.pending import ConnectionReceipt
from broadcastkit.testing import CHECKED_CHANNELS, Arrival, check_async_driver, check_driver
from tests.interop.arrivals import Arrivals
from tests.interop.clients import EchoSocketIoClient, PusherJsClient
from tests.interop.redis_servers import EchoServer, RedisServer, echo_server, wait_until
from tests.interop.servers import PusherServer, asgi_server

pytestmark = pytest.mark.real

PREFIX = "laravel_database_"
NAMES = {"1": "Ada", "2": "Bob"}

channels = ChannelRegistry()


@channels.authorize("private-user.{user_id}")
async def own_channel(user: str, user_id: str) -> bool:
    return user == user_id


@channels.authorize("presence-room.{room_id}")
def members(user: str, room_id: int) -> PresenceMember:
    return PresenceMember(user, {"id": user, "name": NAMES[user]})


def application(redis: RedisServer) -> FastAPI:
    """Return an application that is asked who may listen, and publishes."""
    broadcaster = AsyncBroadcaster(AsyncRedisDriver.from_url(redis.url, prefix=PREFIX), channels=channels)

    def current_user(authorization: Annotated[str | None, Header()] = None) -> str | None:
        return authorization

    app = FastAPI(lifespan=broadcasting_lifespan(broadcaster))
    app.add_middleware(SocketIdMiddleware)
    app.include_router(broadcasting_router(broadcaster, user=current_user))

    @app.post("/messages")
    async def send(content: str) -> None:
        both = [PrivateChannel("user.1"), PrivateChannel("user.2")]
        await broadcaster.broadcast(AnonymousEvent("message.sent", {"content": content}, on=both)).to_others()

    return app


@dataclass(frozen=True)
class Stage:
    """Where everything is."""

    redis: RedisServer
    echo: EchoServer
    app: str

    def joined(self, channel: str, count: int = 1) -> None:
        """Wait until so many connections are subscribed."""
        wait_until(lambda: self.echo.subscriptions(channel) == count, f"{count} on {channel}")


@pytest.fixture(scope="module")
def stage(redis_shared: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A laravel-echo-server that asks our application."""
    with asgi_server(application(redis_shared)) as port:
        app = f"http://127.0.0.1:{port}"
        folder = tmp_path_factory.mktemp("laravel-echo-server")
        with echo_server(folder, redis_shared, auth_host=app, prefix=PREFIX) as server:
            yield Stage(redis_shared, server, app)


Visit = Callable[..., EchoSocketIoClient]


@pytest.fixture
def visit(stage: Stage, echo_socketio: Callable[[], EchoSocketIoClient]) -> Visit:
    """Connect as a user."""

    def connect(user: str | None = None) -> EchoSocketIoClient:
        client = echo_socketio()
        client.connect(stage.echo.url, {"Authorization": user} if user else {})
        return client

    return connect


@pytest.fixture
def broadcaster(stage: Stage) -> Iterator[Broadcaster]:
    with Broadcaster(RedisDriver.from_url(stage.redis.url, prefix=PREFIX)) as made:
        yield made


def test_a_public_channel(stage: Stage, visit: Visit, broadcaster: Broadcaster) -> None:
    guest = visit()
    guest.open("public", "news")
    guest.listen("news", ".order.shipped")
    stage.joined("news")

    receipt = broadcaster.broadcast(AnonymousEvent("order.shipped", {"by": "Zoë ✓"}, on=Channel("news"))).to_everyone()

    assert receipt.delivered
    heard = guest.next_event()
    assert (heard["channel"], heard["event"], heard["data"]) == ("news", ".order.shipped", {"by": "Zoë ✓"})


def test_a_private_channel_is_opened_to_whom_it_belongs(stage: Stage, visit: Visit, broadcaster: Broadcaster) -> None:
    ada, bob, guest = visit("1"), visit("2"), visit()
    for client in (ada, bob, guest):
        assert client.open("private", "user.1") == "private-user.1"
        client.listen("private-user.1", ".job.updated")
    for client in (bob, guest):
        client.expect("subscription_error", channel="private-user.1", status=403)
        client.open("public", "fence")
        client.listen("fence", ".fence")
    stage.joined("private-user.1")
    stage.joined("fence", 2)

    broadcaster.broadcast(AnonymousEvent("job.updated", {"id": 7}, on=PrivateChannel("user.1"))).to_everyone()
    broadcaster.broadcast(AnonymousEvent("fence", {}, on=Channel("fence"))).to_everyone()

    assert ada.next_event()["data"] == {"id": 7}
    for client in (bob, guest):
        assert client.events_until(".fence") == []


def test_a_presence_channel_tells_who_is_here_joins_and_leaves(
    stage: Stage, visit: Visit, broadcaster: Broadcaster
) -> None:
    ada, bob, guest = visit("1"), visit("2"), visit()
    room = "presence-room.5"
    ada.open("presence", "room.5")
    assert ada.expect("here", channel=room)["members"] == [{"id": "1", "name": "Ada"}]
    bob.open("presence", "room.5")
    names = sorted(member["name"] for member in bob.expect("here", channel=room)["members"])
    assert names == ["Ada", "Bob"]
    assert ada.expect("joining", channel=room)["info"] == {"id": "2", "name": "Bob"}
    guest.open("presence", "room.5")
    guest.expect("subscription_error", channel=room, status=403)

    ada.listen(room, ".note")
    broadcaster.broadcast(AnonymousEvent("note", {"text": "hi"}, on=PresenceChannel("room.5"))).to_everyone()
    assert ada.next_event()["data"] == {"text": "hi"}

    bob.leave(room)
    assert ada.expect("leaving", channel=room)["info"] == {"id": "2", "name": "Bob"}


def test_a_message_does_not_come_back_to_the_echo_that_sent_it(stage: Stage, visit: Visit) -> None:
    """With the socket id that Echo itself sends as X-Socket-ID: Socket.IO's, which is no pair of numbers."""
    ada, bob = visit("1"), visit("2")
    for user, client in (("1", ada), ("2", bob)):
        client.open("private", f"user.{user}")
        client.listen(f"private-user.{user}", ".message.sent")
        stage.joined(f"private-user.{user}")

    for content, headers in [("to others", {"X-Socket-ID": ada.socket_id}), ("to everyone", {})]:
        answer = httpx.post(f"{stage.app}/messages", params={"content": content}, headers=headers)
        assert answer.status_code == 200

    # the second one is the fence for the first
    assert [bob.next_event()["data"]["content"] for _ in range(2)] == ["to others", "to everyone"]
    assert ada.next_event()["data"]["content"] == "to everyone"


def test_via_two_connections_there_are_two_receipts(
    stage: Stage, visit: Visit, soketi: PusherServer, pusher_js: Callable[[], PusherJsClient]
) -> None:
    on_redis, on_soketi = visit(), pusher_js()
    on_redis.open("public", "both")
    on_redis.listen("both", ".ping")
    stage.joined("both")
    on_soketi.connect(soketi)
    on_soketi.subscribe("both")
    drivers: dict[str, Any] = {
        "redis": RedisDriver.from_url(stage.redis.url, prefix=PREFIX),
        "pusher": PusherDriver.from_url(soketi.url, profile="soketi"),
    }

    with Broadcaster(drivers, default="pusher") as broadcaster:
        first, second = (AnonymousEvent("ping", {"id": number}, on=Channel("both")) for number in (1, 2))
        receipt = broadcaster.broadcast(first).via("redis", "pusher").to_others(on_redis.socket_id)
        broadcaster.broadcast(second).via("redis", "pusher").to_everyone()

    assert receipt.connections == (ConnectionReceipt("redis", 1), ConnectionReceipt("pusher", 1))
    # each service leaves out the socket if it is one of its own
    assert [on_soketi.next_event()["data"] for _ in range(2)] == [{"id": 1}, {"id": 2}]
    assert on_redis.next_event()["data"] == {"id": 2}


# -- the published suite, with Echo's connection to hear what arrives --------------------------------------------------


class Listener:
    """An Echo that has subscribed to CHECKED_CHANNELS."""

    def __init__(self, client: EchoSocketIoClient, stage: Stage) -> None:
        self._client = client
        self.socket_id = client.socket_id
        client.listen_to_all()
        for channel in CHECKED_CHANNELS:
            client.open("public", channel)
            stage.joined(channel)

    def received(self, fence: str) -> list[Arrival]:
        arrivals = Arrivals(fence)
        while arrivals.take(self._client.next_event()):
            pass
        return arrivals.events


def test_the_redis_driver_conforms(stage: Stage, visit: Visit) -> None:
    listener = Listener(visit(), stage)

    check_driver(
        lambda: RedisDriver.from_url(stage.redis.url, prefix=PREFIX),
        received=listener.received,
        socket_id=listener.socket_id,
    )


async def test_its_awaited_twin_conforms(stage: Stage, visit: Visit) -> None:
    listener = await anyio.to_thread.run_sync(lambda: Listener(visit(), stage))

    async def received(fence: str) -> list[Arrival]:
        return await anyio.to_thread.run_sync(listener.received, fence)

    await check_async_driver(
        lambda: AsyncRedisDriver.from_url(stage.redis.url, prefix=PREFIX),
        received=received,
        socket_id=listener.socket_id,
    )
