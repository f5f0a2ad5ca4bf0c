"""The grammar of names on the wire: channels, events, socket ids and user ids.

Source: Pusher Channels protocol, "Channel naming conventions" and the HTTP API reference; limits as in
the HTTP API (164 characters with prefix, 200 for event names).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from broadcastkit.errors import (
    InvalidChannelError,
    InvalidEventError,
    InvalidSocketIdError,
    InvalidUserError,
)

__all__ = [
    "CHANNEL_NAME_LIMIT",
    "EVENT_NAME_LIMIT",
    "RESERVED_STARTS",
    "SERVER_TO_USER_PREFIX",
    "SOCKET_ID",
    "ChannelKind",
    "ChannelName",
    "check_channel_name",
    "check_event_name",
    "check_socket_id",
    "check_user_id",
    "default_event_name",
    "is_socket_id",
    "parse_channel_name",
    "usable_socket_id",
]

CHANNEL_NAME_LIMIT = 164
EVENT_NAME_LIMIT = 200
USER_ID_LIMIT = 128
_BIG_ID = 1 << 62  # ids up to here need no look at their length
SERVER_TO_USER_PREFIX = "#server-to-user-"

_CACHE = "cache-"
_CHANNEL = re.compile(r"[-a-zA-Z0-9_=@,.;]+")
_USER_ID = re.compile(r"[-a-zA-Z0-9_=@,.;]+")
# re.ASCII: \d would take Arabic-Indic digits. 32 digits are more than any server makes.
SOCKET_ID = re.compile(r"[0-9]{1,32}\.[0-9]{1,32}")
_ANY_SOCKET_ID = re.compile(r"[-a-zA-Z0-9_.#/]{1,128}")
_NO_SOCKET = frozenset({"fake-socket-id", "undefined", "null", "None"})
_RESERVED_EVENT_PREFIXES = ("pusher:", "pusher_internal:", "client-")


class ChannelKind(Enum):
    """The four kinds of channel and the channel of one signed-in user; the value is the name's prefix."""

    PUBLIC = ""
    PRIVATE = "private-"
    PRESENCE = "presence-"
    ENCRYPTED = "private-encrypted-"
    SERVER_TO_USER = SERVER_TO_USER_PREFIX

    @property
    def guarded(self) -> bool:
        """Whether a subscription needs a signed answer."""
        return self in _GUARDED

    def prefix(self, *, cache: bool) -> str:
        """Return what stands before a name of this kind on the wire."""
        return f"{self.value}{_CACHE}" if cache else self.value


_GUARDED = frozenset({ChannelKind.PRIVATE, ChannelKind.PRESENCE, ChannelKind.ENCRYPTED})
# Longest first: every encrypted name also starts with "private-".
_PREFIXED = (ChannelKind.ENCRYPTED, ChannelKind.PRIVATE, ChannelKind.PRESENCE)
_PREFIX_ONLY = {kind.value + infix for kind in (ChannelKind.PUBLIC, *_PREFIXED) for infix in ("", _CACHE)} - {""}
RESERVED_STARTS = ("private-", "presence-", "encrypted-", _CACHE)


class ChannelName(NamedTuple):
    """A full wire name, taken apart: `kind.value + ("cache-" if cache) + bare`."""

    kind: ChannelKind
    cache: bool
    bare: str


def parse_channel_name(name: str) -> ChannelName:
    """Take a full wire name apart; exactly one prefix is stripped. The name is not validated."""
    kind = ChannelKind.PUBLIC
    if name.startswith(SERVER_TO_USER_PREFIX):
        return ChannelName(ChannelKind.SERVER_TO_USER, cache=False, bare=name[len(SERVER_TO_USER_PREFIX) :])
    for candidate in _PREFIXED:
        if name.startswith(candidate.value):
            kind = candidate
            break
    rest = name[len(kind.value) :]
    cache = rest.startswith(_CACHE)
    return ChannelName(kind, cache, rest[len(_CACHE) :] if cache else rest)


