"""A server on loopback that answers as it is told, connection by connection, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from broadcastkit.drivers.pusher.wire import HttpRequest
from tests.drivers.talk import Asked, ask

__all__ = ["OK", "Answer", "Heard", "ScriptedServer", "answer"]

TIMEOUT = 10.0
DRIP = 0.05


class Answer(NamedTuple):
    """What to do with a request: send these bytes; then keep, close or reset the connection, or leave it hanging.

    Or let more bytes drip, one at a time, until the client has had enough.
    """

    raw: bytes = b""
    then: Literal["keep", "close", "reset", "hang", "drip"] = "keep"


def answer(
    status: int = 200, body: bytes = b"{}", *, then: Literal["keep", "close", "reset", "hang"] = "keep", **headers: str
) -> Answer:
    """Return an answer in HTTP; `retry_after="1"` is the header `retry-after`."""
    lines = [f"HTTP/1.1 {status} Text", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Answer("\r\n".join([*lines, "", ""]).encode() + body, then)


OK = answer()


@dataclass(frozen=True)
class Heard:
    """A request as it came over the wire, and the number of the connection that it came on."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int = field(compare=False)

    def header(self, name: str) -> str | None:
        """Return the one header of this name, or None."""
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1, f"{name} was sent {len(found)} times"
        return found[0] if found else None

    @property
    def asked(self) -> Asked:
        """The request, read as the API reads it."""
        return ask(HttpRequest(self.method, self.target, self.body))


class ScriptedServer:
    """Answers the requests of all connections in the order in which they come; after the script, with OK."""

    def __init__(self, script: list[Answer], context: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._context = context
        self._heard: list[Heard] = []
        self._connections = 0
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'http' if self._context is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def heard(self) -> list[Heard]:
        """The requests so far."""
        with self._changed:
            return list(self._heard)

    @property
    def connections(self) -> int:
        """How many connections were made so far."""
        with self._changed:
            return self._connections

    def wait_until_heard(self, count: int) -> None:
        """Wait until so many requests came."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._heard) >= count, TIMEOUT), f"heard {len(self._heard)}"

    def wait_until_closed(self) -> None:
        """Wait until no connection is open."""
        self.wait_until_open(0)

    def wait_until_open(self, count: int) -> None:
        """Wait until so many connections are open, and no more."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._open) == count, TIMEOUT), f"{len(self._open)} are open"

    def close(self) -> None:
        """Close every connection, and stop."""
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._changed:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(TIMEOUT)

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(TIMEOUT)
            with self._changed:
                self._connections += 1
                self._open.add(connection)
                number = self._connections
            thread = threading.Thread(target=self._serve, args=(connection, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, raw: socket.socket, number: int) -> None:
        connection = raw
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(raw, server_side=True)
                with self._changed:
                    self._open.discard(raw)
                    self._open.add(connection)
            with connection.makefile("rb") as stream:
                while (heard := _read(stream, number)) is not None:
                    with self._changed:
                        self._heard.append(heard)
                        next_answer = self._script.pop(0) if self._script else OK
                        self._changed.notify_all()
                    connection.sendall(next_answer.raw)
                    if next_answer.then == "hang":
                        self._ended.wait(TIMEOUT)
                    while next_answer.then == "drip" and not self._ended.wait(DRIP):
                        connection.sendall(b"1")
                    if next_answer.then == "reset":
                        # closed with a linger of zero: a reset instead of an orderly end
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if next_answer.then != "keep":
                        return
        except OSError:
            pass  # a client that does not trust us, or has gone
        finally:
            connection.close()
            with self._changed:
                self._open -= {raw, connection}
                self._changed.notify_all()


def _read(stream: Iterator[bytes], number: int) -> Heard | None:
    """Read one request, or None at the end of the connection."""
    line = stream.readline()  # type: ignore[attr-defined]
    if not line:
        return None
    method, target, _ = line.decode().split(" ")
    headers: list[tuple[str, str]] = []
    while (line := stream.readline().decode().rstrip("\r\n")) != "":  # type: ignore[attr-defined]
        name, _, value = line.partition(":")
        headers.append((name.lower(), value.strip()))
    length = int(dict(headers).get("content-length", "0"))
    return Heard(method, target, headers, stream.read(length), number)  # type: ignore[attr-defined]
