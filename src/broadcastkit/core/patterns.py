"""Channel patterns: `user.{user_id}`, compiled once.

Literals are escaped, a placeholder is one segment without a dot, the whole name must match, and a pattern is of one
kind: `private-{name}` never fits `private-encrypted-x`. Two patterns that some name fits both are found when the
second is made known, not when a stranger subscribes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from broadcastkit.core.fields import Field, field_for, write_field
from broadcastkit.core.names import CHANNEL_NAME_LIMIT, RESERVED_STARTS, ChannelKind
from broadcastkit.errors import ConfigurationError, InvalidChannelError

__all__ = ["Pattern", "compile_pattern", "overlap"]

_TOKEN = re.compile(r"\{([^{}]*)\}|([-a-zA-Z0-9_=@,.;]+)")
_NOT_ANOTHER_KIND = f"(?!{'|'.join(RESERVED_STARTS)})"

# Each is one more dimension in which a regex looks for a fit: of a stranger's "private-----…" two take 3 ms to refuse,
# four 5 s.
_JOINTS_LIMIT = 2

Part: TypeAlias = "str | Field"


class Pattern(NamedTuple):
    """A compiled pattern of one kind; `text` is the whole of it, prefix included."""

    kind: ChannelKind
    cache: bool
    text: str
    tokens: tuple[Part, ...]
    fields: dict[str, Field]
    regex: re.Pattern[str]
    template: str
    ambiguous: bool
    """Whether values could make a name of another kind, or of other values, so that written names are read back."""

    def match(self, name: str) -> dict[str, Any] | None:
        """Return the typed values of a full name, or None if it does not fit."""
        found = self.regex.fullmatch(name)
        if found is None or len(name) > CHANNEL_NAME_LIMIT:
            return None
        try:
            return {
                key: field.read(text) for (key, field), text in zip(self.fields.items(), found.groups(), strict=True)
            }
        except ValueError:
            return None

    def write(self, values: Mapping[str, Any], owner: str) -> tuple[str, dict[str, Any]]:
        """Return the full name for values, and the values in their types.

        Raises:
            InvalidChannelError: a value is missing, unknown or does not fit; the text names it and what it should be.
        """
        if values.keys() != self.fields.keys():
            raise InvalidChannelError(
                f"{owner} takes {', '.join(self.fields) or 'no fields'} (pattern {self.text!r}), "
                f"not {', '.join(values) or 'nothing'}"
            )
        typed = dict(values)
        texts: list[str] = []
        for key, field in self.fields.items():
            value = values[key]
            if type(value) in field.exact:
                texts.append(str(value))
            else:
                texts.append(write_field(field, value, owner, key))
                typed[key] = field.read(texts[-1])
        name = self.template % tuple(texts)
        if len(name) > CHANNEL_NAME_LIMIT:
            raise InvalidChannelError(f"{owner}: the name has {len(name)} characters; at most {CHANNEL_NAME_LIMIT}")
        if self.ambiguous and self.match(name) != typed:
            raise InvalidChannelError(f"{owner}: {name!r} would be read as another kind of channel, or as other values")
        return name, typed


def compile_pattern(
    kind: ChannelKind, text: str, annotations: Mapping[str, Any], where: str, *, cache: bool = False
) -> Pattern:
    """Compile a pattern, `text` without its prefix; a placeholder without an annotation is a str."""
    tokens, fields = _tokens(text, annotations, where)
    head = tokens[0] if isinstance(tokens[0], str) else ""
    if head.startswith(RESERVED_STARTS):
        raise ConfigurationError(f"{where}: pattern {text!r} starts with a prefix; the channel class adds it")
    prefix = kind.prefix(cache=cache)
    shortest = len(prefix) + sum(len(token) if isinstance(token, str) else 1 for token in tokens)
    if shortest > CHANNEL_NAME_LIMIT:
        raise ConfigurationError(f"{where}: no name of pattern {text!r} has {CHANNEL_NAME_LIMIT} characters or fewer")
    joints = _joints(tokens)
    if joints > _JOINTS_LIMIT:
        raise ConfigurationError(f"{where}: pattern {text!r} has too many placeholders without a dot between them")
    another_kind = len(tokens) > int(bool(head)) and any(start.startswith(head) for start in RESERVED_STARTS)
    names = {id(field): name for name, field in fields.items()}
    regex = "".join(re.escape(t) if isinstance(t, str) else f"(?P<{names[id(t)]}>{t.regex})" for t in tokens)
    template = "".join(t if isinstance(t, str) else "%s" for t in tokens)  # a literal can hold no "%"
    return Pattern(
        kind=kind,
        cache=cache,
        text=prefix + text,
        tokens=tokens,
        fields=fields,
        regex=re.compile(re.escape(prefix) + _NOT_ANOTHER_KIND + regex),
        template=prefix + template,
        ambiguous=another_kind or joints > 0,
    )


def _joints(tokens: tuple[Part, ...]) -> int:
    """Count the neighbors without a dot between them: `{org}-{team}` reads "a-b-c" in one of two ways."""
    fields = [index for index, token in enumerate(tokens) if not isinstance(token, str)]
    return sum("." not in str(tokens[index + 1]) for index in fields[:-1])


def _tokens(text: str, annotations: Mapping[str, Any], where: str) -> tuple[tuple[Part, ...], dict[str, Field]]:
    tokens: list[Part] = []
    fields: dict[str, Field] = {}
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ConfigurationError(
                f"{where}: in pattern {text!r}, {text[position]!r} at {position} is neither a channel character "
                "nor part of a {placeholder}"
            )
        name, literal = token.groups()
        if name is None:
            tokens.append(literal)
        else:
            if not name.isidentifier() or name in fields or (tokens and not isinstance(tokens[-1], str)):
                raise ConfigurationError(
                    f"{where}: in pattern {text!r}, {{{name}}} must be an identifier, used once, not next to another"
                )
            # a copy of its own, so that a token knows its name by identity
            fields[name] = Field(*field_for(annotations.get(name, str), f"{where}.{name}"))
            tokens.append(fields[name])
        position = token.end()
    if not tokens:
        raise ConfigurationError(f"{where}: a channel pattern must not be empty")
    return tuple(tokens), fields


def overlap(one: Pattern, other: Pattern) -> bool:
    """Whether some name fits both patterns.

    A walk over pairs of positions: each pattern is a row of character sets, of which a placeholder's may repeat.
    """
    if (one.kind, one.cache) != (other.kind, other.cache):
        return False
    a, b = _row(one), _row(other)
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        here = todo.pop()
        if here in seen:
            continue
        seen.add(here)
        i, j = here
        if i == len(a) and j == len(b):
            return True
        if i == len(a) or j == len(b) or not a[i][0] & b[j][0]:
            continue
        todo += [(x, y) for x in _after(a, i) for y in _after(b, j)]
    return False


_ALPHABET = [chr(code) for code in range(33, 127)]


def _row(pattern: Pattern) -> list[tuple[frozenset[str], bool]]:
    row: list[tuple[frozenset[str], bool]] = []
    for token in pattern.tokens:
        if isinstance(token, str):
            row += [(frozenset(char), False) for char in token]
        else:
            one = re.compile(f"[{token.alphabet}]")
            row.append((frozenset(filter(one.fullmatch, _ALPHABET)), True))
    return row


def _after(row: list[tuple[frozenset[str], bool]], index: int) -> tuple[int, ...]:
    return (index, index + 1) if row[index][1] else (index + 1,)
