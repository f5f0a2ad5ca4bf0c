"""What a broadcast can wait for: the commit of a transaction, or the end of a `collect()` block.

Sessions of SQLAlchemy and Django's databases are known. Anything else that can be told of its commit is a `Transaction`
when it has `hold(held)`; when it commits, it hands what it has held to `release`.
"""

from __future__ import annotations

from broadcastkit.delivery.transactions.base import Held, Sender, Transaction
from broadcastkit.delivery.transactions.collecting import collect
from broadcastkit.delivery.transactions.releasing import arelease, release

__all__ = ["Held", "Sender", "Transaction", "arelease", "collect", "release"]
