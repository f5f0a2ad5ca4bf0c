"""What the fake writes down: what was broadcast, and what was asked for and not sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from broadcastkit.core.message import Message
from broadcastkit.events.base import Broadcastable
from broadcastkit.pending import Receipt, Request

__all__ = ["RecordedBroadcast", "Unsent", "held_back", "read_request"]


@dataclass(frozen=True, slots=True)
class RecordedBroadcast:
    """One event that was broadcast, over one connection or several.

    `event` is the object that was broadcast, `channels` the full names, `payload` what a client would have after
    `JSON.parse`. `to_others` says how it was sent; `excluded_socket` is None if there was no current client, too.
    `after_commit` says that it waits for a commit where it is not recorded.
    """

    event_name: str
    event: Broadcastable
    channels: tuple[str, ...]
    payload: Any
    to_others: bool
    excluded_socket: str | None
    connections: tuple[str, ...]
    after_commit: bool = False

    def __repr__(self) -> str:
        """Name the event and its channels; the payload is a word away."""
        return f"<RecordedBroadcast {self.event_name!r} on {', '.join(self.channels)}>"


class Unsent(NamedTuple):
    """An event that was asked for and not sent, and why; kept to explain a failure."""

    event_name: str
    reason: str


def read_request(
    request: Request, messages: Sequence[Message | None], receipts: Sequence[Receipt]
) -> list[RecordedBroadcast | Unsent]:
    """Return what became of each event of a request, and a line for each connection that refused one."""
    entries: list[RecordedBroadcast | Unsent] = []
    for event, message, receipt in zip(request.events, messages, receipts, strict=True):
        for connection in receipt.connections:
            if connection.error is not None:
                reason = f"{type(connection.error).__name__}: {connection.error}"
                entries.append(Unsent(receipt.event, f"refused by {connection.connection!r}: {reason}"))
        if message is None:
            if not receipt.connections:
                entries.append(Unsent(receipt.event, "broadcast_when() said no, or it has no channels"))
            continue
        accepted = tuple(done.connection for done in receipt.connections if done.error is None)
        if accepted:
            entries.append(_recorded(request, event, message, accepted))
    return entries


def held_back(entry: RecordedBroadcast | Unsent) -> Unsent:
    """Return what is kept of an entry inside `suppress()`."""
    return entry if isinstance(entry, Unsent) else Unsent(entry.event_name, "broadcast inside suppress()")


def _recorded(
    request: Request, event: Broadcastable, message: Message, connections: tuple[str, ...]
) -> RecordedBroadcast:
    return RecordedBroadcast(
        event_name=message.event,
        event=event,
        channels=message.channels,
        payload=json.loads(message.data),
        to_others=request.to_others,
        excluded_socket=request.exclude,
        connections=connections,
        after_commit=request.after is not None or event.event_after_commit,
    )
