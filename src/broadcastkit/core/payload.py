"""Payload text: a value becomes JSON once, and its size is the bytes of its UTF-8."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from broadcastkit.errors import InvalidPayloadError, PayloadTooLargeError

__all__ = ["byte_length", "check_size", "encode", "largest_fields"]


def encode(value: Any, what: str) -> str:
    """Write a value as JSON text: datetimes, UUIDs, Decimals, dataclasses and models included; NaN becomes null."""
    try:
        return to_json(value, inf_nan_mode="null", fallback=_other_mapping).decode()
    except PydanticSerializationError as error:
        raise InvalidPayloadError(f"{what} cannot be written as JSON: {_without_values(error)}") from None
    except ValueError:  # a lone surrogate, a circular reference
        raise InvalidPayloadError(
            f"{what} cannot be written as JSON: it holds text that is not Unicode, or itself"
        ) from None


def _other_mapping(value: object) -> dict[Any, Any]:
    """Give pydantic-core the mappings that it does not know: a database row, a read-only view."""
    if isinstance(value, Mapping):
        return dict(value)
    raise PydanticSerializationError(f"Unable to serialize unknown type: {type(value)}")


# What pydantic-core says by itself; the text of an error in a serializer of the application may quote a value.
_SAYS_NO_VALUE = re.compile(
    r"Unable to serialize unknown type: <class '[\w.<>]+'>|invalid utf-8 sequence|surrogates not allowed"
    r"|Circular reference detected|Maximum serialization depth exceeded"
)


def _without_values(error: Exception) -> str:
    known = _SAYS_NO_VALUE.search(str(error))
    return "a serializer failed" if known is None else known[0]


def byte_length(text: str) -> int:
    """Return the length in bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def check_size(event: str, text: str, limit: int, plain: str | None = None) -> None:
    """Raise PayloadTooLargeError if `text`, as it goes out, is over `limit` bytes.

    `plain` is the payload before encryption, from which the largest fields are named.
    """
    if len(text) * 4 <= limit:  # UTF-8 takes at most four bytes a character
        return
    size = byte_length(text)
    if size <= limit:
        return
    largest = largest_fields(text if plain is None else plain)
    fields = ", ".join(f"{name} ({length} B)" for name, length in largest) or "not an object"
    raise PayloadTooLargeError(
        f"event {event!r}: the payload has {size} bytes, the service takes {limit}; largest fields: {fields}. "
        "Send an id and let the client fetch the rest, or raise the limit if your service allows more.",
        event=event,
        size=size,
        limit=limit,
        largest=largest,
    )


def largest_fields(text: str, count: int = 3) -> tuple[tuple[str, int], ...]:
    """Return the top-level fields that take the most bytes, largest first."""
    try:
        value = json.loads(text)
    except ValueError:
        return ()  # only a message made by hand holds data that is no JSON
    if not isinstance(value, dict):
        return ()
    sizes = [
        (name, byte_length(json.dumps(part, ensure_ascii=False, separators=(",", ":")))) for name, part in value.items()
    ]
    return tuple(sorted(sizes, key=lambda pair: -pair[1])[:count])
