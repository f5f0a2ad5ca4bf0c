"""What `/broadcasting/auth` and `/broadcasting/user-auth` do, without a framework: a body in, an answer out.

200 with JSON; 400 for a missing or malformed field; 403 for anything but a clear yes; 413 for a body that is too long.
The client is told no reasons for a 403: they are in the log, at INFO on `broadcastkit.authorization`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

from broadcastkit.authorization.rules import callback_name, is_async
from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster
from broadcastkit.default import default_broadcaster
from broadcastkit.errors import ConfigurationError, DeniedError, InvalidInputError, InvalidUserError

__all__ = [
    "AUTH",
    "BODY_LIMIT",
    "FORBIDDEN",
    "JSON_HEADERS",
    "NOT_FOUND",
    "POST_ONLY",
    "REFUSED",
    "TOO_LONG",
    "USER_AUTH",
    "Answer",
    "UserData",
    "asked_sign_in",
    "asked_subscription",
    "authenticate_user",
    "authenticate_user_blocking",
    "authorize_channel",
    "authorize_channel_blocking",
    "bad_request",
    "blocking_broadcaster",
    "check_request",
    "parse_fields",
    "refuse",
    "require_sync",
    "response_headers",
    "signed_in",
]

_log = logging.getLogger("broadcastkit.authorization")

AUTH, USER_AUTH = "/auth", "/user-auth"
BODY_LIMIT = 16 * 1024
"""Bytes of a request body; a subscription takes a few hundred."""
_FIELDS_LIMIT = 100
JSON_HEADERS = {"Cache-Control": "no-store", "Content-Type": "application/json"}

UserData: TypeAlias = Callable[[Any], object]
"""Turns the user into what a sign-in tells the service: a mapping with `id`, `user_info`, `watchlist`."""

REFUSED = (DeniedError, InvalidInputError)
"""What a broadcaster raises for the client to be told; anything else is the application's own error."""


class Answer(NamedTuple):
    """A status and a JSON body."""

    status: int
    body: bytes


FORBIDDEN = Answer(403, b'{"error":"forbidden"}')
NOT_FOUND = Answer(404, b'{"error":"not found"}')
POST_ONLY = Answer(405, b'{"error":"POST only"}')
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


def asked_subscription(content_type: str, body: bytes, *, needs_socket_id: bool = True) -> dict[str, str]:
    """Read the body of a client that wants to subscribe: `socket_id`, where it is needed, and `channel_name`.

    Raises:
        InvalidInputError: one of them is missing or no string, or the body cannot be read.
    """
    fields = parse_fields(content_type, body)
    socket_id = {"socket_id": _required(fields, "socket_id")} if needs_socket_id else {}
    return {**socket_id, "channel_name": _required(fields, "channel_name")}


def asked_sign_in(content_type: str, body: bytes) -> dict[str, str]:
    """Read the body of a client that wants to sign in: `socket_id`. Raises as `asked_subscription` does."""
    return {"socket_id": _required(parse_fields(content_type, body), "socket_id")}


def refuse(error: DeniedError | InvalidInputError) -> Answer:
    """Turn what a broadcaster raised into the answer for the client, and what is not the client's into the log."""
    match error:
        case DeniedError():
            _log.info("denied: %s", error.reason)
            return FORBIDDEN
        case InvalidUserError():
            # the application's user or member cannot be sent: its fault and not the client's, but no yes either
            _log.error("denied: %s", error)
            return FORBIDDEN
        case _:
            return bad_request(str(error))


def bad_request(text: str) -> Answer:
    """Answer a request that is malformed, and say how."""
    return Answer(400, json.dumps({"error": text}).encode())


def check_request(method: str, path: str) -> Answer | None:
    """Return the answer to a request for which there is no endpoint, or None: `path` is that below the prefix."""
    if path not in {AUTH, USER_AUTH}:
        return NOT_FOUND
    return None if method == "POST" else POST_ONLY


