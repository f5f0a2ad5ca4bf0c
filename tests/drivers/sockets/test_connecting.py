"""Connecting within a time limit, the resolver included, in both colours."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit.drivers.sockets import awaited, blocking
from broadcastkit.errors import ConnectError

if TYPE_CHECKING:
    from pathlib import Path

WAIT = 10.0
Connect = Callable[[str, int, "float | None"], None]


def connect(host: str, port: int, seconds: float | None) -> None:
    blocking.connected(host, port, seconds, None).close()


def connect_awaited(host: str, port: int, seconds: float | None) -> None:
    async def main() -> None:
        made = await awaited.connected(Remembering, host, port, seconds, None)
        made.transport.close()

    asyncio.run(main())


class Remembering(asyncio.Protocol):
    """Knows its transport."""

    transport: Any

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport


@pytest.fixture(params=[connect, connect_awaited], ids=["sync", "async"])
def connects(request: pytest.FixtureRequest) -> Connect:
    chosen: Connect = request.param
    return chosen


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A resolver that does not answer until the test has ended."""
    over = threading.Event()
    resolve = socket.getaddrinfo

    def wait(host: Any, *rest: Any, **options: Any) -> Any:
        if host == "slow.test":
            over.wait(WAIT)
            host = "127.0.0.1"
        return resolve(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    yield over
    over.set()


def test_a_resolver_that_does_not_answer_is_not_waited_for(listener: socket.socket, slow: threading.Event) -> None:
    began = time.monotonic()

    with pytest.raises(ConnectError, match=r"^no connection within 0\.2 s$"):
        connect("slow.test", listener.getsockname()[1], 0.2)

    assert time.monotonic() - began < WAIT / 2
    assert not slow.is_set()


async def test_nor_is_it_awaited(listener: socket.socket, slow: threading.Event) -> None:
    with pytest.raises(ConnectError, match=r"^no connection within 0\.2 s$"):
        await awaited.connected(asyncio.Protocol, "slow.test", listener.getsockname()[1], 0.2, None)

    slow.set()  # the loop's thread is waited for at its end


@pytest.mark.parametrize("seconds", [WAIT, None])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_name_and_an_address_with_and_without_a_limit(
    connects: Connect, listener: socket.socket, host: str, seconds: float | None
) -> None:
    connects(host, listener.getsockname()[1], seconds)


def test_an_address_needs_no_thread(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(threading, "Thread")

    connect("127.0.0.1", listener.getsockname()[1], WAIT)


@contextmanager
def no_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The threads by which names are asked for, where no thread can be started, as at the end of a program."""
    names: list[str] = []
    resolve = socket.getaddrinfo

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    def noting(*given: Any, **options: Any) -> Any:
        names.append(threading.current_thread().name)
        return resolve(*given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        patch.setattr(socket, "getaddrinfo", noting)
        yield names


def test_where_no_thread_can_be_started_the_caller_asks(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_threads(monkeypatch) as resolved:
        connect("localhost", listener.getsockname()[1], WAIT)

    assert resolved == [threading.current_thread().name]


async def test_where_none_can_be_started_the_loop_asks(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_threads(monkeypatch) as resolved:  # not for longer: at its end, a loop starts a thread
        made = await awaited.connected(Remembering, "localhost", listener.getsockname()[1], WAIT, None)
    made.transport.close()

    assert resolved == [threading.current_thread().name]


def test_what_the_resolver_refuses_the_caller_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with (
        no_threads(monkeypatch) as resolved,
        pytest.raises(ConnectError, match=r"gaierror \[Errno -2\] Name or service not known"),
    ):
        connect("nobody.test", 80, WAIT)
    assert resolved == [threading.current_thread().name]


@pytest.mark.parametrize("seconds", [WAIT, None])
def test_what_a_resolver_refuses_is_told(
    connects: Connect, monkeypatch: pytest.MonkeyPatch, seconds: float | None
) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(ConnectError, match=r"gaierror \[Errno -2\] Name or service not known"):
        connects("nobody.test", 80, seconds)


@pytest.mark.parametrize("seconds", [WAIT, None])
def test_who_refuses(connects: Connect, listener: socket.socket, seconds: float | None) -> None:
    port = listener.getsockname()[1]
    listener.close()

    with pytest.raises(ConnectError, match="ConnectionRefusedError"):
        connects("127.0.0.1", port, seconds)


@pytest.mark.parametrize("seconds", [WAIT, None])
def test_a_name_that_can_be_none(connects: Connect, seconds: float | None) -> None:
    with pytest.raises(ConnectError, match="UnicodeError"):
        connects("a" * 64 + ".test", 80, seconds)


def test_a_path_where_nobody_listens(tmp_path: Path) -> None:
    path = str(tmp_path / "nobody.sock")

    with pytest.raises(ConnectError, match="FileNotFoundError"):
        blocking.connected_to_path(path, WAIT)
    with pytest.raises(ConnectError, match="FileNotFoundError"):
        asyncio.run(awaited.connected_to_path(asyncio.Protocol, path, WAIT))
