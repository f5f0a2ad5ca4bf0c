"""Real services are asked who is there, with real clients that come and go; and a real Celery worker mails."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import socketio
import uvicorn
from anyio.from_thread import start_blocking_portal

from broadcastkit import AsyncBroadcaster, Broadcaster, EncryptedChannel, Event, PresenceChannel
from broadcastkit.channels import UserChannel
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.redis import RedisDriver
from broadcastkit.drivers.socketio import AsyncSocketIODriver, SocketIODriver
from broadcastkit.errors import ConfigurationError
from broadcastkit.integrations.socketio import AsyncChannelRooms
from broadcastkit.offline import Fallbacks
from broadcastkit.server import App, AsyncEmbeddedDriver, EmbeddedDriver, EmbeddedServer
from tests.interop.redis_servers import redis_server, wait_until
from tests.interop.servers import LOOPBACK, PusherServer, asgi_server, running
from tests.interop.socketio_chat import make_rules
from tests.interop.socketio_servers import SocketIoClient
from tests.offline import celery_worker
from tests.offline.services import Heard
from tests.offline.shop import DoorChannel, Rang, fallbacks
from tests.offline.sinks import PATIENCE, mail_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.interop.clients import PusherJsClient
    from tests.interop.redis_servers import RedisServer

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
APP = App("app-id", "app-key", "app-secret")


@pytest.fixture
def embedded() -> EmbeddedServer:
    return EmbeddedServer(APP)


@pytest.fixture
def served(embedded: EmbeddedServer) -> Iterator[PusherServer]:
    with asgi_server(embedded) as port:
        yield PusherServer(LOOPBACK, port, APP.id, APP.key, APP.secret)


@pytest.fixture(params=["soketi", "embedded over HTTP", "embedded"])
def service(request: pytest.FixtureRequest) -> tuple[PusherServer, Callable[[], Any], Callable[[], Any]]:
    """A service, and drivers of both colors for it."""
    if request.param == "embedded":
        server = request.getfixturevalue("served")
        embedded = request.getfixturevalue("embedded")
        return server, lambda: EmbeddedDriver(embedded), lambda: AsyncEmbeddedDriver(embedded)
    server = request.getfixturevalue("soketi" if request.param == "soketi" else "served")
    return server, lambda: PusherDriver.from_url(server.url), lambda: AsyncPusherDriver.from_url(server.url)


def fallbacks_to(heard: Heard, channel: Any = DoorChannel, **options: Any) -> Fallbacks:
    fallbacks = Fallbacks(**options)
    fallbacks.when_offline(channel, name="tell_them")(heard)
    return fallbacks


def test_who_comes_and_goes(
    service: tuple[PusherServer, Callable[[], Any], Callable[[], Any]],
    color: str,
    pusher_js: Callable[[], PusherJsClient],
) -> None:
    server, driver, async_driver = service
    heard = Heard()

    def ring() -> Any:
        if color == "sync":
            with Broadcaster(driver(), when_offline=fallbacks_to(heard)) as broadcaster:
                return broadcaster.broadcast(Rang(user_id=3)).to_others()

        async def awaited() -> Any:
            async with AsyncBroadcaster(async_driver(), when_offline=fallbacks_to(heard)) as broadcaster:
                return await broadcaster.broadcast(Rang(user_id=3)).to_others()

        return asyncio.run(awaited())

    client, other = pusher_js(), pusher_js()
    for one in (client, other):
        one.connect(server)
    client.subscribe("door.3")
    other.subscribe("lobby")
    assert (ring().delivered, heard.missed) == (True, [])
    assert client.next_event()["event"] == "rang"

    client.disconnect()
    with contextlib.closing(driver()) as asked:
        wait_until(lambda: not asked.channel_info("door.3").occupied, "the service knows that the client is gone")
    assert ring().connections[1].requests == 1
    (missed,) = heard.missed
    assert (missed.channel, missed.payload) == (DoorChannel(user_id=3), {"user_id": 3})
    assert [other.next_event()["data"] for _ in range(2)] == [{"user_id": 3}] * 2


class RoomPresence(PresenceChannel, pattern="room.{room_id}"):
    room_id: int


class SecretChannel(EncryptedChannel, pattern="user.{user_id}"):
    user_id: int


class Whispered(Event):
    text: str = "between us"

    def broadcast_on(self) -> list[Any]:
        return [SecretChannel(user_id=3), RoomPresence(room_id=1)]


@pytest.mark.parametrize("channel", [SecretChannel, RoomPresence])
def test_what_the_service_could_not_read_a_fallback_can(soketi: PusherServer, channel: Any) -> None:
    heard = Heard()
    driver = PusherDriver.from_url(soketi.url, encryption_master_key="MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    with Broadcaster(driver, when_offline=fallbacks_to(heard, channel)) as broadcaster:
        broadcaster.broadcast(Whispered()).to_everyone()

    assert [(type(missed.channel), missed.payload) for missed in heard.missed] == [(channel, {"text": "between us"})]


# -- rooms of python-socketio ------------------------------------------------------------------------------------------


@pytest.fixture
def socketio_js() -> Iterator[Callable[[], SocketIoClient]]:
    with contextlib.ExitStack() as clients:
        yield lambda: clients.enter_context(SocketIoClient())


def test_the_rooms_of_a_server_in_this_process(socketio_js: Callable[[], SocketIoClient]) -> None:
    """Driver and server share one event loop."""
    sio = socketio.AsyncServer(async_mode="asgi")

    async def connect(sid: str, environ: object, auth: dict[str, object]) -> None:
        await sio.save_session(sid, {"user": auth["user"]})

    async def user(sid: str) -> object:
        session: dict[str, object] = await sio.get_session(sid)
        return session["user"]

    sio.on("connect", connect)
    AsyncChannelRooms(sio, make_rules()).serve(user)
    server = uvicorn.Server(uvicorn.Config(socketio.ASGIApp(sio), ws="websockets-sansio", log_level="warning"))
    heard = Heard()
    driver = AsyncSocketIODriver(server=sio)
    broadcaster = AsyncBroadcaster(driver, when_offline=fallbacks_to(heard, UserChannel))

    class Told(Event):
        def broadcast_on(self) -> list[UserChannel]:
            return [UserChannel(user_id=3), UserChannel(user_id=4)]

    async def tell() -> Any:
        return await broadcaster.broadcast(Told()).to_others()

    async def clients_of(channel: str) -> tuple[bool | None, int | None]:
        info = await driver.channel_info(channel, info=["subscription_count"])
        return info.occupied, info.subscription_count

    with start_blocking_portal() as portal, socket.create_server((LOOPBACK, 0)) as listener:
        serving = portal.start_task_soon(server.serve, [listener])
        try:
            client = socketio_js()
            client.connect(f"http://{LOOPBACK}:{listener.getsockname()[1]}", "3")
            client.subscribe("private-user.3")
            assert portal.call(clients_of, "private-user.3") == (True, 1)
            assert portal.call(clients_of, "private-user.4") == (False, 0)

            assert portal.call(tell).connections[1].requests == 1
            assert heard.channels == ["private-user.4"]
        finally:
            server.should_exit = True
            serving.result(timeout=10)


def test_servers_that_share_a_manager_know_some_of_the_clients_only(redis_shared: RedisServer) -> None:
    manager = socketio.RedisManager(redis_shared.url)
    for driver in (
        SocketIODriver(url=redis_shared.url),
        SocketIODriver(manager=manager),
        SocketIODriver(server=socketio.Server(client_manager=manager, async_mode="threading")),
    ):
        with pytest.raises(ConfigurationError, match="cannot tell who is there: give Fallbacks"):
            Broadcaster(driver, when_offline=Fallbacks())
        with pytest.raises(ConfigurationError, match="cannot tell who listens"):
            driver.channel_info("private-user.3")


# -- Redis, where the application knows --------------------------------------------------------------------------------


def test_redis_with_an_answer_of_the_applications_own(redis_shared: RedisServer) -> None:
    heard = Heard()
    with (
        redis_shared.client() as client,
        Broadcaster(
            RedisDriver(host=LOOPBACK, port=redis_shared.port, prefix="offline-"),
            when_offline=fallbacks_to(heard, online=lambda channel: bool(client.sismember("online", channel.user_id))),
        ) as broadcaster,
    ):
        client.sadd("online", "3")
        for user_id in (3, 4):
            broadcaster.broadcast(Rang(user_id=user_id)).to_everyone()
        client.delete("online")

    assert heard.channels == ["door.4"]


# -- Celery ------------------------------------------------------------------------------------------------------------


def test_a_celery_worker_mails_when_the_mail_server_is_back(
    tmp_path: Path, served: PusherServer, pusher_js: Callable[[], PusherJsClient]
) -> None:
    """One mail; and the event, which had arrived, is not sent again."""
    client = pusher_js()
    client.connect(served)
    client.subscribe("lobby")
    log = tmp_path / "worker.log"
    with redis_server(tmp_path) as redis, mail_server(running=False) as mail:
        environment = {
            "QUEUE_REDIS": redis.url,
            "PYTHONPATH": str(ROOT),
            "BROADCAST_CONNECTION": "pusher",
            "PUSHER_APP_ID": served.app_id,
            "PUSHER_APP_KEY": served.key,
            "PUSHER_APP_SECRET": served.secret,
            "PUSHER_HOST": served.host,
            "PUSHER_PORT": str(served.port),
            "PUSHER_SCHEME": "http",
            "MAIL_HOST": LOOPBACK,
            "MAIL_PORT": str(mail.port),
            "MAIL_ENCRYPTION": "null",
            "MAIL_FROM_ADDRESS": "shop@example.com",
        }
        celery = str(Path(sys.executable).parent / "celery")
        options = ["--pool=solo", "--loglevel=INFO", "--without-gossip", "--without-mingle"]
        command = [celery, "-A", "tests.offline.celery_worker", "worker", *options]
        with running(command, port=0, log=log, env=environment, ready=lambda: " ready." in log.read_text()):
            _, delivery = celery_worker.create(redis.url)
            # this side sends nothing: only the worker can have sent what arrives
            broadcaster = Broadcaster({"pusher": NullDriver()}, delivery=delivery, when_offline=fallbacks)
            receipt = broadcaster.broadcast(Rang(user_id=3)).to_everyone()
            assert [one.connection for one in receipt.connections] == ["pusher", "offline.email_them"]
            assert receipt.queued
            assert client.next_event(PATIENCE)["data"] == {"user_id": 3}

            wait_until(lambda: "to 'offline.email_them' failed, try 2" in log.read_text(), "the worker tries again")
            mail.start()
            arrived = mail.mail()
            assert (arrived.to, mail.mails.qsize()) == (["3@example.com"], 0)
            broadcaster.broadcast(Rang(user_id=4)).to_everyone()
            assert client.next_event(PATIENCE)["data"] == {"user_id": 4}
    assert "3@example.com" not in log.read_text()
