"""Django behind gunicorn (prefork, sync workers) and uvicorn: pusher-js is authorized there and hears what it sends."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from broadcastkit.server import App, EmbeddedServer
from tests.integrations.django_project.stage import SETTINGS
from tests.interop.clients import PusherJsClient
from tests.interop.servers import PusherServer, asgi_server, free_port, running

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[3]
PROJECT = SETTINGS.removesuffix(".settings")


@dataclasses.dataclass(frozen=True)
class Served:
    """A Django server, the service that it broadcasts to, and the sessions of its users."""

    url: str
    server: PusherServer
    cookies: dict[str, str] = dataclasses.field(repr=False)
    environment: dict[str, str] = dataclasses.field(repr=False)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "django", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)


def gunicorn(port: int) -> list[str]:
    workers = ["--workers", "2", "--worker-class", "sync", "--worker-tmp-dir", "/dev/shm"]  # noqa: S108 - memory
    return ["gunicorn", f"{PROJECT}.wsgi", "--bind", f"127.0.0.1:{port}", *workers, "--no-control-socket"]


def uvicorn(port: int) -> list[str]:
    return ["uvicorn", f"{PROJECT}.asgi:application", "--port", str(port), "--lifespan", "off"]


@pytest.fixture(scope="module")
def embedded() -> Iterator[PusherServer]:
    app = App("app-id", "app-key", "app-secret")
    with asgi_server(EmbeddedServer([app])) as port:
        yield PusherServer("127.0.0.1", port, app.id, app.key, app.secret)


@pytest.fixture(scope="module", params=["gunicorn-soketi", "uvicorn-embedded"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    kind, _, service = request.param.partition("-")
    server: PusherServer = request.getfixturevalue(service)
    folder = tmp_path_factory.mktemp(kind)
    environment = {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "CHAT_DATABASE": str(folder / "chat.sqlite3"),
        "CHAT_BROADCASTING": server.url,
        "PYTHONPATH": str(ROOT),
    }
    seeded = subprocess.run(
        [sys.executable, "-m", f"{PROJECT}.seed"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert seeded.returncode == 0, seeded.stderr
    port = free_port()
    command = [sys.executable, "-m", *(gunicorn if kind == "gunicorn" else uvicorn)(port)]
    with running(command, port=port, log=folder / "log", ready="/up", env=environment):
        yield Served(f"http://127.0.0.1:{port}", server, json.loads(seeded.stdout), environment)


@pytest.fixture
def visit(pusher_js: Callable[[], PusherJsClient], served: Served) -> Callable[..., PusherJsClient]:
    """Connect a pusher-js with somebody's session, or without any."""

    def connect(user: str | None = None) -> PusherJsClient:
        client = pusher_js()
        client.connect(
            served.server,
            auth_endpoint=f"{served.url}/broadcasting/auth",
            user_auth_endpoint=f"{served.url}/broadcasting/user-auth",
            headers={} if user is None else {"X-Cookie": served.cookies[user]},
        )
        return client

    return connect


def test_rules_decide_by_session_and_database(visit: Callable[..., PusherJsClient]) -> None:
    ada, cleo, guest = visit("ada"), visit("cleo"), visit()

    ada.subscribe("private-user.1")
    ada.subscribe("private-conversation.1")
    roster = ada.subscribe("presence-conversation.1")
    guest.subscribe("private-desk.1")

    assert roster["members"] == [{"id": "1", "info": {"name": "ada"}}]
    for client, channel in [
        (ada, "private-user.2"),
        (cleo, "private-conversation.1"),
        (cleo, "presence-conversation.1"),
        (guest, "private-user.1"),
        (guest, "private-desk.10"),
    ]:
        assert client.subscribe_refused(channel)["status"] == 403


@pytest.mark.parametrize("view", ["blocking", "awaited"])
def test_a_row_reaches_the_others(served: Served, visit: Callable[..., PusherJsClient], view: str) -> None:
    ada, bob = visit("ada"), visit("bob")
    for client in (ada, bob):
        client.subscribe("private-conversation.1")
    # more than there are workers: each makes its own connections
    for number in range(6):
        fields: dict[str, Any] = {"conversation_id": 1, "sender_id": 1, "recipient_id": 2, "content": f"{number} ✓"}
        answer = httpx.post(f"{served.url}/messages/{view}", data=fields, headers={"X-Socket-ID": ada.socket_id})
        assert answer.json() == {"channels": ["private-conversation.1"], "excluded": ada.socket_id}
    httpx.post(f"{served.url}/messages/{view}", data={**fields, "content": "fence"})

    heard = [bob.next_event() for _ in range(7)]
    assert [event["event"] for event in heard] == ["message.sent"] * 7
    assert [event["data"]["content"] for event in heard] == [*(f"{number} ✓" for number in range(6)), "fence"]
    assert heard[0]["data"]["sender"] == {"id": 1, "name": "ada", "avatar": None}
    assert ada.next_event()["data"]["content"] == "fence"


def test_one_test_event_says_what_the_service_answered(served: Served, visit: Callable[..., PusherJsClient]) -> None:
    client = visit()
    client.subscribe("broadcastkit-test")

    accepted = served.manage("broadcast_test")
    wrong = dataclasses.replace(served.server, secret="not-the-secret").url
    refused = dataclasses.replace(served, environment={**served.environment, "CHAT_BROADCASTING": wrong}).manage(
        "broadcast_test"
    )

    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert accepted.stdout.startswith("accepted: broadcastkit.test on broadcastkit-test, by the connection pusher in ")
    assert accepted.stdout.strip().endswith(" and 1 request")
    assert client.next_event()["event"] == "broadcastkit.test"
    assert refused.returncode == 1
    assert "BadCredentialsError" in refused.stderr
    assert "401" in refused.stderr
    assert "not-the-secret" not in refused.stderr
