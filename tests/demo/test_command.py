"""`make demo` and `make demo ARGS=--once`, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from broadcastkit.errors import ConfigurationError
from examples.chat.__main__ import HOST, PORT, listen
from tests.interop.clients import PusherJsClient
from tests.interop.servers import PusherServer, free_port, running, tail

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "examples.chat")
TIMEOUT = 40


def once(environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--once"],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def assert_delivered(result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == 0, result.stderr
    payload = json.loads(result.stdout)
    assert payload["content"] == "Hello Ben!"
    assert payload["sender"] == {"id": 1, "name": "Ann", "avatar": None}
    assert (payload["conversation_id"], payload["recipient_id"]) == (1, 2)
    assert "Ann's own client did not get it back" in result.stderr


@pytest.mark.real
def test_once_prints_what_a_real_client_received() -> None:
    assert_delivered(once({}))


@pytest.mark.real
def test_once_over_soketi(soketi: PusherServer) -> None:
    assert_delivered(once({"BROADCAST_CONNECTION": soketi.url}))


@pytest.mark.real
def test_once_says_what_did_not_happen(soketi: PusherServer) -> None:
    wrong_secret = soketi.url.replace(soketi.secret, "wrong-secret")
    result = once({"BROADCAST_CONNECTION": wrong_secret})
    assert (result.returncode, result.stdout) == (1, "")
    assert "may not subscribe" in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.real
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_told_to_with_clients_connected(
    tmp_path: Path, pusher_js: Callable[[], PusherJsClient], how: signal.Signals
) -> None:
    port, log = free_port(), tmp_path / "chat.log"
    with running(COMMAND, port=port, log=log, env={"PORT": str(port)}) as process:
        pusher_js().connect(PusherServer(HOST, port, "chat", "chat-key", ""))
        process.send_signal(how)
        code = process.wait(10)
    # SIGTERM is not Ctrl-C: whoever sends it wants to see it obeyed
    assert code == (0 if how is signal.SIGINT else -how)
    assert f"The chat is at http://127.0.0.1:{port}" in tail(log)
    assert "Traceback" not in tail(log)
    assert "ERROR" not in tail(log)


def test_a_port_that_was_asked_for_and_is_taken_is_an_error() -> None:
    with socket.create_server((HOST, 0)) as taken, pytest.raises(ConfigurationError, match=r"^PORT .* cannot be used"):
        listen(str(taken.getsockname()[1]))


@pytest.mark.parametrize("port", ["http", "-1", "65536", "8000.0"])
def test_a_port_is_a_number(port: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^PORT must be a number from 0 to 65535"):
        listen(port)


def test_without_a_wish_any_port_will_do(capsys: pytest.CaptureFixture[str]) -> None:
    with listen("") as first, listen("") as second:
        ports = [listener.getsockname()[1] for listener in (first, second)]
    assert ports[1] not in {ports[0], PORT}
    assert f"Port {PORT} is taken" in capsys.readouterr().out
