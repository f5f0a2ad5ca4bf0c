"""Inside other apps, under a prefix or not, with the loops of Starlette's test client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI
from litestar import Litestar, asgi
from litestar.testing import TestClient as LitestarClient
from starlette.testclient import TestClient, WebSocketTestSession

from broadcastkit.core.message import Message
from broadcastkit.server import App, EmbeddedDriver, EmbeddedServer
from tests.server.tools import APP, NOW, make_server, member, read, signed_query, subscribe

MESSAGE = Message("hello", ("presence-x",), '{"a":1}')
HEARD = {"event": "hello", "channel": "presence-x", "data": {"a": 1}}


class Site:
    """A FastAPI app with a route of its own, and the server at a prefix."""

    def __init__(self, prefix: str, server: EmbeddedServer) -> None:
        self.prefix, self.server = prefix.rstrip("/"), server
        app = FastAPI()

        @app.get("/hello")
        def hello() -> str:
            return "hello"

        app.mount(prefix, server)
        self.client = TestClient(app)

    def connect(self) -> WebSocketTestSession:
        return self.client.websocket_connect(f"{self.prefix}/app/{APP.key}?protocol=7")

    def get(self, path: str) -> Any:
        return self.client.get(f"{self.prefix}{path}")


@pytest.fixture(params=["/", "/ws", "/a/b"])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param, make_server())


def greeted(socket: WebSocketTestSession) -> str:
    socket_id: str = read(socket.receive_text())["data"]["socket_id"]
    return socket_id


def test_the_app_keeps_its_routes_and_the_server_has_its_own(site: Site) -> None:
    assert site.client.get("/hello").json() == "hello"
    assert site.get("/up").json() == {"health": "OK"}
    assert site.get("/nothing").json() == {"error": "not found"}


def test_clients_on_loops_of_their_own_hear_one_another(site: Site) -> None:
    # without `with site.client` each of these runs on its own loop, in its own thread
    driver = EmbeddedDriver(site.server)
    with site.connect() as a, site.connect() as b:
        for socket, user in ((a, "1"), (b, "2")):
            socket.send_text(subscribe(greeted(socket), "presence-x", member(user)))
            assert read(socket.receive_text())["event"] == "pusher_internal:subscription_succeeded"
        assert read(a.receive_text())["data"] == {"user_id": "2"}
        driver.send([MESSAGE])
        for socket in (a, b):
            assert read(socket.receive_text()) == HEARD
        a.send_text(json.dumps({"event": "client-x", "channel": "presence-x", "data": "hi"}))
        assert read(b.receive_text())["user_id"] == "1"
        b.close()
        assert read(a.receive_text())["event"] == "pusher_internal:member_removed"


@pytest.mark.parametrize("signs_prefix", [False, True])
def test_requests(site: Site, signs_prefix: bool) -> None:
    path = f"/apps/{APP.id}/channels"
    query = signed_query("GET", f"{site.prefix}{path}" if signs_prefix else path)
    assert site.get(f"{path}?{query}").json() == {"channels": {}}
    assert site.get(f"{path}?{query}x").status_code == 401


def test_the_loop_of_the_lifespan(site: Site) -> None:
    with site.client, site.connect() as a:
        a.send_text(subscribe(greeted(a), "presence-x", member("1")))
        a.receive_text()
        EmbeddedDriver(site.server).send([MESSAGE])
        assert read(a.receive_text()) == HEARD


@pytest.mark.parametrize("prefix", ["/", "/ws", "/a/b"])
def test_litestar_which_ends_a_mounted_path_with_a_slash(prefix: str) -> None:
    server = make_server()
    app = Litestar([asgi(prefix, is_mount=True, copy_scope=True)(server)], openapi_config=None, logging_config=None)
    below = prefix.rstrip("/")
    with LitestarClient(app) as client, client.websocket_connect(f"{below}/app/{APP.key}?protocol=7") as socket:
        socket.send_text(subscribe(read(socket.receive_text())["data"]["socket_id"], "presence-x", member("1")))
        assert read(socket.receive_text())["event"] == "pusher_internal:subscription_succeeded"
        path = f"/apps/{APP.id}/channels"
        answer = client.get(f"{below}{path}?{signed_query('GET', path)}")
        assert answer.json() == {"channels": {"presence-x": {}}}
        assert client.get(f"{below}/up").json() == {"health": "OK"}


def test_the_server_by_itself() -> None:
    server = EmbeddedServer(App("1", "app-key", "s"), now=lambda: float(NOW))
    with TestClient(server) as client, client.websocket_connect("/app/app-key?protocol=7") as socket:
        assert greeted(socket)
