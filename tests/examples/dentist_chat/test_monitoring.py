"""What operators look at: metrics, health, the log; and the command that serves it all."""

from __future__ import annotations

import logging
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from broadcastkit.errors import ConfigurationError
from broadcastkit.server import App, EmbeddedServer
from examples.dentist_chat.__main__ import listen
from examples.dentist_chat.app import create_app
from examples.dentist_chat.monitoring import log_to_file
from examples.dentist_chat.seed import PASSWORD
from examples.dentist_chat.settings import Settings
from tests.examples.dentist_chat.conftest import FOLDER, PNG, email_of, form_token, sign_in
from tests.interop.servers import asgi_server, free_port, running, tail


def test_metrics_are_for_prometheus_and_administrators(environ: dict[str, str]) -> None:
    with TestClient(create_app(environ | {"METRICS_TOKEN": "s3cret"})) as client:
        assert client.get("/metrics").status_code == 404
        assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
        sign_in(client, "maya").write(1, "Hello")
        answer = client.get("/metrics", headers={"Authorization": "Bearer s3cret"})
        assert 'broadcastkit_sent_messages_total{connection="default"} 1.0' in answer.text
        assert "broadcastkit_waiting_messages 0.0" in answer.text

        for name, status in (("maya", 404), ("admin", 200)):
            form = {"_token": form_token(client), "email": email_of(name), "password": PASSWORD}
            client.post("/login", data=form)
            assert client.get("/metrics").status_code == status
            client.cookies.clear()


def test_alerts_are_about_metrics_that_there_are(environ: dict[str, str]) -> None:
    rules = (FOLDER / "alerts.yml").read_text()
    asked = set(re.findall(r"\bbroadcastkit_\w+", rules))
    assert asked == {"broadcastkit_failed_messages_total", "broadcastkit_waiting_messages"}
    with TestClient(create_app(environ | {"METRICS_TOKEN": "s3cret"})) as client:
        shown = client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).text
    assert all(f"# TYPE {name} " in shown for name in asked)


@pytest.fixture
def own_handlers() -> Iterator[None]:
    """Take away the handlers that a test has added."""
    loggers = [logging.getLogger(name) for name in ("ask_dentist", "broadcastkit")]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        for handler in logger.handlers[:]:
            if handler not in handlers:
                logger.removeHandler(handler)
                handler.close()


def test_the_log_says_who_did_what_and_never_what_was_said(
    environ: dict[str, str], tmp_path: Path, own_handlers: None
) -> None:
    log_to_file(Settings.from_env(environ))
    # where what is sent is refused, too
    with asgi_server(EmbeddedServer(App("1", "k", "another secret"))) as port:
        refused = {"BROADCAST_DRIVER": "pusher", "PUSHER_APP_ID": "1", "PUSHER_APP_KEY": "k"}
        refused |= {"PUSHER_HOST": "127.0.0.1", "PUSHER_PORT": str(port), "PUSHER_SCHEME": "http"}
        refused["PUSHER_APP_SECRET"] = "s3cret"
        for variables in ({}, refused):
            with TestClient(create_app(environ | variables)) as client:
                maya = sign_in(client, "maya")
                assert maya.write(1, "my wisdom tooth").status_code == 201
                maya.attach(1, PNG, "secret-name.png", message="my wisdom tooth")
                client.post("/api/v2/login", json={"email": "x@ask-dentist.example", "password": "wr0ng"})
    log = (tmp_path / "logs" / "app.log").read_text()
    assert "INFO ask_dentist: message 7 in consultation 1 from user 1 (text)" in log
    assert "INFO ask_dentist: sign-in of user 1" in log
    assert "sign-in of nobody" in log
    assert "ERROR broadcastkit.delivery: " in log
    for secret in (
        "wisdom",
        "secret-name",
        "wr0ng",
        PASSWORD,
        "s3cret",
        "ask-dentist.example",
        maya.headers["Authorization"][7:],
    ):
        assert secret not in log


# -- the command ---------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_the_demo_serves_and_stops(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "examples.dentist_chat"]
    env = {"PORT": str(port), "STORAGE_DIR": str(tmp_path / "storage")}
    with running(command, port=port, log=log, ready="/up", env=env) as process:
        page = httpx.get(f"http://127.0.0.1:{port}/login", trust_env=False).text
        assert all(text in page for text in ("Accounts of this demo", email_of("maya"), PASSWORD))
        for asset in ("chat.js", "login.js", "style.css"):
            assert httpx.get(f"http://127.0.0.1:{port}/assets/{asset}", trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert f"AskDentist is at http://127.0.0.1:{port}" in tail(log)
    assert email_of("ruiz") in tail(log)
    assert "Traceback" not in tail(log)
    assert {path.name for path in (tmp_path / "storage").iterdir()} >= {"chat.db", "logs"}


@pytest.mark.real
def test_a_server_of_ones_own_has_no_accounts_of_the_demo_and_keeps_the_log(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "uvicorn", "examples.dentist_chat.asgi:app", "--ws", "websockets-sansio"]
    env = {"STORAGE_DIR": str(tmp_path)}
    with running([*command, "--port", str(port)], port=port, log=log, ready="/up", env=env):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            assert "Accounts of this demo" not in client.get("/login").text
            nobody = client.post("/api/v2/login", json={"email": email_of("maya"), "password": PASSWORD})
        assert nobody.status_code == 401
        assert "sign-in of nobody" in (tmp_path / "logs" / "app.log").read_text()


def test_a_port_that_was_asked_for_and_is_taken_is_an_error() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ConfigurationError, match=r"^PORT .* cannot be used"),
    ):
        listen(str(taken.getsockname()[1]))


@pytest.mark.parametrize("port", ["http", "-1", "65536"])
def test_a_port_is_a_number(port: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^PORT must be a number from 0 to 65535"):
        listen(port)


def test_without_a_wish_any_port_will_do(capsys: pytest.CaptureFixture[str]) -> None:
    with listen("") as first, listen("") as second:
        assert first.getsockname() != second.getsockname()
    assert "is taken, so this is another one" in capsys.readouterr().out
