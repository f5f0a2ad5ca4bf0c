"""The guide, followed step by step: its variables, its requests, its snippets, against soketi and our own server."""

from __future__ import annotations

import dataclasses
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
from dirty_equals import IsDatetime, IsUUID

from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.drivers.client_options import client_options
from tests.interop.clients import NodeClient
from tests.interop.servers import free_port, running, soketi_app, soketi_server

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "examples" / "artisan_jobs"
HOST = "127.0.0.1"
PASSWORD = "sharp-tools-9"
# "Environment Variables (.env)", as they stand there
VARIABLES = {
    "BROADCAST_CONNECTION": "pusher",
    "PUSHER_APP_ID": "mysharpjob",
    "PUSHER_APP_KEY": "mysharpjob-key",
    "PUSHER_APP_SECRET": "mysharpjob-secret",
    "PUSHER_HOST": "127.0.0.1",
    "PUSHER_PORT": "6001",
    "PUSHER_SCHEME": "http",
    "PUSHER_APP_CLUSTER": "mt1",
}


def test_the_guides_variables_are_those_of_the_example() -> None:
    lines = (FOLDER / ".env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    assert VARIABLES.items() <= given.items()


def test_the_guides_variables_say_where_events_go() -> None:
    assert str(Broadcaster.from_env(VARIABLES).driver()) == "PusherDriver('mysharpjob' at http://127.0.0.1:6001)"


@dataclasses.dataclass(frozen=True)
class Site:
    """The application as a process, its service, and the variables of both."""

    address: str
    service_port: int
    env: dict[str, str] = dataclasses.field(repr=False)

    def sign_in(self, name: str) -> str:
        body = {"email": f"{name}@mysharpjob.test", "password": PASSWORD}
        answer = httpx.post(f"{self.address}/api/login", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def post(self, path: str, token: str, body: Any = None, **headers: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"} | headers
        return httpx.post(f"{self.address}{path}", json={} if body is None else body, headers=headers)

    def get(self, path: str, token: str) -> httpx.Response:
        return httpx.get(f"{self.address}{path}", headers={"Authorization": f"Bearer {token}"})

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "examples.artisan_jobs.manage", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def application(folder: Path, env: dict[str, str], service_port: int) -> Iterator[Site]:
    port = free_port()
    env = env | {
        "PORT": str(port),
        "ARTISAN_JOBS_DATA": str(folder / "data"),
        "PYTHONPATH": str(ROOT),
    }
    with running([sys.executable, "-m", "examples.artisan_jobs"], port=port, log=folder / "log", ready="/up", env=env):
        service = VARIABLES | {"PUSHER_PORT": str(service_port)}
        yield Site(f"http://{HOST}:{port}", service_port, env | service)


@pytest.fixture(scope="module", params=["own-server", "soketi-in-background"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    service_port = free_port()
    env = {"PUSHER_PORT": str(service_port)}
    with ExitStack() as stack:
        if request.param != "own-server":
            app = soketi_app("mysharpjob", "mysharpjob-key", "mysharpjob-secret")
            stack.enter_context(soketi_server(folder, [app], port=service_port))
            env = VARIABLES | env | {"BROADCAST_DELIVERY": "background"}
        yield stack.enter_context(application(folder, env, service_port))


@pytest.fixture
def node() -> Iterator[Callable[[], NodeClient]]:
    with ExitStack() as clients:
        yield lambda: clients.enter_context(NodeClient(str(Path(__file__).parent / "guide.mjs")))


@pytest.fixture
def listen(site: Site, node: Callable[[], NodeClient]) -> Callable[[int, str], tuple[NodeClient, str]]:
    """Follow "Frontend Integration" for somebody; returns the client and its socket id."""

    def begin(user_id: int, token: str) -> tuple[NodeClient, str]:
        client = node()
        client.command("initialize", host=HOST, port=site.service_port, address=site.address, yourAuthToken=token)
        socket_id = client.expect("connected")["socket_id"]
        client.command("listen", userId=user_id)
        return client, socket_id

    return begin


Listen = Callable[[int, str], tuple[NodeClient, str]]


@pytest.mark.real
def test_postmans_message_reaches_both(site: Site, listen: Listen) -> None:
    amaka, john = site.sign_in("amaka"), site.sign_in("john")
    (at_amaka, _), (at_john, _) = listen(1, amaka), listen(2, john)
    for client in (at_amaka, at_john):
        client.expect("subscribed")

    body = {"recipient_id": 2, "content": "Hello, testing WebSocket!", "message_type": "text"}
    answer = site.post("/api/messages", amaka, body)

    assert answer.status_code == 201
    for client in (at_amaka, at_john):
        event = client.next_event()
        assert (event["event"], event["data"]) == ("message.sent", answer.json())


@pytest.mark.real
def test_to_others_leaves_out_who_sent_it(site: Site, listen: Listen) -> None:
    amaka, john = site.sign_in("amaka"), site.sign_in("john")
    (at_amaka, socket_id), (at_john, _) = listen(1, amaka), listen(2, john)
    for client in (at_amaka, at_john):
        client.expect("subscribed")

    body = {"recipient_id": 2, "content": "not to myself", "message_type": "text"}
    site.post("/api/messages", amaka, body, **{"X-Socket-ID": socket_id})
    site.post("/api/messages", amaka, body | {"content": "to both"})

    assert [at_john.next_event()["data"]["content"] for _ in range(2)] == ["not to myself", "to both"]
    assert at_amaka.next_event()["data"]["content"] == "to both"


@pytest.mark.real
def test_a_wrong_token_and_anothers_channel_are_refused(site: Site, listen: Listen) -> None:
    amaka = site.sign_in("amaka")
    (wrong, _), (other, _) = listen(1, "your-auth-token"), listen(2, amaka)

    assert wrong.expect("refused")["status"] == 401
    assert other.expect("refused")["status"] == 403


@pytest.mark.real
def test_cleaning_up_leaves_the_channel(site: Site, listen: Listen) -> None:
    chidi, amaka = site.sign_in("chidi"), site.sign_in("amaka")
    (client, _), (other, _) = listen(3, chidi), listen(1, amaka)
    for one in (client, other):
        one.expect("subscribed")

    client.command("clean_up", userId=3)
    client.expect("left")
    body = {"recipient_id": 3, "content": "Too late", "message_type": "text"}
    site.post("/api/messages", amaka, body)

    assert other.next_event()["data"]["content"] == "Too late"
    client.command("listen", userId=3)
    client.expect("subscribed")
    site.post("/api/messages", amaka, body | {"content": "fence"})
    assert client.next_event()["data"]["content"] == "fence"


@pytest.mark.real
def test_the_browsers_console(site: Site, node: Callable[[], NodeClient]) -> None:
    token, client = site.sign_in("amaka"), node()
    client.command("connect_raw", host=HOST, port=site.service_port)
    client.expect("open")
    greeting = client.expect("message", event="pusher:connection_established")
    socket_id = json.loads(greeting["data"])["socket_id"]

    # 'your-auth-signature'
    fields = {"socket_id": socket_id, "channel_name": "private-user.1"}
    headers = {"Authorization": f"Bearer {token}"}
    signed = httpx.post(f"{site.address}/broadcasting/auth", data=fields, headers=headers).json()
    client.command("subscribe_raw", channel="private-user.1", auth=signed["auth"])
    client.expect("message", event="pusher_internal:subscription_succeeded", channel="private-user.1")
    sent = site.post("/api/messages", token, {"recipient_id": 2, "content": "Hello!", "message_type": "text"})

    received = client.expect("message", event="message.sent", channel="private-user.1")
    assert json.loads(received["data"]) == sent.json()


@pytest.mark.real
def test_the_browsers_console_without_a_signature(site: Site, node: Callable[[], NodeClient]) -> None:
    client = node()
    client.command("connect_raw", host=HOST, port=site.service_port)
    client.expect("message", event="pusher:connection_established")

    client.command("subscribe_raw", channel="private-user.1", auth="your-auth-signature")

    refused = client.expect("message", event="pusher:subscription_error", channel="private-user.1")
    assert (refused["data"]["type"], refused["data"]["status"]) == ("AuthError", 401)


@pytest.mark.real
def test_the_address_by_itself(site: Site, node: Callable[[], NodeClient]) -> None:
    client = node()

    # "Test Connection", as it stands at the end
    client.command("connect_raw", host=HOST, port=site.service_port, query="")

    answer = client.expect("message")
    # soketi does not mind; our own server, as Pusher's, says what is missing
    greeted = answer["event"] == "pusher:connection_established"
    assert greeted or answer["data"] == {"code": 4008, "message": "No protocol version: connect with ?protocol=7"}


TINKER = """
from broadcastkit import broadcast
from examples.artisan_jobs.events import JobUpdated, MessageSent, NotificationSent
from examples.artisan_jobs.models import Job, Message

# Test MessageSent event
message = Message.objects.get(id=1)
broadcast(MessageSent(message)).to_everyone()

# Test JobUpdated event
job = Job.objects.get(id=1)
broadcast(JobUpdated(job, update_type="status_changed")).to_everyone()

# Test NotificationSent event
broadcast(NotificationSent({
    "type": "test",
    "title": "Test Notification",
    "message": "This is a test",
    "data": {},
}, user_id=1)).to_everyone()

# "Selective Broadcasting"
broadcast(MessageSent(message)).via("pusher").to_others()
"""


@pytest.mark.real
def test_tinker(site: Site, listen: Listen) -> None:
    client, _ = listen(1, site.sign_in("amaka"))
    client.expect("subscribed")

    site.manage("shell", "--command", TINKER)

    events = [client.next_event() for _ in range(4)]
    assert [event["event"] for event in events] == ["message.sent", "job.updated", "notification.sent", "message.sent"]
    assert events[0]["data"]["content"] == "Good morning! Is it the kitchen sink, or the one in the bath?"
    assert (events[1]["data"]["title"], events[1]["data"]["update_type"]) == ("Fix plumbing", "status_changed")
    assert events[2]["data"] == {
        "id": IsUUID(),
        "type": "test",
        "title": "Test Notification",
        "message": "This is a test",
        "data": {},
        "created_at": IsDatetime(iso_string=True),
    }


def test_https_in_production() -> None:
    variables = VARIABLES | {"PUSHER_HOST": "ws.mysharpjob.test", "PUSHER_SCHEME": "https", "PUSHER_PORT": "443"}
    page = client_options(Broadcaster.from_env(variables).driver())

    assert (page["wsHost"], page["wssPort"], page["forceTLS"]) == ("ws.mysharpjob.test", 443, True)


def test_at_once_or_in_the_background() -> None:
    def queued(**more: str) -> bool:
        with Broadcaster.from_env({"BROADCAST_CONNECTION": "memory", **more}) as broadcaster:
            return broadcaster.broadcast(AnonymousEvent("job.updated", on="private-user.1")).to_everyone().queued

    assert (queued(), queued(BROADCAST_DELIVERY="background")) == (False, True)


@pytest.mark.real
def test_without_the_service_messages_are_kept(tmp_path: Path) -> None:
    nobody = free_port()
    env = VARIABLES | {"PUSHER_PORT": str(nobody)}
    with application(tmp_path, env, nobody) as site:
        amaka = site.sign_in("amaka")
        answer = site.post("/api/messages", amaka, {"recipient_id": 2, "content": "Hello?", "message_type": "text"})
        kept = site.get("/api/conversations/1/messages", site.sign_in("john")).json()["data"]

    assert answer.status_code == 201
    assert [message["content"] for message in kept] == ["Hello?"]
    log = (tmp_path / "log").read_text()
    assert f"127.0.0.1:{nobody}" in log
    assert "mysharpjob-secret" not in log


@pytest.mark.real
def test_one_test_event(site: Site) -> None:
    told = site.manage("broadcast_test", "private-user.1")

    # in the background it is only queued
    assert re.match(r"(accepted|queued): broadcastkit.test on private-user.1, (by|for) the connection pusher", told)


@pytest.mark.real
def test_the_project_is_in_order(site: Site) -> None:
    assert site.manage("check") == "System check identified no issues (0 silenced).\n"
    assert site.manage("makemigrations", "--check", "--dry-run") == "No changes detected\n"
    assert site.manage("seed") == "There are people already: nothing to do.\n"
    assert "private-job.{job_id}" in site.manage("broadcast_channels")


@pytest.mark.real
def test_a_job_from_beginning_to_end(site: Site, listen: Listen) -> None:
    client, artisan = site.sign_in("john"), site.sign_in("ngozi")
    (at_client, _), (at_artisan, _) = listen(2, client), listen(4, artisan)
    for one in (at_client, at_artisan):
        one.expect("subscribed")
    body = {"title": "Tile the bath", "description": "Nine tiles.", "category": "tiling", "budget": 15000}
    job = site.post("/api/jobs", client, body).json()["id"]
    applied = site.post(f"/api/jobs/{job}/apply", artisan, {"note": "On Monday."}).json()["id"]
    site.post(f"/api/jobs/{job}/applications/{applied}/accept", client)
    site.post(f"/api/jobs/{job}/start", artisan)
    payment = site.post(f"/api/jobs/{job}/pay", client).json()["id"]
    site.post(f"/api/jobs/{job}/complete", artisan)
    assert site.post(f"/api/payments/{payment}/release", client).status_code == 200

    def kind(event: Any) -> str:
        return str(event["data"].get("update_type") or event["data"]["type"])

    assert [kind(at_client.next_event()) for _ in range(5)] == [
        "application_received",
        "application_accepted",
        "status_changed",
        "status_changed",
        "job_completed",
    ]
    heard = [at_artisan.next_event() for _ in range(5)]
    assert [kind(event) for event in heard] == [
        "application_accepted",
        "status_changed",
        "payment_received",
        "status_changed",
        "payment_released",
    ]
    assert heard[-1]["data"]["message"] == "₦15,000 has been released to your account"
    assert heard[-1]["data"]["data"] == {"payment_id": payment, "amount": 15000, "job_id": job}
