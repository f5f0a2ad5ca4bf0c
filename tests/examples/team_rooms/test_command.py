"""`make demo EXAMPLE=team_rooms`, as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from broadcastkit.errors import ConfigurationError
from examples.team_rooms.__main__ import HOST, listen
from tests.examples.team_rooms.browsers import NO_DOTENV, Caller
from tests.interop.servers import free_port, running, tail

COMMAND = (sys.executable, "-m", "examples.team_rooms")
ROOT = Path(__file__).parents[3]


@pytest.mark.real
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_stops_when_told_to(tmp_path: Path, how: signal.Signals) -> None:
    port, log = free_port(), tmp_path / "log"
    env = {**NO_DOTENV, "PORT": str(port), "DATA_FOLDER": str(tmp_path / "data"), "LOG_LEVEL": "debug"}
    with running(COMMAND, port=port, log=log, ready="/up", env=env) as process:
        ann = Caller.signed_in(f"http://{HOST}:{port}", "Ann")
        assert ann.post("/api/rooms/1/messages", {"message": "Hello"}).status_code == 201
        ann.http.close()
        # a page connects below /ws; the same server is asked here for one of its own
        with socket.create_connection((HOST, port)) as page:
            page.sendall(b"GET /ws/up HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b'{"health":"OK"}' in page.makefile("rb").read()
        process.send_signal(how)
        code = process.wait(15)
    assert code == (0 if how is signal.SIGINT else -how)
    printed = tail(log)
    assert f"The rooms are at http://127.0.0.1:{port}" in printed
    assert "Sign in as ann@example.org, ben@example.org, cleo@example.org or dan@example.org" in printed
    assert "rooms-demo" in printed
    assert "sent by embedded: new-message, new-activity" in printed
    assert "Traceback" not in printed
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"rooms.sqlite3", "secret_key", "uploads"}


@pytest.mark.real
def test_passwords_are_not_guessed_under_made_up_addresses(tmp_path: Path) -> None:
    port = free_port()
    env = {**NO_DOTENV, "PORT": str(port), "DATA_FOLDER": str(tmp_path / "data")}
    with (
        running(COMMAND, port=port, log=tmp_path / "log", ready="/up", env=env),
        httpx.Client(base_url=f"http://{HOST}:{port}") as http,
    ):
        token = http.get("/api/session").json()["csrf_token"]
        statuses = [
            http.post(
                "/api/session",
                json={"email": f"nobody{number}@example.org", "password": "guessed"},
                headers={"X-CSRF-Token": token, "X-Forwarded-For": f"203.0.113.{number}"},
            ).status_code
            for number in range(11)
        ]
    assert statuses == [*[401] * 10, 429]


@pytest.mark.real
def test_what_is_there_stays_there(tmp_path: Path) -> None:
    for number in range(2):
        port = free_port()
        env = {**NO_DOTENV, "PORT": str(port), "DATA_FOLDER": str(tmp_path / "data")}
        with running(COMMAND, port=port, log=tmp_path / "log", ready="/up", env=env):
            ann = Caller.signed_in(f"http://{HOST}:{port}", "Ann")
            assert len(ann.http.get("/api/rooms/2/messages").json()["messages"]) == 2 + number
            assert ann.post("/api/rooms/2/messages", {"message": "Soup?"}).status_code == 201
            ann.http.close()


@pytest.mark.real
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PORT", "http", "PORT must be a number from 0 to 65535, not 'http'"),
        ("BROADCAST_CONNECTION", "pusher", "PUSHER_APP_ID is not set"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not 'LOUD'"),
        ("TRUSTED_PROXIES", "one", "TRUSTED_PROXIES must be a number"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, variable: str, value: str, said: str) -> None:
    env = {**os.environ, **NO_DOTENV, "DATA_FOLDER": str(tmp_path), variable: value}
    result = subprocess.run(COMMAND, cwd=ROOT, env=env, capture_output=True, text=True, timeout=40, check=False)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(said)


def test_a_port_that_was_asked_for_and_is_taken_is_an_error() -> None:
    with socket.create_server((HOST, 0)) as taken, pytest.raises(ConfigurationError, match=r"^PORT .* cannot be used"):
        listen(str(taken.getsockname()[1]))


def test_without_a_wish_any_port_will_do() -> None:
    with listen("") as first, listen("") as second:
        ports = {listener.getsockname()[1] for listener in (first, second)}
    assert len(ports) == 2
