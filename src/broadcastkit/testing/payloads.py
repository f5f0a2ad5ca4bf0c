"""How a payload differs from the one that an assertion wants: field by field, as it would be written in Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["payload_differences", "shortened"]

_SHOWN = 100


def payload_differences(wanted: object, payload: object, *, partial: bool = False) -> Iterator[str]:
    """Say where a payload is not the one wanted; nothing, if it is.

    Values are compared by what is wanted, with `==`, so that an object with an `__eq__` of its own lets through what
    it likes. With `partial`, an object may have other fields too, and so may the objects in it.
    """
    yield from _differences(wanted, payload, "payload", partial=partial)


def _differences(wanted: object, value: object, path: str, *, partial: bool) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(value, dict):
        yield from _in_fields(wanted, value, path, partial=partial)
    elif isinstance(wanted, list) and isinstance(value, list):
        if len(wanted) != len(value):
            yield f"{path} has {len(value)} items, not {len(wanted)}"
            return
        for index, (item, found) in enumerate(zip(wanted, value, strict=True)):
            yield from _differences(item, found, f"{path}[{index}]", partial=False)
    elif wanted == value:
        return
    else:
        # at once: what dirty-equals compares with shows the value it was last equal to
        yield f"{path} is {shortened(value)}, not {shortened(wanted)}"


def _in_fields(wanted: Mapping[Any, object], fields: dict[Any, object], path: str, *, partial: bool) -> Iterator[str]:
    for key, item in wanted.items():
        where = f"{path}[{key!r}]"
        if key in fields:
            yield from _differences(item, fields[key], where, partial=partial)
        else:
            yield f"{where} is missing, and should be {shortened(item)}"
    if not partial:
        for key in (key for key in fields if key not in wanted):
            yield f"{path}[{key!r}] is {shortened(fields[key])}, and should not be there"


def shortened(value: object) -> str:
    """Show a value in one line of a failure."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
