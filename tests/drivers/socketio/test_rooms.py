"""Through a real Redis and a real python-socketio server in another process to a real socket.io-client 4."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from anyio import to_thread

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Sent
from broadcastkit.drivers.socketio import AsyncSocketIODriver, SocketIODriver
from broadcastkit.errors import BadCredentialsError, ConnectError, ForbiddenError, UnreachableError
from broadcastkit.socket_id import socket_id_scope
from broadcastkit.testing import CHECKED_CHANNELS, check_async_driver, check_driver
from tests.interop.redis_servers import redis_server
from tests.interop.servers import free_port
from tests.interop.socketio_chat import STAFF

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.drivers.socketio.colours import Colour
    from tests.interop.redis_servers import RedisServer
    from tests.interop.socketio_servers import SocketIoClient, SocketIoServer

pytestmark = pytest.mark.real

SECRET = "t0psecret"


def message(name: str, *channels: str, data: object = None, exclude: str | None = None) -> Message:
    return Message(name, channels, json.dumps({} if data is None else data), exclude)


class Listeners:
    """A client in each room of CHECKED_CHANNELS: what arrives says nothing about the room."""

    def __init__(self, make: Callable[[], SocketIoClient], url: str) -> None:
        self._clients = {channel: make() for channel in CHECKED_CHANNELS}
        for channel, client in self._clients.items():
            client.connect(url)
            client.subscribe(channel)
        self.socket_id = self._clients[CHECKED_CHANNELS[0]].socket_id

    def received(self, fence: str) -> list[tuple[str, str, Any]]:
        return [
            (event, channel, *args)
            for channel, client in self._clients.items()
            for event, args in [*client.heard_until(fence), (fence, [{}])]
        ]


@pytest.fixture
def listeners(either_chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient]) -> Listeners:
    return Listeners(socketio_js, either_chat.url)


def url_of(chat: SocketIoServer) -> str:
    return f"socketio+{chat.redis.url}?channel={chat.channel}"


def test_the_driver_conforms(either_chat: SocketIoServer, listeners: Listeners) -> None:
    check_driver(
        lambda: SocketIODriver.from_url(url_of(either_chat)),
        received=listeners.received,
        socket_id=listeners.socket_id,
    )


async def test_so_does_its_awaited_twin(chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient]) -> None:
    listeners = await to_thread.run_sync(Listeners, socketio_js, chat.url)

    async def received(fence: str) -> list[tuple[str, str, Any]]:
        return await to_thread.run_sync(listeners.received, fence)

    await check_async_driver(
        lambda: AsyncSocketIODriver.from_url(url_of(chat)), received=received, socket_id=listeners.socket_id
    )


def test_a_write_only_manager_that_is_given_does_as_well(
    chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient], colour: Colour
) -> None:
    listeners = Listeners(socketio_js, chat.url)
    driver = colour.driver(manager=colour.manager(chat.redis.url, channel=chat.channel, write_only=True))
    messages = [message(f"row.{number}", *CHECKED_CHANNELS) for number in range(5)]

    assert colour.send(driver, *messages, message("fence", *CHECKED_CHANNELS)) == [Sent(1)] * 6

    expected: list[tuple[str, str, Any]] = [
        (f"row.{number}", channel, {}) for channel in CHECKED_CHANNELS for number in range(5)
    ]
    assert [arrival for arrival in listeners.received("fence") if arrival[0] != "fence"] == expected
    colour.run(driver_manager_close(driver))


def test_a_client_that_is_given_is_not_closed(
    chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient], colour: Colour
) -> None:
    listeners = Listeners(socketio_js, chat.url)
    client = colour.client(port=chat.redis.port)
    driver = colour.driver(client=client, channel=chat.channel)

    colour.send(driver, message("a", *CHECKED_CHANNELS))
    colour.close(driver)
    colour.send(driver, message("fence", *CHECKED_CHANNELS))

    assert [arrival[0] for arrival in listeners.received("fence")] == ["a", "fence", "a", "fence"]
    assert colour.run(client.ping()) is True
    colour.run(client.aclose() if hasattr(client, "aclose") else client.close())


def test_a_client_in_two_of_the_rooms_hears_a_message_once(
    either_chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient], colour: Colour
) -> None:
    client = socketio_js()
    client.connect(either_chat.url)
    for channel in CHECKED_CHANNELS:
        client.subscribe(channel)
    driver = colour.driver(url_of(either_chat))

    colour.send(driver, message("both", *CHECKED_CHANNELS, "nobody"), message("fence", CHECKED_CHANNELS[1]))

    assert client.heard_until("fence") == [("both", [{}])]


@pytest.mark.parametrize("payload", [{"id": 5, "by": "Zoë ✓"}, [1, [2]], "text", 0, False, {}, []])
def test_the_payload_is_the_one_argument(
    chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient], colour: Colour, payload: object
) -> None:
    client = socketio_js()
    client.connect(chat.url)
    client.subscribe("news")

    colour.send(colour.driver(url_of(chat)), message("a", "news", data=payload), message("fence", "news"))

    assert client.heard_until("fence") == [("a", [payload])]


def test_a_payload_of_nothing_is_no_argument(chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient]) -> None:
    """python-socketio's None means that there is no argument, and JavaScript's function has `undefined` then."""
    client = socketio_js()
    client.connect(chat.url)
    client.subscribe("news")
    with contextlib.closing(SocketIODriver.from_url(url_of(chat))) as driver:
        driver.send([Message("a", ("news",), "null"), message("fence", "news")])

    assert client.heard_until("fence") == [("a", [])]


def test_many_messages_are_one_round_trip(chat: SocketIoServer, colour: Colour) -> None:
    """Redis itself counts: it reads what is pipelined at once."""
    with chat.redis.client() as admin:
        driver = colour.driver(f"socketio+{chat.redis.url}?channel=counted")
        colour.send(driver, message("a", "x"))
        before = int(admin.info("stats")["total_reads_processed"])

        colour.send(driver, *(message("a", "x") for _ in range(50)))

        # and one to ask
        assert int(admin.info("stats")["total_reads_processed"]) - before <= 3


def test_everyone_but_the_client_of_the_request_hears(
    either_chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient], user: str
) -> None:
    """As it is in an application: the page sends `socket.id` with its request, in X-Socket-ID."""
    page, phone = socketio_js(), socketio_js()
    for client in (page, phone):
        client.connect(either_chat.url, user)
        client.subscribe(f"private-user.{user}")
    event = AnonymousEvent("message.sent", {"id": 1}, on=f"private-user.{user}")

    with Broadcaster.from_url(url_of(either_chat)) as broadcaster:
        with socket_id_scope(page.socket_id):
            receipt = broadcaster.broadcast(event).to_others()
        broadcaster.broadcast(AnonymousEvent("fence", {}, on=f"private-user.{user}")).to_everyone()

    assert receipt.excluded_socket == page.socket_id
    assert phone.heard_until("fence") == [("message.sent", [{"id": 1}])]
    assert page.heard_until("fence") == []


def test_a_handler_of_the_server_sends_to_the_others(
    either_chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient], user: str
) -> None:
    """In the server's own process, and so to the clients of every other one."""
    one, other = socketio_js(), socketio_js()
    for client in (one, other):
        client.connect(either_chat.url, user)
        client.subscribe(f"private-user.{user}")

    assert one.ask("say", f"private-user.{user}", "hello") == 1
    assert other.ask("say", f"private-user.{user}", "hello, too") == 1

    assert other.next_event()["args"] == [{"text": "hello"}]
    assert one.next_event()["args"] == [{"text": "hello, too"}]


