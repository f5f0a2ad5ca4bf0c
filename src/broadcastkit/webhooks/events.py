"""What webhooks tell of, one class for each name on the wire.

Source: Pusher Channels, "Webhooks". soketi sends the same, but leaves the data of a client event as the client wrote it
where Pusher makes a text of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeInt, ValidationError

from broadcastkit.errors import InvalidPayloadError

__all__ = [
    "AnyWebhookEvent",
    "CacheMissed",
    "ChannelOccupied",
    "ChannelVacated",
    "ClientEventReceived",
    "MemberAdded",
    "MemberRemoved",
    "SubscriptionCount",
    "UnknownEvent",
    "Webhook",
    "WebhookEvent",
    "read_event",
]


def _id_text(value: object) -> object:
    # other makers' endpoints sign numbers, and soketi passes them on
    return str(value) if type(value) is int else value


def _json_text(value: object) -> object:
    return value if value is None or isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _unicode(text: str) -> str:
    text.encode()  # a lone surrogate raises: whoever stores or prints the text would be the next to stumble on it
    return text


def _unicode_or_none(value: object) -> str | None:
    try:
        return _unicode(value) if isinstance(value, str) else None
    except UnicodeEncodeError:
        return None


_Text = Annotated[str, AfterValidator(_unicode)]
_UserId = Annotated[_Text, BeforeValidator(_id_text)]
_Data = Annotated[_Text | None, BeforeValidator(_json_text)]


class WebhookEvent(BaseModel, frozen=True):
    """One thing that happened; the base of all. `name` is that on the wire."""

    model_config: ClassVar[ConfigDict] = ConfigDict(hide_input_in_errors=True)

    name: _Text


class _ChannelEvent(WebhookEvent, frozen=True):
    channel: _Text


class ChannelOccupied(_ChannelEvent, frozen=True):
    """A channel got its first subscriber."""

    name: Literal["channel_occupied"] = "channel_occupied"


class ChannelVacated(_ChannelEvent, frozen=True):
    """The last subscriber of a channel has left; Pusher waits up to three seconds for one who comes back."""

    name: Literal["channel_vacated"] = "channel_vacated"


class CacheMissed(_ChannelEvent, frozen=True):
    """Somebody subscribed to a cache channel that holds no event: send one."""

    name: Literal["cache_miss"] = "cache_miss"


class SubscriptionCount(_ChannelEvent, frozen=True):
    """The number of subscriptions of a channel has changed."""

    name: Literal["subscription_count"] = "subscription_count"
    subscription_count: NonNegativeInt


class MemberAdded(_ChannelEvent, frozen=True):
    """A user has come into a presence channel: with the first connection, if there are several."""

    name: Literal["member_added"] = "member_added"
    user_id: _UserId


class MemberRemoved(_ChannelEvent, frozen=True):
    """A user has left a presence channel with the last connection."""

    name: Literal["member_removed"] = "member_removed"
    user_id: _UserId


class ClientEventReceived(_ChannelEvent, frozen=True):
    """A client has sent an event to the others on a channel. What it holds is what that client says, and no more.

    `user_id` is there on presence channels. `data` is the JSON text that was sent. On an encrypted channel it is
    opened; where no master key does, it stays as it is and `sealed` is True.
    """

    name: Literal["client_event"] = "client_event"
    event: _Text
    data: _Data = Field(default=None, repr=False)
    socket_id: _Text | None = None
    user_id: _UserId | None = None
    sealed: bool = False

    @property
    def payload(self) -> Any:
        """The value that the client sent; a text that is no JSON is itself the value.

        Raises:
            InvalidPayloadError: it is sealed.
        """
        if self.sealed:
            raise InvalidPayloadError(f"a client event on {self.channel!r} is sealed: no master key has opened it")
        try:
            return None if self.data is None else json.loads(self.data)
        except (ValueError, RecursionError):
            return self.data


class UnknownEvent(WebhookEvent, frozen=True):
    """An event with a name that this version does not know, or whose fields are not those of its name.

    `fields` has all that came, `name` and `channel` included. It is kept apart so that one odd event does not cost
    the others of its delivery.
    """

    channel: Annotated[str | None, BeforeValidator(_unicode_or_none)] = None
    fields: Mapping[str, Any] = Field(default_factory=dict, repr=False)


AnyWebhookEvent: TypeAlias = (
    ChannelOccupied
    | ChannelVacated
    | MemberAdded
    | MemberRemoved
    | ClientEventReceived
    | CacheMissed
    | SubscriptionCount
    | UnknownEvent
)
"""All of them, told apart by `name` or by class: `match` sees whether one was forgotten."""

_KNOWN: dict[str, type[_ChannelEvent]] = {
    cls.model_fields["name"].default: cls for cls in get_args(AnyWebhookEvent) if issubclass(cls, _ChannelEvent)
}


def read_event(fields: Mapping[str, Any]) -> AnyWebhookEvent | None:
    """Return the event that fields of a delivery mean, or None if they mean none."""
    name = fields.get("name")
    if not isinstance(name, str):
        return None
    try:
        known = _KNOWN.get(name)
        if known is not None:
            return known.model_validate({**fields, "sealed": False})  # type: ignore[return-value]
    except (ValueError, RecursionError):
        pass
    try:
        return UnknownEvent(name=name, channel=fields.get("channel"), fields=fields)
    except ValidationError:  # the name is no Unicode
        return None


@dataclass(frozen=True, slots=True)
class Webhook:
    """One delivery, verified: which key signed it, when the service wrote it (in UTC), and what happened.

    It may come twice, and late: the service repeats what was not answered with 2xx.
    """

    key: str
    time: datetime
    events: tuple[AnyWebhookEvent, ...]
