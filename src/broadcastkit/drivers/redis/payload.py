"""Laravel's text for Redis, and names with and without the prefix that one Redis shares out by.

Source: `RedisBroadcaster` of Laravel's framework. Unlike there, `socket` is beside the data and not in it.
"""

from __future__ import annotations

from json.encoder import encode_basestring

from broadcastkit.core.message import Message
from broadcastkit.core.names import ChannelKind
from broadcastkit.errors import ConfigurationError

__all__ = ["check_carried", "message_text", "without_prefix"]

_NOT_CARRIED = {
    ChannelKind.ENCRYPTED.value: "encrypted, and what listens on Redis has no keys: it would go out readable",
    ChannelKind.SERVER_TO_USER.value: "a signed-in user's, and what listens on Redis signs nobody in",
}
_STARTS = tuple(_NOT_CARRIED)


def message_text(message: Message) -> str:
    """Return `{"event":…,"data":…,"socket":…}`, where `data` is the JSON value itself and no string."""
    event, _, data, exclude, _, _ = message
    socket = "null" if exclude is None else encode_basestring(exclude)
    return f'{{"event":{encode_basestring(event)},"data":{data},"socket":{socket}}}'


def check_carried(channel_name: str) -> None:
    """Raise ConfigurationError for a kind of channel that would be lost, or readable, on this way."""
    if not channel_name.startswith(_STARTS):
        return
    for start, why in _NOT_CARRIED.items():
        if channel_name.startswith(start):
            raise ConfigurationError(f"a redis connection cannot carry {channel_name!r}: it is {why}")


def without_prefix(channel_name: str, prefix: str) -> str:
    """Return the name that a rule knows. A client of a laravel-echo-server without `keyPrefix` sends it with it."""
    return channel_name.removeprefix(prefix)
