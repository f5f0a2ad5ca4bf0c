"""What travels in a queue or an outbox: one message as JSON, rendered when it was broadcast."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from broadcastkit.core.message import Message, TracedMessage, identified, traced
from broadcastkit.core.names import check_channel_name, check_event_name
from broadcastkit.core.options import EventOptions
from broadcastkit.errors import ConfigurationError, InvalidPayloadError

__all__ = ["VERSION", "Envelope"]

VERSION = 1


class Envelope(NamedTuple):
    """A message, the connection that is to carry it, and an id that says whether two are the same.

    Attributes of channels that were asked for (`with_info`) are left out: there is no receipt to put the answer into.
    """

    connection: str
    message: Message
    id: str
    claim: tuple[str, str] | None = None
    """Key and holder of what is pending until this is sent, or given up: of a unique event."""

    def to_json(self) -> str:
        """Write it. The payload stays the text it is, so that what arrives is what was rendered, to the byte."""
        event, channels, data, exclude, _, options = self.message
        fields: dict[str, Any] = {
            "version": VERSION,
            "id": self.id,
            "connection": self.connection,
            "event": event,
            "channels": channels,
            "data": data,
        }
        if exclude is not None:
            fields["exclude"] = exclude
        if options is not None:
            fields["options"] = options.as_dict()
        if isinstance(self.message, TracedMessage):
            if self.message.trace:
                fields["trace"] = self.message.trace
            if self.message.id is not None:
                fields["message_id"] = self.message.id
        if self.claim is not None:
            fields["claim"] = self.claim
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Envelope:
        """Read one, by whatever release of broadcastkit it was written.

        Raises:
            InvalidPayloadError: it is none, or a later release's. The text is not shown.
        """
        try:
            fields = json.loads(text)
            version = fields["version"]
            if version != VERSION:
                raise InvalidPayloadError(f"an envelope of version {version!r}; this release reads {VERSION}")
            channels = tuple(check_channel_name(name) for name in fields["channels"])
            event, data, exclude = check_event_name(fields["event"]), fields["data"], fields.get("exclude")
            options = EventOptions.from_dict(fields["options"]) if "options" in fields else None
            message = Message(event, channels, data, exclude, (), options)
            if "trace" in fields:
                trace = {name: value for name, value in fields["trace"].items() if type(value) is str}
                message = traced(message, trace)
            if type(fields.get("message_id")) is str:
                message = identified(message, fields["message_id"])
            envelope = cls(fields["connection"], message, fields["id"], _claim(fields.get("claim")))
        except (ValueError, LookupError, TypeError, AttributeError, ConfigurationError) as error:
            if isinstance(error, InvalidPayloadError):
                raise
            raise InvalidPayloadError("not an envelope of broadcastkit") from None
        if not (channels and all(type(part) is str for part in (envelope.connection, data, envelope.id))):
            raise InvalidPayloadError("not an envelope of broadcastkit")
        return envelope

    def __repr__(self) -> str:
        """Leave the payload out."""
        return f"<Envelope {self.id} of {self.message!r} for {self.connection!r}>"


def _claim(given: Any) -> tuple[str, str] | None:
    if given is None:
        return None
    key, holder = given
    return str(key), str(holder)
