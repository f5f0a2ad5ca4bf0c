"""Which rows a relay may claim, and which travel in one request: order per channel, with any number of relays.

Pure: no I/O, no clock. The rule: a row may be claimed if every earlier row that waits for one of its channels, on the
same connection, is claimed together with it. Earlier rows are never skipped for being claimed, or not due yet; and
since a row that was delivered never comes back by itself, a choice stays right however old the view is that it was
made from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from broadcastkit.delivery.outbox.base import Waiting

__all__ = ["chunks", "claimable"]

ItemT = TypeVar("ItemT")


def claimable(rows: Iterable[Waiting], most: int, *, got: Collection[int] | None = None) -> list[int]:
    """Return the ids of what may be claimed, at most so many, out of the first rows that wait, in order.

    With `got`, only those can be claimed: the others were taken by somebody else meanwhile.
    """
    chosen: list[int] = []
    blocked: set[tuple[str, str]] = set()
    for row in rows:
        channels = [(row.connection, name) for name in row.channels]
        if row.free and (got is None or row.id in got) and blocked.isdisjoint(channels):
            chosen.append(row.id)
            if len(chosen) == most:
                break
        else:
            blocked.update(channels)
    return chosen


def chunks(items: Sequence[ItemT], limit: int, *, weight: Callable[[ItemT], int]) -> Iterator[list[ItemT]]:
    """Cut into runs of at most `limit` in weight, but for a single one that has more; weight 0 is to be alone."""
    chunk: list[ItemT] = []
    total = 0
    for item in items:
        heavy = weight(item) or limit
        if chunk and total + heavy > limit:
            yield chunk
            chunk, total = [], 0
        chunk.append(item)
        total += heavy
    if chunk:
        yield chunk
