"""What one message is in Socket.IO's words: an event with one argument, for rooms, without one client."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from broadcastkit.core.message import Message
from broadcastkit.core.names import ChannelKind
from broadcastkit.errors import ConfigurationError, InvalidEventError, InvalidPayloadError

__all__ = ["Emission", "check_carried", "emission"]

_NOT_CARRIED = {
    ChannelKind.ENCRYPTED.value: "encrypted, and Socket.IO's clients have no keys: it would go out readable",
    ChannelKind.SERVER_TO_USER.value: "a signed-in user's, and Socket.IO signs nobody in; "
    "give each user a channel, such as UserChannel",
}
# What the clients' own events are called: a listener could not tell one from the other.
_RESERVED = frozenset({"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"})


class Emission(NamedTuple):
    """One call of `emit`: the payload is the JSON value itself; a client in several of the rooms hears it once."""

    event: str
    payload: Any
    rooms: tuple[str, ...]
    skip_sid: str | None

    def __repr__(self) -> str:
        """Leave the payload out."""
        return f"<Emission {self.event!r} to {len(self.rooms)} room(s)>"

    @property
    def room(self) -> str | list[str]:
        """The rooms, as `emit` takes them."""
        return self.rooms[0] if len(self.rooms) == 1 else list(self.rooms)


def emission(message: Message) -> Emission:
    """Return what is to be emitted for a message: each channel is the room of its full name.

    Raises:
        ConfigurationError: a kind of channel that would be lost, or readable, on this way.
        InvalidEventError: an event of Socket.IO's own.
        InvalidPayloadError: a message made by hand, whose data is no JSON.
    """
    for name in message.channels:
        check_carried(name)
    if message.event in _RESERVED:
        raise InvalidEventError(f"event name {message.event!r} is one of Socket.IO's own: choose another")
    try:
        payload = json.loads(message.data)
    except ValueError:
        raise InvalidPayloadError(f"event {message.event!r}: the data of the message is no JSON") from None
    return Emission(message.event, payload, message.channels, message.exclude)


def check_carried(channel_name: str) -> None:
    """Raise ConfigurationError for a kind of channel that Socket.IO has no way to keep to."""
    for start, why in _NOT_CARRIED.items():
        if channel_name.startswith(start):
            raise ConfigurationError(f"a socketio connection cannot carry {channel_name!r}: it is {why}")
