"""Connections of our own for the blocking driver: sockets, and the pure half of HTTP in `messages`."""

from __future__ import annotations

import socket
from functools import partial
from time import monotonic

from broadcastkit.drivers.pusher.http.base import Timeouts, TransportOptions
from broadcastkit.drivers.pusher.http.messages import Answer, AnswerReader, RequestWriter
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.drivers.sockets.blocking import connected, left
from broadcastkit.drivers.sockets.idle import speaks
from broadcastkit.drivers.sockets.pool import Pool
from broadcastkit.errors import ConnectionLostError, NoReplyError

__all__ = ["Connections"]

_PIECE = 65_536


class Connections:
    """Connections to one origin, for the threads of one process."""

    def __init__(self, options: TransportOptions) -> None:
        self._write = RequestWriter(options.host_header).write
        self._pool = Pool(partial(_connect, options), options.timeouts.pool)

    def send(self, request: HttpRequest) -> HttpReply:
        """See Transport.send."""
        return self._pool.ask(self._write(request))

    def close(self) -> None:
        """See Pool.close."""
        self._pool.close()


class _Connection:
    """One connection, in the hands of one thread at a time."""

    __slots__ = ("_seconds", "_socket", "_speaks", "_timeouts", "idle_since")

    def __init__(self, connected: socket.socket, timeouts: Timeouts) -> None:
        self._socket = connected
        self._timeouts = timeouts
        self._seconds = connected.gettimeout()
        self.idle_since = 0.0
        self._speaks = speaks(connected.fileno())

    def is_open(self) -> bool:
        """See Kept.is_open."""
        return not self._speaks()

    def ask(self, question: bytes) -> Answer:
        """Send a request and read its answer."""
        timeouts = self._timeouts
        self._wait_for(timeouts.write)
        try:
            self._socket.sendall(question)
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
    made = connected(options.host, options.port, options.timeouts.connect, options.context())
    return _Connection(made, options.timeouts)
