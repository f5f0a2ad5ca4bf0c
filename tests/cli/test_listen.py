"""`broadcastkit listen`, against the embedded server and against servers that behave badly."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from broadcastkit.broadcaster import Broadcaster
from broadcastkit.cli import listen as module
from broadcastkit.cli import output
from broadcastkit.core.message import Message
from broadcastkit.events.base import AnonymousEvent
from broadcastkit.server import EmbeddedDriver, EmbeddedServer
from tests.cli.conftest import RunCommand, environment_of
from tests.interop.servers import LOOPBACK, PusherServer, free_port
from tests.server.clients import WebSocketClient
from tests.server.tools import APP, frame, member
from tests.webhooks.tools import MASTER_KEY

WhenListening = Callable[[Callable[[], object]], None]


@pytest.fixture
def when_listening(monkeypatch: pytest.MonkeyPatch) -> WhenListening:
    """Have something done once the command says that it listens."""

    def set_up(do: Callable[[], object]) -> None:
        def note(line: str) -> None:
            output.note(line)
            if line.startswith("Listening on "):
                do()

        monkeypatch.setattr(module, "note", note)

    return set_up


@pytest.fixture
def send(embedded: EmbeddedServer) -> Callable[..., object]:
    """Send an event from within the server."""
    driver = EmbeddedDriver(embedded)
    return lambda event, channel, data="{}": driver.send([Message(event, (channel,), data)])


def test_prints_what_it_hears(
    command: RunCommand, server: PusherServer, when_listening: WhenListening, send: Callable[..., object]
) -> None:
    def happen() -> None:
        send("hello", "private-x", '{"text":"héllo ✓"}')
        send("hello", "others")
        send("bye", "news", "[1]")

    when_listening(happen)
    status, out, err = command("listen", "private-x", "news", "--count", "2", "--timeout", "10")
    assert status == 0
    assert err == f"Listening on private-x, news at ws://{server.host}:{server.port}; stop with Ctrl-C.\n"
    first, second = (line.split("  ") for line in out.splitlines())
    assert first[1:] == ["private-x", "hello", '{"text":"héllo ✓"}']
    assert second[1:] == ["news", "bye", "[1]"]
    datetime.strptime(first[0], "%H:%M:%S")  # noqa: DTZ007 - a time of day


def test_json_lines(
    command: RunCommand, server: PusherServer, when_listening: WhenListening, send: Callable[..., object]
) -> None:
    when_listening(lambda: [send("hello", "news", '{"text":"✓"}'), send("bye", "news")])
    lines = command("listen", "news", "--count", "2", "--json").out.splitlines()
    heard = [json.loads(line) for line in lines]
    assert all(line.isascii() for line in lines)
    assert all(datetime.fromisoformat(one.pop("time")).utcoffset() is not None for one in heard)
    assert heard == [
        {"event": "hello", "channel": "news", "data": {"text": "✓"}},
        {"event": "bye", "channel": "news", "data": {}},
    ]


def test_only_some_events(
    command: RunCommand, server: PusherServer, when_listening: WhenListening, send: Callable[..., object]
) -> None:
    when_listening(lambda: [send("a", "news"), send("b", "news"), send("c", "news")])
    out = command("listen", "news", "--event", "b", "--event", "c", "--count", "2", "--json").out
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["b", "c"]


def test_members_are_shown_and_do_not_count(
    command: RunCommand, server: PusherServer, when_listening: WhenListening, send: Callable[..., object]
) -> None:
    def another_comes() -> None:
        with WebSocketClient(server) as client:
            client.open()
            assert client.subscribe("presence-x", member("2"))["presence"]["ids"] == ["me", "2"]
            send("hello", "presence-x")

    when_listening(another_comes)
    out = command("listen", "presence-x", "--user-id", "me", "--count", "1", "--json").out
    heard = [json.loads(line) for line in out.splitlines()]
    assert [one["event"] for one in heard] == ["pusher_internal:member_added", "hello"]
    assert heard[0]["data"]["user_id"] == "2"


def test_signs_in_for_the_channel_of_a_user(
    command: RunCommand, server: PusherServer, when_listening: WhenListening, send: Callable[..., object]
) -> None:
    when_listening(lambda: send("hello", "#server-to-user-7"))
    out = command("listen", "#server-to-user-7", "--count", "1", "--json").out
    assert json.loads(out)["channel"] == "#server-to-user-7"


def test_opens_what_is_encrypted(
    command: RunCommand, server: PusherServer, when_listening: WhenListening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSHER_ENCRYPTION_MASTER_KEY", MASTER_KEY)

    def happen() -> None:
        with Broadcaster.from_env() as broadcaster:
            broadcaster.broadcast(AnonymousEvent("hello", {"a": 1}, on="private-encrypted-x")).to_everyone()

    when_listening(happen)
    status, out, err = command("listen", "private-encrypted-x", "--count", "1", "--json")
    assert status == 0
    assert json.loads(out)["data"] == {"a": 1}
    assert MASTER_KEY not in out + err


# -- when it ends


def test_the_timeout_without_a_count_is_a_good_end(command: RunCommand, server: PusherServer) -> None:
    assert command("listen", "news", "--timeout", "0.05")[:2] == (0, "")


def test_fewer_than_were_asked_for(
    command: RunCommand, server: PusherServer, when_listening: WhenListening, send: Callable[..., object]
) -> None:
    when_listening(lambda: send("hello", "news"))
    status, out, err = command("listen", "news", "--count", "2", "--timeout", "0.5")
    assert (status, out.count("\n")) == (1, 1)
    assert err.endswith("1 of 2 events came within 0.5 s.\n")


def test_ctrl_c_is_a_good_end(command: RunCommand, server: PusherServer, when_listening: WhenListening) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    when_listening(interrupt)
    assert command("listen", "news", "--count", "1")[:2] == (0, "")


# -- what is wrong


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("listen",), "Missing argument"),
        (("listen", "a b"), "channel name 'a b' may hold only"),
        (("listen", "private-encrypted-x"), "encryption_master_key"),
        (("listen", "presence-x", "--user-id", "a b"), "user id"),
        (("listen", "news", "--count", "0"), "--count"),
        (("listen", "news", "--timeout", "-1"), "--timeout"),
        (("listen", "news", "--connection", "log"), "needs a connection to a service of Pusher's kind; log is a log"),
        (("listen", "news", "--connection", "absent"), "there is no connection 'absent'"),
    ],
)
def test_what_the_user_can_mend(
    command: RunCommand, server: PusherServer, arguments: tuple[str, ...], said: str
) -> None:
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert said in err


@pytest.mark.parametrize(
    ("variable", "value", "channel", "said"),
    [
        ("PUSHER_APP_SECRET", "hunter2", "private-x", "refuses private-x: 401 (check the secret)"),
        ("PUSHER_APP_KEY", "unknown", "news", "knows no app with this key"),
        ("PUSHER_PATH", "/nowhere", "news", "4005; it said: Path not found"),
        ("PUSHER_PORT", str(free_port()), "news", "no WebSocket at ws://"),
        ("PUSHER_SCHEME", "https", "news", "no WebSocket at wss://"),
    ],
    ids=["secret", "key", "path", "port", "scheme"],  # each worker of a parallel run finds another free port
)
def test_what_the_service_refuses(  # noqa: PLR0917
    command: RunCommand,
    server: PusherServer,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    channel: str,
    said: str,
) -> None:
    monkeypatch.setenv(variable, value)
    status, out, err = command("listen", channel)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert said in err


def test_without_websockets_it_says_what_to_install(
    command: RunCommand, server: PusherServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "websockets.exceptions", None)
    status, _, err = command("listen", "news")
    assert (status, err) == (
        2,
        "broadcastkit: broadcastkit listen needs websockets: run `pip install 'broadcastkit[cli]'`\n",
    )


# -- servers that behave badly


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[ServerConnection], None]], None]]:
    """Serve a handler as the service of the environment."""
    with contextlib.ExitStack() as running:

        def start(handle: Callable[[ServerConnection], None]) -> None:
            def careful(connection: ServerConnection) -> None:
                with contextlib.suppress(ConnectionClosed):
                    handle(connection)

            server = running.enter_context(serve(careful, LOOPBACK, 0))
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            running.callback(thread.join)
            running.callback(server.shutdown)
            port = server.socket.getsockname()[1]
            for name, value in environment_of(PusherServer(LOOPBACK, port, APP.id, APP.key, APP.secret)).items():
                monkeypatch.setenv(name, value)

        yield start


def greet(connection: ServerConnection) -> None:
    connection.send(frame("pusher:connection_established", '{"socket_id":"1.2","activity_timeout":1}'))


def let_in(connection: ServerConnection) -> None:
    greet(connection)
    connection.recv()
    connection.send(frame("pusher_internal:subscription_succeeded", "{}", channel="news"))


Hostile = Callable[[Callable[[ServerConnection], None]], None]


def test_nothing_that_it_hears_steers_the_terminal(command: RunCommand, hostile: Hostile) -> None:
    def handle(connection: ServerConnection) -> None:
        let_in(connection)
        evil = "\x1b[2J\r\n\x9b1m\u202e\x00"
        connection.send(json.dumps({"event": evil, "channel": evil, "data": evil, "user_id": evil}))
        connection.recv()

    hostile(handle)
    status, out, _ = command("listen", "news", "--count", "1")
    assert (status, out.count("\n")) == (0, 1)
    assert out.rstrip("\n").isprintable()


def test_a_frame_that_cannot_be_read_is_left_out(command: RunCommand, hostile: Hostile) -> None:
    def handle(connection: ServerConnection) -> None:
        let_in(connection)
        for bad in ("{", b"\xff", '{"event":"\\ud800"}'):
            connection.send(bad)
        connection.send(frame("hello", "{}", channel="news"))
        connection.recv()

    hostile(handle)
    status, out, err = command("listen", "news", "--count", "1")
    assert (status, out.count("\n"), err.count("left out")) == (0, 1, 3)


def say(*frames: str | bytes) -> Callable[[ServerConnection], None]:
    def handle(connection: ServerConnection) -> None:
        for text in frames:
            connection.send(text)
        connection.recv()
        connection.recv()

    return handle


def silent_after_letting_in(connection: ServerConnection) -> None:
    let_in(connection)
    for _ in range(5):  # pings too
        connection.recv()


def close_with_a_reason(connection: ServerConnection) -> None:
    let_in(connection)
    connection.close(4200, "\x1b[31mcome back")


@pytest.mark.parametrize(
    ("handle", "said"),
    [
        (say(), "has not answered the request for news"),
        (greet, "has closed the connection (1000)"),
        (say("garbage"), "does not speak the Pusher protocol"),
        (say(b"\x00"), "does not speak the Pusher protocol"),
        (say(frame("pusher:connection_established", '{"socket_id":"1.1::user::"}')), "no socket id"),
        (say(frame("pusher:connection_established", '{"socket_id":"1.1"}')), "has not answered the request for news"),
        (say(frame("pusher:error", {"code": 4003, "message": "\x1b[31mdisabled\n"})), "4003; it said: \\x1b[31mdis"),
        (silent_after_letting_in, "has not answered a ping"),
        (close_with_a_reason, "has closed the connection (4200 \\x1b[31mcome back)"),
    ],
    ids=[
        *("silent", "leaves", "garbage", "bytes", "chosen-socket-id", "silent-after-greeting", "error"),
        *("no-pong", "closes"),
    ],
)
def test_a_server_that_behaves_badly(
    command: RunCommand,
    hostile: Hostile,
    monkeypatch: pytest.MonkeyPatch,
    handle: Callable[[ServerConnection], None],
    said: str,
) -> None:
    if "answered" in said:
        monkeypatch.setattr(module, "_ANSWER_SECONDS", 1.0)
    hostile(handle)
    status, out, err = command("listen", "news", "--timeout", "20")
    assert (status, out) == (1, "")
    assert said in err
    assert err.replace("\n", "").isprintable()


def test_a_host_that_is_no_name(command: RunCommand, server: PusherServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSHER_HOST", "x" * 64 + ".invalid")
    status, out, err = command("listen", "news")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "PUSHER_HOST must be a host name or address" in err
