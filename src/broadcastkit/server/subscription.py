"""Whether a connection may subscribe or sign in: names, limits and signatures.

Pure, and never raises to the outside. Signatures are checked before anything they cover is read.
"""

from __future__ import annotations

from collections.abc import Mapping

from broadcastkit.core.names import ChannelKind, check_channel_name, check_user_id, parse_channel_name
from broadcastkit.core.payload import byte_length
from broadcastkit.errors import InvalidChannelError, InvalidUserError
from broadcastkit.server import frames
from broadcastkit.server.connection import Connection, Member, User
from broadcastkit.server.effects import Close, Reply, SignIn, Subscribe
from broadcastkit.server.settings import App, Limits

__all__ = ["UNAUTHORIZED", "sign_in", "subscribe"]

UNAUTHORIZED = 4009
_OVER_LIMIT = 4100


class _RefusedError(Exception):
    """Why a subscription is not made, in the three parts that a client is told."""

    def __init__(self, kind: str, message: str, status: int) -> None:
        super().__init__(kind, message, status)
        self.parts = kind, message, status


def subscribe(app: App, limits: Limits, connection: Connection, data: Mapping[str, object]) -> Subscribe | Reply:
    """Return what `pusher:subscribe` leads to: the subscription, or a frame that says why not."""
    channel = data.get("channel")
    if not isinstance(channel, str):
        return Reply(frames.error("pusher:subscribe needs a channel"))
    try:
        return _checked(app, limits, connection, channel, data)
    except _RefusedError as refused:
        return Reply(frames.subscription_error(channel, *refused.parts))


def _checked(
    app: App, limits: Limits, connection: Connection, channel: str, data: Mapping[str, object]
) -> Subscribe | Reply:
    kind = _kind(channel, limits)
    if kind is ChannelKind.SERVER_TO_USER:
        return _own_channel(channel, connection)
    member: Member | None = None
    if kind is ChannelKind.PRESENCE:
        member = _member(app, limits, connection, channel, data)
    elif kind.guarded:
        _check_signature(app, connection, channel, data, None)
    most = limits.channels_per_connection
    if channel not in connection.channels and len(connection.channels) >= most:
        raise _RefusedError("LimitReached", f"A connection has at most {most} channels", _OVER_LIMIT)
    return Subscribe(channel, member)


def _kind(channel: str, limits: Limits) -> ChannelKind:
    try:
        check_channel_name(channel)
    except InvalidChannelError:
        raise _RefusedError("InvalidChannel", "The channel name is not allowed", UNAUTHORIZED) from None
    if len(channel) > limits.channel_name_length:
        message = f"A channel name has at most {limits.channel_name_length} characters"
        raise _RefusedError("LimitReached", message, UNAUTHORIZED)
    return parse_channel_name(channel).kind


def _own_channel(channel: str, connection: Connection) -> Reply:
    # pusher-js subscribes to it after signing in; what is sent to the user comes with or without that
    if connection.user is None or channel != ChannelKind.SERVER_TO_USER.value + connection.user.id:
        raise _RefusedError("AuthError", "The channel belongs to another user", 401)
    return Reply(frames.subscription_succeeded(channel))


def _check_signature(
    app: App, connection: Connection, channel: str, data: Mapping[str, object], channel_data: str | None
) -> None:
    auth = data.get("auth")
    if not isinstance(auth, str) or not app.keys.verify_subscription(auth, connection.socket_id, channel, channel_data):
        raise _RefusedError("AuthError", "The connection is unauthorized", 401)


def _member(app: App, limits: Limits, connection: Connection, channel: str, data: Mapping[str, object]) -> Member:
    channel_data = data.get("channel_data")
    if isinstance(channel_data, str):
        _check_signature(app, connection, channel, data, channel_data)
        member = _signed_member(channel_data, limits)
    else:
        _check_signature(app, connection, channel, data, None)
        if connection.user is None:
            raise _RefusedError("AuthError", "A presence channel needs channel_data or a sign-in", 401)
        member = Member(*connection.user)
    if member.info is not None and byte_length(member.info) > limits.presence_info_size:
        message = f"The user_info of a member has at most {limits.presence_info_size} bytes"
        raise _RefusedError("LimitReached", message, _OVER_LIMIT)
    return member


def _signed_member(channel_data: str, limits: Limits) -> Member:
    data = frames.read_object(channel_data) or {}
    user_id = data.get("user_id")
    if type(user_id) is int:  # other makers' endpoints sign numbers
        user_id = str(user_id)
    if not isinstance(user_id, str) or not 0 < len(user_id) <= limits.user_id_length:
        message = f"channel_data must be JSON with a user_id of 1 to {limits.user_id_length} characters"
        raise _RefusedError("BadMember", message, 400)
    return Member(user_id, _info(data))


def _info(data: Mapping[str, object]) -> str | None:
    return frames.json_text(data["user_info"]) if "user_info" in data else None


def sign_in(app: App, limits: Limits, connection: Connection, data: Mapping[str, object]) -> SignIn | Close:
    """Return what `pusher:signin` leads to: the sign-in, or the end of the connection."""
    auth, user_data = data.get("auth"), data.get("user_data")
    if not isinstance(auth, str) or not isinstance(user_data, str):
        return Close(UNAUTHORIZED, "pusher:signin needs auth and user_data")
    if not app.keys.verify_user(auth, connection.socket_id, user_data):
        return Close(UNAUTHORIZED, "Connection not authorized")
    user = frames.read_object(user_data) or {}
    try:
        user_id = check_user_id(user.get("id"))
    except InvalidUserError:
        return Close(UNAUTHORIZED, "user_data must be JSON with an id: letters, digits and - _ = @ , . ;")
    if len(user_id) > limits.user_id_length:
        return Close(UNAUTHORIZED, f"The id of a user has at most {limits.user_id_length} characters")
    if connection.user is not None and connection.user.id != user_id:
        return Close(UNAUTHORIZED, "The connection belongs to another user already")
    return SignIn(User(user_id, _info(user)), user_data)
