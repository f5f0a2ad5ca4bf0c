"""What `/broadcasting/auth` and `/broadcasting/user-auth` do, without a framework: a body in, an answer out.

200 with JSON; 400 for a missing or malformed field; 403 for anything but a clear yes; 413 for a body that is too long.
The client is told no reasons for a 403: they are in the log, at INFO on `broadcastkit.authorization`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from broadcastkit.broadcaster import AsyncBroadcaster
from broadcastkit.errors import DeniedError, InvalidInputError, InvalidUserError

__all__ = ["BODY_LIMIT", "Answer", "authenticate_user", "authorize_channel", "parse_fields"]

_log = logging.getLogger("broadcastkit.authorization")

BODY_LIMIT = 16 * 1024
"""Bytes of a request body; a subscription takes a few hundred."""
_FIELDS_LIMIT = 100
JSON_HEADERS = {"Cache-Control": "no-store", "Content-Type": "application/json"}


class Answer(NamedTuple):
    """A status and a JSON body."""

    status: int
    body: bytes


FORBIDDEN = Answer(403, b'{"error":"forbidden"}')
TOO_LONG = Answer(413, b'{"error":"the request body is too long"}')


def parse_fields(content_type: str, body: bytes) -> Mapping[str, Any]:
    """Read a form or a JSON object; which of them is told by the media type, as clients differ.

    A field that is given twice has a list of its values: readers differ in which of them counts.

    Raises:
        InvalidInputError: neither.
    """
    if content_type.partition(";")[0].strip().lower() == "application/json":
        try:
            fields = json.loads(body, object_pairs_hook=_fields)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise InvalidInputError("the body is not a JSON object")
        return fields
    try:
        return _fields(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS_LIMIT))
    except ValueError:
        raise InvalidInputError("the body is not a form") from None


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: given if len(given) > 1 else given[0] for name, given in values.items()}


async def authorize_channel(
    broadcaster: AsyncBroadcaster, content_type: str, body: bytes, user: object | None
) -> Answer:
    """Answer a client that wants to subscribe to a channel."""

    async def ask(fields: Mapping[str, Any]) -> bytes:
        auth = await broadcaster.authorize_channel(
            socket_id=_required(fields, "socket_id"), channel_name=_required(fields, "channel_name"), user=user
        )
        return auth.to_json()

    return await _answer(content_type, body, ask)


async def authenticate_user(
    broadcaster: AsyncBroadcaster,
    content_type: str,
    body: bytes,
    user: object | None,
    *,
    user_data: Callable[[Any], object] | None = None,
) -> Answer:
    """Answer a client that wants to sign in; `user_data` may turn the user into what the service is to know."""

    async def ask(fields: Mapping[str, Any]) -> bytes:
        known = user if user is None or user_data is None else user_data(user)
        auth = await broadcaster.authenticate_user(socket_id=_required(fields, "socket_id"), user=known)
        return auth.to_json()

    return await _answer(content_type, body, ask)


async def _answer(content_type: str, body: bytes, ask: Callable[[Mapping[str, Any]], Awaitable[bytes]]) -> Answer:
    try:
        return Answer(200, await ask(parse_fields(content_type, body)))
    except DeniedError as error:
        _log.info("denied: %s", error.reason)
        return FORBIDDEN
    except InvalidUserError as error:
        # the application's user or member cannot be sent: its fault and not the client's, but no yes either
        _log.error("denied: %s", error)
        return FORBIDDEN
    except InvalidInputError as error:
        return Answer(400, json.dumps({"error": str(error)}).encode())


def _required(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if isinstance(value, str) and value:
        return value
    # compared by identity and type: what a stranger sends may be unhashable
    missing = value is None or isinstance(value, str)
    raise InvalidInputError(f"the field {name} is missing" if missing else f"{name} is not one string")
