"""Connections that fail in every way they can, in both colours, which make the same of it."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Sent
from broadcastkit.errors import (
    BadCredentialsError,
    ConnectError,
    ConnectionLostError,
    NoReplyError,
    RateLimitedError,
    ServiceFailedError,
)
from tests.drivers.colours import AsyncColour, Colour, SyncColour
from tests.drivers.scripted import OK, Answer, Heard, ScriptedServer, answer
from tests.drivers.talk import message
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    Scripted = Callable[..., ScriptedServer]

AT_ONCE = Retry(base=0)  # tries again, and does not wait
ONCE = Retry(attempts=1)
SHORT = httpx.Timeout(5.0, read=0.2)


def send(colour: Colour, driver: Any, *names: str) -> list[Any]:
    outcomes: list[Any] = colour.call(driver, "send", [message(name) for name in names or ("ping",)])
    return outcomes


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_nobody_listens(colour: Colour) -> None:
    port = free_port()

    (outcome,) = send(colour, colour.driver(f"http://127.0.0.1:{port}", retry=ONCE))

    assert type(outcome) is ConnectError
    assert f"http://127.0.0.1:{port}" in str(outcome)
    assert outcome.status is None
    assert outcome.retryable


def test_a_name_that_does_not_exist(colour: Colour) -> None:
    (outcome,) = send(colour, colour.driver("http://service.invalid:8080", retry=ONCE))

    assert type(outcome) is ConnectError


def test_a_connection_is_not_accepted_in_time(colour: Colour) -> None:
    # a listener with a full queue: the next connection waits for ever
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        (outcome,) = send(colour, colour.driver(url, retry=ONCE, timeout=0.2))

    assert type(outcome) is ConnectError
    assert "no connection within 0.2 s" in str(outcome)


FAILURES: dict[str, tuple[Answer, type[Exception], bool]] = {
    "closed without an answer": (Answer(b"", "close"), ConnectionLostError, True),
    "reset": (Answer(b"", "reset"), ConnectionLostError, True),
    "half a head": (Answer(b"HTTP/1.1 200 OK\r\ncontent-le", "close"), ConnectionLostError, True),
    "half a body": (Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{", "close"), ConnectionLostError, True),
    "reset in the body": (
        Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{", "reset"),
        ConnectionLostError,
        True,
    ),
    "no HTTP": (Answer(b"+OK ready\r\n\r\n", "close"), ConnectionLostError, True),
    "no answer in time": (Answer(b"", "hang"), NoReplyError, False),
    "half an answer in time": (
        Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{", "hang"),
        NoReplyError,
        False,
    ),
    "unavailable": (answer(503, b"later"), ServiceFailedError, True),
    "broken": (answer(500, b"oops"), ServiceFailedError, False),
    "too many": (answer(429, retry_after="0"), RateLimitedError, True),
    "a wrong secret, as soketi says it": (
        answer(200, b'{"error":"The secret authentication failed","code":401}'),
        BadCredentialsError,
        False,
    ),
}


@pytest.mark.parametrize(("failure", "error", "again"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_named_and_tried_again_where_that_helps(
    colour: Colour, scripted: Scripted, failure: Answer, error: type[Exception], again: bool
) -> None:
    server = scripted(failure, failure, OK)

    (outcome,) = send(colour, colour.driver(server.url, retry=ONCE, timeout=SHORT))
    assert type(outcome) is error
    assert len(server.heard) == 1

    (outcome,) = send(colour, colour.driver(server.url, retry=AT_ONCE, timeout=SHORT))
    assert outcome == Sent(1) if again else type(outcome) is error
    assert len(server.heard) == (3 if again else 2)


def test_a_read_timeout_is_tried_again_if_asked(colour: Colour, scripted: Scripted) -> None:
    server = scripted(Answer(b"", "hang"), OK)
    retry = Retry(base=0, after_timeout=True)

    assert send(colour, colour.driver(server.url, retry=retry, timeout=SHORT)) == [Sent(1)]
    assert len(server.heard) == 2


def test_a_service_that_asks_to_wait_is_waited_for(colour: Colour, scripted: Scripted) -> None:
    server = scripted(answer(429, b"slow down", retry_after="0.05"), OK)
    started = time.monotonic()

    assert send(colour, colour.driver(server.url, retry=AT_ONCE)) == [Sent(1)]

    assert time.monotonic() - started >= 0.05
    # the connection was kept over it, and the second request has a signature of its own time
    assert [heard.connection for heard in server.heard] == [1, 1]


def test_a_question_that_fails_raises(colour: Colour, scripted: Scripted) -> None:
    server = scripted(answer(401, b"Unknown auth_key"))

    with pytest.raises(BadCredentialsError, match=r"GET /channels was refused by http://127\.0\.0\.1"):
        colour.call(colour.driver(server.url), "channels_info")
    with pytest.raises(ConnectError):
        colour.call(colour.driver(f"http://127.0.0.1:{free_port()}", retry=ONCE), "users_info", "presence-a")


# -- twins -------------------------------------------------------------------------------------------------------------


SCRIPTS: dict[str, list[Answer]] = {
    "all is well": [],
    "a rate limit, then well": [answer(429, retry_after="0"), OK],
    "a break in a batch": [OK, Answer(b"", "close"), OK],
    "a bad entry": [answer(400, b"no"), OK, answer(400, b"no"), OK],
    "unavailable to the end": [answer(503)] * 3,
    "a wrong secret": [answer(401)],
}


def normal(heard: Heard) -> tuple[Any, ...]:
    """Return a request without what changes with the clock and the port."""
    query = {key: value for key, value in heard.asked.query.items() if key not in {"auth_timestamp", "auth_signature"}}
    headers = [(name, value) for name, value in heard.headers if name != "host"]
    return heard.method, urlsplit(heard.target).path, query, headers, heard.body


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_both_colours_ask_the_same_and_make_the_same_of_it(scripted: Scripted, script: list[Answer]) -> None:
    found: list[tuple[Any, ...]] = []
    for colour in (SyncColour(), AsyncColour()):
        server = scripted(*script)
        driver = colour.driver(server.url, retry=AT_ONCE)
        messages = [message(f"event.{number}", "a", "b", data=json.dumps({"n": number})) for number in range(8)]
        outcomes = colour.call(driver, "send", messages)
        said = [str(outcome).replace(server.url, "") for outcome in outcomes]
        found.append((said, [type(outcome) for outcome in outcomes], [normal(heard) for heard in server.heard]))
        colour.end()

    assert found[0] == found[1]
    assert found[0][2]
