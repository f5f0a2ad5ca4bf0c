"""pusher-js and Laravel Echo over the embedded server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from broadcastkit.core.message import Message
from broadcastkit.server import EmbeddedDriver, EmbeddedServer
from broadcastkit.server.asgi import Receive, Scope, Send
from broadcastkit.server.effects import Close
from tests.interop.clients import EchoClient, NotReportedError, PusherJsClient
from tests.interop.servers import LOOPBACK, PusherServer, asgi_server
from tests.server.tools import APP, auth, make_server, member, sign

pytestmark = pytest.mark.real


def answer(socket_id: str, channel: str | None) -> dict[str, str]:
    """What an application's endpoints answer; signed by hand, so that both sides are not ours."""
    if channel is None:
        user_data = json.dumps({"id": "ada", "user_info": {"name": "Ada"}})
        return {"auth": f"{APP.key}:{sign(f'{socket_id}::user::{user_data}')}", "user_data": user_data}
    if channel == "private-forged":
        return {"auth": auth("1.1", channel)}
    if channel == "presence-of-user" or not channel.startswith("presence-"):
        return {"auth": auth(socket_id, channel)}
    channel_data = member(socket_id, name="Ada")
    return {"auth": auth(socket_id, channel, channel_data), "channel_data": channel_data}


async def endpoints(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    form = parse_qs((await receive())["body"].decode())
    channel = form["channel_name"][0] if "channel_name" in form else None
    body = json.dumps(answer(form["socket_id"][0], channel)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def auth_port() -> Iterator[int]:
    with asgi_server(endpoints) as port:
        yield port


@pytest.fixture
def embedded() -> EmbeddedServer:
    return make_server()


@pytest.fixture
def server(embedded: EmbeddedServer) -> Iterator[PusherServer]:
    with asgi_server(embedded) as port:
        yield PusherServer(LOOPBACK, port, APP.id, APP.key, APP.secret)


@pytest.fixture
def connect(
    server: PusherServer, auth_port: int, pusher_js: Callable[[], PusherJsClient]
) -> Callable[[], PusherJsClient]:
    def make() -> PusherJsClient:
        client = pusher_js()
        at = f"http://{LOOPBACK}:{auth_port}"
        client.connect(server, auth_endpoint=f"{at}/channel", user_auth_endpoint=f"{at}/user")
        return client

    return make


def send(embedded: EmbeddedServer, event: str, channel: str, data: object = None, exclude: str | None = None) -> None:
    EmbeddedDriver(embedded).send([Message(event, (channel,), json.dumps(data), exclude)])


def heard(client: PusherJsClient, fence: str = "fence") -> list[Any]:
    return [report["data"] for report in client.events_until(fence)]


def test_events_and_their_exclusion(
    embedded: EmbeddedServer, server: PusherServer, pusher_js: Callable[[], PusherJsClient]
) -> None:
    a, b = pusher_js(), pusher_js()
    socket_id = a.connect(server)
    b.connect(server)
    for client in (a, b):
        client.subscribe("orders")
    send(embedded, "order.shipped", "orders", {"id": 7, "note": "naïve ✓"})
    send(embedded, "order.billed", "orders", {"id": 8}, socket_id)
    send(embedded, "fence", "orders")
    assert heard(a) == [{"id": 7, "note": "naïve ✓"}]
    assert heard(b) == [{"id": 7, "note": "naïve ✓"}, {"id": 8}]


def test_private_and_presence_channels(embedded: EmbeddedServer, connect: Callable[[], PusherJsClient]) -> None:
    a, b = connect(), connect()
    refused = a.subscribe_refused("private-forged")
    assert (refused["error_type"], refused["status"]) == ("AuthError", 401)
    for client in (a, b):
        client.subscribe("private-x")
    b.trigger("private-x", "client-typing", {"by": "b"})
    assert a.next_event()["data"] == {"by": "b"}
    me = a.subscribe("presence-x")["me"]
    roster = b.subscribe("presence-x")
    assert [one["id"] for one in roster["members"]] == [me, roster["me"]]
    a.expect("member_added", id=roster["me"], info={"name": "Ada"})
    b.trigger("presence-x", "client-wave", "hello")
    assert a.next_event()["data"] == "hello"
    b.unsubscribe("presence-x")
    a.expect("member_removed", id=roster["me"])
    b.subscribe("presence-x")
    a.expect("member_added", id=roster["me"])
    b.disconnect()
    a.expect("member_removed", id=roster["me"])
    send(embedded, "fence", "private-x")
    assert heard(a) == []


def test_a_signed_in_user(embedded: EmbeddedServer, connect: Callable[[], PusherJsClient]) -> None:
    client = connect()
    assert client.sign_in()["user_data"] == {"id": "ada", "user_info": {"name": "Ada"}}
    send(embedded, "hello", "#server-to-user-ada", {"a": 1})
    assert client.next_event()["data"] == {"a": 1}
    members = client.subscribe("presence-of-user")["members"]
    assert members == [{"id": "ada", "info": {"name": "Ada"}}]
    EmbeddedDriver(embedded).terminate_user_connections("ada")
    client.expect("error", code=4009)
    client.expect("disconnected")


def test_cache_channels(embedded: EmbeddedServer, connect: Callable[[], PusherJsClient]) -> None:
    client = connect()
    client.subscribe("private-cache-x")
    assert client.next_event()["event"] == "pusher:cache_miss"
    send(embedded, "hello", "private-cache-x", {"a": 1})
    assert client.next_event()["data"] == {"a": 1}
    late = connect()
    late.subscribe("private-cache-x")
    assert late.next_event()["data"] == {"a": 1}


def test_clients_come_back_at_once_when_told_to(
    embedded: EmbeddedServer, connect: Callable[[], PusherJsClient]
) -> None:
    client = connect()
    client.subscribe("private-x")
    embedded.live().close_all(Close(4200, "again"))
    client.expect("connected")
    client.expect("subscribed", channel="private-x")
    send(embedded, "hello", "private-x", {"a": 1})
    assert client.next_event()["data"] == {"a": 1}


def test_a_refused_connection(server: PusherServer, pusher_js: Callable[[], PusherJsClient]) -> None:
    with pytest.raises(NotReportedError, match="4001"):
        pusher_js().connect(PusherServer(server.host, server.port, "no", "no-key", "no"))


def test_echo(server: PusherServer, auth_port: int, echo_js: Callable[[], EchoClient]) -> None:
    a, b = echo_js(), echo_js()
    for echo in (a, b):
        echo.connect(server, auth_endpoint=f"http://{LOOPBACK}:{auth_port}/channel")
        echo.private("chat")
        echo.join("chat")
        echo.listen_for_whisper("private-chat", "typing")
    a.expect("joining", channel="presence-chat", info={"name": "Ada"})
    assert len(b.expect("here", channel="presence-chat")["members"]) == 2
    b.whisper("private-chat", "typing", {"by": "b"})
    assert a.expect("whisper", channel="private-chat", event="typing")["data"] == {"by": "b"}
    b.leave("presence-chat")
    a.expect("leaving", channel="presence-chat")
