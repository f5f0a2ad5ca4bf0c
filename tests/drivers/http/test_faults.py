"""One table of what a server can do to a connection: every transport makes the same of it."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from broadcastkit.drivers.pusher.http.base import BODY_LIMIT
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.errors import ConnectError, ConnectionLostError, NoReplyError
from tests.drivers.http.wires import DIRECT, REQUEST, TIMEOUT
from tests.drivers.scripted import OK, Answer, ScriptedServer, answer
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drivers.http.wires import Wire

    Scripted = Callable[..., ScriptedServer]

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
HALF = HEAD + b"content-length: 20\r\n\r\n{"


# -- answers, however they come ----------------------------------------------------------------------------------------


ANSWERS: dict[str, tuple[Answer, HttpReply]] = {
    "of stated length": (Answer(HEAD + b"content-length: 2\r\n\r\n{}"), HttpReply(200, b"{}")),
    "in chunks": (
        Answer(HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"),
        HttpReply(200, b"{}"),
    ),
    "in chunks with a trailer": (
        Answer(HEAD + b"transfer-encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nx-sum: 1\r\n\r\n"),
        HttpReply(200, b"{}"),
    ),
    "without a body": (Answer(b"HTTP/1.1 204 No Content\r\n\r\n"), HttpReply(204)),
    "of length 0": (answer(202, b""), HttpReply(202)),
    "of HTTP/1.0, as Reverb answers": (
        Answer(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}", "close"),
        HttpReply(200, b"{}"),
    ),
    "until the end of the connection": (Answer(b"HTTP/1.0 200 OK\r\n\r\n{}", "close"), HttpReply(200, b"{}")),
    "with Connection: close, as soketi answers": (answer(connection="close", then="close"), HttpReply(200, b"{}")),
    "after others that are only for information": (
        Answer(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK.raw),
        HttpReply(200, b"{}"),
    ),
    "of a rate limit": (answer(429, b"slow", retry_after="1.5"), HttpReply(429, b"slow", "1.5")),
    "of a rate limit that says when": (
        answer(503, b"", retry_after="Fri, 20 Nov 2026 12:00:00 GMT"),
        HttpReply(503, b"", "Fri, 20 Nov 2026 12:00:00 GMT"),
    ),
    "an HTML page": (answer(502, b"<html>", content_type="text/html"), HttpReply(502, b"<html>")),
    "long": (answer(body=b"x" * 1_000_000), HttpReply(200, b"x" * 1_000_000)),
    "in capitals": (Answer(b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH:2\r\n\r\n{}"), HttpReply(200, b"{}")),
    "without a word beside its status": (Answer(b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\n{}"), HttpReply(200, b"{}")),
}


@pytest.mark.parametrize(("given", "reply"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_read_in_every_form_and_the_next_request_finds_a_connection(
    wire: Wire, scripted: Scripted, given: Answer, reply: HttpReply
) -> None:
    server = scripted(given, OK)
    transport = wire.to(server.url)

    assert wire.ask(transport) == reply
    if given.then == "close":
        server.wait_until_closed()
    assert wire.ask(transport, HttpRequest("GET", "/apps/app-1/channels?a=b")) == HttpReply(200, b"{}")

    post, get = server.heard
    assert (post.method, post.target, post.body) == tuple(REQUEST)
    assert post.header("content-length") == str(len(REQUEST.body))
    assert (get.method, get.target, get.body) == ("GET", "/apps/app-1/channels?a=b", b"")
    assert get.header("content-length") in {None, "0"}


# -- none, or none that can be read ------------------------------------------------------------------------------------


FAULTS: dict[str, tuple[Answer, type[Exception]]] = {
    "closed before the answer": (Answer(b"", "close"), ConnectionLostError),
    "reset before the answer": (Answer(b"", "reset"), ConnectionLostError),
    "closed in the status line": (Answer(b"HTTP/1.1 20", "close"), ConnectionLostError),
    "closed in the head": (Answer(HEAD + b"content-le", "close"), ConnectionLostError),
    "closed in the body": (Answer(HALF, "close"), ConnectionLostError),
    "reset in the body": (Answer(HALF, "reset"), ConnectionLostError),
    "closed in a chunk": (Answer(HEAD + b"transfer-encoding: chunked\r\n\r\n9\r\n{", "close"), ConnectionLostError),
    "closed before the last chunk": (
        Answer(HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", "close"),
        ConnectionLostError,
    ),
    "closed after an answer for information": (Answer(b"HTTP/1.1 100 Continue\r\n\r\n", "close"), ConnectionLostError),
    "not HTTP": (Answer(b"+OK ready\r\n\r\n", "close"), ConnectionLostError),
    "the request itself": (
        Answer(f"POST {REQUEST.target} HTTP/1.1\r\nhost: x\r\n\r\n".encode() + REQUEST.body, "close"),
        ConnectionLostError,
    ),
    "the request as a header": (
        Answer(b"HTTP/1.1 200 OK\r\n" + REQUEST.target.encode() + b"\r\n" + REQUEST.body + b"\r\n\r\n", "close"),
        ConnectionLostError,
    ),
    "the request as a chunk": (
        Answer(HEAD + b"transfer-encoding: chunked\r\n\r\n" + REQUEST.target.encode() + b"\r\n", "close"),
        ConnectionLostError,
    ),
    "a length that is none": (Answer(HEAD + b"content-length: two\r\n\r\n{}", "close"), ConnectionLostError),
    "two lengths": (
        Answer(HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}", "close"),
        ConnectionLostError,
    ),
    "no answer in time": (Answer(b"", "hang"), NoReplyError),
    "half a head in time": (Answer(HEAD, "hang"), NoReplyError),
    "half a body in time": (Answer(HALF, "hang"), NoReplyError),
}


def behind(error: BaseException | None) -> list[BaseException]:
    """Return an error and all that led to it, as far as it can be asked."""
    found: list[BaseException] = []
    left = [error]
    while left:
        one = left.pop()
        if one is not None and one not in found:
            found.append(one)
            left += [one.__cause__, one.__context__]
    return found


@pytest.mark.parametrize(("fault", "error"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_the_same_error_everywhere_and_no_connection_is_kept_over_it(
    wire: Wire, scripted: Scripted, fault: Answer, error: type[Exception]
) -> None:
    server = scripted(fault, OK)
    transport = wire.to(server.url)

    failed = wire.failure(transport)

    assert type(failed) is error
    for one in behind(failed):
        assert "s1gned" not in f"{one} {one!r} {vars(one)}"
        assert getattr(one, "_request", None) is None, "which holds the payload"
    assert wire.ask(transport) == HttpReply(200, b"{}")
    assert [heard.connection for heard in server.heard] == [1, 2]


# What is not read to its end. That takes a while, and has to be found out before the time is up.
FLOODS: dict[str, Answer] = {
    "of headers": Answer(HEAD + b"x-more: and more\r\n" * 100_000, "close"),
    "of stated length": Answer(
        b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n" + bytes(BODY_LIMIT + 100_000), "hang"
    ),
    "without end": Answer(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(BODY_LIMIT + 100_000), "hang"),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_flood_is_cut_off(wire: Wire, scripted: Scripted, flood: Answer) -> None:
    server = scripted(flood, OK)
    transport = wire.to(server.url, timeout=10.0)

    assert type(wire.failure(transport)) is ConnectionLostError
    assert wire.ask(transport) == HttpReply(200, b"{}")


@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_kept_connection_that_breaks_on_use_is_an_error_that_can_be_retried(
    wire: Wire, scripted: Scripted, then: str
) -> None:
    server = scripted(OK, Answer(b"", then))  # type: ignore[arg-type]
    transport = wire.to(server.url)
    assert wire.ask(transport) == HttpReply(200, b"{}")

    failed = wire.failure(transport)

    assert type(failed) is ConnectionLostError
    assert failed.retryable


def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(wire: Wire, scripted: Scripted) -> None:
    server = scripted(answer(then="close"), OK)
    transport = wire.to(server.url)
    assert wire.ask(transport) == HttpReply(200, b"{}")
    server.wait_until_closed()

    assert wire.ask(transport) == HttpReply(200, b"{}")
    assert [heard.connection for heard in server.heard] == [1, 2]


# -- no connection -----------------------------------------------------------------------------------------------------


def test_nobody_listens(wire: Wire) -> None:
    assert type(wire.failure(wire.to(f"http://127.0.0.1:{free_port()}"))) is ConnectError


def test_a_name_that_does_not_exist(wire: Wire) -> None:
    assert type(wire.failure(wire.to("http://service.invalid:80"))) is ConnectError


def test_a_server_that_speaks_no_tls(wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        server = threading.Thread(target=refuse, daemon=True)
        server.start()
        failed = wire.failure(wire.to(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        server.join(10)

    assert type(failed) is ConnectError


def test_a_connection_that_is_not_accepted_in_time(ours: Wire) -> None:
    # a listener with a full queue: the next connection waits for ever
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        failed = ours.failure(ours.to(url, timeout=0.2))

    assert type(failed) is ConnectError
    assert str(failed) == "no connection within 0.2 s"


# -- a byte now and then -----------------------------------------------------------------------------------------------


# A client of the caller's has timeouts of its own.
@pytest.mark.parametrize("wire", DIRECT, indirect=True, ids=str)
def test_a_body_that_drips_is_waited_for_no_longer_than_one_that_does_not_come(wire: Wire, scripted: Scripted) -> None:
    server = scripted(Answer(HALF, "drip"))

    assert type(wire.failure(wire.to(server.url))) is NoReplyError


@pytest.mark.parametrize(
    "begun",
    [HEAD[:20], HEAD + b"x: ", HEAD + b"transfer-encoding: chunked\r\n\r\n"],
    ids=["status line", "head", "length of a chunk"],
)
def test_nor_is_anything_else_that_drips(ours: Wire, scripted: Scripted, begun: bytes) -> None:
    server = scripted(Answer(begun, "drip"))

    failed = ours.failure(ours.to(server.url))

    assert type(failed) is NoReplyError
    assert str(failed) == f"no whole answer came within {TIMEOUT.read} s"
