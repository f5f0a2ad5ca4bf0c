"""What a broadcast can wait for: the commit of a transaction, or the end of a `collect()` block."""

from __future__ import annotations

from broadcastkit.delivery.transactions.base import (
    AMBIENT,
    Held,
    Sender,
    Transaction,
    ambient_transaction,
    transaction_of,
)
from broadcastkit.delivery.transactions.collecting import collect, current_block
from broadcastkit.delivery.transactions.releasing import arelease, release

__all__ = [
    "AMBIENT",
    "Held",
    "Sender",
    "Transaction",
    "ambient_transaction",
    "arelease",
    "collect",
    "current_block",
    "release",
    "transaction_of",
]