def response_headers(answer: Answer) -> list[tuple[str, str]]:
    """Return an answer's headers, for those whose framework writes none by itself."""
    headers = [*JSON_HEADERS.items(), ("Content-Length", str(len(answer.body)))]
    return [*headers, ("Allow", "POST")] if answer is POST_ONLY else headers


async def authorize_channel(
    broadcaster: AsyncBroadcaster, content_type: str, body: bytes, user: object | None
) -> Answer:
    """Answer a client that wants to subscribe to a channel."""
    try:
        asked = asked_subscription(content_type, body, needs_socket_id=broadcaster.needs_socket_id())
        auth = await broadcaster.authorize_channel(**asked, user=signed_in(user))
    except REFUSED as error:
        return refuse(error)
    return Answer(200, auth.to_json())


def authorize_channel_blocking(broadcaster: Broadcaster, content_type: str, body: bytes, user: object | None) -> Answer:
    """See authorize_channel."""
    try:
        asked = asked_subscription(content_type, body, needs_socket_id=broadcaster.needs_socket_id())
        auth = broadcaster.authorize_channel(**asked, user=signed_in(user))
    except REFUSED as error:
        return refuse(error)
    return Answer(200, auth.to_json())


async def authenticate_user(
    broadcaster: AsyncBroadcaster,
    content_type: str,
    body: bytes,
    user: object | None,
    *,
    user_data: UserData | None = None,
) -> Answer:
    """Answer a client that wants to sign in; `user_data` may turn the user into what the service is to know."""
    try:
        asked = asked_sign_in(content_type, body)
        auth = await broadcaster.authenticate_user(**asked, user=_told(user, user_data))
    except REFUSED as error:
        return refuse(error)
    return Answer(200, auth.to_json())


def authenticate_user_blocking(
    broadcaster: Broadcaster,
    content_type: str,
    body: bytes,
    user: object | None,
    *,
    user_data: UserData | None = None,
) -> Answer:
    """See authenticate_user."""
    try:
        asked = asked_sign_in(content_type, body)
        auth = broadcaster.authenticate_user(**asked, user=_told(user, user_data))
    except REFUSED as error:
        return refuse(error)
    return Answer(200, auth.to_json())


def signed_in(user: object | None) -> object | None:
    """Return the user, or None for what frameworks have in the place of nobody: its `is_authenticated` is False."""
    return None if user is None or getattr(user, "is_authenticated", True) is False else user


def require_sync(
    by: str, broadcaster: Broadcaster | AsyncBroadcaster | None, *callbacks: Callable[..., Any] | None
) -> None:
    """Refuse what a sync integration would have to await, and have its rules refused that come later.

    Raises:
        ConfigurationError: it names the callback.
    """
    if isinstance(broadcaster, AsyncBroadcaster):
        raise ConfigurationError(f"{by} is sync and takes a Broadcaster, not an AsyncBroadcaster")
    for callback in callbacks:
        if callback is not None and is_async(callback):
            raise ConfigurationError(f"{by} is sync and cannot await {callback_name(callback)}; use def")
    if broadcaster is not None:
        broadcaster.channels.require_sync(by)


def blocking_broadcaster(by: str, given: Broadcaster | None) -> Broadcaster:
    """Return the broadcaster that a sync integration was given, or else the configured one, whose rules it checks.

    Raises:
        ConfigurationError: a rule is `async`, or nothing is configured.
    """
    if given is not None:
        return given
    broadcaster = default_broadcaster()
    broadcaster.channels.require_sync(by)
    return broadcaster


def _told(user: object | None, user_data: UserData | None) -> object | None:
    known = signed_in(user)
    return known if known is None or user_data is None else user_data(known)


def _required(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if isinstance(value, str) and value:
        return value
    # compared by identity and type: what a stranger sends may be unhashable
    missing = value is None or isinstance(value, str)
    raise InvalidInputError(f"the field {name} is missing" if missing else f"{name} is not one string")
