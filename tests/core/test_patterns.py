"""Patterns: which names fit, what is refused when they are compiled, and which two would decide about one name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import pytest

from broadcastkit.core.names import ChannelKind
from broadcastkit.core.patterns import Pattern, compile_pattern, overlap
from broadcastkit.errors import ConfigurationError, InvalidChannelError
from tests.vectors import vectors

if TYPE_CHECKING:
    from tests.vectors import Vector

PRIVATE = ChannelKind.PRIVATE


def private(text: str, *, cache: bool = False, **annotations: Any) -> Pattern:
    return compile_pattern(PRIVATE, text, annotations, "Here", cache=cache)


def public(text: str, **annotations: Any) -> Pattern:
    return compile_pattern(ChannelKind.PUBLIC, text, annotations, "Here")


# -- match -----------------------------------------------------------------------------------------------------------


def has_a_colon(vector: Vector) -> bool:
    return ":" in vector.given["pattern"]


@vectors("channel_pattern_match", without=has_a_colon)
def test_names_match_as_in_laravel(given: Any, expected: Any) -> None:
    pattern = private(given["pattern"])

    assert (pattern.match(f"private-{given['channel']}") is not None) is expected["match"]


# Pusher's alphabet has no colon: where Laravel matches, and Pusher then refuses, we refuse the pattern.
@vectors("channel_pattern_match", only=has_a_colon)
def test_a_pattern_with_a_colon_is_refused_though_laravel_takes_it(given: Any, expected: Any) -> None:
    assert expected["match"] in {True, False}
    with pytest.raises(ConfigurationError, match=r"':' at [0-9]+ is neither a channel character nor part of a"):
        private(given["pattern"])


# laravel.md §2.9: the first five lines are as there, the others are what was a hole in Laravel once.
@pytest.mark.parametrize(
    ("pattern", "name", "values"),
    [
        ("orders.{id}", "private-orders.1", {"id": "1"}),
        ("orders.{id}", "private-orders.1.2", None),
        ("orders.{id}", "private-orders.", None),
        ("orders.{id}", "private-ordersX1", None),
        ("orders", "private-orders", {}),
        ("orders.{id}", "private-orders.1\n", None),
        ("orders.{id}", "private-orders.a b", None),
        ("orders.{id}", "private-orders.ä", None),
        ("orders.{id}", "private-myorders.1", None),
        ("orders.{id}", "orders.1", None),
        ("orders.{id}", "presence-orders.1", None),
        ("orders.{id}", "Private-orders.1", None),
        ("a.{b}.c.{d}", "private-a.1.c.2", {"b": "1", "d": "2"}),
        ("{a}.{b}", "private-1.2", {"a": "1", "b": "2"}),
        ("=@,;.-_{a}", "private-=@,;.-_x", {"a": "x"}),
        ("a.b", "private-aXb", None),
    ],
)
def test_a_name_fits_whole_or_not_at_all(pattern: str, name: str, values: dict[str, str] | None) -> None:
    assert private(pattern).match(name) == values


@pytest.mark.parametrize(
    ("kind", "name", "fits"),
    [
        (ChannelKind.PUBLIC, "x", True),
        (ChannelKind.PUBLIC, "private-x", False),
        (ChannelKind.PUBLIC, "presence-x", False),
        (ChannelKind.PUBLIC, "encrypted-x", False),
        (ChannelKind.PUBLIC, "cache-x", False),
        (ChannelKind.PUBLIC, "#server-to-user-1", False),
        (ChannelKind.PRIVATE, "private-x", True),
        (ChannelKind.PRIVATE, "private-encrypted-x", False),
        (ChannelKind.PRIVATE, "private-cache-x", False),
        (ChannelKind.PRIVATE, "private-encrypted", True),
        (ChannelKind.PRIVATE, "private-private-x", False),
        (ChannelKind.PRESENCE, "presence-x", True),
        (ChannelKind.PRESENCE, "presence-cache-x", False),
        (ChannelKind.ENCRYPTED, "private-encrypted-x", True),
        (ChannelKind.ENCRYPTED, "private-encrypted-cache-x", False),
        (ChannelKind.ENCRYPTED, "private-x", False),
    ],
)
def test_a_placeholder_never_reaches_another_kind(kind: ChannelKind, name: str, fits: bool) -> None:
    pattern = compile_pattern(kind, "{x}", {}, "Here")

    assert (pattern.match(name) is not None) is fits


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("private-cache-x", True),
        ("private-x", False),
        ("private-cache-cache-x", False),
        ("private-encrypted-cache-x", False),
    ],
)
def test_a_cache_pattern_is_of_cache_channels_only(name: str, fits: bool) -> None:
    assert (private("{x}", cache=True).match(name) is not None) is fits


def test_a_value_that_is_not_of_its_type_does_not_fit() -> None:
    pattern = private("user.{user_id}", user_id=int)

    assert pattern.match("private-user.3") == {"user_id": 3}
    for segment in ("03", "+3", "3a", "", "٣", "-0"):
        assert pattern.match(f"private-user.{segment}") is None


def test_a_name_over_the_limit_fits_nothing() -> None:
    longest = "x" * (164 - len("private-a."))

    assert private("a.{b}").match(f"private-a.{longest}") == {"b": longest}
    assert private("a.{b}").match(f"private-a.{longest}x") is None


# -- write -----------------------------------------------------------------------------------------------------------


def test_a_name_is_written_with_its_prefix_and_its_values_are_typed() -> None:
    pattern = private("a.{b}.c.{d}", b=int, d=UUID, cache=True)
    text = "0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162"

    assert pattern.write({"d": text, "b": "7"}, "X") == (f"private-cache-a.7.c.{text}", {"b": 7, "d": UUID(text)})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "X takes b (pattern 'private-a.{b}'), not nothing"),
        ({"c": 1}, "X takes b (pattern 'private-a.{b}'), not c"),
        ({"b": 1, "c": 1}, "X takes b (pattern 'private-a.{b}'), not b, c"),
        ({"b": "x"}, "X.b must be int, not this text"),
        ({"b": 10**200}, "X: the name has 211 characters; at most 164"),
    ],
)
def test_the_error_names_the_class_and_what_it_takes(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidChannelError, match=f"^{re.escape(message)}$"):
        private("a.{b}", b=int).write(values, "X")


def test_a_pattern_without_placeholders_takes_nothing() -> None:
    assert private("admin").write({}, "X") == ("private-admin", {})
    with pytest.raises(InvalidChannelError, match=r"^X takes no fields \(pattern 'private-admin'\), not a$"):
        private("admin").write({"a": 1}, "X")


@pytest.mark.parametrize(
    ("kind", "pattern", "values"),
    [
        (ChannelKind.PRIVATE, "{x}", {"x": "encrypted-a"}),
        (ChannelKind.PRIVATE, "{x}", {"x": "cache-a"}),
        (ChannelKind.PRIVATE, "{x}", {"x": "cache-"}),
        (ChannelKind.PRIVATE, "enc{x}", {"x": "rypted-a"}),
        (ChannelKind.PRIVATE, "{x}-{y}", {"x": "encrypted", "y": "a"}),
        (ChannelKind.PUBLIC, "{x}", {"x": "private-a"}),
        (ChannelKind.PUBLIC, "{x}", {"x": "presence-"}),
        (ChannelKind.PUBLIC, "pri{x}", {"x": "vate-a"}),
        (ChannelKind.PUBLIC, "{x}-{y}", {"x": "presence", "y": "a"}),
    ],
)
def test_values_cannot_make_a_channel_of_another_kind(kind: ChannelKind, pattern: str, values: dict[str, str]) -> None:
    with pytest.raises(InvalidChannelError, match=r"^X: '.*' would be read as another kind of channel, or as other"):
        compile_pattern(kind, pattern, {}, "Here").write(values, "X")


# "a-b-c" is org "a-b", team "c" to a rule: were an event of org "a", team "b-c" sent there, another team would hear it.
def test_values_cannot_make_a_name_that_is_read_as_other_values() -> None:
    pattern = private("{org}-{team}")

    assert pattern.match("private-a-b-c") == {"org": "a-b", "team": "c"}
    assert pattern.write({"org": "a-b", "team": "c"}, "X")[0] == "private-a-b-c"
    with pytest.raises(InvalidChannelError, match=r"^X: 'private-a-b-c' would be read as .* other values$"):
        pattern.write({"org": "a", "team": "b-c"}, "X")


def test_a_pattern_may_leave_room_for_one_character() -> None:
    assert private("x" * 155 + "{a}").write({"a": "1"}, "X")[0] == "private-" + "x" * 155 + "1"


# -- compile ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Here: a channel pattern must not be empty"),
        ("a b", "Here: in pattern 'a b', ' ' at 1 is neither a channel character nor part of a {placeholder}"),
        ("orders.*", "Here: in pattern 'orders.*', '*' at 7 is neither"),
        ("x+", "Here: in pattern 'x+', '+' at 1 is neither"),
        ("a.{b", "Here: in pattern 'a.{b', '{' at 2 is neither"),
        ("a.b}", "Here: in pattern 'a.b}', '}' at 3 is neither"),
        ("a.{{b}}", "Here: in pattern 'a.{{b}}', '{' at 2 is neither"),
        ("a.%s", "Here: in pattern 'a.%s', '%' at 2 is neither"),
        ("a.{}", "Here: in pattern 'a.{}', {} must be an identifier, used once, not next to another"),
        ("a.{b?}", "Here: in pattern 'a.{b?}', {b?} must be an identifier"),
        ("a.{order-id}", "Here: in pattern 'a.{order-id}', {order-id} must be an identifier"),
        ("a.{b}.{b}", "Here: in pattern 'a.{b}.{b}', {b} must be an identifier, used once"),
        ("a.{b}{c}", "Here: in pattern 'a.{b}{c}', {c} must be an identifier, used once, not next to another"),
        ("{a}-{b}-{c}-{d}", "Here: pattern '{a}-{b}-{c}-{d}' has too many placeholders without a dot between them"),
        ("{a}-{b}.{c}-{d}.{e}-{f}", "Here: pattern '{a}-{b}.{c}-{d}.{e}-{f}' has too many placeholders without a dot"),
        ("x" * 156 + "{a}", f"Here: no name of pattern '{'x' * 156}{{a}}' has 164 characters or fewer"),
        ("private-a", "Here: pattern 'private-a' starts with a prefix; the channel class adds it"),
        ("presence-a", "Here: pattern 'presence-a' starts with a prefix"),
        ("encrypted-a", "Here: pattern 'encrypted-a' starts with a prefix"),
        ("cache-a", "Here: pattern 'cache-a' starts with a prefix"),
    ],
)
def test_a_malformed_pattern_is_named_with_the_place(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}"):
        private(text)


# Each joint multiplies the ways in which a regex can try to fit a name that a stranger chose. Counted, not timed: the
# limit is what keeps it at thousands of steps.
def test_placeholders_with_dots_between_them_may_be_many() -> None:
    names = [f"x{number}" for number in range(20)]

    values = private(".".join(f"{{{name}}}" for name in names)).match("private-" + ".".join("a" * 20))

    assert values == dict.fromkeys(names, "a")
    assert private("{a}-{b}-{c}").match("private-1-2-3") == {"a": "1", "b": "2", "c": "3"}


def test_a_type_that_cannot_stand_in_a_name_is_named_with_its_placeholder() -> None:
    with pytest.raises(ConfigurationError, match=r"^Here\.b: a channel field is int, str, UUID, date"):
        private("a.{b}", b=float)


def test_a_placeholder_without_a_type_is_text() -> None:
    assert private("a.{b}.{c}", c=int).match("private-a.1.2") == {"b": "1", "c": 2}


# -- overlap ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a.{b}", "a.{c}", True),
        ("a.{b}", "a.b", True),
        ("a.{b}", "a", False),
        ("a.{b}", "a.b.c", False),
        ("{a}.b", "a.{b}", True),
        ("{a}.b", "{a}.c", False),
        ("{a}", "x-{b}", True),
        ("{a}-x", "y-{b}", True),
        ("x{a}", "y{b}", False),
        ("{a}x", "{b}y", False),
        ("{a}.{b}", "{c}", False),
        ("a{b}a", "aa", False),
        ("a{b}a", "aaa", True),
    ],
)
def test_overlap(one: str, other: str, expected: bool) -> None:
    assert overlap(private(one), private(other)) is expected
    assert overlap(private(other), private(one)) is expected


def test_types_tell_patterns_apart_by_their_characters() -> None:
    assert not overlap(private("user.{a}", a=int), private("user.me"))
    assert overlap(private("user.{a}", a=str), private("user.me"))
    assert not overlap(private("user.{a}", a=Literal["me"]), private("user.{b}", b=int))


def test_patterns_of_different_kinds_never_overlap() -> None:
    patterns = [
        compile_pattern(kind, "{x}", {}, "Here", cache=cache)
        for kind in (ChannelKind.PUBLIC, ChannelKind.PRIVATE, ChannelKind.PRESENCE, ChannelKind.ENCRYPTED)
        for cache in (False, True)
    ]

    for one in patterns:
        assert [other for other in patterns if overlap(one, other)] == [one]
