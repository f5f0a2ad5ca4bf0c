"""The grammar of names: what is a name, what is said about what is none."""

from __future__ import annotations

import string
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import hypothesis
import pytest
from hypothesis import strategies as st

from broadcastkit.core.names import (
    CHANNEL_NAME_LIMIT,
    EVENT_NAME_LIMIT,
    ChannelKind,
    ChannelName,
    check_channel_name,
    check_event_name,
    check_socket_id,
    check_user_id,
    default_event_name,
    is_socket_id,
    parse_channel_name,
    usable_socket_id,
)
from broadcastkit.errors import (
    InvalidChannelError,
    InvalidEventError,
    InvalidInputError,
    InvalidSocketIdError,
    InvalidUserError,
)
from tests.vectors import vectors

if TYPE_CHECKING:
    from tests.vectors import Vector

ALPHABET = string.ascii_letters + string.digits + "-_=@,.;"


class Text(str, Enum):  # noqa: UP042 - StrEnum has no such trouble
    """What many applications keep their names in; an f-string writes a member as `Text.NEWS`."""

    NEWS = "news"
    SOCKET = "1.1"


# -- channel names ---------------------------------------------------------------------------------------------------


def valid(channel: object) -> bool:
    try:
        return check_channel_name(channel) == channel
    except InvalidChannelError:
        return False


@vectors("channel_name_validity", "server_to_user_channel_validity")
def test_channel_name_validity(given: Any, expected: Any) -> None:
    assert valid(given["channel"]) is expected["valid"]


@vectors("limit", only=lambda one: "channel_name_length" in one.given)
def test_the_longest_channel_name(given: Any, expected: Any) -> None:
    length = given["channel_name_length"]

    assert valid("x" * length) is expected["valid"]
    assert not valid("x" * (length + 1))
    assert length == CHANNEL_NAME_LIMIT


@pytest.mark.parametrize("char", sorted(set(map(chr, range(256))) - set(ALPHABET)))
def test_no_other_character_is_part_of_a_name(char: str) -> None:
    for name in (char, f"a{char}", f"{char}a", f"private-a{char}b"):
        assert not valid(name)


@pytest.mark.parametrize("prefix", ["private-", "presence-", "private-encrypted-", "cache-"])
@pytest.mark.parametrize("cache", ["", "cache-"])
def test_a_prefix_alone_is_no_name(prefix: str, cache: str) -> None:
    if prefix == "cache-" and cache:
        assert valid("cache-cache-")  # the cache variant of a public channel whose name is "cache-"
        return
    with pytest.raises(InvalidChannelError, match=f"^channel name '{prefix}{cache}' is only a prefix; a name must"):
        check_channel_name(prefix + cache)
    assert valid(f"{prefix}{cache}x")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (7, "^a channel name is a str, not int$"),
        (b"news", "^a channel name is a str, not bytes$"),
        ("", "^channel name '' may hold only ASCII letters, digits and - _ = @ , . ; and not be empty$"),
        ("a b", "^channel name 'a b' may hold only ASCII letters"),
        ("x" * 165, "^channel name '" + "x" * 40 + "'… has 165 characters; at most 164, prefix included$"),
        ("#server-to-user-", "^channel name '#server-to-user-': a user id is a str, int or UUID of 1 to 128 "),
        ("#server-to-user-a:b", "^channel name '#server-to-user-a:b': a user id is a str, int or UUID of 1 to 128 "),
    ],
)
def test_the_error_says_what_is_wrong_with_a_channel_name(name: object, message: str) -> None:
    with pytest.raises(InvalidChannelError, match=message):
        check_channel_name(name)


def test_a_checked_name_is_a_plain_str() -> None:
    for checked in (check_channel_name(Text.NEWS), check_event_name(Text.NEWS), check_user_id(Text.NEWS)):
        assert (type(checked), f"{checked}") == (str, "news")
    assert f"{check_socket_id(Text.SOCKET)}" == "1.1"


@hypothesis.given(st.text(ALPHABET, min_size=1, max_size=80))
def test_every_name_of_the_alphabet_is_taken_apart_and_put_together_again(name: str) -> None:
    kind, cache, bare = parse_channel_name(name)

    assert kind.prefix(cache=cache) + bare == name


@hypothesis.given(st.text(ALPHABET, max_size=170) | st.text(max_size=170))
def test_a_name_is_right_if_its_length_and_its_characters_are(name: str) -> None:
    # these have rules of their own
    hypothesis.assume(not name.startswith(("private-", "presence-", "cache-", "#server-to-user-")))

    assert valid(name) is (1 <= len(name) <= 164 and set(name) <= set(ALPHABET))


