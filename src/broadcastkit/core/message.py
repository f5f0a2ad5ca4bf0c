"""What a driver sends: the event rendered, with everything decided and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from broadcastkit.core.options import EventOptions

__all__ = ["Message", "TracedMessage", "identified", "traced"]


class Message(NamedTuple):
    """One event on its way: names validated, payload written as JSON text once.

    `data` is the JSON text of the payload, `exclude` the socket id that must not hear it, `info` the channel
    attributes to ask for with the answer (`user_count`, `subscription_count`). `options` are the event's wishes about
    how it is sent; most have none.
    """

    event: str
    channels: tuple[str, ...]
    data: str
    exclude: str | None = None
    info: tuple[str, ...] = ()
    options: EventOptions | None = None

    def __repr__(self) -> str:
        """Leave the payload out: messages end up in logs and tracebacks."""
        return f"<Message {self.event!r} on {len(self.channels)} channel(s), {len(self.data)} characters>"


class TracedMessage(Message):
    """A message that says more than a driver sends: who has caused it, and which broadcast it is of.

    `trace` is headers of W3C Trace Context; empty where nobody did, None where nobody was asked. `id` is the same at
    each try, on every connection; None where nobody needs it.
    """

    trace: Mapping[str, str] | None = None
    id: str | None = None

    def _replace(self, **values: Any) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride]
        other = super()._replace(**values)
        other.trace, other.id = self.trace, self.id
        return other


def traced(message: Message, trace: Mapping[str, str]) -> TracedMessage:
    """Return the message with who has caused it."""
    found = message if isinstance(message, TracedMessage) else TracedMessage._make(message)
    found.trace = trace
    return found


def identified(message: Message, id_: str) -> TracedMessage:
    """Return the message with the id of its broadcast."""
    found = message if isinstance(message, TracedMessage) else TracedMessage._make(message)
    found.id = id_
    return found
