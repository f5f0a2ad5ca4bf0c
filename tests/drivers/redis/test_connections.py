"""Connections of our own to one Redis: which are kept, for whom, and when enough is enough."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvloop

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.redis import AsyncRedisDriver
from broadcastkit.drivers.sockets.idle import CONNECTIONS
from broadcastkit.errors import BadCredentialsError, ConnectError, ConnectionLostError, NoReplyError, ServiceFailedError
from tests.drivers.redis.colours import AsyncColour, SyncColour

WAIT = 10.0
ONE = Message("a", ("news",), "{}")
ONCE = Retry(attempts=1)
Script = Callable[..., "ScriptedRedis"]


class UvloopColour(AsyncColour):
    """The awaited driver, on uvloop."""

    def __init__(self) -> None:
        super().__init__()
        self._runner.close()
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)


class ScriptedRedis:
    """Says what it is told to whatever it hears, on all connections; after the script, `:0`. b"" closes, None hangs."""

    def __init__(self, *script: bytes | None) -> None:
        self._script = list(script)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._changed = threading.Condition()
        self.heard: list[tuple[int, bytes]] = []
        self.options: dict[str, Any] = {"host": "127.0.0.1", "port": self._listener.getsockname()[1]}
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def connections(self) -> int:
        """How many there have been."""
        return max((number for number, _ in self.heard), default=0)

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            with self._changed:
                self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            while data := connection.recv(65_536):
                with self._changed:
                    self.heard.append((number, data))
                    said = self._script.pop(0) if self._script else b":0\r\n"
                    self._changed.notify_all()
                if said == b"":
                    break
                if said is not None:
                    connection.sendall(said)
        except OSError:
            pass
        finally:
            connection.close()
            with self._changed:
                self._open.remove(connection)
                self._changed.notify_all()

    def wait_until(self, happened: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(happened, WAIT)

    def wait_until_open(self, count: int) -> None:
        self.wait_until(lambda: len(self._open) == count)

    def close(self) -> None:
        self._listener.close()
        with self._changed:
            for connection in self._open:
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture(params=[SyncColour, AsyncColour, UvloopColour], ids=["sync", "async", "uvloop"])
def colour(request: pytest.FixtureRequest) -> Iterator[SyncColour | AsyncColour]:
    colour: SyncColour | AsyncColour = request.param()
    yield colour
    colour.end()


@pytest.fixture
def scripted() -> Iterator[Script]:
    made: list[ScriptedRedis] = []

    def make(*script: bytes | None) -> ScriptedRedis:
        made.append(ScriptedRedis(*script))
        return made[-1]

    yield make
    for server in made:
        server.close()


def at_once(colour: SyncColour | AsyncColour, driver: Any, count: int) -> list[Outcome]:
    """Send from so many threads or tasks at the same time."""
    if isinstance(colour, SyncColour):
        ready = threading.Barrier(count)

        def send(_: int) -> Sequence[Outcome]:
            ready.wait(WAIT)
            outcomes: Sequence[Outcome] = driver.send([ONE])
            return outcomes

        with ThreadPoolExecutor(count) as pool:
            return [outcome for (outcome,) in pool.map(send, range(count))]

    async def gather() -> list[Outcome]:
        return [outcome for (outcome,) in await asyncio.gather(*(driver.send([ONE]) for _ in range(count)))]

    found: list[Outcome] = colour.run(gather())
    return found


def test_one_caller_needs_one_connection(colour: SyncColour | AsyncColour, scripted: Script) -> None:
    server = scripted()
    driver = colour.driver(**server.options)

    for _ in range(5):
        assert colour.send(driver, ONE) == [Sent(1)]
    assert server.connections == 1
    colour.close(driver)
    server.wait_until_open(0)


def test_a_connection_begins_with_who_we_are(colour: SyncColour | AsyncColour, scripted: Script) -> None:
    server = scripted(b"+OK\r\n+OK\r\n")
    driver = colour.driver(**server.options, username="app", password="pässword", db=3)

    assert [*colour.send(driver, ONE), *colour.send(driver, ONE)] == [Sent(1), Sent(1)]
    assert server.heard[0][1] == (
        "*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$9\r\npässword\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n".encode()
    )
    assert [number for number, _ in server.heard] == [1, 1, 1]


def test_who_is_not_welcome_is_told_and_the_connection_closed(
    colour: SyncColour | AsyncColour, scripted: Script
) -> None:
    server = scripted(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")
    (outcome,) = colour.send(colour.driver(**server.options, password="wrong", retry=ONCE), ONE)

    assert isinstance(outcome, BadCredentialsError)
    server.wait_until_open(0)


def test_a_connection_that_was_closed_meanwhile_is_not_used(colour: SyncColour | AsyncColour, scripted: Script) -> None:
    server = scripted(b":0\r\n")
    driver = colour.driver(**server.options, retry=ONCE)
    assert colour.send(driver, ONE) == [Sent(1)]
    for connection in list(server._open):
        connection.shutdown(socket.SHUT_RDWR)
    server.wait_until_open(0)

    assert colour.send(driver, ONE) == [Sent(1)]
    assert [number for number, _ in server.heard] == [1, 2]


def test_a_reply_to_nothing_ends_the_connection(colour: SyncColour | AsyncColour, scripted: Script) -> None:
    server = scripted(b":0\r\n:0\r\n")
    driver = colour.driver(**server.options, retry=ONCE)

    assert [*colour.send(driver, ONE), *colour.send(driver, ONE)] == [Sent(1), Sent(1)]
    assert [number for number, _ in server.heard] == [1, 2]


def test_who_waits_too_long_for_one_is_told(colour: SyncColour | AsyncColour, scripted: Script) -> None:
    server = scripted(*[None] * CONNECTIONS)
    driver = colour.driver(**server.options, timeout=0.3, retry=ONCE)

    failed = at_once(colour, driver, CONNECTIONS + 4)

    # those for whom nothing is left of the time are told, and who gets the place of another one after all is served
    assert {type(outcome) for outcome in failed} <= {NoReplyError, ConnectError, Sent}
    assert sum(isinstance(outcome, NoReplyError) for outcome in failed) == CONNECTIONS
    assert colour.send(driver, ONE) == [Sent(1)]


@pytest.mark.parametrize(
    ("said", "kind", "text"),
    [
        (b"", ConnectionLostError, "the connection was closed before every reply came"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ServiceFailedError, "what answered is no Redis"),
        (None, NoReplyError, "not every reply came within 0.3 s"),
        (b":", NoReplyError, "not every reply came within 0.3 s"),
    ],
)
def test_what_is_no_reply_is_an_error_and_the_connection_is_not_kept(
    colour: SyncColour | AsyncColour, scripted: Script, said: bytes | None, kind: type[Exception], text: str
) -> None:
    server = scripted(said)
    driver = colour.driver(**server.options, timeout=0.3, retry=ONCE)

    (outcome,) = colour.send(driver, ONE)

    assert type(outcome) is kind
    assert text in str(outcome)
    assert colour.send(driver, ONE) == [Sent(1)]
    assert [number for number, _ in server.heard] == [1, 2]


def test_a_reply_that_drips_has_one_time_limit(colour: SyncColour | AsyncColour) -> None:
    enough = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                try:
                    while not enough.wait(0.05):
                        connection.sendall(b":0\r\n")
                except OSError:
                    pass

        server = threading.Thread(target=drip, daemon=True)
        server.start()
        driver = colour.driver(host="127.0.0.1", port=listener.getsockname()[1], timeout=0.4, retry=ONCE)

        outcomes = colour.send(driver, *[ONE] * 100)

        enough.set()
        server.join(WAIT)
    # what was answered for by then has been published
    answered = [outcome for outcome in outcomes if isinstance(outcome, Sent)]
    assert answered
    assert outcomes[: len(answered)] == answered
    assert {type(outcome) for outcome in outcomes[len(answered) :]} == {NoReplyError}


async def test_who_is_cancelled_leaves_no_reply_behind_for_the_next_one(scripted: Script) -> None:
    server = scripted(None)
    driver = AsyncRedisDriver(**server.options)
    sending = asyncio.create_task(driver.send([ONE]))
    await asyncio.to_thread(server.wait_until, lambda: len(server.heard) == 1)

    sending.cancel()
    await asyncio.wait([sending])

    assert sending.cancelled()
    assert await driver.send([ONE]) == [Sent(1)]
    assert [number for number, _ in server.heard] == [1, 2]
    await driver.aclose()
