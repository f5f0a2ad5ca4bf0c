"""How one segment of a channel name becomes a typed value and back.

A field reads only the text that it would write itself: `int` reads "3" but not "03" or "+3", so that one value
has one name and a rule for user 3 is never asked about a name that no event of user 3 goes to.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from datetime import date
from enum import Enum
from itertools import takewhile
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin
from uuid import UUID

from broadcastkit.errors import ConfigurationError, InvalidChannelError

__all__ = ["SEGMENT", "Field", "field_for", "write_field"]

# The channel alphabet without the dot, which separates segments. Alphabets are put side by side in one character set,
# where a bare "-" would make a range.
SEGMENT = r"\-a-zA-Z0-9_=@,;"
_SEGMENT = re.compile(f"[{SEGMENT}]+")
_ALLOWED = "ASCII letters, digits or - _ = @ , ;"


class Field(NamedTuple):
    """One placeholder's type: the characters it may hold, and both directions.

    `exact` are the classes whose values need no check: `str(value)` is the segment. `regex` may say more than
    `alphabet`, so that `read` has less to check.
    """

    exact: frozenset[type[Any]]
    alphabet: str
    regex: str
    read: Callable[[str], Any]  # raises ValueError
    write: Callable[[Any], str]  # raises ValueError
    expects: str


_INT_REGEX = "0|-?[1-9][0-9]*"
_int = re.compile(_INT_REGEX)


def _write_int(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    if _int.fullmatch(_text(value)) is None:
        raise ValueError
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - the caller turns every ValueError into one worded error
    return str(value)


def _write_text(value: Any) -> str:
    if _SEGMENT.fullmatch(_text(value)) is None:
        raise ValueError
    return str(value)


def _canonical(cls: type[Any], render: Callable[[Any], str], alphabet: str, expects: str) -> Field:
    """A field for a class whose constructor reads text: only text that `render` gives back is accepted."""

    def read(text: str) -> Any:
        value = cls(text) if cls is not date else date.fromisoformat(text)
        if render(value) != text:
            raise ValueError
        return value

    def write(value: Any) -> str:
        if isinstance(value, cls):
            return render(value)
        read(_text(value))
        return str(value)

    return Field(frozenset({cls}) if cls is UUID else frozenset(), alphabet, f"[{alphabet}]+", read, write, expects)


def _choice(values: dict[str, Any], expects: str) -> Field:
    if not values:
        raise ConfigurationError(f"{expects}: there is none")
    if any(_SEGMENT.fullmatch(text) is None for text in values):
        raise ConfigurationError(f"{expects}: a value cannot stand in a channel name (allowed: {_ALLOWED})")
    texts = {value: text for text, value in values.items()}

    def read(text: str) -> Any:
        if text not in values:
            raise ValueError
        return values[text]

    def write(value: Any) -> str:
        if value in texts:
            return texts[value]
        read(_text(value))
        return str(value)

    alphabet = "".join(re.escape(c) for c in sorted(set("".join(values))))
    return Field(frozenset(), alphabet, f"[{alphabet}]+", read, write, expects)


def _either(options: list[Field], expects: str) -> Field:
    readers = [(re.compile(option.regex).fullmatch, option.read) for option in options]

    def read(text: str) -> Any:
        for fits, read_option in readers:
            if fits(text) is not None:
                try:
                    return read_option(text)
                except ValueError:
                    continue
        raise ValueError

    def write(value: Any) -> str:
        for option in options:
            try:
                return option.write(value)
            except (ValueError, TypeError):
                continue
        raise ValueError

    # after str, "3" is text: an int must be read back to be what the name says
    plain = takewhile(lambda option: option.exact, options)
    exact = frozenset[type[Any]]().union(*(option.exact for option in plain))
    alphabet = "".join(option.alphabet for option in options)
    return Field(exact, alphabet, f"[{alphabet}]+", read, write, expects)


_INT = Field(frozenset({int}), r"\-0-9", _INT_REGEX, int, _write_int, "int")
_STR = Field(frozenset(), SEGMENT, f"[{SEGMENT}]+", str, _write_text, f"str of {_ALLOWED}")


_SIMPLE: dict[Any, Field] = {
    int: _INT,
    str: _STR,
    UUID: _canonical(UUID, str, r"\-0-9a-f", "UUID in lower case"),
    date: _canonical(date, date.isoformat, r"\-0-9", "date like 2026-01-31"),
}


def field_for(annotation: Any, where: str) -> Field:
    """Return the field for an annotation: int, str, UUID, date, an Enum, a Literal, or a union of these.

    In a union the first type that reads the text wins: `int | str` reads "3" as 3 and "abc" as "abc".
    """
    annotation = getattr(annotation, "__supertype__", annotation)  # NewType
    origin = get_origin(annotation)
    if origin is Annotated:
        return field_for(get_args(annotation)[0], where)
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if origin is Literal:
        return _choice({str(value): value for value in get_args(annotation)}, f"one of {get_args(annotation)}")
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        values = {str(member.value): member for member in annotation}
        return _choice(values, f"a value of {annotation.__name__}")
    if origin in {Union, types.UnionType}:
        options = [field_for(option, where) for option in get_args(annotation)]
        return _either(options, " or ".join(option.expects for option in options))
    raise ConfigurationError(
        f"{where}: a channel field is int, str, UUID, date, an Enum, a Literal or a union of these, not {annotation!r}"
    )


def write_field(field: Field, value: Any, owner: str, name: str) -> str:
    """Write a value as a segment, or raise InvalidChannelError naming the field and what it holds."""
    try:
        return field.write(value)
    except (ValueError, TypeError):
        given = "this text" if isinstance(value, str) else type(value).__name__
        raise InvalidChannelError(f"{owner}.{name} must be {field.expects}, not {given}") from None