def test_a_namespace_has_rooms_of_its_own(
    chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient], colour: Colour
) -> None:
    staff, guest = socketio_js(), socketio_js()
    staff.connect(chat.url + STAFF)
    assert staff.ask("enter", "news") == {"ok": True, "channel": "news"}
    guest.connect(chat.url)
    guest.subscribe("news")

    colour.send(colour.driver(url_of(chat), namespace=STAFF), message("inside", "news"))
    for namespace in ("/", STAFF):
        colour.send(colour.driver(url_of(chat), namespace=namespace), message("fence", "news"))

    assert staff.heard_until("fence") == [("inside", [{}])]
    assert guest.heard_until("fence") == []


# -- who comes in ------------------------------------------------------------------------------------------------------


def test_rules_let_in_and_keep_out(
    either_chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient], user: str
) -> None:
    client = socketio_js()
    client.connect(either_chat.url, user)

    assert client.subscribe(f"private-user.{user}") == {"ok": True, "channel": f"private-user.{user}"}
    denied = {"ok": False, "status": 403, "error": "forbidden"}
    for name in ("private-user.somebody-else", "private-unknown", "presence-user.1", client.socket_id, "secret-room"):
        assert client.ask("subscribe", name) == denied

    with contextlib.closing(SocketIODriver.from_url(url_of(either_chat))) as driver:
        driver.send([message("a", "private-user.somebody-else"), message("b", "secret-room")])
        driver.send([message("fence", f"private-user.{user}")])
    assert client.heard_until("fence") == []


