"""Django's databases: `transaction.on_commit`, robust, with what it promises of nested `atomic` blocks."""

from __future__ import annotations

from typing import Any

from broadcastkit.delivery.transactions.base import Held
from broadcastkit.delivery.transactions.collecting import current_block
from broadcastkit.delivery.transactions.releasing import release
from broadcastkit.errors import ConfigurationError, MissingDependencyError

try:
    from django.db import connections, transaction
    from django.utils.connection import ConnectionDoesNotExist
except ImportError:
    raise MissingDependencyError("Django", "django", "after_commit with a database") from None

__all__ = ["DatabaseTransactions", "adapt"]


def adapt(target: object) -> DatabaseTransactions:
    """Return what waits for a database's transactions; `target` is an alias, or one of Django's connections."""
    alias = target if isinstance(target, str) else getattr(target, "alias", None)
    if not isinstance(alias, str):
        raise ConfigurationError(f"after_commit takes the alias of a Django database, not {type(target).__name__}")
    return DatabaseTransactions(alias)


class DatabaseTransactions:
    """What waits for the transactions of one database, in the thread that asks."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def hold(self, held: Held) -> bool:
        """Keep a broadcast until the outermost `atomic` block has committed.

        Raises:
            ConfigurationError: an awaited broadcast, since Django's transactions are blocking; no such database; or a
                connection whose transactions are managed by hand.
        """
        if held.sender.awaited:
            if current_block() is not None:
                return False
            raise ConfigurationError(
                "Django's transactions are for blocking code, and nothing awaited can wait for one: "
                "use `from broadcastkit import broadcast` there, or `async with collect():`"
            )
        connection = self._connection()
        if not connection.in_atomic_block:
            # without a connection there is no transaction; asking for autocommit would make one
            if connection.connection is not None and not connection.get_autocommit():
                raise ConfigurationError(
                    f"after_commit: the transactions of {self._alias!r} are managed by hand (autocommit is off), and "
                    "Django does not say when they end: put `with collect():` around them"
                )
            return False
        # no partial: Django would log its arguments
        transaction.on_commit(lambda: release([held]), using=self._alias, robust=True)
        return True

    def _connection(self) -> Any:
        try:
            return connections[self._alias]
        except ConnectionDoesNotExist:
            raise ConfigurationError(
                f"after_commit: there is no database {self._alias!r}; there are: {', '.join(connections)}"
            ) from None
