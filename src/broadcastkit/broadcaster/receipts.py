"""What a broadcaster says of a message when its connections have answered."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from broadcastkit.core.message import Message
from broadcastkit.delivery import Queued
from broadcastkit.drivers.base import ChannelInfo, Outcome, Sent
from broadcastkit.pending import ConnectionReceipt, Receipt

__all__ = ["receipt_of"]

_UNKNOWN = ChannelInfo()


def receipt_of(message: Message, outcomes: Iterable[tuple[str, Outcome | Queued]]) -> Receipt:
    """Return what became of a message, by connection."""
    channels = dict.fromkeys(message.channels, _UNKNOWN)
    connections: list[ConnectionReceipt] = []
    for connection, outcome in outcomes:
        if isinstance(outcome, Sent):
            if outcome.channels:
                channels.update(outcome.channels)
            connections.append(_accepted(connection, outcome.requests, outcome.by_fallback))
        elif isinstance(outcome, Queued):
            connections.append(_queued(connection))
        else:
            connections.append(ConnectionReceipt(connection, error=outcome))
    return Receipt(message.event, channels, message.exclude, tuple(connections))


# Values that are nearly always the same ones: making one takes longer than finding it.
@lru_cache
def _accepted(connection: str, requests: int, by_fallback: bool) -> ConnectionReceipt:  # noqa: FBT001
    return ConnectionReceipt(connection, requests, by_fallback=by_fallback)


@lru_cache
def _queued(connection: str) -> ConnectionReceipt:
    return ConnectionReceipt(connection, queued=True)
