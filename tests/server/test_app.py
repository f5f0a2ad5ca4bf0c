"""The ASGI app: WebSockets, requests and lifespan, with no server between."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from broadcastkit.core.message import Message
from broadcastkit.errors import ConfigurationError
from broadcastkit.server import App, EmbeddedServer, Limits
from broadcastkit.server.protocol import PusherProtocol
from tests.server.tools import (
    APP,
    TIMEOUT,
    AsgiSocket,
    api,
    auth,
    frame,
    make_server,
    member,
    request,
    sign_in,
    signed_query,
    subscribe,
)

OTHER = App("other-id", "other-key", "other-secret", client_events="none")
DISABLED = App("off-id", "off-key", "off-secret", enabled=False)


def hello(channel: str, **more: object) -> dict[str, object]:
    return {"name": "hello", "data": '{"a":1}', "channel": channel, **more}


HEARD = {"event": "hello", "data": {"a": 1}}


# -- connections


async def test_every_connection_has_a_socket_id_of_its_own() -> None:
    server = make_server()
    async with AsgiSocket(server) as a, AsgiSocket(server) as b:
        ids = {await a.open(), await b.open()}
    assert len(ids) == 2
    assert all(part.isdigit() for socket_id in ids for part in socket_id.split("."))


async def test_a_socket_id_in_use_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([1, 1, 1, 1, 2, 2])
    monkeypatch.setattr("secrets.randbelow", lambda _: next(numbers))
    server = make_server()
    async with AsgiSocket(server) as a, AsgiSocket(server) as b:
        assert [await a.open(), await b.open()] == ["1.1", "2.2"]


async def test_hears_what_is_published_and_not_what_it_is_excluded_from() -> None:
    server = make_server()
    async with AsgiSocket(server) as a, AsgiSocket(server) as b:
        await a.open()
        await b.open()
        await a.subscribe("orders")
        await b.subscribe("orders")
        answer = await api(server, "POST", "/events", hello("orders", socket_id=a.socket_id))
        assert (answer.status, answer.json) == (200, {})
        assert await b.receive() == {"channel": "orders", **HEARD}
        await a.nothing_before_pong()


async def test_private_channels_and_client_events() -> None:
    server = make_server()
    async with AsgiSocket(server) as a, AsgiSocket(server) as b:
        for client in (a, b):
            await client.open()
            assert await client.subscribe("private-x") == {}
        a.send(json.dumps({"event": "client-typing", "channel": "private-x", "data": {"by": "a"}}))
        assert await b.receive() == {"event": "client-typing", "channel": "private-x", "data": {"by": "a"}}
        await a.nothing_before_pong()


async def test_members_come_and_go() -> None:
    server = make_server()
    async with AsgiSocket(server) as a:
        await a.open()
        await a.subscribe("presence-x", member("1", name="Ada"))
        async with AsgiSocket(server) as b:
            await b.open()
            roster = await b.subscribe("presence-x", member(2, name="Bob"))
            assert roster["presence"] == {
                "count": 2,
                "ids": ["1", "2"],
                "hash": {"1": {"name": "Ada"}, "2": {"name": "Bob"}},
            }
            added = {"user_id": "2", "user_info": {"name": "Bob"}}
            assert await a.receive() == {
                "event": "pusher_internal:member_added",
                "channel": "presence-x",
                "data": added,
            }
            assert (await api(server, "GET", "/channels/presence-x/users")).json == {
                "users": [{"id": "1"}, {"id": "2"}]
            }
        removed = {"event": "pusher_internal:member_removed", "channel": "presence-x", "data": {"user_id": "2"}}
        assert await a.receive() == removed
    assert (await api(server, "GET", "/channels")).json == {"channels": {}}


async def test_unsubscribes() -> None:
    server = make_server()
    async with AsgiSocket(server) as client:
        await client.open()
        await client.subscribe("orders")
        client.send(frame("pusher:unsubscribe", {"channel": "orders"}))
        await client.nothing_before_pong()
        await api(server, "POST", "/events", hello("orders"))
        await client.nothing_before_pong()


async def test_cache_channels() -> None:
    server = make_server()
    async with AsgiSocket(server) as client:
        await client.open()
        await client.subscribe("cache-x")
        assert (await client.receive())["event"] == "pusher:cache_miss"
        await api(server, "POST", "/events", hello("cache-x"))
        assert await client.receive() == {"channel": "cache-x", **HEARD}
        client.send(frame("pusher:unsubscribe", {"channel": "cache-x"}))
        await client.subscribe("cache-x")
        assert await client.receive() == {"channel": "cache-x", **HEARD}


async def test_a_signed_in_user_is_reached_and_can_be_disconnected() -> None:
    server = make_server()
    async with AsgiSocket(server) as a, AsgiSocket(server) as b:
        await a.open()
        await b.open()
        a.send(sign_in(a.socket_id, {"id": "7"}))
        assert (await a.receive())["event"] == "pusher:signin_success"
        await a.subscribe("#server-to-user-7")
        await api(server, "POST", "/events", hello("#server-to-user-7"))
        assert await a.receive() == {"channel": "#server-to-user-7", **HEARD}
        answer = await api(server, "POST", "/users/7/terminate_connections", {})
        assert (answer.status, answer.json) == (200, {})
        assert await a.closed() == (4009, "You got disconnected by the app")
        await b.nothing_before_pong()


async def test_apps_know_nothing_of_each_other() -> None:
    server = make_server().__class__([APP, OTHER], now=lambda: 1_700_000_000.0)
    async with AsgiSocket(server) as a, AsgiSocket(server, "/app/other-key?protocol=7") as b:
        await a.open()
        await b.open()
        await a.subscribe("orders")
        b.send(frame("pusher:subscribe", {"channel": "private-x", "auth": auth(b.socket_id, "private-x")}))
        assert (await b.receive())["event"] == "pusher:subscription_error"
        await b.subscribe("orders")
        await api(server, "POST", "/events", hello("orders"), by=OTHER)
        assert await b.receive() == {"channel": "orders", **HEARD}
        await a.nothing_before_pong()


# -- refusals and ends


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/app/unknown?protocol=7", 4001),
        ("/app/off-key?protocol=7", 4003),
        ("/app/app-key", 4008),
        ("/app/app-key?protocol=4", 4007),
        ("/app/app-key?" + "a=1&" * 50, 4008),
        ("/app/", 4001),
        ("/app", 4005),
        ("/", 4005),
        ("/app/app-key/x?protocol=7", 4005),
        ("/apps/app-key?protocol=7", 4005),
    ],
)
async def test_a_refused_client_is_told_why(path: str, code: int) -> None:
    server = EmbeddedServer([APP, DISABLED])
    async with AsgiSocket(server, path) as client:
        assert (await client.message())["type"] == "websocket.accept"
        assert (await client.closed())[0] == code


async def test_pages_from_elsewhere_and_one_connection_too_many() -> None:
    server = make_server(limits=Limits(connections=1, allowed_origins=("example.org",)))
    evil = [(b"origin", b"https://evil.example")]
    async with AsgiSocket(server) as first, AsgiSocket(server) as second, AsgiSocket(server, headers=evil) as third:
        await first.open()
        for client, code in ((second, 4004), (third, 4009)):
            assert (await client.message())["type"] == "websocket.accept"
            assert (await client.closed())[0] == code
    async with AsgiSocket(server, headers=[(b"origin", b"https://example.org")]) as fourth:
        await fourth.open()


async def test_a_client_that_leaves_before_it_hears_the_refusal() -> None:
    refused: list[str] = []

    async def gone(message: Any) -> None:
        refused.append(message["type"])
        raise ConnectionResetError

    async def connect() -> dict[str, str]:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/nowhere", "headers": []}
    await make_server()(scope, connect, gone)

    assert refused[0] == "websocket.accept"


@pytest.mark.parametrize("binary", [False, True])
async def test_a_connection_is_closed_for_what_the_protocol_does_not_allow(binary: bool) -> None:
    server = make_server(limits=Limits(frame_size=100))
    async with AsgiSocket(server) as watcher, AsgiSocket(server) as client:
        await watcher.open()
        await client.open()
        await client.subscribe("orders")
        if binary:
            client.send_binary(b'{"event":"pusher:ping"}')
        else:
            client.send("x" * 101)
        client.send(frame("pusher:ping"))  # what comes after is not served
        assert (await client.closed())[0] == (1003 if binary else 1009)
        assert (await api(server, "GET", "/channels")).json == {"channels": {}}


async def test_a_frame_that_crosses_the_close_is_not_served() -> None:
    server = make_server()
    async with AsgiSocket(server) as client:
        await client.open()
        client.send(sign_in(client.socket_id, {"id": "7"}))
        await client.receive()
        client.may_send.clear()  # the close stays on its way
        server.live().terminate_user("7")
        client.send(subscribe(client.socket_id, "orders"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert (await api(server, "GET", "/channels")).json == {"channels": {}}
        client.may_send.set()
        assert (await client.closed())[0] == 4009


async def test_nonsense_is_answered_and_harms_nobody() -> None:
    server = make_server()
    async with AsgiSocket(server) as client:
        await client.open()
        for text in ("", "x", "[]", '{"event":"hello"}', "\ud800"):
            client.send(text)
            assert (await client.receive())["event"] == "pusher:error"
        await client.subscribe("orders")


async def test_a_client_that_does_not_read_loses_its_connection_and_holds_up_nobody() -> None:
    server = make_server(limits=Limits(send_queue=5))
    message = Message("ev", ("presence-x",), "{}")
    async with AsgiSocket(server) as slow, AsgiSocket(server) as quick:
        for client, user in ((slow, "1"), (quick, "2")):
            await client.open()
            await client.subscribe("presence-x", member(user))
        assert (await slow.receive())["event"] == "pusher_internal:member_added"
        slow.may_send.clear()
        heard: list[str] = []
        for _ in range(20):
            server.publish("app-id", message)
            heard.append((await quick.receive())["event"])
        heard.append((await quick.receive())["event"])
        assert sorted(heard) == ["ev"] * 20 + ["pusher_internal:member_removed"]
        assert (await api(server, "GET", "/channels/presence-x/users")).json == {"users": [{"id": "2"}]}
        slow.may_send.set()
        assert (await slow.message())["code"] == 4100


async def test_several_slow_clients_at_once() -> None:
    server = make_server(limits=Limits(send_queue=2))
    async with AsgiSocket(server) as a, AsgiSocket(server) as b, AsgiSocket(server) as c:
        for client, user in ((a, "1"), (b, "2"), (c, "3")):
            await client.open()
            await client.subscribe("presence-x", member(user))
        for client in (a, b, c):
            client.may_send.clear()
        # no await in between: to the server all three stop reading at the same moment
        server.publish("app-id", *[Message("ev", ("presence-x",), "{}")] * 6)
        assert server.live().connection_count == 0
        for client in (a, b, c):
            client.may_send.set()


async def test_a_silent_client_is_pinged_and_then_closed() -> None:
    server = make_server(limits=Limits(activity_timeout=0.02, pong_timeout=0.02))
    async with AsgiSocket(server) as client:
        await client.open()
        client.send(frame("pusher:pong", {}))  # moves the deadline: the timer rings too early once
        assert await client.receive() == {"event": "pusher:ping", "data": {}}
        client.send(frame("pusher:pong", {}))
        assert await client.receive() == {"event": "pusher:ping", "data": {}}
        assert await client.closed() == (4201, "Pong reply not received in time")
        async with asyncio.timeout(TIMEOUT):
            await client.task
    assert server.live().connection_count == 0


async def test_a_bug_in_the_server_ends_the_connection_and_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError

    server = make_server()
    client = AsgiSocket(server)
    await client.__aenter__()
    await client.open()
    monkeypatch.setattr(PusherProtocol, "receive", bug)
    client.send("x")
    with pytest.raises(ExceptionGroup) as caught:
        await client.task
    assert caught.group_contains(ZeroDivisionError)
    assert server.live().connection_count == 0


# -- requests


@pytest.mark.parametrize("path", ["/", "/up"])
async def test_says_that_it_runs(path: str) -> None:
    answer = await request(make_server(), "GET", path)
    assert answer is not None
    assert (answer.status, answer.json) == (200, {"health": "OK"})
    refused = await request(make_server(), "POST", path)
    assert refused is not None
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/x", "/apps", "/apps/", "/apps/app-id", "/app/app-key", "//apps/app-id/events"])
async def test_other_paths_are_not_found(path: str) -> None:
    answer = await request(make_server(), "GET", path)
    assert answer is not None
    assert (answer.status, answer.json) == (404, {"error": "not found"})


async def test_unknown_apps_are_not_found() -> None:
    answer = await request(make_server(), "POST", "/apps/unknown/events", b"{}")
    assert answer is not None
    assert answer.status == 404
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_body_in_parts() -> None:
    answer = await api(make_server(), "POST", "/events", hello("orders"), parts=7)
    assert answer.status == 200
    assert answer.headers["content-length"] == "2"


async def test_a_body_that_is_too_large_is_not_waited_for() -> None:
    server = make_server(limits=Limits(request_size=100))
    announced = await request(server, "POST", "/apps/app-id/events", headers={"Content-Length": "101"})
    sent = await request(server, "POST", "/apps/app-id/events", b"x" * 101, parts=3)
    endless = await request(server, "POST", "/apps/app-id/events", headers={"Content-Length": "9" * 5_000})
    for answer in (announced, sent, endless):
        assert answer is not None
        assert (answer.status, answer.headers["connection"]) == (413, "close")


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def never() -> dict[str, str]:
        await asyncio.Event().wait()
        raise AssertionError

    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/apps/app-id/events", "headers": []}
    await make_server(limits=Limits(request_timeout=0.01))(scope, never, send)
    assert sent[0]["status"] == 408


async def test_too_many_headers() -> None:
    headers = [(b"x", b"y")] * 65
    answer = await request(make_server(), "POST", "/apps/app-id/events", raw_headers=headers)
    assert answer is not None
    assert answer.status == 431


async def test_a_client_that_leaves_is_not_answered() -> None:
    asked: list[str] = []

    async def left() -> dict[str, str]:
        asked.append("for the body")
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/apps/app-id/events", "headers": []}
    await make_server()(scope, left, send)

    assert asked == ["for the body"]


# -- under a prefix


@pytest.mark.parametrize("path", ["/ws/app/app-key", "/app/app-key"])
async def test_under_a_prefix_that_is_in_the_path_or_cut_off(path: str) -> None:
    async with AsgiSocket(make_server(), f"{path}?protocol=7", root_path="/ws") as client:
        await client.open()


@pytest.mark.parametrize("signed", ["/ws/apps/app-id/channels", "/apps/app-id/channels"])
@pytest.mark.parametrize("path", ["/ws/apps/app-id/channels", "/apps/app-id/channels"])
async def test_the_prefix_may_be_signed_or_not(path: str, signed: str) -> None:
    answer = await request(
        make_server(),
        "GET",
        path,
        query=signed_query("GET", signed),
        root_path="/ws",
        raw_path=b"/ws/apps/app-id/channels",
    )
    assert answer is not None
    assert answer.status == 200


async def test_a_path_may_be_signed_as_it_was_sent() -> None:
    sent = "/apps/app-id/channels/%23server-to-user-7"
    query = signed_query("GET", sent)
    path = "/apps/app-id/channels/#server-to-user-7"
    answer = await request(make_server(), "GET", path, query=query, raw_path=sent.encode())
    assert answer is not None
    assert answer.json == {"occupied": False}


async def test_the_prefix_is_a_whole_segment() -> None:
    async with AsgiSocket(make_server(), root_path="/a") as client:  # cut off already, and /app begins like it
        await client.open()
    answer = await request(make_server(), "GET", "/wsx/up", root_path="/ws")
    assert answer is not None
    assert answer.status == 404


# -- life


async def lifespan(server: EmbeddedServer, *kinds: str) -> list[str]:
    messages = [{"type": f"lifespan.{kind}"} for kind in kinds]
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await server({"type": "lifespan"}, receive, send)
    return sent


async def test_clients_are_told_to_come_back_when_the_server_ends() -> None:
    server = make_server()
    async with AsgiSocket(server) as client:
        await client.open()
        assert await lifespan(server, "startup", "shutdown") == [
            "lifespan.startup.complete",
            "lifespan.shutdown.complete",
        ]
        assert await client.closed() == (4200, "Server closed, reconnect")
    async with AsgiSocket(server) as late:
        assert (await late.message())["type"] == "websocket.accept"
        assert (await late.closed())[0] == 4200
    assert len(await lifespan(server, "startup", "shutdown")) == 2


async def test_a_server_that_starts_again_takes_clients_again() -> None:
    server = make_server()
    await server.aclose()

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        raise StopAsyncIteration

    with pytest.raises(StopAsyncIteration):
        await server({"type": "lifespan"}, receive, send)
    async with AsgiSocket(server) as client:
        await client.open()


async def test_it_is_no_app_for_anything_else() -> None:
    with pytest.raises(RuntimeError, match="'mqtt'"):
        await make_server()({"type": "mqtt"}, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("apps", [[], [APP, APP], [APP, App("app-id", "k", "s")], [APP, App("other", "app-key", "s")]])
def test_apps_that_cannot_be_served_together(apps: list[App]) -> None:
    with pytest.raises(ConfigurationError):
        EmbeddedServer(apps)


def test_an_unknown_app_is_named() -> None:
    server = EmbeddedServer([APP, OTHER])
    assert server.apps == (APP, OTHER)
    with pytest.raises(ConfigurationError, match=r"app_id must be one of this server's apps \(app-id, other-id\)"):
        server.publish("unknown")
    with pytest.raises(ConfigurationError, match="None"):
        server.live()
