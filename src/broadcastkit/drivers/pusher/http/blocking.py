"""Connections of our own for the blocking driver: sockets, and the pure half of HTTP in `messages`."""

from __future__ import annotations

import socket
from threading import BoundedSemaphore
from time import monotonic

from broadcastkit.drivers.pusher.http.base import Timeouts, TransportOptions
from broadcastkit.drivers.pusher.http.messages import Answer, AnswerReader, RequestWriter
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.drivers.sockets.blocking import connected, left
from broadcastkit.drivers.sockets.idle import CONNECTIONS, Idle, speaks
from broadcastkit.errors import ConnectError, ConnectionLostError, NoReplyError

__all__ = ["Connections"]

_PIECE = 65_536


class Connections:
    """Up to eight connections that are kept, for the threads of one process; the last one used is the next."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._timeouts = options.timeouts
        self._write = RequestWriter(options.host_header).write
        self._gate = BoundedSemaphore(CONNECTIONS)
        self._idle: Idle[_Connection] = Idle()

    def send(self, request: HttpRequest) -> HttpReply:
        """See Transport.send."""
        data = self._write(request)
        pool = self._timeouts.pool
        if not self._gate.acquire(timeout=pool):
            raise ConnectError(f"all {CONNECTIONS} connections were in use for {pool:g} s")
        try:
            connection = self._idle.take() or _connect(self._options)
            try:
                reply, keep = connection.ask(data, self._timeouts)
            except BaseException:
                connection.close()
                raise
            if keep:
                self._idle.keep(connection)
            else:
                connection.close()
        finally:
            self._gate.release()
        return reply

    def close(self) -> None:
        """Close what is idle, and later what is in use now."""
        self._idle.close()


class _Connection:
    """One connection, in the hands of one thread at a time."""

    __slots__ = ("_seconds", "_socket", "_speaks", "idle_since")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._seconds = connected.gettimeout()
        self.idle_since = 0.0
        self._speaks = speaks(connected.fileno())

    def is_open(self) -> bool:
        """See Kept.is_open."""
        return not self._speaks()

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
                self._wait_for(left(deadline))

    def _wait_for(self, seconds: float | None) -> None:
        # a system call, which is seldom needed
        if seconds != self._seconds:
            self._seconds = seconds
            self._socket.settimeout(seconds)

    def close(self) -> None:
        """See Kept.close."""
        self._socket.close()


def _connect(options: TransportOptions) -> _Connection:
    return _Connection(connected(options.host, options.port, options.timeouts.connect, options.context()))
