"""Connections of our own: which are kept, for whom, and to which address they go."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.drivers.sockets.idle import CONNECTIONS
from broadcastkit.errors import ConnectError, NoReplyError
from tests.drivers.http.wires import OURS, REQUEST
from tests.drivers.scripted import OK, Answer, ScriptedServer, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.drivers.http.wires import Wire

    Scripted = Callable[..., ScriptedServer]

YES = HttpReply(200, b"{}")
PYTHONS_RESOLVER = [key for key in OURS if key[0] != "ours on uvloop"]


def connections(server: ScriptedServer) -> list[int]:
    return [heard.connection for heard in server.heard]


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_one_caller_needs_one_connection(ours: Wire, scripted: Scripted) -> None:
    server = scripted()
    transport = ours.to(server.url)

    assert [ours.ask(transport) for _ in range(5)] == [YES] * 5
    assert connections(server) == [1] * 5


def test_an_answer_to_nothing_ends_the_connection(ours: Wire, scripted: Scripted) -> None:
    server = scripted(Answer(OK.raw + b"HTTP/1.1 408 Too slow\r\n"), OK)
    transport = ours.to(server.url)

    assert ours.ask(transport) == ours.ask(transport) == YES
    assert connections(server) == [1, 2]


def test_a_service_that_answers_before_it_has_read_everything_and_closes_is_heard(ours: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer(413, b"too large", connection="close").raw)

        server = threading.Thread(target=refuse, daemon=True)
        server.start()
        transport = ours.to(f"http://127.0.0.1:{listener.getsockname()[1]}")
        reply = ours.ask(transport, HttpRequest("POST", "/apps/1/events", bytes(8_000_000)))
        server.join(10)

    assert reply == HttpReply(413, b"too large")


def test_a_request_that_is_not_taken_in_time(ours: Wire) -> None:
    with socket.socket() as listener:
        # so small that nothing of this size fits into what the system keeps
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        transport = ours.to(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=httpx.Timeout(5.0, write=0.2))

        failed = ours.failure(transport, HttpRequest("POST", "/apps/1/events", bytes(20_000_000)))

    assert type(failed) is NoReplyError
    assert str(failed) == "the request did not go out within 0.2 s"


# -- for whom ----------------------------------------------------------------------------------------------------------


def test_many_at_once_share_a_few(ours: Wire, scripted: Scripted) -> None:
    server = scripted()

    assert ours.at_once(ours.to(server.url), [REQUEST] * 60) == [YES] * 60
    assert server.connections <= CONNECTIONS


def test_who_waits_too_long_for_one_is_told(ours: Wire, scripted: Scripted) -> None:
    server = scripted(*[Answer(b"", "hang")] * CONNECTIONS)
    transport = ours.to(server.url, timeout=httpx.Timeout(5.0, read=1.0, pool=0.2))

    failed = ours.at_once(transport, [REQUEST] * (CONNECTIONS + 2))

    assert sorted(type(error).__name__ for error in failed) == ["ConnectError"] * 2 + ["NoReplyError"] * CONNECTIONS
    assert {str(error) for error in failed if isinstance(error, ConnectError)} == {
        f"all {CONNECTIONS} connections were in use for 0.2 s"
    }
    assert ours.ask(transport) == YES


class Reluctant:
    """A server that answers its one request when it is told to."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked = threading.Event()
        self.answer = threading.Event()
        self.left_open: bool | None = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, self._listener:
            connection.settimeout(10)
            connection.recv(4096)
            self.asked.set()
            self.answer.wait(10)
            connection.sendall(OK.raw)
            try:
                self.left_open = bool(connection.recv(1))
            except ConnectionResetError:
                self.left_open = False


@pytest.fixture
def reluctant() -> Iterator[Reluctant]:
    server = Reluctant()
    yield server
    server.thread.join(10)


def test_a_connection_in_use_while_all_are_closed_is_closed_after_its_answer(ours: Wire, reluctant: Reluctant) -> None:
    transport = ours.to(reluctant.url)
    found: list[Any] = []

    def close_meanwhile() -> None:
        assert reluctant.asked.wait(10)
        transport.close()
        reluctant.answer.set()

    if ours.colour == "sync":
        meanwhile = threading.Thread(target=close_meanwhile)
        meanwhile.start()
        found.append(ours.ask(transport))
        meanwhile.join(10)
    else:
        found.append(ours.run(_close_meanwhile(transport, reluctant)))

    reluctant.thread.join(10)
    assert found == [YES]
    assert reluctant.left_open is False


async def _close_meanwhile(transport: Any, reluctant: Reluctant) -> Any:
    import asyncio

    sending = asyncio.create_task(transport.send(REQUEST))
    await asyncio.to_thread(reluctant.asked.wait, 10)
    await transport.aclose()
    reluctant.answer.set()
    return await sending


# -- to which address --------------------------------------------------------------------------------------------------


@pytest.fixture
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that has two addresses, as one of IPv6 and one of IPv4."""
    resolve = socket.getaddrinfo

    def both(host: str, *arguments: Any, **options: Any) -> Any:
        hosts = ["127.0.0.2", "127.0.0.1"] if host == "two.test" else [host]
        return [entry for host in hosts for entry in resolve(host, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", both)


@pytest.mark.usefixtures("two_addresses")
@pytest.mark.parametrize("ours", PYTHONS_RESOLVER, indirect=True, ids=str)
def test_a_second_address_is_tried_where_the_first_refuses(ours: Wire, scripted: Scripted) -> None:
    server = scripted()

    assert ours.ask(ours.to(f"http://two.test:{server.port}")) == YES
    assert server.heard[0].header("host") == f"two.test:{server.port}"


@pytest.mark.usefixtures("two_addresses")
@pytest.mark.parametrize("ours", PYTHONS_RESOLVER, indirect=True, ids=str)
def test_a_first_address_that_does_not_answer_leaves_time_for_the_second(ours: Wire, scripted: Scripted) -> None:
    server = scripted()
    # a listener with a full queue: the next connection waits for ever
    with socket.socket() as silent, socket.socket() as first, socket.socket() as second:
        silent.bind(("127.0.0.2", server.port))
        silent.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())

        assert ours.ask(ours.to(f"http://two.test:{server.port}", timeout=1.0)) == YES


def test_an_address_of_ipv6(ours: Wire) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        heard: list[bytes] = []

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(4096))
                connection.sendall(answer(connection="close").raw)

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        port = listener.getsockname()[1]
        assert ours.ask(ours.to(f"http://[::1]:{port}")) == YES
        server.join(10)

    assert f"\r\nHost: [::1]:{port}\r\n".encode() in heard[0]


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://service.test:80", "service.test"),
        ("https://service.test:443", "service.test"),
        ("https://service.test:80", "service.test:80"),
        ("http://[::1]:6001", "[::1]:6001"),
    ],
)
def test_a_port_that_goes_without_saying_is_not_said(origin: str, host: str) -> None:
    from broadcastkit.drivers.pusher.http import TransportOptions

    assert TransportOptions(origin, timeout=1, verify=True).host_header == host
