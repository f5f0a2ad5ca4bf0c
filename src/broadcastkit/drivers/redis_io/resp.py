"""Redis's protocol as bytes (RESP2): commands written, replies read. No I/O.

Source: "Redis serialization protocol specification". Publishing needs numbers, lists of them, and refusals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from broadcastkit.drivers.redis_io.replies import refused
from broadcastkit.drivers.redis_io.wire import Command, Reply
from broadcastkit.errors import ConnectionLostError, DeliveryError, ServiceFailedError

__all__ = ["Answer", "Packed", "ReplyReader", "packed", "welcomed"]

Packed: TypeAlias = "tuple[bytes, int]"
"""Commands as they go over the wire, and how many they are: so many replies are waited for."""
Answer: TypeAlias = "tuple[list[Reply], bool]"
"""The replies to what was sent, and whether the connection may be used again."""

# Nothing that is sent here is answered at such length.
_LIMIT = 16 * 1024 * 1024
# What is a number of subscribers, or of anything.
_DIGITS = 18
_NUMBERS = re.compile(rb"(?::[0-9]{1,18}\r\n)++")


def packed(commands: Sequence[Command]) -> Packed:
    """Return commands as they go over the wire."""
    parts: list[str] = []
    for command in commands:
        parts.append(f"*{len(command)}\r\n")
        for argument in command:
            text = argument if isinstance(argument, str) else str(argument)
            # Redis counts bytes; that a text is ASCII is known without looking at it
            size = len(text) if text.isascii() else len(text.encode())
            parts.append(f"${size}\r\n{text}\r\n")
    return "".join(parts).encode(), len(commands)


class ReplyReader:
    """Reads the replies to some commands, in the pieces in which they come."""

    __slots__ = ("_count", "_data", "_replies")

    def __init__(self, count: int) -> None:
        self._count = count
        self._data = b""
        self._replies: list[Reply] = []

    def feed(self, data: bytes) -> Answer | None:
        """Take what came, b"" for the end of the connection; returns the replies once they are all there.

        Raises:
            ConnectionLostError: the connection ended before any reply came.
            ServiceFailedError: what came is no reply that is expected of Redis.
        """
        if not data:
            said = next((f": {reply}" for reply in self._replies if isinstance(reply, DeliveryError)), "")
            return self.cut(ConnectionLostError(f"the connection was closed before every reply came{said}"))
        if not self._data and _NUMBERS.fullmatch(data):
            self._replies += map(int, data[1:-2].split(b"\r\n:"))  # as nearly all are
        else:
            self._read(self._data + data)
        if len(self._replies) < self._count:
            return None
        # what is left over is a reply to nothing
        return self._replies[: self._count], not self._data and len(self._replies) == self._count

    def cut(self, error: DeliveryError) -> Answer:
        """Return the replies that came before what kept the others from coming, which is raised if none did."""
        if not self._replies:
            raise error
        return self._replies + [error] * (self._count - len(self._replies)), False

    def _read(self, data: bytes) -> None:
        at = 0
        while len(self._replies) < self._count and (found := _reply(data, at)) is not None:
            reply, at = found
            self._replies.append(reply)
        self._data = data[at:]
        if len(self._data) > _LIMIT:
            raise ServiceFailedError(f"a reply has more than {_LIMIT:,} bytes")


def welcomed(answer: Answer) -> None:
    """Raise what a server has refused a greeting with."""
    for reply in answer[0]:
        if isinstance(reply, DeliveryError):
            raise reply


def _reply(data: bytes, at: int) -> tuple[Reply, int] | None:
    """Read the reply at a position; returns it and where it ends, or None if not all of it is there yet."""
    if data[at : at + 1] != b"*":
        return _one(data, at)
    end = data.find(b"\r\n", at)
    if end < 0:
        return None
    several: list[int | DeliveryError] = []
    position = end + 2
    for _ in range(_number(data[at + 1 : end])):
        found = _one(data, position)
        if found is None:
            return None
        one, position = found
        several.append(one)
    return several, position


def _one(data: bytes, at: int) -> tuple[int | DeliveryError, int] | None:
    end = data.find(b"\r\n", at)
    if end < 0:
        return None
    kind, text = data[at : at + 1], data[at + 1 : end]
    if kind == b":":
        return _number(text), end + 2
    if kind == b"-":
        return refused(text.decode(errors="replace")), end + 2
    if kind == b"+":
        return 0, end + 2  # a yes, which counts nothing
    raise _strange()


def _number(text: bytes) -> int:
    if not text.isdigit() or len(text) > _DIGITS:
        raise _strange()
    return int(text)


def _strange() -> ServiceFailedError:
    return ServiceFailedError("what answered is no Redis, or answered something else")