def check_channel_name(name: object) -> str:
    """Return the full wire name, or raise InvalidChannelError that says what is wrong with it."""
    if not isinstance(name, str):
        raise InvalidChannelError(f"a channel name is a str, not {type(name).__name__}")
    if len(name) > CHANNEL_NAME_LIMIT:
        raise InvalidChannelError(
            f"channel name {name[:40]!r}… has {len(name)} characters; at most {CHANNEL_NAME_LIMIT}, prefix included"
        )
    if name.startswith(SERVER_TO_USER_PREFIX):
        try:
            check_user_id(name[len(SERVER_TO_USER_PREFIX) :])
        except InvalidUserError as error:
            raise InvalidChannelError(f"channel name {name!r}: {error}") from None
        return _plain(name)
    if _CHANNEL.fullmatch(name) is None:
        raise InvalidChannelError(
            f"channel name {name!r} may hold only ASCII letters, digits and - _ = @ , . ; and not be empty"
        )
    if name in _PREFIX_ONLY:
        raise InvalidChannelError(f"channel name {name!r} is only a prefix; a name must follow it")
    return _plain(name)


def check_event_name(name: object) -> str:
    """Return the event name, or raise InvalidEventError."""
    if not isinstance(name, str):
        raise InvalidEventError(f"an event name is a str, not {type(name).__name__}")
    if not name or len(name) > EVENT_NAME_LIMIT:
        raise InvalidEventError(
            f"event name {name[:40]!r} has {len(name)} characters; it must have 1 to {EVENT_NAME_LIMIT}"
        )
    if not name.isprintable():
        raise InvalidEventError(f"event name {name!r} holds characters that cannot be printed")
    if name.startswith(_RESERVED_EVENT_PREFIXES):
        raise InvalidEventError(
            f"event name {name!r} starts with a prefix of the protocol itself (pusher:, pusher_internal:, client-)"
        )
    return _plain(name)


def _plain(text: str) -> str:
    """Return the text itself: an f-string would write a member of a `(str, Enum)` as `Name.MEMBER`."""
    return text if type(text) is str else str.__str__(text)


def is_socket_id(value: object) -> bool:
    """Whether `value` is a socket id of the Pusher protocol: ASCII digits, a dot, ASCII digits."""
    return isinstance(value, str) and SOCKET_ID.fullmatch(value) is not None


def check_socket_id(value: object) -> str:
    """Return the socket id, or raise InvalidSocketIdError."""
    if isinstance(value, str) and SOCKET_ID.fullmatch(value) is not None:
        return _plain(value)
    shown = repr(value[:40]) if isinstance(value, str) else type(value).__name__
    raise InvalidSocketIdError(f"socket_id must look like '123.456', not {shown}")


def usable_socket_id(value: str | None) -> str | None:
    """Return a socket id sent in a request header, or None for anything that is not one.

    Pusher's are digits, Socket.IO's are not; a driver leaves out what its service would not know. Laravel Echo's null
    connector sends `fake-socket-id`, Turbo the text `undefined`: both mean "absent".
    """
    if value is None or value in _NO_SOCKET or _ANY_SOCKET_ID.fullmatch(value) is None:
        return None
    return value


def check_user_id(value: object) -> str:
    """Return a user id as the text the wire wants (ints become str), or raise InvalidUserError."""
    if type(value) is int and -1 < value < _BIG_ID:
        return str(value)
    text = _id_text(value)
    if text is None or len(text) > USER_ID_LIMIT or _USER_ID.fullmatch(text) is None:
        raise InvalidUserError(
            f"a user id is a str, int or UUID of 1 to {USER_ID_LIMIT} ASCII letters, digits or - _ = @ , . ; "
            f"(got {type(value).__name__}{f' of {len(text)} characters' if text is not None else ''})"
        )
    return text


def _id_text(value: object) -> str | None:
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, bool) or not isinstance(value, (int, UUID)):
        return None  # whatever else has a text, it is hardly an id: a float, a column of a model class
    try:
        return str(value)
    except ValueError:  # an int of thousands of digits
        return None


_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def default_event_name(class_name: str) -> str:
    """Derive the wire name from a class name: `MessageSent` → `message.sent`, `HTTPJobDone` → `http.job.done`."""
    return _WORD_START.sub(".", class_name.strip("_")).lower()
