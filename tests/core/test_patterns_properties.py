"""A written name is read as it was meant, and by one pattern only."""

from __future__ import annotations

import itertools
import string
from datetime import date
from typing import Any, Literal
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from broadcastkit.core.names import ChannelKind, check_channel_name, parse_channel_name
from broadcastkit.core.patterns import Pattern, compile_pattern, overlap
from broadcastkit.errors import ConfigurationError, InvalidChannelError

KINDS = [ChannelKind.PUBLIC, ChannelKind.PRIVATE, ChannelKind.PRESENCE, ChannelKind.ENCRYPTED]
SEGMENT = string.ascii_letters + string.digits + "-_=@,;"

# What is near a prefix is where kinds could be mixed up.
texts = st.one_of(
    st.text(SEGMENT, min_size=1, max_size=8),
    st.sampled_from(["private-", "presence-a", "encrypted-", "encrypted", "cache-a", "cache", "a-b", "-"]),
)
literals = st.one_of(
    st.text(SEGMENT + ".", min_size=1, max_size=4),
    st.sampled_from([".", "-", "pri", "private", "cache", "enc", "a.", "1"]),
)
TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, texts),
    (int, st.integers()),
    (UUID, st.uuids()),
    (date, st.dates()),
    (Literal["a", "private-a", "b-c"], st.sampled_from(["a", "private-a", "b-c"])),
    (int | UUID | str, st.one_of(st.integers(), st.uuids(), texts)),
    (str | int, st.one_of(st.integers(), texts)),
]
NAMES = ["one", "two", "three"]


@st.composite
def patterns(draw: st.DrawFn) -> tuple[Pattern, dict[str, st.SearchStrategy[Any]]]:
    """Draw a pattern with the values for it."""
    text = draw(st.one_of(st.just(""), literals))
    annotations: dict[str, Any] = {}
    values: dict[str, st.SearchStrategy[Any]] = {}
    for name in NAMES[: draw(st.integers(0, 3))]:
        annotations[name], values[name] = draw(st.sampled_from(TYPES))
        text += f"{{{name}}}" + draw(literals)
    try:
        return compile_pattern(draw(st.sampled_from(KINDS)), text, annotations, "X", cache=draw(st.booleans())), values
    except ConfigurationError:
        assume(condition=False)
        raise


@given(patterns(), st.data())
def test_a_written_name_is_read_with_the_same_values(
    drawn: tuple[Pattern, dict[str, st.SearchStrategy[Any]]], data: st.DataObject
) -> None:
    pattern, strategies = drawn
    try:
        name, values = pattern.write({key: data.draw(value) for key, value in strategies.items()}, "X")
    except InvalidChannelError:
        return

    read = pattern.match(name)
    assert read is not None
    assert read == values
    assert {key: type(value) for key, value in read.items()} == {key: type(value) for key, value in values.items()}
    assert check_channel_name(name) == name
    assert parse_channel_name(name)[:2] == (pattern.kind, pattern.cache)


@given(
    patterns(),
    st.text(SEGMENT + ".", max_size=12),
    st.sampled_from(["", "private-", "presence-", "private-encrypted-"]),
)
def test_a_name_that_matches_is_a_name_of_that_kind_and_is_written_alike(
    drawn: tuple[Pattern, dict[str, st.SearchStrategy[Any]]], bare: str, prefix: str
) -> None:
    pattern, _ = drawn
    for name in (prefix + bare, pattern.kind.prefix(cache=pattern.cache) + bare):
        values = pattern.match(name)
        if values is not None:
            assert check_channel_name(name) == name
            assert parse_channel_name(name)[:2] == (pattern.kind, pattern.cache)
            assert pattern.write(values, "X") == (name, values)


@given(st.text(max_size=20))
def test_nothing_but_the_alphabet_fits_a_placeholder(text: str) -> None:
    found = compile_pattern(ChannelKind.PRIVATE, "a.{b}", {}, "X").match(f"private-a.{text}")

    assert (found is not None) is (text != "" and set(text) <= set(SEGMENT))


@given(st.sampled_from(KINDS), st.booleans(), st.text(SEGMENT + ".", min_size=1, max_size=30))
def test_a_catch_all_of_one_kind_never_fits_a_name_of_another(kind: ChannelKind, cache: bool, name: str) -> None:
    of = parse_channel_name(name)
    for full in (name, f"private-{name}", f"private-encrypted-{name}", f"presence-{name}", f"cache-{name}"):
        of = parse_channel_name(full)
        if compile_pattern(kind, "{x}", {}, "X", cache=cache).match(full) is not None:
            assert (of.kind, of.cache) == (kind, cache)


# -- overlap against brute force: all names of a small alphabet ------------------------------------------------------

ALPHABET = "ab.1"
small_literals = st.text(ALPHABET, min_size=1, max_size=2)


def all_names(longest: int) -> list[str]:
    """Return every private name over the alphabet, up to a length."""
    return [
        "private-" + "".join(chars)
        for length in range(1, longest + 1)
        for chars in itertools.product(ALPHABET, repeat=length)
    ]


# No two patterns below need a longer name to meet: each has at most four characters and placeholders.
EVERY_NAME = all_names(6)


@st.composite
def small_patterns(draw: st.DrawFn, types: list[Any]) -> Pattern:
    tokens: list[str] = []
    annotations: dict[str, Any] = {}
    for name in NAMES[:2]:
        if draw(st.booleans()):
            tokens.append(draw(small_literals))
        if draw(st.booleans()) and not (tokens and tokens[-1].startswith("{")):
            annotations[name] = draw(st.sampled_from(types))
            tokens.append(f"{{{name}}}")
    text = "".join(tokens)
    assume(text and sum(1 if token.startswith("{") else len(token) for token in tokens) <= 4)
    return compile_pattern(ChannelKind.PRIVATE, text, annotations, "X")


def meet(one: Pattern, other: Pattern) -> bool:
    return any(one.match(name) is not None and other.match(name) is not None for name in EVERY_NAME)


@given(small_patterns([str]), small_patterns([str]))
def test_overlap_is_what_brute_force_finds(one: Pattern, other: Pattern) -> None:
    assert overlap(one, other) is overlap(other, one) is meet(one, other)


# Of other types overlap() looks at the characters only: it may refuse too much, and never too little.
@given(
    small_patterns([str, int, Literal["a", "b1"], int | str, Literal["a"] | int]),
    small_patterns([str, int, Literal["a", "b1"], int | str, Literal["a"] | int]),
)
def test_overlap_misses_nothing_that_brute_force_finds(one: Pattern, other: Pattern) -> None:
    if meet(one, other):
        assert overlap(one, other)
        assert overlap(other, one)
