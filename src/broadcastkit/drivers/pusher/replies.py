"""Reading replies of Pusher's HTTP API, leniently: services differ in shape, and errors come with status 200 too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from broadcastkit.core.retry_after import seconds_of
from broadcastkit.drivers.base import CachedEvent, ChannelInfo, UserInfo
from broadcastkit.drivers.pusher.quoting import blanked
from broadcastkit.drivers.pusher.wire import HttpReply
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ForbiddenError,
    RateLimitedError,
    RefusedError,
    ServiceFailedError,
    TooLargeForServiceError,
    UnknownAppError,
)

__all__ = ["channel_info", "channel_infos", "read", "user_infos"]

_OK = frozenset({200, 201, 202})
_CLIENT_ERROR = range(400, 500)
_NO_ANSWER = (ServiceFailedError, "this is no answer of the API: check host, port and path")
_BY_STATUS: dict[int, tuple[type[RefusedError], str]] = {
    200: _NO_ANSWER,
    401: (BadCredentialsError, "check key and secret, and this machine's clock (600 s off at most)"),
    403: (ForbiddenError, "the app is disabled or over its quota"),
    404: (UnknownAppError, "check app_id, host and path"),
    413: (TooLargeForServiceError, "the service takes less than the limit configured here"),
    429: (RateLimitedError, "too many requests"),
}


def read(reply: HttpReply, what: str, *, sent: bytes, now: float) -> dict[str, Any]:
    """Return the reply's JSON object, or raise the RefusedError that its status or body means.

    `what` names the request and the service in the error's text. `sent` is the body of the request, whose payloads are
    not quoted there, and `now` the time since the epoch.
    """
    body = _parse(reply.body)
    status = reply.status
    if status in _OK:
        if isinstance(body, dict) and "error" not in body:
            return body
        if reply.body.strip() in {b"", b"[]"} or status != 200:  # noqa: PLR2004
            return {}
        # soketi answers a wrong secret with 200 and {"error": …, "code": 401}
        code = body.get("code") if isinstance(body, dict) else None
        status = code if isinstance(code, int) else status
    text = str(body["error"]) if isinstance(body, dict) and "error" in body else reply.body.decode(errors="replace")
    raise _refused(status, what, blanked(text.strip(), sent), seconds_of(reply.retry_after, now))


def _refused(status: int, what: str, text: str, retry_after: float | None) -> RefusedError:
    fallback = BadRequestError if status in _CLIENT_ERROR else ServiceFailedError
    cls, hint = _BY_STATUS.get(status, (fallback, ""))
    error = cls("", status=status, response_text=text, retry_after=retry_after)
    said = " ".join(error.response_text[:200].split())
    error.args = (f"{what}: {status}{f' ({hint})' if hint else ''}{f'; it said: {said}' if said else ''}",)
    return error


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def channel_info(raw: Any) -> ChannelInfo:
    """Read one channel's attributes; what is missing or of another type is None."""
    known = raw if isinstance(raw, Mapping) else {}
    return ChannelInfo(
        occupied=_typed(known, "occupied", bool),
        user_count=_typed(known, "user_count", int),
        subscription_count=_typed(known, "subscription_count", int),
        cache=_cached(known.get("cache")),
    )


def _cached(raw: Any) -> CachedEvent | None:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("data"), str):
        return None
    return CachedEvent(raw["data"], _typed(raw, "ttl", int))


def _typed(raw: Mapping[str, Any], key: str, cls: type[Any]) -> Any:
    value = raw.get(key)
    return value if type(value) is cls else None


def channel_infos(body: Mapping[str, Any]) -> dict[str, ChannelInfo]:
    """Read a map of channels; Reverb writes an empty one as a list."""
    channels = body.get("channels")
    return {name: channel_info(raw) for name, raw in channels.items()} if isinstance(channels, Mapping) else {}


def user_infos(body: Mapping[str, Any]) -> tuple[UserInfo, ...]:
    """Read the users of a presence channel."""
    users = body.get("users")
    found = [user for user in users if isinstance(user, Mapping) and "id" in user] if isinstance(users, list) else []
    return tuple(UserInfo(str(user["id"])) for user in found)
