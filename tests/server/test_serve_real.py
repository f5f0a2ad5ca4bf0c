"""`broadcastkit serve` as a process, with clients and a trigger of other makers."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pusher
import pytest
from pusher.errors import PusherBadAuth, PusherBadStatus

from broadcastkit.core.message import Message
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.server import EmbeddedDriver, Limits
from tests.interop.servers import LOOPBACK, PusherServer, asgi_server, free_port, running, tail
from tests.server.clients import WebSocketClient
from tests.server.tools import APP, TIMEOUT, auth, frame, make_server, member, sign_in

pytestmark = pytest.mark.real

# The PyPI package wants digits.
APP_ID = "1001"
HEARD = {"event": "hello", "channel": "orders", "data": {"a": 1}}

Connect = Callable[[], WebSocketClient]


def command(*options: str, port: int) -> list[str]:
    app = f"{APP_ID}:{APP.key}:{APP.secret}"
    return [sys.executable, "-m", "broadcastkit.cli", "serve", "--port", str(port), "--app", app, *options]


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PusherServer]:
    port, log = free_port(), tmp_path_factory.mktemp("serve") / "serve.log"
    with running(command(port=port), port=port, log=log, ready="/up", env=environment()):
        yield PusherServer(LOOPBACK, port, APP_ID, APP.key, APP.secret)
    assert tail(log).splitlines() == [f"Serving 1001 (key app-key) at ws://127.0.0.1:{port}; stop with Ctrl-C."]


@pytest.fixture
def client(server: PusherServer) -> Iterator[Connect]:
    """Connect clients that leave when the test ends."""
    clients: list[WebSocketClient] = []

    def make() -> WebSocketClient:
        clients.append(WebSocketClient(server))
        clients[-1].open()
        return clients[-1]

    yield make
    for one in clients:
        one.leave()


@pytest.fixture
def trigger(server: PusherServer) -> pusher.Pusher:
    return foreign(server)


def foreign(server: PusherServer, secret: str = APP.secret) -> pusher.Pusher:
    return pusher.Pusher(
        app_id=server.app_id, key=server.key, secret=secret, host=server.host, port=server.port, ssl=False, timeout=5
    )


def test_delivers_what_another_maker_triggers(trigger: pusher.Pusher, client: Connect) -> None:
    a, b = client(), client()
    for one in (a, b):
        one.subscribe("orders")
    assert trigger.trigger("orders", "hello", {"a": 1}) == {}
    trigger.trigger(["orders", "others"], "hello", {"a": 2}, a.socket_id)
    trigger.trigger_batch([{"channel": "orders", "name": "hello", "data": {"a": 3}, "socket_id": b.socket_id}])
    trigger.trigger("orders", "hello", {"a": 4})
    assert [a.receive()["data"]["a"] for _ in range(3)] == [1, 3, 4]
    assert [b.receive()["data"]["a"] for _ in range(3)] == [1, 2, 4]


def test_private_channels_that_another_maker_signed(trigger: pusher.Pusher, client: Connect) -> None:
    a, b = client(), client()
    for one in (a, b):
        signed = trigger.authenticate(channel="private-x", socket_id=one.socket_id)
        one.send(frame("pusher:subscribe", {"channel": "private-x", **signed}))
        assert one.receive()["event"] == "pusher_internal:subscription_succeeded"
    a.trigger("private-x", "client-typing", {"by": "a"})
    assert b.receive() == {"event": "client-typing", "channel": "private-x", "data": {"by": "a"}}
    a.nothing_before_pong()


def test_a_signature_for_another_socket(trigger: pusher.Pusher, client: Connect) -> None:
    a, b = client(), client()
    signed = trigger.authenticate(channel="private-x", socket_id=a.socket_id)
    b.send(frame("pusher:subscribe", {"channel": "private-x", **signed}))
    assert b.receive() == {
        "event": "pusher:subscription_error",
        "channel": "private-x",
        "data": {"type": "AuthError", "error": "The connection is unauthorized", "status": 401},
    }


def test_presence_and_questions(trigger: pusher.Pusher, client: Connect) -> None:
    a, b = client(), client()
    signed = trigger.authenticate("presence-x", a.socket_id, {"user_id": "1", "user_info": {"name": "Ada ✓"}})
    a.send(frame("pusher:subscribe", {"channel": "presence-x", **signed}))
    assert a.receive()["data"]["presence"]["hash"] == {"1": {"name": "Ada ✓"}}
    b.subscribe("presence-x", member("2"))
    assert a.receive()["data"] == {"user_id": "2"}
    assert trigger.channels_info("presence-", ["user_count"]) == {"channels": {"presence-x": {"user_count": 2}}}
    assert trigger.channel_info("presence-x", ["user_count", "subscription_count"]) == {
        "occupied": True,
        "user_count": 2,
        "subscription_count": 2,
    }
    assert trigger.users_info("presence-x") == {"users": [{"id": "1"}, {"id": "2"}]}
    b.leave()
    assert a.receive() == {
        "event": "pusher_internal:member_removed",
        "channel": "presence-x",
        "data": {"user_id": "2"},
    }


def test_a_wrong_secret(server: PusherServer) -> None:
    with pytest.raises(PusherBadAuth, match="auth_signature does not fit"):
        foreign(server, "wrong").trigger("orders", "hello", {})


def test_what_is_too_large(server: PusherServer, trigger: pusher.Pusher) -> None:
    # 12 KB pass the other maker's own check, which measures something else
    with pytest.raises(PusherBadStatus, match="413: data has 12000 bytes; an event takes 10240"):
        trigger.trigger("orders", "hello", "x" * 12_000)


def test_our_own_driver(server: PusherServer, client: Connect) -> None:
    driver = PusherDriver.from_url(server.url)
    a = client()
    a.subscribe("orders")
    driver.send([Message("hello", ("orders", "others"), '{"a":1}', info=("subscription_count",))])
    assert a.receive() == HEARD
    assert driver.channel_info("orders", info=("subscription_count",)).subscription_count == 1
    assert "orders" in driver.channels_info()
    a.send(sign_in(a.socket_id, {"id": "7"}))
    assert a.receive()["event"] == "pusher:signin_success"
    driver.send([Message("hello", ("#server-to-user-7",), '{"a":1}')])
    assert a.receive() == {**HEARD, "channel": "#server-to-user-7"}
    driver.terminate_user_connections("7")
    assert a.closed() == 4009
    driver.close()


@pytest.mark.parametrize(("query", "key", "code"), [("", APP.key, 4008), ("protocol=7", "unknown", 4001)])
def test_refused_connections(server: PusherServer, query: str, key: str, code: int) -> None:
    other = PusherServer(server.host, server.port, server.app_id, key, "")
    with WebSocketClient(other, query) as refused:
        assert refused.receive()["data"]["code"] == code
        assert refused.closed() == code


def test_hostile_frames(client: Connect) -> None:
    a = client()
    for text in ("", "\x00", "[]", "{", '{"event":"pusher:subscribe"}', "[" * 10_000, '{"event":"client-x"}'):
        a.send(text)
        assert a.receive()["event"] == "pusher:error"
    a.subscribe("orders")
    a.send(b"\xff")
    assert a.closed() == 1003
    b = client()
    b.send("x" * 40_000)
    assert b.closed() == 1009


def test_hostile_requests(server: PusherServer) -> None:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=TIMEOUT)
    for method, path, body in (
        ("POST", "/apps/1001/events", b""),
        ("POST", "/apps/1001/events?auth_key=%ff&auth_key=1", b"{}"),
        ("GET", "/apps/1001/channels/%ff%00", None),
        ("GET", "/apps/%2e%2e/channels", None),
        ("POST", "/apps/1001/events", b"x" * 600_000),
        ("PATCH", "/app/app-key", None),
    ):
        connection.request(method, path, body)
        response = connection.getresponse()
        response.read()
        assert 400 <= response.status < 500
        connection.close()


def test_a_client_that_never_reads_holds_up_nobody() -> None:
    embedded = make_server(limits=Limits(send_queue=20))
    message = Message("ev", ("orders",), json.dumps("x" * 10_000))
    with asgi_server(embedded) as port:
        address = PusherServer(LOOPBACK, port, APP.id, APP.key, APP.secret)
        # one frame in its own queue, and then its socket fills
        with WebSocketClient(address, max_queue=1, compression=None) as slow, WebSocketClient(address) as quick:
            for one in (slow, quick):
                one.open()
                one.subscribe("orders")
            for _ in range(5_000):
                EmbeddedDriver(embedded).send([message])
                assert quick.receive()["event"] == "ev"
                if embedded.live().connection_count == 1:
                    break
            assert embedded.live().connection_count == 1
            assert slow.closed() == 4100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stops_in_order(number: signal.Signals, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "serve.log"
    with running(command(port=port), port=port, log=log, ready="/up", env=environment()) as process:
        with WebSocketClient(PusherServer(LOOPBACK, port, APP_ID, APP.key, APP.secret)) as one:
            one.open()
            process.send_signal(number)
            assert one.closed() == 4200
        assert process.wait(TIMEOUT) == (0 if number is signal.SIGINT else -number)
    assert len(tail(log).splitlines()) == 1


def test_options_reach_the_server(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "serve.log"
    options = ("--no-client-events", "--max-connections", "1", "--max-data", "20000", "--allow-origin", "example.org")
    variables = {"PUSHER_APP_ID": APP_ID, "PUSHER_APP_KEY": APP.key, "PUSHER_APP_SECRET": APP.secret}
    plain = [part for part in command(*options, port=port) if part != "--app" and APP.secret not in part]
    with running(plain, port=port, log=log, ready="/up", env={**environment(), **variables}):
        server = PusherServer(LOOPBACK, port, APP_ID, APP.key, APP.secret)
        with WebSocketClient(server, origin="https://evil.example") as evil:
            assert evil.closed() == 4009
        with WebSocketClient(server, origin="https://example.org") as one:
            one.open()
            with WebSocketClient(server) as second:
                assert second.closed() == 4004
            one.send(frame("pusher:subscribe", {"channel": "private-x", "auth": auth(one.socket_id, "private-x")}))
            assert one.receive()["event"] == "pusher_internal:subscription_succeeded"
            one.trigger("private-x", "client-x", {})
            assert one.receive()["data"]["code"] == 4301
            foreign(server).trigger("private-x", "hello", "x" * 19_998)
            assert len(json.dumps(one.receive()["data"])) == 20_000
