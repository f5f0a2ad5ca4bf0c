"""The guide's set-up with a service: its variables, its clients, its channels, over soketi in place of pusher.com."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from dirty_equals import IsDatetime, IsPositiveInt

from examples.team_rooms.settings import HERE
from tests.examples.team_rooms.browsers import NO_DOTENV, Caller, guides_environment, served, soketi_for
from tests.examples.team_rooms.conftest import HARBOR
from tests.interop.clients import PusherJsClient
from tests.interop.servers import PusherServer, free_port, running
from tests.server.clients import WebSocketClient
from tests.server.tools import frame

pytestmark = pytest.mark.real

VITE = HERE / "node_modules" / ".bin" / "vite"
TIME = IsDatetime(iso_string=True)


@dataclass(frozen=True)
class Stage:
    address: str
    soketi: PusherServer


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("guide")
    port = free_port()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(soketi_for(folder, port))
        yield Stage(stack.enter_context(served(folder, guides_environment(server), port=port)), server)


SignIn = Callable[[str], Caller]


@pytest.fixture
def sign_in(stage: Stage) -> Iterator[SignIn]:
    with contextlib.ExitStack() as stack:

        def signed_in(name: str) -> Caller:
            caller = Caller.signed_in(stage.address, name)
            stack.callback(caller.http.close)
            return caller

        yield signed_in


@pytest.fixture
def pusher_client(stage: Stage, pusher_js: Callable[[], PusherJsClient]) -> PusherJsClient:
    client = pusher_js()
    client.connect(stage.soketi)
    return client


def test_pusher_js_hears_a_message_and_its_activity(sign_in: SignIn, pusher_client: PusherJsClient) -> None:
    pusher_client.subscribe("room-1")
    ann = sign_in("Ann")
    assert ann.post("/api/rooms/1/messages", {"message": "Hello from Ann"}).status_code == 201
    message, activity = pusher_client.next_event(), pusher_client.next_event()
    assert (message["channel"], message["event"]) == ("room-1", "new-message")
    assert message["data"] == {
        "id": IsPositiveInt,
        "room_id": HARBOR,
        "sender_role": "owner",
        "sender_name": "Ann",
        "message": "Hello from Ann",
        "type": "text",
        "created_at": TIME,
    }
    assert (activity["channel"], activity["event"]) == ("room-1", "new-activity")
    assert activity["data"] == {
        "room_id": HARBOR,
        "action": "message_sent",
        "user_name": "Ann",
        "role": "owner",
        "description": "Ann wrote a message",
        "timestamp": TIME,
    }


def test_the_sender_hears_no_echo(sign_in: SignIn, pusher_client: PusherJsClient) -> None:
    pusher_client.subscribe("room-2")
    ben = sign_in("Ben")
    ben.post("/api/rooms/2/messages", {"message": "mine"}, **{"X-Socket-ID": pusher_client.socket_id})
    ben.post("/api/rooms/2/messages", {"message": "of another window"})
    assert pusher_client.next_event()["data"]["message"] == "of another window"


def test_a_room_by_invitation_is_not_heard_in_public(sign_in: SignIn, pusher_client: PusherJsClient) -> None:
    pusher_client.subscribe("room-3")
    pusher_client.subscribe("room-1")
    ann = sign_in("Ann")
    ann.post("/api/rooms/3/messages", {"message": "for the board"})
    ann.post("/api/rooms/1/messages", {"message": "for all"})
    assert pusher_client.next_event()["data"]["message"] == "for all"


def test_the_presence_channel_is_for_who_is_signed_in(stage: Stage, pusher_js: Callable[[], PusherJsClient]) -> None:
    client = pusher_js()
    client.connect(stage.soketi, auth_endpoint=f"{stage.address}/broadcasting/auth")
    assert client.subscribe_refused("presence-room-1")["status"] == 403


def test_soketis_webhooks_tell_who_is_online(stage: Stage, sign_in: SignIn) -> None:
    ann, cleo = sign_in("Ann"), sign_in("Cleo")
    with WebSocketClient(stage.soketi) as watching:
        join(watching, ann, "presence-room-1")
        assert until(watching, "user-status-changed")["user_name"] == "Ann"
        with WebSocketClient(stage.soketi) as cleos:
            join(cleos, cleo, "presence-room-1")
            came = until(watching, "user-status-changed")
            assert ann.members(HARBOR)["Cleo"]
        went = until(watching, "user-status-changed")
    expected = {
        "room_id": HARBOR,
        "user_id": 3,
        "user_name": "Cleo",
        "role": "member",
        "last_seen": TIME,
        "timestamp": TIME,
    }
    assert came == {**expected, "is_online": True}
    assert went == {**expected, "is_online": False}
    assert not ann.members(HARBOR)["Cleo"]


def join(client: WebSocketClient, caller: Caller, channel: str) -> None:
    client.open()
    auth = caller.subscription(channel, client.socket_id)
    client.send(frame("pusher:subscribe", {"channel": channel, **auth}))
    until(client, "pusher_internal:subscription_succeeded")


def until(client: WebSocketClient, event: str) -> dict[str, object]:
    while True:
        received = client.receive()
        if received["event"] == event:
            data: dict[str, object] = received["data"]
            return data


def test_the_page_is_told_where_to_connect(stage: Stage, sign_in: SignIn) -> None:
    options = sign_in("Dan").http.get("/api/live").json()
    assert (options["key"], options["wsHost"], options["wsPort"]) == ("app-key", "127.0.0.1", stage.soketi.port)


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "flask", "--app", "examples.team_rooms", "run", "--port", "{port}"],
        ["-m", "gunicorn", "--threads", "4", "--bind", "127.0.0.1:{port}", "examples.team_rooms:create_app()"],
    ],
    ids=["flask", "gunicorn"],
)
def test_any_wsgi_server_serves_it_where_a_service_carries_the_events(
    stage: Stage, tmp_path: Path, command: list[str]
) -> None:
    port = free_port()
    started = [sys.executable, *(part.format(port=port) for part in command)]
    env = {**NO_DOTENV, **guides_environment(stage.soketi), "DATA_FOLDER": str(tmp_path), "SHOW_ACCOUNTS": "1"}
    with running(started, port=port, log=tmp_path / "log", ready="/up", env=env):
        ann = Caller.signed_in(f"http://127.0.0.1:{port}", "Ann")
        with contextlib.closing(ann.http):
            assert ann.post("/api/rooms/1/messages", {"message": "Hello"}).status_code == 201


def test_npm_run_dev_serves_the_page_and_asks_the_server_for_the_rest(stage: Stage, tmp_path: Path) -> None:
    port = free_port()
    command = [str(VITE), "--config", str(HERE / "vite.config.js"), "--port", str(port), "--strictPort"]
    env = {"SERVER": stage.address}
    with running([*command, "--host", "127.0.0.1"], port=port, log=tmp_path / "log", env=env):
        page = httpx.get(f"http://127.0.0.1:{port}/").text
        assert '<script type="module" src="/main.tsx"' in page
        assert httpx.get(f"http://127.0.0.1:{port}/api/live").json()["key"] == "app-key"
        ann = Caller.signed_in(f"http://127.0.0.1:{port}", "Ann")
        with contextlib.closing(ann.http):
            assert ann.subscription("presence-room-1", "1.2")["auth"].startswith("app-key:")


def build(folder: Path, **environ: str) -> str:
    """Build the page as `npm run bundle` does, into a folder; returns its script."""
    command = [str(VITE), "build", "--logLevel", "warn", "--outDir", str(folder), "--emptyOutDir"]
    subprocess.run(command, cwd=HERE, env={**os.environ, **environ}, check=True, timeout=50)
    [script] = (folder / "assets").glob("*.js")
    return script.read_text()


def test_vites_variables_are_built_into_the_page(tmp_path: Path) -> None:
    built = build(tmp_path / "built", VITE_PUSHER_APP_KEY="key-of-the-guide", VITE_PUSHER_APP_CLUSTER="ap4")
    assert "key-of-the-guide" in built
    assert "ap4" in built
    assert "key-of-the-guide" not in build(tmp_path / "plain", VITE_PUSHER_APP_KEY="", VITE_PUSHER_APP_CLUSTER="")
