"""What a driver sends: the event rendered, with everything decided and checked."""

from __future__ import annotations

from typing import NamedTuple

from broadcastkit.core.options import EventOptions

__all__ = ["Message"]


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
