"""Connections of our own to one Redis for the blocking driver; `resp` has the protocol."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - what names of hosts are encoded with; see `broadcastkit.drivers.pusher.http`
import socket
from collections.abc import Sequence
from functools import partial
from time import monotonic

from broadcastkit.drivers.redis_io.resp import Answer, Packed, ReplyReader, packed, welcomed
from broadcastkit.drivers.redis_io.server import Server
from broadcastkit.drivers.redis_io.wire import Command, Reply
from broadcastkit.drivers.sockets.blocking import connected, connected_to_path, left
from broadcastkit.drivers.sockets.idle import speaks
from broadcastkit.drivers.sockets.pool import Pool
from broadcastkit.errors import ConnectionLostError, DeliveryError, NoReplyError

__all__ = ["Connections"]

_PIECE = 65_536


class Connections:
    """Connections to one Redis, for the threads of one process."""

    def __init__(self, server: Server) -> None:
        self._pool = Pool(partial(_connect, server), server.seconds)

    def run(self, commands: Sequence[Command]) -> list[Reply]:
        """Run commands in one round trip.

        Raises:
            DeliveryError: none of them was answered for.
        """
        return self._pool.ask(packed(commands))

    def close(self) -> None:
        """See Pool.close."""
        self._pool.close()


class _Connection:
    """One connection, in the hands of one thread at a time."""

    __slots__ = ("_limit", "_seconds", "_socket", "_speaks", "idle_since")

    def __init__(self, connected: socket.socket, seconds: float) -> None:
        self._socket = connected
        self._seconds = seconds
        self._limit = connected.gettimeout()
        self._speaks = speaks(connected.fileno())
        self.idle_since = 0.0

    def is_open(self) -> bool:
        """See Kept.is_open."""
        return not self._speaks()

    def ask(self, question: Packed) -> Answer:
        """Send commands and read as many replies."""
        data, count = question
        reader = ReplyReader(count)
        deadline = monotonic() + self._seconds
        self._wait_for(self._seconds)
        try:
            self._socket.sendall(data)
            while (answer := reader.feed(self._socket.recv(_PIECE))) is None:
                self._wait_for(left(deadline))
        except TimeoutError as error:
            return reader.cut(_caused(NoReplyError(f"not every reply came within {self._seconds:g} s"), error))
        except OSError as error:
            return reader.cut(_caused(ConnectionLostError(f"{type(error).__name__} {error}"), error))
        return answer

    def _wait_for(self, seconds: float | None) -> None:
        # a system call, which is seldom needed
        if seconds != self._limit:
            self._limit = seconds
            self._socket.settimeout(seconds)

    def close(self) -> None:
        """See Kept.close."""
        self._socket.close()


def _caused(error: DeliveryError, cause: Exception) -> DeliveryError:
    error.__cause__ = cause
    return error


def _connect(server: Server) -> _Connection:
    if server.path is not None:
        made = connected_to_path(server.path, server.seconds)
    else:
        made = connected(server.host, server.port, server.seconds, server.context())
    connection = _Connection(made, server.seconds)
    try:
        if server.greeting:
            welcomed(connection.ask(packed(server.greeting)))
    except BaseException:
        connection.close()
        raise
    return connection
