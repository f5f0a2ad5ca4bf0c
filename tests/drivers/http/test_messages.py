"""Requests and answers as bytes. What an answer means is h11's word, which reads each of them by itself here."""

from __future__ import annotations

from collections.abc import Sequence

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broadcastkit.drivers.pusher.http.base import BODY_LIMIT
from broadcastkit.drivers.pusher.http.messages import HEAD_LIMIT, Answer, AnswerReader, RequestWriter, _usual
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.errors import ConnectionLostError

NGINX = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 20 Nov 2026 12:00:00 GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}"
)
SOKETI = (
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nX-Powered-By: soketi\r\n"
    b"uWebSockets: 20\r\nContent-Length: 11\r\n\r\n{" + b'"ok":true}'
)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"


def read(pieces: Sequence[bytes]) -> Answer | None:
    """Read an answer that comes in these pieces and then ends; what follows it is not read."""
    reader = AnswerReader()
    for piece in [*pieces, b""]:
        answer = reader.feed(piece)
        if answer is not None:
            return answer
    return None


# -- requests ----------------------------------------------------------------------------------------------------------


def test_a_request_is_what_a_server_reads() -> None:
    writer = RequestWriter("service.test:8080")
    server = h11.Connection(h11.SERVER)
    body = '{"name":"✓"}'.encode()

    server.receive_data(writer.write(HttpRequest("POST", "/apps/1/events?auth_key=k", body)))

    request = server.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.target, request.http_version) == (b"POST", b"/apps/1/events?auth_key=k", b"1.1")
    assert dict(request.headers) == {
        b"host": b"service.test:8080",
        b"accept": b"application/json",
        b"content-type": b"application/json",
        b"user-agent": b"broadcastkit",
        b"x-pusher-library": b"broadcastkit",
        b"content-length": str(len(body)).encode(),
    }
    data = server.next_event()
    assert isinstance(data, h11.Data)
    assert bytes(data.data) == body
    assert isinstance(server.next_event(), h11.EndOfMessage)


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("POST", b"0")])
def test_a_request_without_a_body(method: str, length: bytes | None) -> None:
    server = h11.Connection(h11.SERVER)

    server.receive_data(RequestWriter("service.test").write(HttpRequest(method, "/apps/1/channels")))

    request = server.next_event()
    assert isinstance(request, h11.Request)
    assert dict(request.headers).get(b"content-length") == length
    assert isinstance(server.next_event(), h11.EndOfMessage)


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX-Mine: yes", "/a\n", "/ä", "/a\x00", "/a\x7f"])
def test_a_target_that_would_end_its_line_is_refused_and_not_shown(target: str) -> None:
    with pytest.raises(ValueError, match="must be escaped") as caught:
        RequestWriter("service.test").write(HttpRequest("GET", target))

    assert "/a" not in str(caught.value)


# -- answers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (NGINX, (HttpReply(200, b"{}"), True)),
        (SOKETI, (HttpReply(200, b'{"ok":true}'), False)),
        (CHUNKED, (HttpReply(200, b"{}"), True)),
        (b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", (HttpReply(413), True)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", (HttpReply(200, b"{}"), False)),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", (HttpReply(200, b"{}"), False)),
        (NGINX + NGINX, (HttpReply(200, b"{}"), False)),
    ],
    ids=["nginx", "soketi", "chunked", "empty", "HTTP/1.0", "to the end", "more than one"],
)
def test_an_answer_means_the_same_in_whatever_pieces_it_comes(raw: bytes, answer: Answer) -> None:
    assert read([raw]) == answer
    if len(raw) < 2 * len(NGINX):
        assert read([raw[at : at + 1] for at in range(len(raw))]) == answer
        for at in range(1, len(raw)):
            assert read([raw[:at], raw[at:]]) == answer


@pytest.mark.parametrize("raw", [NGINX, SOKETI], ids=["nginx", "soketi"])
def test_what_services_answer_is_read_at_once(raw: bytes) -> None:
    assert _usual(raw) is not None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        NGINX[:-1],
        NGINX.replace(b"Length: 2", b"Length: two"),
        NGINX.replace(b"Length: 2", b"Length: -2"),
        NGINX.replace(b"Server:", b"Bad name:"),
        NGINX.replace(b"Server:", b"Server\r\n folded:"),
        NGINX.replace(b"HTTP/1.1", b"HTTP/3"),
        NGINX.replace(b"Connection:", b"Content-Length: 3\r\nConnection:"),
    ],
)
def test_half_an_answer_and_none_are_a_lost_connection(raw: bytes) -> None:
    with pytest.raises(ConnectionLostError):
        read([raw])


def test_a_head_without_end_is_cut_off() -> None:
    reader = AnswerReader()
    reader.feed(b"HTTP/1.1 200 OK\r\n")

    with pytest.raises(ConnectionLostError, match="cannot be read"):
        reader.feed(b"x: y\r\n" * (HEAD_LIMIT // 6 + 1))


def test_a_body_without_end_is_cut_off() -> None:
    reader = AnswerReader()
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\n")
    piece = bytes(BODY_LIMIT // 4)
    for _ in range(4):
        reader.feed(piece)

    with pytest.raises(ConnectionLostError, match="16,777,216 bytes"):
        reader.feed(b"x")


# -- the short way reads what h11 reads --------------------------------------------------------------------------------


NAMES = st.sampled_from(
    [
        "Content-Length",
        "content-length",
        "Connection",
        "Transfer-Encoding",
        "X-Content-Length",
        "Retry-After",
        "Date",
        "a b",
    ]
)
LENGTHS = ["0", "2", "02", "+2", "2, 2", "3", " 2 ", "\t2", "1_0", "\u0662"]
OTHERS = ["keep-alive", "close", "Close", "keep-alive, close", "chunked", "", "x", "\x00", "a\rb", "é", "\x0b"]
VALUES = st.sampled_from(LENGTHS) | st.sampled_from(OTHERS)
HEADS = st.lists(st.tuples(NAMES, VALUES), max_size=4)
STATUS = st.sampled_from(
    ["200 OK", "200", "204 No Content", "304 Not Modified", "100 Go on", "429 Slow", "2000", "200 \x01"]
)


def alone(raw: bytes) -> Answer | None:
    """Return what h11 by itself makes of an answer, or None if it is no whole one."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(raw)
    status, body, after = 0, b"", None
    try:
        while not isinstance(event := client.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
                after = next((value.decode("latin-1") for name, value in event.headers if name == b"retry-after"), None)
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
    keep = client.our_state is client.their_state is h11.DONE and not client.trailing_data[0]
    return HttpReply(status, body, after), keep


@given(STATUS, HEADS, st.sampled_from(["{}", "", "{} ", "2\r\n{}\r\n0\r\n\r\n"]), st.sampled_from(["\r\n", "\n"]))
@example("200 OK", [("Content-Length", "2"), ("Connection", "close")], "{}", "\r\n")
def test_what_is_read_at_once_is_what_h11_makes_of_it(
    status: str, head: list[tuple[str, str]], body: str, newline: str
) -> None:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in head), "", body]
    raw = newline.join(lines).encode("utf-8", "replace")

    at_once = _usual(raw)

    assert at_once is None or at_once == alone(raw)


@given(st.binary(max_size=60))
def test_no_bytes_are_a_crash(tail: bytes) -> None:
    for raw in (tail, b"HTTP/1.1 200 OK\r\n" + tail, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + tail):
        try:
            answer = read([raw])
        except ConnectionLostError:
            continue
        assert answer is not None
        assert answer[0].status >= 200
