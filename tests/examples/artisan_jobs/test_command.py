"""`make demo EXAMPLE=artisan_jobs` and `manage websockets`, as processes of their own."""

from __future__ import annotations

import itertools
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import httpx
import pytest

from broadcastkit.errors import ConfigurationError
from examples.artisan_jobs.environment import GUIDE
from examples.artisan_jobs.websockets import HOST, listen
from tests.examples.artisan_jobs.test_guide import ROOT, VARIABLES, application
from tests.interop.clients import PusherJsClient
from tests.interop.servers import PusherServer, free_port, running, tail

APPLICATION = (sys.executable, "-m", "examples.artisan_jobs")
WEBSOCKETS = (sys.executable, "-m", "examples.artisan_jobs.manage", "websockets")


@pytest.mark.real
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_told_to_with_clients_connected(
    tmp_path: Path, pusher_js: Callable[[], PusherJsClient], how: signal.Signals
) -> None:
    port, service, log = free_port(), free_port(), tmp_path / "log"
    env = {"PORT": str(port), "PUSHER_PORT": str(service), "ARTISAN_JOBS_DATA": str(tmp_path / "data")}
    with running(APPLICATION, port=port, log=log, ready="/up", env=env) as process:
        pusher_js().connect(PusherServer(HOST, service, "mysharpjob", "mysharpjob-key", ""))
        process.send_signal(how)
        code = process.wait(10)

    # SIGTERM is not Ctrl-C: whoever sends it wants to see it obeyed
    assert code == (0 if how is signal.SIGINT else -how)
    printed = tail(log)
    assert f"MySharpJob is at http://127.0.0.1:{port}" in printed
    assert "amaka@mysharpjob.test" in printed
    assert "sharp-tools-9" in printed
    assert "Traceback" not in printed
    assert "ERROR" not in printed
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["jobs.sqlite3", "secret-key"]
    assert (tmp_path / "data" / "secret-key").stat().st_mode & 0o077 == 0


@pytest.mark.real
def test_a_body_without_an_end(tmp_path: Path) -> None:
    service = free_port()
    with application(tmp_path, {"PUSHER_PORT": str(service)}, service) as site:
        endless = itertools.repeat(b"a" * 65_536)
        with httpx.Client() as client:
            answer = client.send(client.build_request("POST", f"{site.address}/api/messages", content=_cut(endless)))

    assert (answer.status_code, answer.json()) == (413, {"message": "That is too much to send."})


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Bound it, should nobody say stop."""
    yield from itertools.islice(chunks, 1000)


@pytest.mark.real
def test_the_websocket_server_by_itself_and_what_it_tells(
    tmp_path: Path, pusher_js: Callable[[], PusherJsClient]
) -> None:
    port, log = free_port(), tmp_path / "log"
    env = VARIABLES | {"PUSHER_PORT": str(port), "ARTISAN_JOBS_DATA": str(tmp_path)}
    with running((*WEBSOCKETS, "--debug"), port=port, log=log, ready="/up", env=env) as process:
        client = pusher_js()
        client.connect(PusherServer(HOST, port, "mysharpjob", "mysharpjob-key", ""))
        client.subscribe("jobs")
        client.disconnect()
        process.send_signal(signal.SIGINT)
        process.wait(10)

    printed = log.read_text()
    assert f"[INFO] WebSocket server started on 127.0.0.1:{port}" in printed
    for line in (
        "connection 1 connected",
        "connection 1 was sent 'pusher:connection_established'",
        "connection 1 sent 'pusher:subscribe' on 'jobs'",
        "connection 1 was sent 'pusher_internal:subscription_succeeded' on 'jobs'",
        "connection 1 disconnected",
    ):
        assert f"[DEBUG] {line}" in printed


@pytest.mark.real
def test_but_for_the_demo_nobody_is_made_whose_password_is_known(tmp_path: Path) -> None:
    service = free_port()
    env = {"PUSHER_PORT": str(service), "ARTISAN_JOBS_DEMO": ""}
    with application(tmp_path, env, service) as site:
        body = {"email": "tunde@mysharpjob.test", "password": "sharp-tools-9"}
        answer = httpx.post(f"{site.address}/api/login", json=body)

    assert answer.status_code == 422
    assert "sharp-tools-9" not in tail(tmp_path / "log")


@pytest.mark.real
def test_the_guides_secret_is_not_for_production(tmp_path: Path) -> None:
    env = VARIABLES | {"APP_URL": "https://mysharpjob.test", "ARTISAN_JOBS_DATA": str(tmp_path)}
    done = subprocess.run(APPLICATION, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=30)

    assert done.returncode == 1
    assert "PUSHER_APP_SECRET" in done.stderr
    assert "mysharpjob-secret" not in done.stderr


@pytest.mark.real
def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = str(taken.getsockname()[1])
        env = {"PORT": port, "ARTISAN_JOBS_DATA": str(tmp_path)}
        done = subprocess.run(APPLICATION, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=30)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"PORT {port} cannot be used")


@pytest.mark.parametrize("port", ["http", "-1", "65536", "8000.0"])
def test_a_port_is_a_number(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PUSHER_PORT", port)
    with pytest.raises(ConfigurationError, match=r"^PUSHER_PORT must be a number from 0 to 65535"):
        listen("PUSHER_PORT", 6001)


def test_without_a_wish_another_port_than_one_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with listen("NOT_SET", 0) as first:
        usual = first.getsockname()[1]
        with listen("NOT_SET", usual) as second:
            assert second.getsockname()[1] != usual
    assert f"Port {usual} is taken" in capsys.readouterr().out


def test_the_server_is_the_guides() -> None:
    assert {"BROADCAST_CONNECTION": "pusher", **GUIDE} == VARIABLES