def test_a_guest_is_kept_out(either_chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient]) -> None:
    client = socketio_js()
    client.connect(either_chat.url)

    assert client.ask("subscribe", "private-user.None")["status"] == 403
    assert client.ask("subscribe", "news") == {"ok": True, "channel": "news"}


def test_a_presence_channel_tells_who_one_is(
    either_chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient], user: str
) -> None:
    client = socketio_js()
    client.connect(either_chat.url, user)

    answer = client.subscribe("presence-room.5")

    member = {"user_id": user, "user_info": {"room": 5}}
    assert answer == {"ok": True, "channel": "presence-room.5", "member": member}
    assert client.ask("subscribe", "presence-room.five")["status"] == 403


@pytest.mark.parametrize("asked", [["no spaces"], [5], [], [{}], [{"channel": None}], ["private-"], [["news"]]])
@pytest.mark.parametrize("event", ["subscribe", "unsubscribe"])
def test_what_is_no_name_is_told_so(
    either_chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient], event: str, asked: list[object]
) -> None:
    client = socketio_js()
    client.connect(either_chat.url)

    answer = client.ask(event, *asked)

    assert (answer["ok"], answer["status"]) == (False, 400)
    assert "channel name" in answer["error"]


def test_who_leaves_hears_no_more(either_chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient]) -> None:
    client = socketio_js()
    client.connect(either_chat.url)
    for channel in ("news", CHECKED_CHANNELS[0]):
        client.subscribe(channel)

    # as Laravel Echo asks
    assert client.ask("unsubscribe", {"channel": "news"}) == {"ok": True, "channel": "news"}
    assert client.ask("unsubscribe", "news") == {"ok": True, "channel": "news"}
    assert client.ask("unsubscribe", client.socket_id)["status"] == 403

    with contextlib.closing(SocketIODriver.from_url(url_of(either_chat))) as driver:
        driver.send([message("a", "news"), message("fence", CHECKED_CHANNELS[0])])
    assert client.heard_until("fence") == []


# -- when Redis is not there -------------------------------------------------------------------------------------------


def test_a_redis_that_is_not_there(colour: Colour) -> None:
    port = free_port()
    url = f"socketio+redis://app:{SECRET}@127.0.0.1:{port}/0"
    driver = colour.driver(url, retry=Retry(attempts=2, base=0.0))

    outcomes = colour.send(driver, message("a", "news", data={"ssn": SECRET}), message("b", "news"))

    assert [type(outcome) for outcome in outcomes] == [ConnectError, ConnectError]
    assert str(outcomes[1]).startswith(f"event 'b' was not sent by redis://127.0.0.1:{port}: ")
    shown = [f"{driver!r}", *(f"{o} {o!r}" for o in outcomes)]
    assert SECRET not in " ".join(shown)


def test_a_manager_that_cannot_publish_only_logs_so(colour: Colour, caplog: pytest.LogCaptureFixture) -> None:
    """And the driver tells."""
    manager = colour.manager(f"redis://127.0.0.1:{free_port()}", write_only=True)
    driver = colour.driver(manager=manager)

    outcomes = colour.send(driver, message("a", "news"), message("b", "news"))

    assert [type(outcome) for outcome in outcomes] == [UnreachableError, UnreachableError]
    assert str(outcomes[0]).startswith(
        f"event 'a' was not sent by the {colour.manager.__name__} given: {colour.manager.__name__} could not publish"
    )
    # the second was not tried
    assert [record.message for record in caplog.records] == [
        "Cannot publish to redis... retrying",
        "Cannot publish to redis... giving up",
    ]


