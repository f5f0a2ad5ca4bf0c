"""Reads what a client asks: a form or a JSON object with `socket_id` and `channel_name`, or several of the latter."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from broadcastkit.errors import InvalidInputError

__all__ = ["MAX_CHANNELS", "asked_sign_in", "asked_subscription", "parse_fields"]

MAX_CHANNELS = 50
"""How many channels one request may ask for, unless an integration is told otherwise."""

_OTHER_FIELDS = 50
# As forms write a list: `channel_name[]` (PHP, jQuery, axios), `channel_name[0]` (pusher-js-auth), or the name again.
_CHANNEL_NAME = re.compile(r"channel_name(?:\[[0-9]*\])?")


def parse_fields(content_type: str, body: bytes, *, max_channels: int = MAX_CHANNELS) -> Mapping[str, Any]:
    """Read a form or a JSON object; which of them is told by the media type, as clients differ.

    A field that is given twice has its values in a list in a form. In JSON, whose readers differ in which of them
    counts, they are a tuple, which no array is.

    Raises:
        InvalidInputError: neither.
    """
    if content_type.partition(";")[0].strip().lower() == "application/json":
        try:
            fields = json.loads(body, object_pairs_hook=_members)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise InvalidInputError("the body is not a JSON object")
        return fields
    try:
        text = body.decode("ascii")
        return _fields(parse_qsl(text, keep_blank_values=True, max_num_fields=_OTHER_FIELDS + max_channels))
    except ValueError:
        raise InvalidInputError("the body is not a form") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return _fields(pairs, together=tuple)


def _fields(pairs: list[tuple[str, Any]], together: type[list[Any] | tuple[Any, ...]] = list) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: together(given) if len(given) > 1 else given[0] for name, given in values.items()}


def asked_subscription(
    content_type: str, body: bytes, *, max_channels: int = MAX_CHANNELS, needs_socket_id: bool = True
) -> tuple[str | None, str | list[str]]:
    """Read the body of a client that wants to subscribe: its socket id, where one is needed, and a name or several.

    Raises:
        InvalidInputError: one of them is missing or of another type, the body cannot be read, or there are more names
            than `max_channels`.
    """
    fields = parse_fields(content_type, body, max_channels=max_channels)
    socket_id = _required(fields, "socket_id") if needs_socket_id else None
    name = fields.get("channel_name")
    if type(name) is str and name:
        return socket_id, name
    names = _listed(fields) if name is None or type(name) is list else []
    return socket_id, _checked(names, max_channels) if names else _required(fields, "channel_name")


def asked_sign_in(content_type: str, body: bytes) -> str:
    """Read the body of a client that wants to sign in: its socket id. Raises as `asked_subscription` does."""
    return _required(parse_fields(content_type, body), "socket_id")


def _listed(fields: Mapping[str, Any]) -> list[Any]:
    names: list[Any] = []
    for field, given in fields.items():
        if given is not None and _CHANNEL_NAME.fullmatch(field) is not None:
            names.extend(given if type(given) is list else [given])
    return names


def _checked(names: list[Any], max_channels: int) -> list[str]:
    if len(names) > max_channels:
        raise InvalidInputError(f"a request may ask for {max_channels} channels, not for {len(names)}")
    if not all(isinstance(name, str) for name in names):
        raise InvalidInputError("channel_name is not a list of strings")
    return [*dict.fromkeys(names)]


def _required(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if isinstance(value, str) and value:
        return value
    # compared by identity and type: what a stranger sends may be unhashable
    missing = value is None or isinstance(value, str)
    raise InvalidInputError(f"the field {name} is missing" if missing else f"{name} is not one string")
