"""After a commit: what was held back is sent, and an error of it undoes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from broadcastkit.delivery.transactions.base import Held, Sender
from broadcastkit.delivery.transactions.collecting import by_sender, current_block

__all__ = ["WORDS", "arelease", "release"]

WORDS = "broadcast after commit failed"
"""What the log says of it."""


def release(held: Sequence[Held]) -> None:
    """Send what a transaction has held back, now that it has committed; for senders that are not awaited.

    A commit inside a `collect()` block leaves it to the block. An error is logged and not raised: the commit stands,
    and what else waits for it is to run.
    """
    for sender, group in _to_send(held):
        try:
            sender.send_held(group)
        except Exception as error:  # noqa: BLE001 - of a driver or an error policy of somebody else's
            _failed(sender, error)


async def arelease(held: Sequence[Held]) -> None:
    """Do the same where one can await, for senders of both colours.

    A caller that is cancelled meanwhile, after its commit, does not keep it from being sent.
    """
    from broadcastkit.delivery.transactions.outliving import send_all  # blocking code has no need of asyncio

    for sender, error in await send_all(_to_send(held), WORDS):
        _failed(sender, error)


def _to_send(held: Sequence[Held]) -> Iterator[tuple[Sender, list[Held]]]:
    block = current_block()
    return by_sender([one for one in held if block is None or not block.take(one)])


def _failed(sender: Sender, error: Exception) -> None:
    sender.failures.log(WORDS, error=error)