def test_a_manager_of_which_two_drivers_were_made(colour: Colour, redis_shared: RedisServer) -> None:
    manager = colour.manager(redis_shared.url, channel="twice", write_only=True)
    colour.driver(manager=manager)
    driver = colour.driver(manager=manager)

    assert colour.send(driver, message("a", "news")) == [Sent(1)]
    colour.run(driver_manager_close(driver))


def test_a_redis_that_comes_back(colour: Colour, tmp_path: Path) -> None:
    port = free_port()
    driver = colour.driver(f"socketio+redis://127.0.0.1:{port}", retry=Retry(attempts=2, base=0.0))
    manager = colour.manager(f"redis://127.0.0.1:{port}", write_only=True)
    by_manager = colour.driver(manager=manager)
    with redis_server(tmp_path, port=port):
        for each in (driver, by_manager):
            assert colour.send(each, message("before", "news")) == [Sent(1)]

    for each in (driver, by_manager):
        (outcome,) = colour.send(each, message("meanwhile", "news"))
        assert isinstance(outcome, UnreachableError)

    with redis_server(tmp_path, port=port):
        for each in (driver, by_manager):
            assert colour.send(each, message("after", "news")) == [Sent(1)]
        colour.run(driver_manager_close(by_manager))


def test_a_connection_that_broke_is_made_again_within_one_send(colour: Colour, tmp_path: Path) -> None:
    with redis_server(tmp_path) as server, server.client() as admin:
        driver = colour.driver(f"socketio+{server.url}")
        colour.send(driver, message("before", "news"))
        admin.client_kill_filter(_type="normal", skipme=True)

        assert colour.send(driver, message("after", "news")) == [Sent(1)]


def test_what_redis_refuses_is_not_tried_again(colour: Colour, tmp_path: Path) -> None:
    with redis_server(tmp_path) as server, server.client() as admin:
        admin.execute_command("ACL", "SETUSER", "reader", "on", f">{SECRET}", "+ping", "+subscribe")
        address = f"127.0.0.1:{server.port}"
        (wrong,) = colour.send(colour.driver(f"socketio+redis://reader:not-{SECRET}@{address}"), message("a", "news"))
        (refused,) = colour.send(colour.driver(f"socketio+redis://reader:{SECRET}@{address}"), message("a", "news"))

    assert isinstance(wrong, BadCredentialsError)
    assert isinstance(refused, ForbiddenError)
    assert SECRET not in f"{wrong}{wrong.__cause__!r}{refused}"


def test_a_server_that_cannot_tell_the_others_says_so_to_the_application(
    colour: Colour, caplog: pytest.LogCaptureFixture
) -> None:
    manager = colour.manager(f"redis://127.0.0.1:{free_port()}")
    driver = colour.driver(server=colour.server(client_manager=manager, async_mode=async_mode(colour)))

    (outcome,) = colour.send(driver, message("a", "news"))

    assert isinstance(outcome, UnreachableError)
    assert caplog.records


def async_mode(colour: Colour) -> str:
    return "asgi" if "Async" in colour.server.__name__ else "threading"


def driver_manager_close(driver: Any) -> Any:
    """Close the connection that python-socketio's own manager keeps."""
    client = driver._carrier._manager.redis
    return client.aclose() if hasattr(client, "aclose") else client.close()


async def test_awaited_broadcasts_of_many_tasks_at_once(
    chat: SocketIoServer, socketio_js: Callable[[], SocketIoClient]
) -> None:
    client = await to_thread.run_sync(socketio_js)
    await to_thread.run_sync(client.connect, chat.url)
    await to_thread.run_sync(client.subscribe, "news")
    async with AsyncBroadcaster.from_url(url_of(chat)) as broadcaster:
        await broadcaster.broadcast(AnonymousEvent("a", {}, on=["news", "conformance-a"])).to_everyone()
        await broadcaster.broadcast(AnonymousEvent("fence", {}, on="news")).to_everyone()

    assert await to_thread.run_sync(client.heard_until, "fence") == [("a", [{}])]
