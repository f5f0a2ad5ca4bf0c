"""Email and push for who is not there to hear: a real SMTP server, and an endpoint that speaks FCM's HTTP."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

from broadcastkit.errors import BadCredentialsError, ConfigurationError, ServiceFailedError
from examples.dentist_chat.app import create_app
from examples.dentist_chat.fcm_token import ServiceAccount
from examples.dentist_chat.notifications import notice_of
from tests.examples.dentist_chat.conftest import Someone, email_of, sign_in
from tests.examples.dentist_chat.sinks import Mails, Sink, listening
from tests.interop.servers import free_port


@pytest.fixture
def mails(environ: dict[str, str]) -> Iterator[Mails]:
    """A mail server that the application is told of."""
    sink, port = Mails(), free_port()
    environ |= {
        "MAIL_HOST": "127.0.0.1",
        "MAIL_PORT": str(port),
        "MAIL_ENCRYPTION": "null",
        "MAIL_FROM_ADDRESS": "chat@ask-dentist.example",
        "MAIL_FROM_NAME": "AskDentist",
        "APP_URL": "https://chat.ask-dentist.example/",
    }
    with listening(sink, port):
        yield sink


class Google(Sink):
    """Both of Google's services: hands out access tokens, and takes notifications."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        super().__init__()
        self.key = key
        self.tokens = 0
        self.gone: set[str] = set()
        self.refuses = 0

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, object]:
        if self.refuses:
            return self.refuses, {"error": "invalid_grant"}
        if path == "/token":
            self.check(parse_qs(body.decode()))
            self.tokens += 1
            return 200, {"access_token": f"token-{self.tokens}", "expires_in": 3600, "token_type": "Bearer"}
        assert path == "/v1/projects/ask-dentist/messages:send"
        assert headers["Authorization"] == f"Bearer token-{self.tokens}"
        message = json.loads(body)["message"]
        if message["token"] in self.gone:
            details = [{"errorCode": "UNREGISTERED"}]
            return 404, {"error": {"code": 404, "status": "NOT_FOUND", "details": details}}
        self.put(message)
        return 200, {"name": "projects/ask-dentist/messages/1"}

    def check(self, form: dict[str, list[str]]) -> None:
        """Check the assertion as RFC 7523 and RFC 7515 have it."""
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        signed, _, signature = form["assertion"][0].rpartition(".")
        self.key.public_key().verify(decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        header, claims = (json.loads(decoded(part)) for part in signed.split("."))
        assert header == {"alg": "RS256", "typ": "JWT"}
        assert claims["iss"] == "push@ask-dentist.example"
        assert claims["exp"] - claims["iat"] == 3600
        assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@contextmanager
def serving(google: Google) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = google.answer(self.path, dict(self.headers), body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as http.server has it
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def google(environ: dict[str, str], tmp_path: Path, key: rsa.RSAPrivateKey) -> Iterator[Google]:
    """Google's services, and the file of a service account that the application is told of."""
    google = Google(key)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    with serving(google) as url:
        account = {
            "project_id": "ask-dentist",
            "client_email": "push@ask-dentist.example",
            "private_key": pem,
            "token_uri": f"{url}/token",
        }
        (tmp_path / "account.json").write_text(json.dumps(account))
        environ |= {"FCM_CREDENTIALS": str(tmp_path / "account.json"), "FCM_ENDPOINT": url}
        yield google


@contextmanager
def connected(client: TestClient, someone: Someone, user_id: int) -> Iterator[Callable[[], str]]:
    """Be subscribed to one's own channel over the WebSocket; yields what receives the next event's name."""
    with client.websocket_connect("/app/ask-dentist-key?protocol=7&client=test") as socket:
        socket_id = json.loads(socket.receive_json()["data"])["socket_id"]
        channel = f"private-user.{user_id}"
        auth = someone.subscribe(channel, socket_id).json()["auth"]
        socket.send_json({"event": "pusher:subscribe", "data": {"channel": channel, "auth": auth}})
        assert socket.receive_json()["event"] == "pusher_internal:subscription_succeeded"
        yield lambda: socket.receive_json()["event"]


SECRET = "my left wisdom tooth"


def test_who_is_not_connected_gets_an_email(environ: dict[str, str], mails: Mails) -> None:
    with TestClient(create_app(environ)) as client:
        sign_in(client, "maya").write(1, SECRET)
        [mail] = mails.take(1)
    assert isinstance(mail, EmailMessage)
    assert mail["To"] == email_of("ruiz")
    assert mail["From"] == "AskDentist <chat@ask-dentist.example>"
    assert mail["Subject"] == "New message from Maya Lindqvist"
    assert "https://chat.ask-dentist.example/chat/conversation/1" in mail.get_content()
    # a mailbox is no place for a diagnosis
    assert SECRET not in mail.as_string()


def test_plans_are_told_by_email_too(environ: dict[str, str], mails: Mails) -> None:
    with TestClient(create_app(environ)) as client:
        plan = sign_in(client, "ruiz").post("/chat/conversation/1/plans", {"summary": SECRET}).json()
        mails.take(1)
        sign_in(client, "maya").post(f"/chat/conversation/1/plans/{plan['id']}/accept")
        told = mails.take(2)
    assert [(mail["To"], mail["Subject"]) for mail in told] == [
        (email_of("maya"), "A treatment plan for you"),
        (email_of("ruiz"), "Your treatment plan was accepted"),
    ]
    assert SECRET not in "".join(mail.as_string() for mail in told)


def test_who_is_connected_gets_none(environ: dict[str, str], mails: Mails) -> None:
    with TestClient(create_app(environ)) as client:
        maya, ruiz = sign_in(client, "maya"), sign_in(client, "ruiz")
        with connected(client, ruiz, 2) as next_event:
            maya.write(1, "You are there")
            assert next_event() == "message.sent"
            # a fence: what comes later, to somebody who is not there
            maya.write(3, "You are not")
            [mail] = mails.take(1)
        assert mail["To"] == email_of("weber")
        # and when she has left
        maya.write(1, "You are gone")
        assert [one["To"] for one in mails.take(2)] == [email_of("weber"), email_of("ruiz")]


def test_typing_and_reading_are_no_reason_for_an_email(environ: dict[str, str], mails: Mails) -> None:
    with TestClient(create_app(environ)) as client:
        maya = sign_in(client, "maya")
        maya.post("/chat/conversation/3/typing", {"typing": True})
        maya.post("/chat/conversation/3/read", {})
        maya.write(3, "The fence")
        [mail] = mails.take(1)
    assert mail["Subject"] == "New message from Maya Lindqvist"
    assert len(mails.arrived) == 1


def test_each_phone_gets_a_push_notification(environ: dict[str, str], google: Google) -> None:
    with TestClient(create_app(environ)) as client:
        maya, ruiz = sign_in(client, "maya"), sign_in(client, "ruiz")
        for token in ("phone", "tablet"):
            ruiz.post("/api/v2/devices", {"token": token})
        maya.write(1, SECRET)
        pushed = google.take(2)
        maya.write(1, "And another")
        google.take(4)
    assert [message["token"] for message in pushed] == ["phone", "tablet"]
    assert pushed[0]["notification"] == {
        "title": "New message from Maya Lindqvist",
        "body": "Open AskDentist to read it.",
    }
    assert pushed[0]["data"] == {"event": "message.sent", "consultation_id": "1"}
    assert SECRET not in json.dumps(pushed)
    # one access token serves for an hour
    assert google.tokens == 1


def test_a_phone_that_is_gone_is_forgotten(environ: dict[str, str], google: Google, tmp_path: Path) -> None:
    google.gone = {"old"}
    with TestClient(create_app(environ)) as client:
        maya, ruiz = sign_in(client, "maya"), sign_in(client, "ruiz")
        for token in ("old", "new"):
            ruiz.post("/api/v2/devices", {"token": token})
        maya.write(1, "Hello")
        assert google.take(1)[0]["token"] == "new"
    engine = create_engine(f"sqlite:///{tmp_path / 'chat.db'}")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT token FROM devices")).scalars().all() == ["new"]
    engine.dispose()


def test_a_mail_server_that_is_down_keeps_nobody_waiting_and_is_tried_again(environ: dict[str, str]) -> None:
    port = free_port()
    environ |= {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(port), "MAIL_ENCRYPTION": "null"}
    sink = Mails()
    with TestClient(create_app(environ)) as client:
        maya, ruiz = sign_in(client, "maya"), sign_in(client, "ruiz")
        assert maya.write(1, "Hello").status_code == 201
        assert ruiz.history(1)[0] == "Hello"
        with listening(sink, port):
            [mail] = sink.take(1)
    assert mail["To"] == email_of("ruiz")


def test_an_access_token_that_is_refused_is_not_asked_for_again(
    environ: dict[str, str], google: Google, tmp_path: Path
) -> None:
    account = ServiceAccount(tmp_path / "account.json")
    google.refuses = 400
    with pytest.raises(BadCredentialsError, match="no access token for FCM"):
        account()
    google.refuses = 503
    with pytest.raises(ServiceFailedError) as failed:
        account()
    assert failed.value.retryable
    google.refuses = 0
    assert (account(), account()) == ("token-1", "token-1")


def test_nothing_is_sent_where_nothing_is_set(environ: dict[str, str]) -> None:
    app = create_app(environ)
    assert list(app.state.notifications.fallbacks) == []


@pytest.mark.parametrize(
    ("event", "title"),
    [
        ("message.sent", "New message from Maya"),
        ("plan.submitted", "A treatment plan for you"),
        ("plan.accepted", "Your treatment plan was accepted"),
    ],
)
def test_what_is_told(event: str, title: str) -> None:
    payload = {"sender": {"name": "Maya"}, "conversation_id": 7, "consultation_id": 7, "content": SECRET}
    notice = notice_of(event, payload)
    assert (notice.title, notice.consultation_id) == (title, 7)
    assert SECRET not in f"{notice}"


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"project_id": 1, "client_email": "", "token_uri": ""}'])
def test_a_service_account_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "account.json").write_text(content)
    with pytest.raises(ConfigurationError, match=r"^FCM_CREDENTIALS must name the file of a service account"):
        ServiceAccount(tmp_path / "account.json")