# -- kinds -----------------------------------------------------------------------------------------------------------


@vectors("channel_name_normalize")
def test_channel_name_is_taken_apart_as_laravel_does(given: Any, expected: Any) -> None:
    kind, cache, bare = parse_channel_name(given["channel"])

    assert (bare, kind.guarded, cache) == (expected["normalized"], expected["guarded"], False)


@vectors("is_encrypted_channel")
def test_encrypted_channels_are_known_by_their_prefix(given: Any, expected: Any) -> None:
    assert (parse_channel_name(given["channel"]).kind is ChannelKind.ENCRYPTED) is expected


# Laravel leaves the "cache-" in the name that its rules see; here it is the same channel's cache variant.
@pytest.mark.parametrize(
    ("name", "kind", "cache", "bare"),
    [
        ("news", ChannelKind.PUBLIC, False, "news"),
        ("cache-news", ChannelKind.PUBLIC, True, "news"),
        ("private-cache-a", ChannelKind.PRIVATE, True, "a"),
        ("presence-cache-a", ChannelKind.PRESENCE, True, "a"),
        ("private-encrypted-cache-a", ChannelKind.ENCRYPTED, True, "a"),
        ("private-encrypted-a", ChannelKind.ENCRYPTED, False, "a"),
        ("private-encrypteda", ChannelKind.PRIVATE, False, "encrypteda"),
        ("presence-encrypted-a", ChannelKind.PRESENCE, False, "encrypted-a"),
        ("privatea", ChannelKind.PUBLIC, False, "privatea"),
        ("Private-a", ChannelKind.PUBLIC, False, "Private-a"),
        ("#server-to-user-cache-1", ChannelKind.SERVER_TO_USER, False, "cache-1"),
    ],
)
def test_a_name_is_of_one_kind(name: str, kind: ChannelKind, cache: bool, bare: str) -> None:
    assert parse_channel_name(name) == ChannelName(kind, cache, bare)


def test_three_kinds_are_guarded() -> None:
    assert {kind for kind in ChannelKind if kind.guarded} == {
        ChannelKind.PRIVATE,
        ChannelKind.PRESENCE,
        ChannelKind.ENCRYPTED,
    }


# -- event names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["message.sent", "App\\Events\\OrderShipped", "new-message", "ä", "a b", "x" * 200])
def test_event_names_are_free_text(name: str) -> None:
    assert check_event_name(name) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (None, "^an event name is a str, not NoneType$"),
        ("", "^event name '' has 0 characters; it must have 1 to 200$"),
        ("x" * 201, "^event name '" + "x" * 40 + "' has 201 characters; it must have 1 to 200$"),
        ("a\nb", r"^event name 'a\\nb' holds characters that cannot be printed$"),
        ("\ud800", r"^event name '\\ud800' holds characters that cannot be printed$"),
        ("pusher:subscribe", "^event name 'pusher:subscribe' starts with a prefix of the protocol itself"),
        ("pusher_internal:x", "starts with a prefix of the protocol itself"),
        ("client-typing", "starts with a prefix of the protocol itself"),
    ],
)
def test_the_error_says_what_is_wrong_with_an_event_name(name: object, message: str) -> None:
    with pytest.raises(InvalidEventError, match=message):
        check_event_name(name)
    assert EVENT_NAME_LIMIT == 200


# Expected values: DESIGN §3, and the same rule by hand for the edges.
@pytest.mark.parametrize(
    ("class_name", "event_name"),
    [
        ("MessageSent", "message.sent"),
        ("HTTPJobDone", "http.job.done"),
        ("JobDoneHTTP", "job.done.http"),
        ("Ping", "ping"),
        ("ping", "ping"),
        ("HTTP", "http"),
        ("Version2", "version2"),
        ("OrderV2Shipped", "order.v2.shipped"),
        ("Http2Done", "http2.done"),
        ("AThing", "a.thing"),
        ("_Private", "private"),
        ("userTyping", "user.typing"),
    ],
)
def test_default_event_name(class_name: str, event_name: str) -> None:
    assert default_event_name(class_name) == event_name


@hypothesis.given(st.text(string.ascii_letters + string.digits, min_size=1, max_size=60))
def test_the_letters_of_a_class_name_are_kept(class_name: str) -> None:
    assert default_event_name(class_name).replace(".", "") == class_name.lower()


