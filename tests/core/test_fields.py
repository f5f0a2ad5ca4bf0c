"""One value has one text, and one text one value: what each type of a placeholder reads and writes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.core.fields import Field, field_for, write_field
from broadcastkit.errors import ConfigurationError, InvalidChannelError

ID = UUID("0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162")
UserId = NewType("UserId", int)
NOTHING = object()


class Color(Enum):
    RED = "red"
    LIGHT_BLUE = "light-blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Tag(str):
    __slots__ = ()


def read(field: Field, text: str) -> Any:
    """Read a segment as a pattern does, where the text must fit the regex first; NOTHING if it is no value."""
    if re.fullmatch(field.regex, text) is None:
        return NOTHING
    try:
        return field.read(text)
    except ValueError:
        return NOTHING


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, "0", 0),
        (int, "-7", -7),
        (int, "9" * 30, int("9" * 30)),
        (str, "a-b_c=d@e,f;0", "a-b_c=d@e,f;0"),
        (UUID, str(ID), ID),
        (date, "2026-01-31", date(2026, 1, 31)),
        (Color, "light-blue", Color.LIGHT_BLUE),
        (Level, "2", Level.HIGH),
        (Literal["en", "fr"], "fr", "fr"),
        (Literal[1, 2], "2", 2),
        (int | str, "3", 3),
        (int | str, "abc", "abc"),
        (int | str, "03", "03"),
        (int | UUID | str, str(ID), ID),
        (str | int, "3", "3"),
        (Literal["me"] | int, "me", "me"),
        (Literal["me"] | int, "7", 7),
        (int | Literal["me"], "me", "me"),
        (Color | UUID, str(ID), ID),
        (UserId, "3", 3),
        (Annotated[int, "of a user"], "3", 3),
    ],
    ids=str,
)
def test_a_text_is_read_as_a_value_and_written_back(annotation: Any, text: str, value: Any) -> None:
    field = field_for(annotation, "here")

    assert (read(field, text), type(read(field, text))) == (value, type(value))
    assert write_field(field, value, "X", "x") == text
    assert write_field(field, text, "X", "x") == text  # as it comes from a URL


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        *[(int, text) for text in ("", "03", "+3", "-0", "3.0", "1_000", " 3", "3\n", "٣", "0x1", "--3", "-")],
        *[(str, text) for text in ("", "a.b", "a b", "ä", "a\n", "a/b", "a:b", "#", "%")],
        *[(UUID, text) for text in (str(ID).upper(), ID.hex, f"{{{ID}}}", ID.urn, str(ID)[:-1])],
        *[(date, text) for text in ("20260131", "2026-W05-6", "2026-02-30", "2026-1-31", "2026-01-31T00:00")],
        *[(Color, text) for text in ("RED", "Red", "blue", "redred", "Color.RED")],
        *[(Level, text) for text in ("LOW", "01", "3", "12")],
        *[(Literal["en", "fr"], text) for text in ("de", "EN", "enfr", "n")],
        (Literal[1, 2], "12"),
        (int | UUID, "me"),
        (Literal["me"] | int, "em"),
    ],
    ids=str,
)
def test_no_other_text_is_read(annotation: Any, text: str) -> None:
    assert read(field_for(annotation, "here"), text) is NOTHING


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (int, "03", "X.x must be int, not this text"),
        (int, True, "X.x must be int, not bool"),
        (int, 3.0, "X.x must be int, not float"),
        (int, None, "X.x must be int, not NoneType"),
        (str, 3, "X.x must be str of ASCII letters, digits or - _ = @ , ;, not int"),
        (str, "a.b", "X.x must be str of ASCII letters, digits or - _ = @ , ;, not this text"),
        (str, b"a", "X.x must be str of ASCII letters, digits or - _ = @ , ;, not bytes"),
        (UUID, "zz", "X.x must be UUID in lower case, not this text"),
        (UUID, str(ID).upper(), "X.x must be UUID in lower case, not this text"),
        (date, "31.1.2026", "X.x must be date like 2026-01-31, not this text"),
        (Color, "green", "X.x must be a value of Color, not this text"),
        (Color, Level.LOW, "X.x must be a value of Color, not Level"),
        (Literal["en"], "de", "X.x must be one of ('en',), not this text"),
        (Literal["en"], [], "X.x must be one of ('en',), not list"),
        (int | UUID, "me", "X.x must be int or UUID in lower case, not this text"),
        (int | UUID, None, "X.x must be int or UUID in lower case, not NoneType"),
    ],
    ids=str,
)
def test_the_error_names_the_field_and_what_it_holds(annotation: Any, value: object, message: str) -> None:
    with pytest.raises(InvalidChannelError, match=f"^{re.escape(message)}$"):
        write_field(field_for(annotation, "here"), value, "X", "x")


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (int, Level.HIGH, "2"),
        (date, datetime(2026, 1, 31, 12, 30, tzinfo=UTC), "2026-01-31"),
        (str, Tag("a"), "a"),
        (Literal["a"], Tag("a"), "a"),
        (int | str, Tag("a"), "a"),
    ],
    ids=str,
)
def test_values_of_subclasses_are_written_as_their_base(annotation: Any, value: object, text: str) -> None:
    written = write_field(field_for(annotation, "here"), value, "X", "x")

    assert (written, type(written)) == (text, str)


@pytest.mark.parametrize(
    "annotation", [float, bool, bytes, list[int], dict, object, None, Any, int | None, int | float, "int"], ids=str
)
def test_a_type_that_cannot_stand_in_a_name_is_named(annotation: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^here: a channel field is int, str, UUID, date, an Enum, a Literal or"
    ):
        field_for(annotation, "here")


class Dotted(Enum):
    VERSION = "1.0"


class Empty(Enum):
    pass


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Dotted, "a value of Dotted: a value cannot stand in a channel name (allowed: ASCII letters, digits or - _"),
        (Literal["a b"], "one of ('a b',): a value cannot stand in a channel name"),
        (Literal[""], "one of ('',): a value cannot stand in a channel name"),
        (Empty, "a value of Empty: there is none"),
    ],
    ids=str,
)
def test_choices_that_cannot_stand_in_a_name_are_named(annotation: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}"):
        field_for(annotation, "here")


# An exact value is written without a check: reading its text must give the very same value.
@pytest.mark.parametrize(
    ("annotation", "exact"),
    [
        (int, {int}),
        (UUID, {UUID}),
        (str, set[type]()),
        (date, set[type]()),
        (Color, set[type]()),
        (int | UUID | str, {int, UUID}),
        (str | int, set[type]()),
        (Literal["1"] | int, set[type]()),
    ],
    ids=str,
)
def test_only_classes_that_are_read_back_are_exact(annotation: Any, exact: set[type]) -> None:
    assert field_for(annotation, "here").exact == exact


ANNOTATIONS: list[Any] = [
    int,
    str,
    UUID,
    date,
    Color,
    Level,
    Literal["-", "a-z", "me", 7],
    int | UUID | str,
    str | int,
    date | int,
    UUID | Color,
    Literal["me"] | int,
    Literal["me", "a"] | str,  # noqa: PYI051 - how it is read is what is tested
    Level | Literal["-"] | date,
]
VALUES = st.one_of(
    st.integers(-(10**40), 10**40),
    st.text("-aemz019_=@,;.", max_size=6),
    st.uuids(),
    st.dates(),
    st.sampled_from([*Color, *Level]),
)


@given(st.sampled_from(ANNOTATIONS).map(lambda one: field_for(one, "here")), VALUES)
def test_what_is_written_is_read_as_the_same_and_written_alike(field: Field, value: Any) -> None:
    try:
        text = write_field(field, value, "X", "x")
    except InvalidChannelError:
        return

    again = read(field, text)
    assert write_field(field, again, "X", "x") == text
    if type(value) in field.exact:
        assert (again, type(again), str(value)) == (value, type(value), text)


@given(
    st.sampled_from(ANNOTATIONS).map(lambda one: field_for(one, "here")), st.text("-0123456789aemzright_=", max_size=12)
)
def test_what_is_read_is_written_as_it_was(field: Field, text: str) -> None:
    value = read(field, text)

    if value is not NOTHING:
        assert write_field(field, value, "X", "x") == text
