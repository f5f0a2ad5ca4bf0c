"""The tools themselves: real servers and clients, and no line of broadcastkit between them."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pusher
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.interop.clients import EchoClient, NotReportedError, PusherJsClient
from tests.interop.servers import PusherServer, asgi_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

pytestmark = pytest.mark.real


def foreign(server: PusherServer) -> pusher.Pusher:
    """Make a client of another maker."""
    return pusher.Pusher(
        app_id=server.app_id,
        key=server.key,
        secret=server.secret,
        host=server.host,
        port=server.port,
        ssl=False,
    )


def signature(server: PusherServer, *parts: str) -> str:
    """Sign as the Pusher protocol says."""
    digest = hmac.digest(server.secret.encode(), ":".join(parts).encode(), hashlib.sha256).hex()
    return f"{server.key}:{digest}"


def channel_auth(server: PusherServer, socket_id: str, channel_name: str) -> dict[str, str]:
    """Open every channel; on a presence channel everybody is called Ada."""
    if not channel_name.startswith("presence-"):
        return {"auth": signature(server, socket_id, channel_name)}
    data = json.dumps({"user_id": socket_id, "user_info": {"name": "Ada"}})
    return {"auth": signature(server, socket_id, channel_name, data), "channel_data": data}


def user_auth(server: PusherServer, socket_id: str) -> dict[str, str]:
    """Sign everybody in as user 7."""
    data = json.dumps({"id": "7", "user_info": {"name": "Ada"}})
    return {"auth": signature(server, socket_id, "", "user", "", data), "user_data": data}


@contextlib.contextmanager
def authorizing(server: PusherServer) -> Iterator[str]:
    """Serve one endpoint for channels (all but `private-closed`) and users; yields its address."""

    async def answer(request: Request) -> JSONResponse:
        form = {name: value for name, (value,) in parse_qs((await request.body()).decode()).items()}
        if form.get("channel_name") == "private-closed":
            return JSONResponse({"message": "closed"}, status_code=403)
        return JSONResponse(channel_auth(server, **form) if "channel_name" in form else user_auth(server, **form))

    with asgi_server(Starlette(routes=[Route("/auth", answer, methods=["POST"])])) as port:
        yield f"http://127.0.0.1:{port}/auth"


@pytest.fixture
def auth_endpoint(soketi: PusherServer) -> Iterator[str]:
    with authorizing(soketi) as address:
        yield address


def test_pusher_js_receives_what_another_client_triggers(
    soketi_numeric: PusherServer, pusher_js: Callable[[], PusherJsClient]
) -> None:
    client = pusher_js()
    socket_id = client.connect(soketi_numeric)
    client.subscribe("orders")

    foreign(soketi_numeric).trigger("orders", "order.shipped", {"id": 7, "note": "naïve ✓"})
    foreign(soketi_numeric).trigger("orders", "order.billed", {"id": 8}, socket_id)
    foreign(soketi_numeric).trigger("orders", "fence", {})

    assert client.events_until("fence") == [
        {"type": "event", "channel": "orders", "event": "order.shipped", "data": {"id": 7, "note": "naïve ✓"}}
    ]


def test_pusher_js_on_private_and_presence_channels(
    soketi: PusherServer, auth_endpoint: str, pusher_js: Callable[[], PusherJsClient]
) -> None:
    ada, bob = pusher_js(), pusher_js()
    ada_id = ada.connect(soketi, auth_endpoint=auth_endpoint)
    bob_id = bob.connect(soketi, auth_endpoint=auth_endpoint)

    assert ada.subscribe_refused("private-closed")["status"] == 403
    ada.subscribe("private-open")
    bob.subscribe("private-open")
    bob.trigger("private-open", "client-typing", {"typing": True})
    assert ada.next_event()["data"] == {"typing": True}

    ada.subscribe("presence-room")
    roster = bob.subscribe("presence-room")
    assert roster["me"] == bob_id
    assert {member["id"] for member in roster["members"]} == {ada_id, bob_id}
    ada.expect("member_added", id=bob_id, info={"name": "Ada"})

    bob.unsubscribe("presence-room")
    ada.expect("member_removed", id=bob_id)
    bob.disconnect()


def test_pusher_js_signs_in(soketi_users: PusherServer, pusher_js: Callable[[], PusherJsClient]) -> None:
    client = pusher_js()
    with authorizing(soketi_users) as address:
        client.connect(soketi_users, user_auth_endpoint=address)
        assert client.sign_in()["user_data"] == {"id": "7", "user_info": {"name": "Ada"}}


def test_echo_listens_and_whispers(soketi: PusherServer, auth_endpoint: str, echo_js: Callable[[], EchoClient]) -> None:
    ada, bob = echo_js(), echo_js()
    for echo in (ada, bob):
        echo.connect(soketi, auth_endpoint=auth_endpoint)
        echo.private("chat.1")
        echo.join("chat.1")
        echo.listen_for_whisper("private-chat.1", "typing")

    ada.expect("joining", channel="presence-chat.1", info={"name": "Ada"})
    assert len(bob.expect("here", channel="presence-chat.1")["members"]) == 2
    bob.whisper("private-chat.1", "typing", {"by": "bob"})
    assert ada.expect("whisper", channel="private-chat.1", event="typing")["data"] == {"by": "bob"}
    bob.leave("presence-chat.1")
    ada.expect("leaving", channel="presence-chat.1")


def test_echo_hears_the_dotted_name(soketi_numeric: PusherServer, echo_js: Callable[[], EchoClient]) -> None:
    echo = echo_js()
    echo.connect(soketi_numeric)
    echo.channel("orders")
    echo.listen("orders", ".order.shipped")

    foreign(soketi_numeric).trigger("orders", "order.shipped", {"id": 7})

    assert echo.next_event()["data"] == {"id": 7}


def test_a_wait_in_vain_shows_what_came_instead(soketi: PusherServer, pusher_js: Callable[[], PusherJsClient]) -> None:
    client = pusher_js()
    client.connect(soketi)

    with pytest.raises(NotReportedError, match=r"(?s)within 0\.01 s, no .*'subscribed'.*'connected'"):
        client.expect("subscribed", timeout=0.01)


def test_a_server_that_is_refused_says_why(soketi: PusherServer, pusher_js: Callable[[], PusherJsClient]) -> None:
    client = pusher_js()

    with pytest.raises(NotReportedError, match="4001"):
        client.connect(PusherServer(soketi.host, soketi.port, "no-app", "no-key", "no-secret"))
