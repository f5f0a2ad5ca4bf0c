"""A proxy on loopback that does what networks, balancers and dying servers do: as scripted, request by request.

A request is read whole, and then an `Action` does with it what it wants: has the service answer or not, and hands on
all of the answer, a half of it, or something else. What the service is asked it is asked to the end, whatever becomes
of the caller, so that `settled()` means that nothing more can arrive.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tests.interop.servers import LOOPBACK

if TYPE_CHECKING:
    import ssl

__all__ = ["HTTP", "REDIS", "Action", "Loop", "Protocol", "Proxy", "Talk", "passed", "proxy_loop", "refusing"]

T = TypeVar("T")
SECONDS = 20.0
# Closing a socket with this says RST and not FIN.
NO_LINGER = struct.pack("ii", 1, 0)


class Talk:
    """One request, as an action sees it."""

    def __init__(
        self, proxy: Proxy, writer: asyncio.StreamWriter, reader: asyncio.StreamReader, request: bytes
    ) -> None:
        self._proxy = proxy
        self._writer = writer
        self._reader = reader
        self._request = request
        self.ended = False

    async def forward(self) -> bytes:
        """Have the service answer; returns all of what it said."""
        return await self._proxy.forward(self._request)

    async def write(self, data: bytes) -> None:
        """Say something to the caller, who may have gone."""
        with contextlib.suppress(OSError):
            self._writer.write(data)
            await self._writer.drain()

    async def gone(self) -> None:
        """Wait until the caller goes."""
        with contextlib.suppress(OSError):
            while await self._reader.read(65536):
                pass
        self.end()

    async def until(self, over: threading.Event) -> None:
        """Wait for something that happens elsewhere."""
        await asyncio.to_thread(over.wait, SECONDS)

    def end(self) -> None:
        """Close the connection in good order."""
        self.ended = True
        self._writer.close()

    def reset(self) -> None:
        """Break the connection."""
        self.ended = True
        _break(self._writer)


Action = Callable[[Talk], Awaitable[None]]


class Protocol(NamedTuple):
    """How requests and answers are told apart; `b""` is the end. Faults befall those requests that are `counted`."""

    request: Callable[[asyncio.StreamReader], Awaitable[bytes]]
    answer: Callable[[asyncio.StreamReader], Awaitable[bytes]]
    counted: Callable[[bytes], bool] = bool


async def _http(reader: asyncio.StreamReader) -> bytes:
    """Read a request or an answer whose length is stated."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:-2])
    return head + await reader.readexactly(int(fields.get(b"content-length", b"0")))


async def _redis(reader: asyncio.StreamReader) -> bytes:
    """Read one value of Redis' protocol: a command is an array of strings."""
    head = await reader.readline()
    if head[:1] == b"$" and int(head[1:]) >= 0:
        return head + await reader.readexactly(int(head[1:]) + 2)
    if head[:1] in {b"*", b"%"}:
        count = int(head[1:]) * (2 if head[:1] == b"%" else 1)
        for _ in range(count):
            head += await _redis(reader)
    return head


HTTP = Protocol(_http, _http)
REDIS = Protocol(_redis, _redis, lambda command: command.split(b"\r\n")[2].upper() in {b"PUBLISH", b"EVAL"})


async def passed(talk: Talk) -> None:
    """Do as if there were no proxy, but keep the connection."""
    answer = await talk.forward()
    await talk.write(answer.replace(b"Connection: close\r\n", b""))


async def refusing(talk: Talk) -> None:
    """Stands in a script for a connection that is broken as soon as it is made."""
    raise NotImplementedError


