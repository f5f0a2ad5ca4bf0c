"""Frames of the Pusher protocol, version 7, as text: reading what a client sent, writing what it gets.

Every frame is one JSON object with an `event`. The `data` of what a server sends is a JSON text in a string,
except in errors, where clients expect the object itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring
from typing import Any, NamedTuple, cast

from pydantic_core import from_json, to_json

from broadcastkit.server.connection import Member

__all__ = [
    "CACHE_MISS",
    "PING",
    "PONG",
    "SUBSCRIPTION_SUCCEEDED",
    "Incoming",
    "channel_frame",
    "connection_established",
    "error",
    "json_text",
    "member_added",
    "member_removed",
    "quoted",
    "read_frame",
    "read_object",
    "signin_success",
    "subscription_error",
    "subscription_succeeded",
]

PING = '{"event":"pusher:ping","data":"{}"}'
PONG = '{"event":"pusher:pong","data":"{}"}'
SUBSCRIPTION_SUCCEEDED = "pusher_internal:subscription_succeeded"
CACHE_MISS = "pusher:cache_miss"

_ECHO_LIMIT = 200

# A str as JSON: in C, and without the dumps() around it. The text must be Unicode, without lone surrogates.
quoted = encode_basestring


class Incoming(NamedTuple):
    """A frame from a client, parts not yet checked. `has_data` tells no data from `null`."""

    event: str
    channel: object
    data: object
    has_data: bool


def read_frame(text: bytes) -> Incoming | None:
    """Return the parts of a frame, or None if it is none: not JSON, not an object, or without a name."""
    frame = read_object(text)
    event = None if frame is None else frame.get("event")
    if frame is None or not isinstance(event, str):
        return None
    return Incoming(event, frame.get("channel"), frame.get("data"), "data" in frame)


def read_object(text: str | bytes) -> dict[str, Any] | None:
    """Return the JSON object in a text, or None. Its strings are sure to be Unicode: no lone surrogates."""
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:  # also for what is nested too deep, or has numbers of thousands of digits
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def json_text(value: object) -> str:
    """Write what was read from JSON as JSON again; a number too large for a float becomes null."""
    return to_json(value, inf_nan_mode="null").decode()


def channel_frame(event: str, channel: str, data: str | None, user_id: str | None = None) -> str:
    """Write an event on a channel; `user_id` says who sent it, for client events on presence channels."""
    frame = f'{{"event":{quoted(event)},"channel":{quoted(channel)}'
    if data is not None:
        frame = f'{frame},"data":{quoted(data)}'
    return f"{frame}}}" if user_id is None else f'{frame},"user_id":{quoted(user_id)}}}'


def connection_established(socket_id: str, activity_timeout: float) -> str:
    """Write the first frame. Clients count in whole seconds, and take 0 for "not given"."""
    data = f'{{"socket_id":"{socket_id}","activity_timeout":{max(1, int(activity_timeout))}}}'
    return f'{{"event":"pusher:connection_established","data":{quoted(data)}}}'


def error(message: str, code: int | None = None) -> str:
    """Write `pusher:error`."""
    data: dict[str, object] = {"message": message} if code is None else {"code": code, "message": message}
    return json_text({"event": "pusher:error", "data": data})


def subscription_error(channel: str, kind: str, message: str, status: int) -> str:
    """Write the refusal of a subscription, as soketi does and pusher-js passes on to the page."""
    data = {"type": kind, "error": message, "status": status}
    return json_text({"event": "pusher:subscription_error", "channel": channel[:_ECHO_LIMIT], "data": data})


def subscription_succeeded(channel: str, roster: Mapping[str, str | None] | None = None) -> str:
    """Write the confirmation of a subscription; a presence channel's holds the roster: user id → info."""
    if roster is None:
        return channel_frame(SUBSCRIPTION_SUCCEEDED, channel, "{}")
    ids = [quoted(user_id) for user_id in roster]
    # null and not left out: pusher-js takes a member without an entry for nobody
    info = [f"{user_id}:{info or 'null'}" for user_id, info in zip(ids, roster.values(), strict=True)]
    data = f'{{"presence":{{"count":{len(ids)},"ids":[{_joined(ids)}],"hash":{{{_joined(info)}}}}}}}'
    return channel_frame(SUBSCRIPTION_SUCCEEDED, channel, data)


def member_added(channel: str, member: Member) -> str:
    """Write that a user came."""
    info = "" if member.info is None else f',"user_info":{member.info}'
    data = f'{{"user_id":{quoted(member.user_id)}{info}}}'
    return channel_frame("pusher_internal:member_added", channel, data)


def member_removed(channel: str, user_id: str) -> str:
    """Write that a user left."""
    return channel_frame("pusher_internal:member_removed", channel, f'{{"user_id":{quoted(user_id)}}}')


def signin_success(user_data: str) -> str:
    """Write the confirmation of a sign-in, with the text that was signed."""
    return f'{{"event":"pusher:signin_success","data":{quoted(json_text({"user_data": user_data}))}}}'


def _joined(parts: Iterable[str]) -> str:
    return ",".join(parts)
