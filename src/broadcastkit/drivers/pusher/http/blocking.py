"""Connections of our own for the blocking driver: sockets, and the pure half of HTTP in `messages`."""

from __future__ import annotations

import socket
from threading import BoundedSemaphore
from time import monotonic
from typing import TYPE_CHECKING

from broadcastkit.drivers.pusher.http.base import CONNECTIONS, IDLE_SECONDS, Timeouts, TransportOptions
from broadcastkit.drivers.pusher.http.idle import speaks
from broadcastkit.drivers.pusher.http.messages import Answer, AnswerReader, RequestWriter
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.errors import ConnectError, ConnectionLostError, NoReplyError

if TYPE_CHECKING:
    import ssl

__all__ = ["Connections"]

_PIECE = 65_536


class Connections:
    """Up to eight connections that are kept, for the threads of one process; the last one used is the next."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._timeouts = options.timeouts
        self._write = RequestWriter(options.host_header).write
        self._gate = BoundedSemaphore(CONNECTIONS)
        self._idle: list[_Connection] = []  # whose append and pop need no lock
        self._closed = False

    def send(self, request: HttpRequest) -> HttpReply:
        """See Transport.send."""
        data = self._write(request)
        pool = self._timeouts.pool
        if not self._gate.acquire(timeout=pool):
            raise ConnectError(f"all {CONNECTIONS} connections were in use for {pool:g} s")
        try:
            connection = self._kept() or _connect(self._options)
            try:
                reply, keep = connection.ask(data, self._timeouts)
            except BaseException:
                connection.close()
                raise
            if keep:
                self._keep(connection)
            else:
                connection.close()
        finally:
            self._gate.release()
        return reply

    def close(self) -> None:
        """Close what is idle, and later what is in use now."""
        self._closed = True
        while (connection := self._pop()) is not None:
            connection.close()

    def _kept(self) -> _Connection | None:
        """Return a connection that is open as far as can be seen."""
        while (connection := self._pop()) is not None:
            if connection.idle_since + IDLE_SECONDS > monotonic() and not connection.speaks():
                return connection
            connection.close()
        return None

    def _keep(self, connection: _Connection) -> None:
        connection.idle_since = monotonic()
        self._idle.append(connection)
        if self._closed:
            self.close()
        elif len(self._idle) > 1:
            self._drop_oldest(before=connection.idle_since - IDLE_SECONDS)

    def _drop_oldest(self, *, before: float) -> None:
        """Close what a burst has left over."""
        oldest = self._pop(0)
        if oldest is None:
            return
        if oldest.idle_since < before:
            oldest.close()
        else:
            self._idle.insert(0, oldest)

    def _pop(self, position: int = -1) -> _Connection | None:
        try:
            return self._idle.pop(position)
        except IndexError:  # another thread was first
            return None


class _Connection:
    """One connection, in the hands of one thread at a time."""

    __slots__ = ("_seconds", "_socket", "idle_since", "speaks")

    def __init__(self, connected: socket.socket, seconds: float | None) -> None:
        self._socket = connected
        self._seconds = seconds
        self.idle_since = 0.0
        self.speaks = speaks(connected.fileno())

    def ask(self, data: bytes, timeouts: Timeouts) -> Answer:
        """Send a request and read its answer."""
        self._wait_for(timeouts.write)
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise NoReplyError(f"the request did not go out within {timeouts.write:g} s") from error
        except OSError:
            pass  # a service that refuses what is too large may say so, and close, before it has all of it
        return self._answer(timeouts.read)

    def _answer(self, seconds: float | None) -> Answer:
        reader = AnswerReader()
        deadline = None if seconds is None else monotonic() + seconds
        self._wait_for(seconds)
        while True:
            try:
                answer = reader.feed(self._socket.recv(_PIECE))
            except TimeoutError as error:
                raise NoReplyError(f"no whole answer came within {seconds:g} s") from error
            except OSError as error:
                raise ConnectionLostError(f"{type(error).__name__} {error}") from error
            if answer is not None:
                return answer
            if deadline is not None:
                self._wait_for(max(deadline - monotonic(), 0.001))

    def _wait_for(self, seconds: float | None) -> None:
        # a system call, which is seldom needed
        if seconds != self._seconds:
            self._seconds = seconds
            self._socket.settimeout(seconds)

    def close(self) -> None:
        self._socket.close()


def _connect(options: TransportOptions) -> _Connection:
    """Connect to the first address that answers, each with an equal share of the time that is left."""
    seconds = options.timeouts.connect
    deadline = None if seconds is None else monotonic() + seconds
    context = options.context()
    try:
        connected = _first(options, deadline)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                connected = _secured(connected, context, options.host, _left(deadline))
        except BaseException:
            connected.close()
            raise
    except TimeoutError as error:
        raise ConnectError(f"no connection within {seconds:g} s") from error
    except OSError as error:
        raise ConnectError(f"{type(error).__name__} {error}") from error
    return _Connection(connected, connected.gettimeout())


def _first(options: TransportOptions, deadline: float | None) -> socket.socket:
    addresses = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)
    failed: OSError = TimeoutError()
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(_left(deadline, len(addresses) - position))
            connected.connect(address)
        except OSError as error:
            connected.close()
            failed = error
        except BaseException:
            connected.close()
            raise
        else:
            return connected
    raise failed


def _secured(plain: socket.socket, context: ssl.SSLContext, host: str, seconds: float | None) -> socket.socket:
    plain.settimeout(seconds)
    return context.wrap_socket(plain, server_hostname=host)


def _left(deadline: float | None, shares: int = 1) -> float | None:
    return None if deadline is None else max((deadline - monotonic()) / shares, 0.001)