# -- socket ids ------------------------------------------------------------------------------------------------------


@vectors("socket_id_validity")
def test_socket_id_validity(given: Any, expected: Any) -> None:
    assert is_socket_id(given["socket_id"]) is expected["valid"]
    if not expected["valid"]:
        with pytest.raises(InvalidSocketIdError):
            check_socket_id(given["socket_id"])


@pytest.mark.parametrize("socket_id", ["1.1", "123.456", "0.0", "9" * 32 + "." + "9" * 32])
def test_a_socket_id_is_two_runs_of_digits(socket_id: str) -> None:
    assert check_socket_id(socket_id) == socket_id


@pytest.mark.parametrize(
    "value", ["1", "1.", ".1", "1.2.3", "1,2", "-1.2", "1.2 ", "\u0661.\u0662", "1" * 33 + ".1", 1.5, b"1.2"]
)
def test_anything_else_is_none(value: object) -> None:
    assert not is_socket_id(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [("x", "'x'"), ("1.1\n", r"'1\.1\\n'"), (None, "NoneType"), (1.5, "float"), ("y" * 900, "'" + "y" * 40 + "'")],
)
def test_the_error_shows_how_a_socket_id_looks(value: object, shown: str) -> None:
    with pytest.raises(InvalidSocketIdError, match=rf"^socket_id must look like '123\.456', not {shown}$"):
        check_socket_id(value)


# DESIGN §6.7 and laravel.md §2.13: what clients that have no connection really send.
@pytest.mark.parametrize(
    "header", ["", "undefined", "null", "None", "fake-socket-id", "1.1:private-a", " ", "a b", "1.1\n", "x" * 129]
)
def test_a_header_that_is_no_socket_id_counts_as_absent(header: str) -> None:
    assert usable_socket_id(header) is None
    assert usable_socket_id(None) is None


@pytest.mark.parametrize("header", ["123.456", "h3nAdb134tbvqwrg", "/chat#h3nAdb134tbv", "x" * 128])
def test_socket_ids_of_pusher_and_socket_io_are_usable(header: str) -> None:
    assert usable_socket_id(header) == header


# -- user ids --------------------------------------------------------------------------------------------------------


@vectors("user_id_validity")
def test_user_id_validity(given: Any, expected: Any) -> None:
    assert expected == {"valid": True}
    assert check_user_id(given["user_id"]) == given["user_id"]


class Level(IntEnum):
    ADMIN = 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (0, "0"),
        (-7, "-7"),
        (2**63, "9223372036854775808"),
        (10**127, "1" + "0" * 127),
        (Level.ADMIN, "1"),
        (UUID("0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162"), "0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162"),
        ("ann@example.com", "ann@example.com"),
    ],
)
def test_ids_become_text(value: object, text: str) -> None:
    assert check_user_id(value) == text


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (None, "NoneType"),
        (True, "bool"),
        ("", "str of 0 characters"),
        ("a:b", "str of 3 characters"),
        ("a b", "str of 3 characters"),
        ("ä", "str of 1 characters"),
        ("1\n", "str of 2 characters"),
        ("x" * 129, "str of 129 characters"),
        (10**128, "int of 129 characters"),
        (b"1", "bytes.*"),
        ({}, "dict.*"),
    ],
)
def test_the_error_about_a_user_id_shows_its_type_and_not_its_value(value: object, got: str) -> None:
    expected = rf"^a user id is a str, int or UUID of 1 to 128 ASCII letters, digits or - _ = @ , \. ; \(got {got}\)$"
    with pytest.raises(InvalidUserError, match=expected):
        check_user_id(value)


# str() refuses an int of more than 4300 digits, with a ValueError of its own
def test_a_huge_number_is_no_user_id() -> None:
    with pytest.raises(InvalidUserError, match=r"\(got int\)$"):
        check_user_id(10**5000)


def test_every_error_about_a_name_is_a_value_error() -> None:
    assert issubclass(InvalidInputError, ValueError)


# -- what a peer does otherwise --------------------------------------------------------------------------------------


def has_a_colon(vector: Vector) -> bool:
    return ":" in vector.given["channel"]


# Laravel matches names with colons against its patterns, and Pusher refuses them afterwards: here they are no names.
@vectors("channel_pattern_match", only=has_a_colon)
def test_a_colon_is_in_no_name_though_laravel_matches_it(given: Any, expected: Any) -> None:
    assert expected["match"] in {True, False}
    assert not valid(given["channel"])
