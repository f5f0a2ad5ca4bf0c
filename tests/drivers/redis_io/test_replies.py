"""Exceptions of redis-py and valkey as errors of ours: the right kind, and nothing secret in them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
import redis.exceptions
import uvloop
import valkey.exceptions
from redis._parsers.base import BaseParser

from broadcastkit.drivers.redis_io.replies import error_from, reply_from
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConnectError,
    ConnectionLostError,
    DeliveryError,
    ForbiddenError,
    NoReplyError,
    ServiceFailedError,
)

# What a server writes, from Redis' sources
ANSWERS: list[tuple[str, type[DeliveryError]]] = [
    ("NOAUTH Authentication required.", BadCredentialsError),
    ("WRONGPASS invalid username-password pair or user is disabled.", BadCredentialsError),
    ("ERR invalid password", BadCredentialsError),
    ("NOPERM User app has no permissions to run the 'publish' command", ForbiddenError),
    ("LOADING Redis is loading the dataset in memory", ServiceFailedError),
    ("MASTERDOWN Link with MASTER is down", ServiceFailedError),
    ("CLUSTERDOWN The cluster is down", ServiceFailedError),
    ("OOM command not allowed when used memory > 'maxmemory'.", ServiceFailedError),
    ("ERR DB index is out of range", BadRequestError),
    ("ERR max number of clients reached", ConnectionLostError),
]


@pytest.mark.parametrize(("text", "kind"), ANSWERS)
def test_what_a_server_answers(text: str, kind: type[DeliveryError]) -> None:
    parsed: Any = BaseParser.parse_error(text)  # type: ignore[no-untyped-call]

    assert type(error_from(parsed)) is kind


def test_what_uvloop_raises_where_the_other_side_has_closed() -> None:
    """A RuntimeError, in the place of an OSError: a write after the connection was reset."""

    async def write() -> None:
        async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            del reader
            writer.transport.abort()

        server = await asyncio.start_server(reset, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            with contextlib.suppress(OSError):
                await reader.read()
            writer.transport.abort()
            await asyncio.sleep(0)  # uvloop closes it in the next round
            writer.writelines([b"PING"])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, pytest.raises(RuntimeError) as raised:
        runner.run(write())
    assert type(error_from(raised.value)) is ConnectionLostError
    with pytest.raises(RuntimeError, match="a bug"):
        error_from(RuntimeError("a bug"))


@pytest.mark.parametrize("package", [redis.exceptions, valkey.exceptions], ids=["redis", "valkey"])
@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("ConnectionError", "Error 111 connecting to 127.0.0.1:1. Connection refused.", ConnectError),
        ("TimeoutError", "Timeout connecting to server", ConnectError),
        ("ConnectionError", "Connection closed by server.", ConnectionLostError),
        ("TimeoutError", "Timeout reading from socket", NoReplyError),
        ("InvalidResponse", "Protocol Error", ServiceFailedError),
        ("ResponseError", "ERR syntax error", BadRequestError),
    ],
)
def test_what_a_client_raises(package: Any, name: str, text: str, kind: type[DeliveryError]) -> None:
    error = error_from(getattr(package, name)(text))

    assert type(error) is kind
    assert text in str(error)


@pytest.mark.parametrize("code", ["MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"])
def test_what_an_earlier_client_has_no_class_for(code: str) -> None:
    assert type(error_from(valkey.exceptions.ResponseError(f"{code} wait"))) is ServiceFailedError


def test_what_comes_from_under_a_client() -> None:
    assert type(error_from(ConnectionResetError(104, "reset"))) is ConnectionLostError
    assert type(error_from(asyncio.IncompleteReadError(b"", 1))) is ConnectionLostError
    assert type(error_from(redis.exceptions.RedisClusterException("none reached"))) is ConnectError
    assert type(error_from(redis.exceptions.MaxConnectionsError("too many"))) is ConnectError


@pytest.mark.parametrize(
    "text",
    [
        "ERR unknown command 'AUTH', with args beginning with: 'app' 't0psecret' ",
        "ERR unknown command `PUBLISH`, with args beginning with: `private-a`, `t0psecret`, ",
        "ERR unknown command 'PUBLISH' 'private-a' 't0psecret'",
    ],
)
def test_arguments_that_redis_quotes_are_left_out(text: str) -> None:
    error = error_from(redis.exceptions.ResponseError(text))

    assert "unknown command" in str(error)
    assert "t0psecret" not in f"{error!r}{error}{error.__cause__!r}"


def test_another_programs_mistake_is_raised_as_it_is() -> None:
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        error_from(RuntimeError("Event loop is closed"))


def test_results() -> None:
    assert reply_from(3) == 3
    counts = reply_from([2, redis.exceptions.NoPermissionError("no")])
    assert isinstance(counts, list)
    assert counts[0] == 2
    assert isinstance(counts[1], ForbiddenError)
    assert isinstance(reply_from(redis.exceptions.ResponseError("no")), BadRequestError)