class Proxy:
    """One port. `script` holds what is done to the next requests; what comes after them is done by `then`."""

    def __init__(
        self, loop: Loop, behind: int, *, protocol: Protocol = HTTP, tls: ssl.SSLContext | None = None
    ) -> None:
        self._loop = loop
        self._protocol = protocol
        self.behind = behind
        self._tls = tls
        self.script: deque[Action] = deque()
        self.then: Action = passed
        self.requests = 0
        self._asking = 0
        self._quiet = asyncio.Event()
        self._listener = socket.socket()
        # for an awaited driver of the same process, which does not wait for a port to be free again
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refusals = 0

    def does(self, actions: Iterable[Action], then: Action = passed) -> None:
        """Set what is done to the next requests, and to all after them."""
        self.script = deque(actions)
        self.then = then

    # -- the port ----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Accept connections."""
        if self._server is None:
            self._listener.listen(128)
            self._loop.run(self._serve())

    def refuse(self, connections: int | None) -> None:
        """Refuse connections, for ever or so many; before `open()`."""
        if connections is not None:
            _refused_ports[self.port] = (connections, self)

    def open_late(self) -> None:
        """Accept connections: what the audit hook calls, in the caller's thread, before one is tried."""
        self._listener.listen(128)
        self._loop.start(self._serve())

    def shut(self) -> None:
        """Refuse connections from now on, and break those that are there."""
        self._loop.run(self._stop())
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((LOOPBACK, self.port))

    def close(self) -> None:
        """Stop for good."""
        _refused_ports.pop(self.port, None)
        self._loop.run(self._stop())
        self._listener.close()

    def settled(self) -> None:
        """Wait until the service has answered all that it was asked."""
        self._loop.run(self._settled())

    async def _settled(self) -> None:
        async with asyncio.timeout(SECONDS):
            while self._asking:
                self._quiet.clear()
                await self._quiet.wait()

    async def _serve(self) -> None:
        self._server = await asyncio.start_server(self._talks, sock=self._listener, ssl=self._tls)

    async def _stop(self) -> None:
        server, self._server = self._server, None
        if server is None:
            self._listener.close()
            return
        server.close()
        for writer in list(self._writers):
            _break(writer)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- the talk ----------------------------------------------------------------------------------------------------

    async def _talks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if self.script and self.script[0] is refusing:
                self.script.popleft()
                _break(writer)
                return
            while request := await self._protocol.request(reader):
                talk = Talk(self, writer, reader, request)
                await self._action(request)(talk)
                if talk.ended:
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller has gone, or the test has ended
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()

    def _action(self, request: bytes) -> Action:
        if not self._protocol.counted(request):
            return passed
        self.requests += 1
        return self.script.popleft() if self.script else self.then

    async def forward(self, request: bytes) -> bytes:
        """Ask the service, over a connection of its own, and to the end: nobody can call it off."""
        return await asyncio.shield(asyncio.ensure_future(self._asked(request)))

    async def _asked(self, request: bytes) -> bytes:
        self._asking += 1
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, self.behind)
            try:
                writer.write(request)
                answer = await self._protocol.answer(reader)
            finally:
                writer.close()
        finally:
            self._asking -= 1
            self._quiet.set()
        if not answer:
            raise ConnectionResetError
        return answer


def _break(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        connected = writer.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    writer.transport.abort()


# -- refusing so many connections, and no more -----------------------------------------------------------------------

# Nobody can tell at a port that a connection was refused there; who tried can. An audit hook cannot be taken away.
_refused_ports: dict[int, tuple[int, Proxy]] = {}


def _count_connects(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not _refused_ports:
        return
    address = arguments[1]
    waiting = _refused_ports.get(address[1]) if isinstance(address, tuple) else None
    if waiting is None:
        return
    left, proxy = waiting
    if left > 0:
        _refused_ports[proxy.port] = (left - 1, proxy)
    else:
        del _refused_ports[proxy.port]
        proxy.open_late()


sys.addaudithook(_count_connects)


# -- where they run --------------------------------------------------------------------------------------------------


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxies", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there, and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(SECONDS)

    def start(self, coroutine: Coroutine[Any, Any, T]) -> None:
        """Run a coroutine there."""
        asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def close(self) -> None:
        """Stop it."""
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()


@contextlib.contextmanager
def proxy_loop() -> Iterator[Loop]:
    """Run the loop that proxies need."""
    loop = Loop()
    try:
        yield loop
    finally:
        loop.close()
