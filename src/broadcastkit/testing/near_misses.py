"""Which rules a channel's name just fails to fit, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from broadcastkit.authorization import Rule
from broadcastkit.core.fields import SEGMENT, Field
from broadcastkit.core.names import parse_channel_name
from broadcastkit.core.patterns import Pattern

__all__ = ["near_misses"]

_SHOWN = 3


def near_misses(name: str, rules: Sequence[Rule]) -> list[str]:
    """Return a line for each of the rules nearest to a name, first those of which it is clear what is wrong."""
    told = [(_why(name, rule.pattern), rule) for rule in rules]
    told.sort(key=lambda one: (one[0] == "", -SequenceMatcher(None, name, one[1].pattern.text).ratio()))
    return [f"{rule.pattern.text} ({rule.name}){why}" for why, rule in told[:_SHOWN]]


def _why(name: str, pattern: Pattern) -> str:
    kind, cache, bare = parse_channel_name(name)
    alike = pattern.kind.prefix(cache=pattern.cache) + bare
    if (kind, cache) != (pattern.kind, pattern.cache):
        return f": is about {alike}, another channel" if pattern.match(alike) is not None else ""
    misfits = _misfits(name, pattern)
    return f": {', '.join(misfits)}" if misfits else ""


def _misfits(name: str, pattern: Pattern) -> list[str]:
    """Say which values would be of the wrong type, if the name has the shape of the pattern."""
    names = iter(pattern.fields)
    parts = [re.escape(t) if isinstance(t, str) else f"(?P<{next(names)}>[{SEGMENT}]+)" for t in pattern.tokens]
    found = re.fullmatch(re.escape(pattern.kind.prefix(cache=pattern.cache)) + "".join(parts), name)
    if found is None:
        return []
    given = {key: (pattern.fields[key], text) for key, text in found.groupdict().items()}
    return [f"{key} is {field.expects}, not {text!r}" for key, (field, text) in given.items() if not _fits(field, text)]


def _fits(field: Field, text: str) -> bool:
    try:
        return re.fullmatch(field.regex, text) is not None and field.read(text) is not None
    except ValueError:
        return False
