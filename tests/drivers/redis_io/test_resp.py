"""Redis's protocol as bytes: commands as redis-py writes them, replies in whatever pieces they come."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.connection import Connection

from broadcastkit.drivers.redis_io.replies import refused
from broadcastkit.drivers.redis_io.resp import Answer, ReplyReader, packed, welcomed
from broadcastkit.drivers.redis_io.wire import Command
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConnectionLostError,
    DeliveryError,
    ForbiddenError,
    ServiceFailedError,
)
from tests.drivers.redis_io.test_replies import ANSWERS

DENIED = b"-NOPERM User app has no permissions to access one of the channels\r\n"


def read(count: int, *pieces: bytes) -> Answer | None:
    """Read pieces up to the one that completes the replies."""
    reader = ReplyReader(count)
    for number, piece in enumerate(pieces, 1):
        answer = reader.feed(piece)
        if answer is not None:
            assert number == len(pieces), "there was more"
            return answer
    return None


def shown(answer: Answer | None) -> object:
    """Return replies so that they can be compared: errors by kind and text."""

    def plain(reply: Any) -> object:
        if isinstance(reply, list):
            return [plain(one) for one in reply]
        return (type(reply), str(reply)) if isinstance(reply, DeliveryError) else reply

    return None if answer is None else (plain(answer[0]), answer[1])


# -- commands ----------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["PUBLISH", "EVAL", "AUTH", "SELECT"])
ARGUMENTS = st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-(10**18), 10**18)))


@given(st.lists(st.builds(lambda name, arguments: (name, *arguments), NAMES, ARGUMENTS), min_size=1, max_size=5))
@example([("PUBLISH", "news", '{"by":"Zoë ✓"}')])
@example([("AUTH", "app", ""), ("SELECT", 2)])
def test_commands_are_written_as_redis_py_writes_them(commands: list[Command]) -> None:
    theirs: Any = Connection

    data, count = packed(commands)

    assert data == b"".join(piece for one in commands for piece in theirs().pack_command(*one))
    assert count == len(commands)


# -- replies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "data", "replies"),
    [
        (1, b":0\r\n", [0]),
        (3, b":0\r\n:12\r\n:3\r\n", [0, 12, 3]),
        (1, b"*2\r\n:1\r\n:2\r\n", [[1, 2]]),
        (1, b"*0\r\n", [[]]),
        (2, b"+OK\r\n:1\r\n", [0, 1]),
    ],
)
def test_replies(count: int, data: bytes, replies: list[object]) -> None:
    assert read(count, data) == (replies, True)


WHOLE = b":7\r\n" + DENIED + b"*3\r\n:1\r\n" + DENIED + b":0\r\n" + b"+OK\r\n:15\r\n"


@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=8, unique=True).map(sorted))
def test_they_are_the_same_in_whatever_pieces_they_come(cuts: list[int]) -> None:
    pieces = [WHOLE[start:end] for start, end in zip([0, *cuts], [*cuts, len(WHOLE)], strict=True)]
    denied = (ForbiddenError, DENIED[1:-2].decode())

    assert shown(read(5, *pieces)) == ([7, denied, [1, denied, 0], 0, 15], True)


@pytest.mark.parametrize("more", [b":1\r\n", b":", b"-ERR max number of clients reached\r\n"])
def test_after_a_reply_to_nothing_the_connection_is_not_used_again(more: bytes) -> None:
    assert read(2, b":0\r\n:0\r\n" + more) == ([0, 0], False)


def test_an_end_that_comes_too_early() -> None:
    with pytest.raises(ConnectionLostError, match=r"^the connection was closed before every reply came$"):
        read(2, b":0", b"")


def test_what_came_before_the_end_stays() -> None:
    lost = (ConnectionLostError, "the connection was closed before every reply came")

    assert shown(read(4, b":7\r\n*1\r\n:1\r\n:", b"")) == ([7, [1], lost, lost], False)


def test_an_end_that_was_explained() -> None:
    denied = "DENIED Redis is running in protected mode"
    lost = f"the connection was closed before every reply came: {denied}"

    answer = read(2, f"-{denied}\r\n".encode(), b"")
    assert shown(answer) == ([(BadRequestError, denied), (ConnectionLostError, lost)], False)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46\r\n",
        b":many\r\n",
        b"*-1\r\n",
        b"$2\r\nok\r\n",
        b"*1\r\n*1\r\n:1\r\n",
        # Python reads no number of so many digits
        b":" + b"9" * 5_000 + b"\r\n",
        b"*" + b"9" * 5_000 + b"\r\n",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_no_redis_says_to_this(data: bytes) -> None:
    with pytest.raises(ServiceFailedError, match=r"^what answered is no Redis, or answered something else$"):
        read(1, data)


def test_who_talks_without_end_is_no_redis() -> None:
    with pytest.raises(ServiceFailedError, match="a reply has more than 16,777,216 bytes"):
        read(1, b"+" + bytes(16 * 1024 * 1024))


def test_redis_may_be_done_with_loading_its_data_in_the_middle_of_a_round() -> None:
    loading = "LOADING Redis is loading the dataset in memory"

    answer = read(3, f"-{loading}\r\n:1\r\n".encode(), b":2\r\n")
    assert shown(answer) == ([(ServiceFailedError, loading), 1, 2], True)


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *ANSWERS,
        ("ERR AUTH <password> called without any password configured for the default user.", BadCredentialsError),
        ("ERR wrong number of arguments for 'auth' command", BadCredentialsError),
        ("ERR Client sent AUTH, but no password is set", BadCredentialsError),
        ("ERR The user executing the script can't run this command or subcommand script: x", ForbiddenError),
        ("TRYAGAIN Multiple keys request during rehashing of slot", ServiceFailedError),
        ("READONLY You can't write against a read only replica.", BadRequestError),
    ],
)
def test_a_refusal_is_the_error_that_redis_py_has_for_it_too(text: str, kind: type[DeliveryError]) -> None:
    assert type(refused(text)) is kind
    assert str(refused(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "ERR unknown command 'AUTH', with args beginning with: 'app' 't0psecret' ",
        "ERR unknown command `PUBLISH`, with args beginning with: `private-a`, `t0psecret`, ",
        "ERR unknown command 'PUBLISH' 'private-a' 't0psecret'",
    ],
)
def test_what_it_quotes_is_left_out(text: str) -> None:
    error = refused(text)

    assert isinstance(error, BadRequestError)
    assert "unknown command" in str(error)
    assert not re.search("t0psecret", f"{error!r}{error}")


def test_a_greeting_that_is_refused() -> None:
    welcomed(([0, 0], True))
    with pytest.raises(BadCredentialsError, match="WRONGPASS"):
        welcomed(([refused("WRONGPASS invalid username-password pair"), 0], True))
