"""What a fallback is given: an event that nobody was there to hear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import NAMESPACE_OID, uuid4, uuid5

from broadcastkit.channels.base import Channel
from broadcastkit.core.message import Message

__all__ = ["Missed", "channels_of", "id_of", "missed_of"]

ChannelT_co = TypeVar("ChannelT_co", bound=Channel, covariant=True)


@dataclass(frozen=True, slots=True)
class Missed(Generic[ChannelT_co]):
    """An event on a channel to which nobody was subscribed.

    `event` is the event's name on the wire, `payload` what a client would have after `JSON.parse`: for most events, a
    dict. `id` is the same at each try, and another one for each fallback, channel and broadcast: by it, whoever is told
    twice can tell. Make one yourself to test a function with it.
    """

    channel: ChannelT_co
    event: str
    payload: Any = field(repr=False)
    id: str


def id_of(message: Message) -> str:
    """Return the id of a message's broadcast, which it has from when it was rendered; else a new one."""
    return getattr(message, "id", None) or uuid4().hex


def missed_of(broadcast: str, name: str, channel: Channel, message: Message) -> Missed[Any]:
    """Return what a fallback is told of a message on one of its channels; each may change its payload."""
    id_ = uuid5(NAMESPACE_OID, f"{broadcast} {name} {channel.name}").hex
    return Missed(channel, message.event, json.loads(message.data), id_)


def channels_of(cls: type[Channel], names: tuple[str, ...]) -> Iterator[Channel]:
    """Return the channels with these names that are of a class."""
    return (channel for name in names if (channel := cls.parse(name)) is not None)
