"""The guide's own snippets, against the marketplace as the guide sets it up: option 2, with `local` three times.

soketi stands for Laravel WebSockets, which nobody maintains any more, and so does `broadcastkit serve`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.marketplace.app import create_app
from tests.examples.marketplace.conftest import token_of
from tests.examples.marketplace.test_live import LARAVEL_WEBSOCKETS
from tests.interop.clients import NodeClient, PusherJsClient, Report
from tests.interop.servers import PusherServer, asgi_server, free_port, running, soketi_app, soketi_server

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "marketplace"


@contextmanager
def by_soketi(folder: Path) -> Iterator[int]:
    # with users: so it can end their connections
    with soketi_server(folder, [soketi_app("local", "local", "local", users=True)]) as (server,):
        yield server.port


@contextmanager
def by_broadcastkit(folder: Path) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "broadcastkit.cli", "serve", "--port", str(port)]
    with running(command, port=port, log=folder / "serve.log", ready="/up", env=LARAVEL_WEBSOCKETS):
        yield port


@dataclass
class Market:
    """The application, running, and the WebSocket server that it sends to."""

    url: str
    websockets: int
    environ: dict[str, str]
    stack: ExitStack

    def token(self, name: str, lifetime: timedelta = timedelta(hours=1)) -> str:
        return token_of(self.environ["DATABASE_URL"], name, lifetime)

    def page(self, name: str, token: str | None = None) -> Page:
        page = self.stack.enter_context(Page("../examples/marketplace/guide_echo.mjs"))
        page.token, page.url = token or self.token(name), self.url
        page.command("connect", url=self.url, hostname="127.0.0.1", port=self.websockets, token=page.token)
        page.socket_id = page.expect("connected")["socket_id"]
        return page


class Page(NodeClient):
    """The guide's component, without a window around it."""

    token: str
    url: str
    socket_id: str

    def select(self, conversation: int) -> Report:
        self.command("select", id=conversation)
        return self.wait_for(lambda report: report["type"] in {"subscribed", "refused"}, what="subscribed or refused")

    def post(self, path: str, json: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", "X-Socket-ID": self.socket_id}
        return httpx.post(f"{self.url}{path}", json=json, headers=headers, trust_env=False)

    def write(self, content: str) -> dict[str, Any]:
        answer = self.post("/api/conversations/1/messages", {"content": content})
        assert answer.status_code == 201
        message: dict[str, Any] = answer.json()
        return message


@pytest.fixture(params=[by_soketi, by_broadcastkit], ids=["soketi", "broadcastkit"])
def market(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[Market]:
    with ExitStack() as stack:
        port = stack.enter_context(request.param(tmp_path))
        environ = {**LARAVEL_WEBSOCKETS, "PUSHER_PORT": str(port), "DATABASE_URL": database_url}
        served = stack.enter_context(asgi_server(create_app(environ)))
        yield Market(f"http://127.0.0.1:{served}", port, environ, stack)


def test_the_inbox_of_the_guide(market: Market) -> None:
    ada, ben = market.page("ada"), market.page("ben")
    assert [page.select(1)["type"] for page in (ada, ben)] == ["subscribed", "subscribed"]

    assert ben.post("/api/conversations/1/typing").status_code == 204
    assert ada.next_event()["data"] == {"user_id": 2, "user_name": "Ben Okafor"}
    sent = ben.write("Saturday at ten?")
    assert ada.next_event()["data"] == sent
    answer = ada.write("Ten is fine.")
    # the first that Ben hears: his own did not come back
    assert ben.next_event() == {"type": "event", "event": "message.sent", "data": answer}

    ada.command("leave", id=1)
    assert ada.expect("left")["channels"] == []
    ben.write("Nobody hears this.")
    assert ada.select(1)["type"] == "subscribed"
    fence = ben.write("This she hears.")
    assert ada.next_event()["data"] == fence


def test_only_buyer_and_seller_with_a_good_token_may_listen(market: Market) -> None:
    assert market.page("cleo").select(1) == {"type": "refused", "id": 1, "status": 403}
    assert market.page("nobody", "no token").select(1) == {"type": "refused", "id": 1, "status": 401}
    expired = market.token("ben", timedelta(seconds=-1))
    assert market.page("ben", expired).select(1) == {"type": "refused", "id": 1, "status": 401}


def test_who_signs_out_is_cut_off(market: Market, pusher_js: Callable[[], PusherJsClient]) -> None:
    server = PusherServer("127.0.0.1", market.websockets, "local", "local", "local")
    ben, ada = pusher_js(), market.page("ada")
    ada.select(1)
    headers, endpoints = {"Authorization": f"Bearer {market.token('ben')}"}, f"{market.url}/broadcasting"
    ben.connect(server, auth_endpoint=f"{endpoints}/auth", user_auth_endpoint=f"{endpoints}/user-auth", headers=headers)
    ben.sign_in()
    ben.subscribe("private-conversation.1")
    assert httpx.post(f"{market.url}/api/logout", headers=headers, trust_env=False).status_code == 204
    ben.expect("disconnected")
    market.page("ben").write("By another token")
    assert ada.next_event()["data"]["content"] == "By another token"
    assert ben.events == []


def test_the_backend_test_with_tinker(market: Market) -> None:
    ada = market.page("ada")
    ada.select(1)
    told = tinker(market.environ)
    assert (told.returncode, told.stdout) == (0, "message.sent: sent to private-conversation.1\n"), told.stderr
    heard = ada.next_event()
    assert (heard["event"], heard["data"]["id"]) == ("message.sent", 1)
    assert heard["data"]["content"] == "Hello! Is the chair still there?"


def test_the_dashboard_asks_the_server(market: Market) -> None:
    ada = market.page("ada")
    ada.select(1)
    ada.write("Counted")
    headers = {"Authorization": f"Bearer {market.token('root')}"}
    seen = httpx.get(f"{market.url}/laravel-websockets/statistics", headers=headers, trust_env=False).json()
    assert (seen["driver"], seen["connections"], seen["errors"]) == ("pusher", None, [])
    assert [(one["name"], one["subscriptions"]) for one in seen["channels"]] == [("private-conversation.1", 1)]
    assert seen["sent"] == {"message.sent": 1, "conversation.updated": 1}


# -- what is wrong, as under "Common Issues" -------------------------------------------------------------------------


def test_a_server_that_does_not_run_is_told_by_the_dashboard_and_costs_no_message(database_url: str) -> None:
    environ = {**LARAVEL_WEBSOCKETS, "PUSHER_PORT": str(free_port()), "DATABASE_URL": database_url}
    with asgi_server(create_app(environ)) as port, httpx.Client(trust_env=False, timeout=30) as client:
        url = f"http://127.0.0.1:{port}"
        ben, root = ({"Authorization": f"Bearer {token_of(database_url, name)}"} for name in ("ben", "root"))
        path = f"{url}/api/conversations/1/messages"
        assert client.post(path, json={"content": "Kept"}, headers=ben).status_code == 201
        assert client.get(path, headers=ben).json()["data"][-1]["content"] == "Kept"
        seen = client.get(f"{url}/laravel-websockets/statistics", headers=root).json()
    assert (seen["channels"], seen["failed"]) == (None, {"message.sent": 1, "conversation.updated": 1})
    assert any("ConnectError" in error["what"] and environ["PUSHER_PORT"] in error["what"] for error in seen["errors"])


def test_tinker_says_what_is_wrong(tmp_path: Path, environ: dict[str, str]) -> None:
    told = tinker(environ)
    assert (told.returncode, told.stderr.startswith("BROADCAST_DRIVER is not set")) == (1, True)
    told = tinker(environ | {"BROADCAST_DRIVER": "log"}, "--message", "999")
    assert (told.returncode, told.stderr) == (1, "--message there is no such message in the database\n")


def test_tinker_with_the_log_driver(environ: dict[str, str]) -> None:
    told = tinker(environ | {"BROADCAST_DRIVER": "log", "APP_DEBUG": "true"}, "--message", "2")
    assert told.stdout == "message.sent: sent to private-conversation.1\n"
    assert "broadcast message.sent on private-conversation.1" in told.stderr
    assert "It is. Would you like to see it?" in told.stderr


def tinker(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "examples.marketplace.tinker", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )


# -- the page's own lib/echo.ts --------------------------------------------------------------------------------------

AUTH = {
    "authEndpoint": "https://api.example.com/broadcasting/auth",
    "auth": {"headers": {"Authorization": "Bearer 1|secret"}},
    "userAuthentication": {
        "endpoint": "https://api.example.com/broadcasting/user-auth",
        "headers": {"Authorization": "Bearer 1|secret"},
    },
}
API = {"NEXT_PUBLIC_API_URL": "https://api.example.com"}
OPTION_1 = {"broadcaster": "pusher", "key": "your_app_key", "cluster": "eu", "forceTLS": True}
OPTION_2 = {
    "broadcaster": "pusher",
    "key": "local",
    "wsHost": "shop.example.com",
    "wsPort": 6001,
    "forceTLS": False,
    "disableStats": True,
}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"NEXT_PUBLIC_PUSHER_APP_KEY": "your_app_key", "NEXT_PUBLIC_PUSHER_APP_CLUSTER": "eu"}, OPTION_1),
        ({"NEXT_PUBLIC_PUSHER_APP_KEY": "local", "NEXT_PUBLIC_PUSHER_PORT": "6001"}, OPTION_2),
        ({}, {"broadcaster": "socket.io", "host": "http://said.by.the.server:6001"}),
    ],
    ids=["option 1", "option 2", "what the server says"],
)
def test_both_options_of_the_guide_by_variables_of_the_build(
    tmp_path: Path, variables: dict[str, str], expected: dict[str, object]
) -> None:
    module = tmp_path / "options.mjs"
    bundler = EXAMPLE / "node_modules" / ".bin" / "rolldown"
    subprocess.run([bundler, "page/lib/options.ts", "-o", module], cwd=EXAMPLE, check=True, capture_output=True)
    said = {"broadcaster": "socket.io", "host": "http://said.by.the.server:6001"}
    script = f"""
        import {{ echoOptions }} from {json.dumps(str(module))};
        const [live, env] = {json.dumps([said, {**API, **variables}])};
        console.log(JSON.stringify(echoOptions(live, env, "1|secret", "shop.example.com")));
    """
    ran = subprocess.run(["node", "--input-type=module", "-e", script], check=True, capture_output=True, text=True)
    assert json.loads(ran.stdout).items() >= {**expected, **AUTH}.items()


def test_a_build_has_the_variables_in_it(tmp_path: Path) -> None:
    variables = {"NEXT_PUBLIC_PUSHER_APP_KEY": "a-key-of-the-build", **API}
    command = ["node_modules/.bin/vite", "build", "--logLevel", "error", "--outDir", str(tmp_path)]
    subprocess.run(command, cwd=EXAMPLE, env={**os.environ, **variables}, check=True, capture_output=True)
    built = "".join(path.read_text() for path in tmp_path.glob("assets/*.js"))
    assert "a-key-of-the-build" in built
    assert "https://api.example.com" in built
