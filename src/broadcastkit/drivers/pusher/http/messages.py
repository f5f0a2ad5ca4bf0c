"""HTTP/1.1 as bytes: a request written, an answer read. No I/O.

The usual answer (one piece, its length stated, nothing odd in it) is read with one regular expression, in 2 µs. All
others go to h11, which takes 25: whatever is chunked, half there, of HTTP/1.0, or not HTTP at all.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import h11

from broadcastkit.drivers.pusher.http.base import BODY_LIMIT, HEADERS
from broadcastkit.drivers.pusher.http.failures import unquoted
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.errors import ConnectionLostError

__all__ = ["HEAD_LIMIT", "Answer", "AnswerReader", "RequestWriter"]

Answer: TypeAlias = "tuple[HttpReply, bool]"
"""A reply, and whether another request may follow on its connection."""

HEAD_LIMIT = 64 * 1024

# Narrower than the RFC where that is simpler: what does not fit is h11's.
_TEXT = rb"[\t -~\x80-\xff]*+"
_USUAL = re.compile(
    rb"HTTP/1\.1 (?!204|304)([2-5][0-9][0-9]) " + _TEXT + rb"\r\n"
    rb"((?:[-!#$%&'*+.^_`|~0-9A-Za-z]++:" + _TEXT + rb"\r\n)++)\r\n"
)
_LENGTH = re.compile(rb"(?:^|\n)content-length:[ \t]*+([0-9]{1,9})[ \t]*+\r")
_CONNECTION = re.compile(rb"(?:^|\n)connection:[ \t]*+(keep-alive|close)[ \t]*+\r")

# h11 reads answers to requests that it has seen; the length of the answer does not depend on which it was.
_ASKED = h11.Request(method="POST", target="/", headers=[("Host", "-"), ("Content-Length", "0")])
_ASKED_ALL = h11.EndOfMessage()


class RequestWriter:
    """Writes requests to one origin."""

    __slots__ = ("_fields",)

    def __init__(self, host_header: str) -> None:
        fields = [("Host", host_header), *HEADERS]
        self._fields = " HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields)

    def write(self, request: HttpRequest) -> bytes:
        """Return a request as it goes over the wire."""
        method, target, body = request
        if not (target.isascii() and target.isprintable()) or " " in target:
            raise ValueError("a request's target holds characters that must be escaped")
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        return f"{method} {target}{self._fields}{length}\r\n".encode() + body


class AnswerReader:
    """Reads one answer, in the pieces in which it comes."""

    __slots__ = ("_chunks", "_incoming", "_retry_after", "_size", "_status")

    def __init__(self) -> None:
        self._incoming: h11.Connection | None = None

    def feed(self, data: bytes) -> Answer | None:
        """Take what came, b"" for the end of the connection; returns the answer once it is there.

        Raises:
            ConnectionLostError: the connection ended too early, or what came is no answer.
        """
        if self._incoming is None:
            answer = _usual(data)
            if answer is not None:
                return answer
            if not data:
                raise ConnectionLostError("the connection was closed before an answer came")
            self._begin()
        try:
            return self._read(data)
        except h11.ProtocolError as error:
            said = unquoted(str(error))
        raise ConnectionLostError(f"the answer cannot be read: {said}")

    def _begin(self) -> None:
        self._incoming = incoming = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        incoming.send(_ASKED)
        incoming.send(_ASKED_ALL)
        self._chunks: list[bytes] = []
        self._size = 0
        self._status = 0
        self._retry_after: str | None = None

    def _read(self, data: bytes) -> Answer | None:
        incoming = self._incoming
        assert incoming is not None  # noqa: S101 - for type checkers
        incoming.receive_data(data)
        while True:
            event = incoming.next_event()
            if isinstance(event, h11.Data):
                self._add(bytes(event.data))
            elif isinstance(event, h11.Response):
                self._status = event.status_code
                after = dict(event.headers).get(b"retry-after")
                self._retry_after = after.decode("latin-1") if after is not None else None
            elif isinstance(event, h11.EndOfMessage):
                # what follows an answer is an answer to nothing, or the end
                keep = bool(data) and not incoming.trailing_data[0]
                keep = keep and incoming.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}
                return HttpReply(self._status, b"".join(self._chunks), self._retry_after), keep
            elif not isinstance(event, h11.InformationalResponse):
                return None

    def _add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > BODY_LIMIT:
            raise ConnectionLostError(f"the answer has more than {BODY_LIMIT:,} bytes: it is none of this API")
        self._chunks.append(chunk)


def _usual(data: bytes) -> Answer | None:
    """Read an answer of the usual form, or return None."""
    form = _USUAL.match(data)
    if form is None:
        return None
    status, fields = form.groups()
    fields = fields.lower()
    if b"transfer-encoding" in fields or b"retry-after" in fields or fields.count(b"content-length") != 1:
        return None
    length = _LENGTH.search(fields)
    body = data[form.end() :]
    if length is None or int(length[1]) != len(body):
        return None
    keep = True
    if b"connection:" in fields:
        connection = _CONNECTION.search(fields)
        if connection is None or fields.count(b"connection:") != 1:
            return None
        keep = connection[1] == b"keep-alive"
    return HttpReply(int(status), body), keep
