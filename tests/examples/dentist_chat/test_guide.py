"""The guide's own words run: its variables, its soketi, its queue worker, its curl calls and its pusher-js snippet."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from redis import Redis

from broadcastkit.errors import ConfigurationError
from examples.dentist_chat.app import create_app
from examples.dentist_chat.live import Live
from examples.dentist_chat.settings import Settings
from tests.examples.dentist_chat.conftest import FOLDER, PNG, VARIABLES, Seeded, Someone
from tests.examples.dentist_chat.sinks import Mails, listening
from tests.interop.clients import PusherJsClient
from tests.interop.redis_servers import RedisServer, wait_until
from tests.interop.servers import PusherServer, asgi_server, free_port, running

HERE = Path(__file__).parent
TIMEOUT = 20.0


# -- servers -------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_soketi(environ: dict[str, str], own_soketi: dict[str, str]) -> dict[str, str]:
    """The guide's variables, with the port that soketi has here."""
    environ |= VARIABLES | {"PUSHER_HOST": "127.0.0.1", "PUSHER_PORT": own_soketi["SOKETI_PORT"]}
    return environ | {"QUEUE_CONNECTION": "sync"}


class Api:
    """What the guide's curl and its mobile apps do, over a real port."""

    def __init__(self, address: str, tokens: dict[str, str]) -> None:
        self.address = address
        self.tokens = tokens

    def post(self, name: str, path: str, body: object, **headers: str) -> Any:
        headers["Authorization"] = self.tokens[name]
        answer = httpx.post(f"{self.address}{path}", json=body, headers=headers, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def listens(self, client: PusherJsClient, name: str, soketi: dict[str, str]) -> str:
        server = PusherServer("127.0.0.1", int(soketi["SOKETI_PORT"]), "ask-dentist", "ask-dentist-key", "")
        headers = {"Authorization": self.tokens[name]}
        endpoints = f"{self.address}/broadcasting"
        return client.connect(
            server, auth_endpoint=f"{endpoints}/auth", user_auth_endpoint=f"{endpoints}/user-auth", headers=headers
        )


@pytest.fixture
def api(with_soketi: dict[str, str], seeded: Seeded) -> Iterator[Api]:
    with asgi_server(create_app(with_soketi)) as port:
        yield Api(f"http://127.0.0.1:{port}", seeded.tokens)


# -- the variables -------------------------------------------------------------------------------------------------


def test_the_guides_variables_are_read_as_they_are(tmp_path: Path) -> None:
    app = create_app(VARIABLES | {"STORAGE_DIR": str(tmp_path)})
    live: Live = app.state.live
    assert "AsyncPusherDriver('ask-dentist' at http://localhost:6001)" in repr(live.broadcaster.driver())
    page = live.page_settings("http://127.0.0.1:8000/")
    assert (page["key"], page["wsHost"], page["wsPort"]) == ("ask-dentist-key", "localhost", 6001)
    assert live.server is None
    assert live.origins.split()[:2] == ["'self'", "ws://localhost:6001"]
    live.close()


def test_the_example_file_has_the_guides_variables() -> None:
    lines = (FOLDER / ".env.example").read_text().splitlines()
    split = (line.partition("=") for line in lines if line and not line.startswith("#"))
    given = {name: value for name, _, value in split}
    assert VARIABLES.items() <= given.items()
    settings = Settings.from_env(given)
    assert (settings.queue_connection, settings.redis) == ("redis", "redis://127.0.0.1:6379/0")


def test_the_example_file_shows_the_defaults() -> None:
    shown = re.findall(r"^# ([A-Z_]+)=(.+)$", (FOLDER / ".env.example").read_text(), re.MULTILINE)
    assert {name for name, _ in shown} >= {"SESSION_HOURS", "ATTACHMENT_LIMIT", "RATE_UPLOAD"}
    assert Settings.from_env(dict(shown)) == Settings.from_env({})


def test_without_them_the_server_is_in_the_process(tmp_path: Path) -> None:
    live: Live = create_app({"STORAGE_DIR": str(tmp_path)}).state.live
    assert live.server is not None
    assert live.page_settings("http://127.0.0.1:8000/")["wsPort"] == 8000
    assert live.origins == "'self'"


def test_pusher_channels_need_no_host(tmp_path: Path) -> None:
    variables = VARIABLES | {"PUSHER_HOST": "", "PUSHER_PORT": "", "PUSHER_SCHEME": "", "PUSHER_APP_CLUSTER": "eu"}
    app = create_app(variables | {"QUEUE_CONNECTION": "sync", "STORAGE_DIR": str(tmp_path)})
    assert "wss://ws-eu.pusher.com" in app.state.live.origins


def test_pages_connect_securely_where_the_service_is(tmp_path: Path) -> None:
    variables = VARIABLES | {"PUSHER_HOST": "ws.ask-dentist.example", "PUSHER_PORT": "443", "PUSHER_SCHEME": "https"}
    app = create_app(variables | {"QUEUE_CONNECTION": "sync", "STORAGE_DIR": str(tmp_path)})
    assert app.state.live.origins == "'self' wss://ws.ask-dentist.example:443"
    assert app.state.live.page_settings("")["forceTLS"] is True


def test_attachments_are_kept_where_the_setting_says(environ: dict[str, str], tmp_path: Path, seeded: Seeded) -> None:
    volume = tmp_path / "volume"
    database = {"DATABASE_URL": f"sqlite:///{tmp_path / 'chat.db'}", "STORAGE_DIR": str(volume)}
    with TestClient(create_app(environ | database)) as client:
        Someone(client, {"Authorization": seeded.tokens["maya"]}).attach(1, PNG)
    [kept] = (volume / "attachments").iterdir()
    assert kept.read_bytes() == PNG


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"QUEUE_CONNECTION": "redis"}, "QUEUE_CONNECTION cannot be redis without BROADCAST_DRIVER=pusher"),
        ({"QUEUE_CONNECTION": "beanstalkd"}, "QUEUE_CONNECTION should be 'sync' or 'redis'"),
        ({"BROADCAST_DRIVER": "log"}, "BROADCAST_DRIVER should be 'pusher'"),
        ({"BROADCAST_DRIVER": "pusher"}, "PUSHER_APP_ID is not set"),
        ({"REDIS_PORT": "many"}, "REDIS_PORT should be a valid integer"),
    ],
)
def test_a_variable_that_is_wrong_is_named(tmp_path: Path, variables: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{complaint}"):
        create_app(variables | {"STORAGE_DIR": str(tmp_path)})


def test_redis_by_url_and_with_a_password() -> None:
    assert Settings.from_env({"REDIS_URL": "redis://10.0.0.2:7000/3"}).redis == "redis://10.0.0.2:7000/3"
    settings = Settings.from_env({"REDIS_HOST": "10.0.0.2", "REDIS_PASSWORD": "s3cret/@"})
    assert settings.redis == "redis://:s3cret%2F%40@10.0.0.2:6379/0"
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in repr(Settings.from_env({"DATABASE_URL": "postgresql://user:s3cret@host/database"}))


# -- soketi --------------------------------------------------------------------------------------------------------


def test_the_compose_file_has_the_guides_ports_and_this_configuration() -> None:
    compose = (FOLDER / "docker-compose.soketi.yml").read_text()
    assert re.findall(r'- "(\d+:\d+)"', compose) == ["6001:6001", "9601:9601"]
    assert "./soketi.json:/app/soketi.json:ro" in compose
    assert "--config=/app/soketi.json" in compose


def test_soketi_has_the_app_of_the_guides_variables() -> None:
    [app] = json.loads((FOLDER / "soketi.json").read_text())["appManager.array.apps"]
    given = {name: app[name] for name in ("id", "key", "secret")}
    assert given == {name: VARIABLES[f"PUSHER_APP_{name.upper()}"] for name in given}
    # clients say nothing to each other past the application
    assert app["enableClientMessages"] is False
    # so that it knows whose connection is whose, and can end those of who signs out
    assert app["enableUserAuthentication"] is True


@pytest.mark.real
def test_the_guides_websocket_test(api: Api, own_soketi: dict[str, str]) -> None:
    with guide_snippet(api, own_soketi, "maya") as snippet:
        assert snippet.readline() == "Subscribed\n"
        api.post("ruiz", "/chat/conversation/1/plans", {"summary": "Remove it."})
        what, _, payload = snippet.readline().partition(": ")
    assert what == "Plan submitted"
    assert (json.loads(payload)["summary"], json.loads(payload)["patient_id"]) == ("Remove it.", 1)


@pytest.mark.real
def test_the_guides_websocket_test_refuses_another_user(api: Api, own_soketi: dict[str, str]) -> None:
    with guide_snippet(api, own_soketi, "tom") as snippet:
        assert snippet.readline() == "Refused: 403\n"


@contextmanager
def guide_snippet(api: Api, soketi: dict[str, str], name: str) -> Iterator[Any]:
    token = api.tokens[name].removeprefix("Bearer ")
    arguments = ["127.0.0.1", soketi["SOKETI_PORT"], f"{api.address}/broadcasting/auth", token]
    command = ["node", str(HERE / "guide.mjs"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout
            assert process.wait(TIMEOUT) == 0
        finally:
            process.kill()


@pytest.mark.real
def test_the_guides_curl_calls(api: Api) -> None:
    token = api.tokens["maya"].removeprefix("Bearer ")
    send = f"""curl -s -X POST {api.address}/chat/conversation/1/message \\
  -H "Authorization: Bearer {token}" \\
  -H "Content-Type: application/json" \\
  -d '{{"message": "Hello from API"}}'"""
    get = f"""curl -s -X GET {api.address}/chat/conversation/1/messages \\
  -H "Authorization: Bearer {token}" """
    sent, listed = (json.loads(subprocess.check_output(["bash", "-c", line], timeout=TIMEOUT)) for line in (send, get))
    assert sent["content"] == "Hello from API"
    assert listed["data"][0] == sent


@pytest.mark.real
def test_the_message_flow(api: Api, own_soketi: dict[str, str], pusher_js: Callable[[], PusherJsClient]) -> None:
    maya, ruiz = pusher_js(), pusher_js()
    socket_id = api.listens(maya, "maya", own_soketi)
    api.listens(ruiz, "ruiz", own_soketi)
    for client, own in ((maya, "private-user.1"), (ruiz, "private-user.2")):
        client.subscribe(own)
        client.subscribe("private-conversation.1")
    assert maya.subscribe_refused("private-conversation.2")["status"] == 403

    sent = api.post("maya", "/chat/conversation/1/message", {"message": "Hello"}, **{"X-Socket-ID": socket_id})
    for channel in ("private-conversation.1", "private-user.2"):
        assert ruiz.expect("event", channel=channel, event="message.sent")["data"] == sent
    api.post("ruiz", "/chat/conversation/1/typing", {"typing": True})
    assert maya.expect("event", event="user.typing")["data"]["user_id"] == 2
    read = api.post("ruiz", "/chat/conversation/1/read", {"message_ids": [sent["id"]]})
    assert maya.expect("event", event="messages.read")["data"] == {"reader_id": 2, **read}
    # who wrote it has not heard it
    assert [report["event"] for report in maya.events] == ["user.typing", "messages.read"]


@pytest.mark.real
def test_the_plan_flow(api: Api, own_soketi: dict[str, str], pusher_js: Callable[[], PusherJsClient]) -> None:
    maya, ruiz = pusher_js(), pusher_js()
    for client, name, channel in ((maya, "maya", "private-user.1"), (ruiz, "ruiz", "private-user.2")):
        api.listens(client, name, own_soketi)
        client.subscribe(channel)
    plan = api.post("ruiz", "/chat/conversation/1/plans", {"summary": "Remove it."})
    assert maya.expect("event", event="plan.submitted")["data"]["plan_id"] == plan["id"]
    api.post("maya", f"/chat/conversation/1/plans/{plan['id']}/accept", {})
    assert ruiz.expect("event", event="plan.accepted")["data"]["plan_id"] == plan["id"]


@pytest.mark.real
def test_who_signs_out_is_cut_off_by_soketi(
    api: Api, own_soketi: dict[str, str], pusher_js: Callable[[], PusherJsClient]
) -> None:
    maya, ruiz = pusher_js(), pusher_js()
    for client, name in ((maya, "maya"), (ruiz, "ruiz")):
        api.listens(client, name, own_soketi)
        client.sign_in()
        client.subscribe("private-conversation.1")
    api.post("maya", "/api/v2/logout", None)
    maya.expect("disconnected")
    sent = api.post("ruiz", "/chat/conversation/1/message", {"message": "Are you there?"})
    assert ruiz.expect("event", event="message.sent")["data"] == sent
    assert maya.events == []


@pytest.mark.real
def test_who_is_not_connected_to_soketi_gets_an_email(
    with_soketi: dict[str, str],
    own_soketi: dict[str, str],
    seeded: Seeded,
    pusher_js: Callable[[], PusherJsClient],
) -> None:
    mails, port = Mails(), free_port()
    mail = {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(port), "MAIL_ENCRYPTION": "null"}
    with listening(mails, port), asgi_server(create_app(with_soketi | mail)) as at:
        api, ruiz = Api(f"http://127.0.0.1:{at}", seeded.tokens), pusher_js()
        api.listens(ruiz, "ruiz", own_soketi)
        ruiz.subscribe("private-user.2")
        api.post("maya", "/chat/conversation/1/message", {"message": "You are there"})
        ruiz.expect("event", event="message.sent")
        api.post("maya", "/chat/conversation/3/message", {"message": "You are not"})
        assert mails.take(1)[0]["To"] == "weber@ask-dentist.example"
    assert len(mails.arrived) == 1


@pytest.mark.real
def test_soketis_metrics(own_soketi: dict[str, str]) -> None:
    answer = httpx.get(f"http://127.0.0.1:{own_soketi['SOKETI_METRICS_SERVER_PORT']}/metrics", trust_env=False)
    assert answer.status_code == 200
    assert "soketi_" in answer.text


# -- the queue -----------------------------------------------------------------------------------------------------


@pytest.fixture
def queued(with_soketi: dict[str, str], redis_shared: RedisServer) -> dict[str, str]:
    """The guide's QUEUE_CONNECTION=redis, and a mail server."""
    queue = {"QUEUE_NAME": "dentist-chat", "REDIS_HOST": redis_shared.host, "REDIS_PORT": str(redis_shared.port)}
    mail = {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(free_port()), "MAIL_ENCRYPTION": "null"}
    return with_soketi | {"QUEUE_CONNECTION": "redis"} | queue | mail


@pytest.mark.real
def test_a_worker_of_the_queue_sends_and_tells_who_is_not_there(
    queued: dict[str, str],
    seeded: Seeded,
    redis_shared: RedisServer,
    pusher_js: Callable[[], PusherJsClient],
    tmp_path: Path,
) -> None:
    mails, log = Mails(), tmp_path / "worker.log"
    with (
        listening(mails, int(queued["MAIL_PORT"])),
        asgi_server(create_app(queued)) as port,
        redis_shared.client() as redis,
    ):
        api, ruiz = Api(f"http://127.0.0.1:{port}", seeded.tokens), pusher_js()
        api.listens(ruiz, "ruiz", {"SOKETI_PORT": queued["PUSHER_PORT"]})
        ruiz.subscribe("private-user.2")
        api.post("maya", "/chat/conversation/1/message", {"message": "You are there"})
        api.post("maya", "/chat/conversation/3/message", {"message": "You are not"})
        # nobody sends before there is a worker; the queue can be watched meanwhile
        assert "dentist-chat" in queue_monitor(redis_shared)
        assert ruiz.events == []
        worker = [sys.executable, "-m", "examples.dentist_chat.worker"]
        with running(worker, port=port, log=log, ready=lambda: has_worker(redis), env=queued):
            heard = ruiz.expect("event", timeout=TIMEOUT, channel="private-user.2", event="message.sent")
            assert heard["data"]["content"] == "You are there"
            assert mails.take(1)[0]["To"] == "weber@ask-dentist.example"
            wait_until(lambda: redis.llen("rq:queue:dentist-chat") == 0, "the queue is empty")
    assert len(mails.arrived) == 1
    printed = log.read_text() + (tmp_path / "logs" / "app.log").read_text()
    assert "You are" not in printed
    assert "weber@" not in printed


@pytest.mark.real
def test_processes_throttle_typing_together(queued: dict[str, str], seeded: Seeded, redis_shared: RedisServer) -> None:
    with redis_shared.client() as redis, ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(TestClient(create_app(queued)))
            maya = Someone(client, {"Authorization": seeded.tokens["maya"]})
            assert maya.post("/chat/conversation/1/typing", {"typing": True}).status_code == 204
        assert redis.llen("rq:queue:dentist-chat") == 1
        redis.delete("rq:queue:dentist-chat")


def has_worker(redis: Redis) -> bool:
    return bool(redis.smembers("rq:workers:dentist-chat"))


def queue_monitor(server: RedisServer) -> str:
    """What stands in the place of `php artisan queue:monitor`."""
    rq = str(Path(sys.executable).parent / "rq")
    command = [rq, "info", "--url", server.url, "--raw", "dentist-chat"]
    return subprocess.check_output(command, text=True, timeout=TIMEOUT)
