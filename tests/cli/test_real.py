"""The commands as processes, against a real soketi."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from broadcastkit.authorization import SubscriptionGrant
from broadcastkit.drivers.pusher import PusherDriver
from tests.cli.conftest import SECRETS, Result, RunCommand, environment_of
from tests.interop.servers import PusherServer
from tests.server.clients import WebSocketClient
from tests.webhooks.tools import MASTER_KEY

pytestmark = pytest.mark.real

WAIT = 20.0


@pytest.fixture
def variables(soketi: PusherServer) -> dict[str, str]:
    return environment_of(soketi, PROFILE="soketi", ENCRYPTION_MASTER_KEY=MASTER_KEY)


def environment(variables: dict[str, str]) -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in os.environ if name == "PATH" or name.startswith("COVERAGE_")}
    return passed_on | variables


def run(variables: dict[str, str], *arguments: str, stdin: str = "") -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "broadcastkit.cli", *arguments],
        env=environment(variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
    return Result(done.returncode, done.stdout, done.stderr)


@contextmanager
def listening(variables: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `listen` until the block ends, which starts once it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "broadcastkit.cli", "listen", "--json", "--timeout", str(WAIT), *arguments],
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr
            line = process.stderr.readline()
            assert line.startswith("Listening on "), line + process.stderr.read()
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def heard(process: subprocess.Popen[str]) -> list[dict[str, object]]:
    """Wait for its end; returns what it printed."""
    out, err = process.communicate(timeout=WAIT)
    assert process.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    return [{key: value for key, value in line.items() if key != "time"} for line in lines]


def test_what_one_sends_the_other_hears(variables: dict[str, str]) -> None:
    channels = ("news", "private-x", "presence-x", "private-encrypted-x")
    with listening(variables, *channels, "--user-id", "me", "--count", "4") as process:
        assert sorted(json.loads(run(variables, "channels", "--json").out)["channels"]) == sorted(channels)
        assert run(variables, "users", "presence-x") == (0, "me\n", "")
        named = [argument for channel in channels for argument in ("--channel", channel)]
        sent = run(variables, "send", "--event", "message.sent", *named, "--data", "-", stdin='{"text":"héllo ✓"}')
        assert sent.status == 0
        events = heard(process)
        assert sorted(str(event["channel"]) for event in events) == sorted(channels)
        assert [event["data"] for event in events] == [{"text": "héllo ✓"}] * 4


def test_ctrl_c_ends_it_well(variables: dict[str, str]) -> None:
    with listening(variables, "news") as process:
        process.send_signal(signal.SIGINT)
        assert heard(process) == []


def test_a_pipe_that_is_closed_ends_it(variables: dict[str, str]) -> None:
    with listening(variables, "news") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        run(variables, "send", "--event", "a", "--channel", "news")
        assert process.wait(WAIT) == 1
        assert process.stderr.read() == ""


def test_client_events_and_members(variables: dict[str, str], soketi: PusherServer) -> None:
    driver = PusherDriver.from_url(soketi.url)
    with listening(variables, "presence-y", "--count", "1") as process, WebSocketClient(soketi) as client:
        client.open()
        member = '{"user_id":"7","user_info":{"name":"Ada"}}'
        auth = driver.answer_subscription(SubscriptionGrant(client.socket_id, "presence-y", member)).as_dict()
        client.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": "presence-y", **auth}}))
        assert client.receive()["data"]["presence"]["count"] == 2
        client.trigger("presence-y", "client-typing", {"a": 1})
        added, typing = heard(process)
    driver.close()
    assert (added["event"], added["data"]) == (
        "pusher_internal:member_added",
        {"user_id": "7", "user_info": {"name": "Ada"}},
    )
    assert typing == {"event": "client-typing", "channel": "presence-y", "data": {"a": 1}, "user_id": "7"}


def test_the_channel_of_a_signed_in_user(soketi_users: PusherServer) -> None:
    variables = environment_of(soketi_users, PROFILE="soketi")
    with listening(variables, "#server-to-user-7", "--count", "1") as process:
        assert run(variables, "send", "--event", "a", "--channel", "#server-to-user-7").status == 0
        assert [event["channel"] for event in heard(process)] == ["#server-to-user-7"]


def test_the_doctor(command: RunCommand, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(**changed: str) -> list[str]:
        for name, value in {**variables, **changed}.items():
            monkeypatch.setenv(name, value)
        status, out, _ = command("doctor", "--json")
        found = [check for check in json.loads(out)["connections"][0]["checks"] if not check["ok"]]
        assert status == (1 if found else 0)
        return [check["about"] for check in found]

    assert wrong() == []
    assert wrong(PUSHER_APP_SECRET="hunter2") == ["app and secret"]
    assert wrong(PUSHER_APP_ID="nobody") == ["app and secret"]
    # soketi takes a signed request with any key: only a client finds out
    assert wrong(PUSHER_APP_KEY="unknown") == ["key"]


@pytest.mark.parametrize("arguments", [("channels",), ("users", "presence-x"), ("listen", "private-x")])
def test_a_wrong_secret(
    command: RunCommand, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    for name, value in {**variables, "PUSHER_APP_SECRET": "hunter2"}.items():
        monkeypatch.setenv(name, value)
    status, out, err = command(*arguments)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "401" in err
