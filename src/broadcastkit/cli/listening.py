"""The client's side of the Pusher protocol, version 7: frames in, what to send and what was heard out. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json

from broadcastkit.authorization import PresenceMember, SubscriptionGrant, grant_user
from broadcastkit.core.encryption import MasterKey, open_sealed
from broadcastkit.core.names import ChannelKind, check_channel_name, is_socket_id, parse_channel_name
from broadcastkit.drivers.base import Driver
from broadcastkit.errors import (
    BadCredentialsError,
    ConfigurationError,
    InvalidPayloadError,
    RefusedError,
    ServiceFailedError,
    UnknownAppError,
)
from broadcastkit.server.frames import PING, PONG, json_text, read_object

__all__ = ["PING", "Heard", "Listener", "Step"]

_LONGEST_SILENCE = 120.0
_UNKNOWN_KEY = 4001
_UNAUTHORIZED = frozenset({401, 403, 4009})


class Heard(NamedTuple):
    """An event on a channel. `user_id` is who sent a client event on a presence channel.

    `data` is the value that was sent; of an encrypted channel it is opened, or as it came and `sealed` is True.
    """

    event: str
    channel: str
    data: object
    user_id: str | None = None
    sealed: bool = False

    @property
    def of_protocol(self) -> bool:
        """Whether the server itself tells of something: members that come and go, a cache without an event."""
        return self.event.startswith(("pusher:", "pusher_internal:"))


class Step(NamedTuple):
    """What follows from a frame."""

    send: tuple[str, ...] = ()
    heard: Heard | None = None
    note: str = ""


class Listener:
    """One client, from its first frame on. It signs for itself, with the driver that has the secret."""

    def __init__(
        self, channels: Sequence[str], driver: Driver, *, user_id: str, master_keys: tuple[MasterKey, ...] = ()
    ) -> None:
        self.channels: tuple[str, ...] = tuple(dict.fromkeys(map(check_channel_name, channels)))
        self.activity_timeout: float = _LONGEST_SILENCE
        self.waiting: set[str] = set(self.channels)
        """The channels of which the server has not yet said that they are heard."""
        self._driver = driver
        self._member = PresenceMember(user_id).as_json()
        self._master_keys = master_keys
        self._socket_id = ""
        self._signs_in = [name for name in self.channels if _kind(name) is ChannelKind.SERVER_TO_USER]
        if len(self._signs_in) > 1:
            raise ConfigurationError(f"a connection is one user's: {' and '.join(self._signs_in)} are two")

    def read(self, text: str) -> Step:
        """Take in a frame.

        Raises:
            RefusedError: the server does not know the app, or lets nobody in; or what came is not of this protocol.
        """
        frame = read_object(text)
        event = None if frame is None else frame.get("event")
        if frame is None or not isinstance(event, str):
            self.check_greeted()
            return Step(note="A frame came that cannot be read; it is left out.")
        match event:
            case "pusher:connection_established":
                return self._established(_object(frame))
            case "pusher:ping":
                return Step(send=(PONG,))
            case "pusher:error":
                raise _refused(_object(frame))
            case "pusher:subscription_error":
                raise _not_subscribed(frame.get("channel"), _object(frame))
            case "pusher_internal:subscription_succeeded":
                self.waiting.discard(str(frame.get("channel")))
            case "pusher:signin_success":
                self.waiting.difference_update(self._signs_in)
            case _:
                return self._heard(event, frame)
        return Step()

    def check_greeted(self) -> None:
        """Raise ServiceFailedError unless the server has greeted the client."""
        if not self._socket_id:
            raise ServiceFailedError("the server does not speak the Pusher protocol")

    def _established(self, data: Mapping[str, Any]) -> Step:
        if self._socket_id:
            return Step()
        socket_id = data.get("socket_id")
        # checked before anything is signed for it: a stranger must not choose what is
        if not isinstance(socket_id, str) or not is_socket_id(socket_id):
            raise ServiceFailedError("the server gave no socket id of the Pusher protocol")
        self._socket_id = socket_id
        timeout = data.get("activity_timeout")
        if isinstance(timeout, (int, float)) and 1 <= timeout < _LONGEST_SILENCE:
            self.activity_timeout = float(timeout)
        return Step(send=tuple(map(self._ask, self.channels)))

    def _ask(self, channel: str) -> str:
        """Return the frame that asks for a channel, signed if it must be."""
        kind, _, bare = parse_channel_name(channel)
        if kind is ChannelKind.SERVER_TO_USER:
            user = self._driver.answer_user(grant_user(socket_id=self._socket_id, user={"id": bare}))
            return json_text({"event": "pusher:signin", "data": {"auth": user.auth, "user_data": user.user_data}})
        data = {"channel": channel}
        if kind.guarded:
            member = self._member if kind is ChannelKind.PRESENCE else None
            answer = self._driver.answer_subscription(SubscriptionGrant(self._socket_id, channel, member))
            data |= {key: value for key, value in answer.as_dict().items() if key != "shared_secret"}
        return json_text({"event": "pusher:subscribe", "data": data})

    def _heard(self, event: str, frame: Mapping[str, Any]) -> Step:
        channel, user_id = frame.get("channel"), frame.get("user_id")
        if not isinstance(channel, str):
            return Step()
        data, sealed = frame.get("data"), False
        if _kind(channel) is ChannelKind.ENCRYPTED and not event.startswith("pusher"):
            data, sealed = self._opened(channel, data)
        sender = user_id if isinstance(user_id, str) else None
        return Step(heard=Heard(event, channel, data if sealed else _value(data), sender, sealed))

    def _opened(self, channel: str, data: object) -> tuple[object, bool]:
        text = data if isinstance(data, str) else json_text(data)
        try:
            return open_sealed(channel, text, self._master_keys), False
        except InvalidPayloadError:
            return _value(data), True


def _refused(data: Mapping[str, Any]) -> RefusedError:
    code, said = data.get("code"), data.get("message")
    if code == _UNKNOWN_KEY:
        return UnknownAppError(f"the server knows no app with this key; it said: {said}")
    cls = BadCredentialsError if code in _UNAUTHORIZED else RefusedError
    return cls(f"the server refuses: {code}; it said: {said}")


def _not_subscribed(channel: object, data: Mapping[str, Any]) -> RefusedError:
    status, said = data.get("status"), data.get("error")
    if status in _UNAUTHORIZED:
        return BadCredentialsError(f"the server refuses {channel}: {status} (check the secret); it said: {said}")
    return RefusedError(f"the server refuses {channel}: {status}; it said: {said}")


def _kind(channel: str) -> ChannelKind:
    return parse_channel_name(channel).kind


def _object(frame: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a frame's data, which servers write as an object or as its JSON text."""
    data = frame.get("data")
    found = read_object(data) if isinstance(data, str) else data
    return found if isinstance(found, dict) else {}


def _value(data: object) -> object:
    """Return the value that `data` is or holds as JSON text, of which JSON can be written again."""
    if isinstance(data, str):
        try:
            data = from_json(data, allow_inf_nan=False)
        except ValueError:
            return data
    # 1e999 is read as infinity, which JSON has no word for
    return from_json(json_text(data))
