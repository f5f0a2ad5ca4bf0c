"""The outbox in a table of SQLAlchemy's: PostgreSQL, MariaDB and MySQL, SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox.base import TABLE, Store, fields_of
from broadcastkit.delivery.outbox.clock import now, now_and_tell
from broadcastkit.delivery.outbox.table_store import TableStore
from broadcastkit.errors import ConfigurationError, MissingDependencyError

try:
    from sqlalchemy import (
        BigInteger,
        Column,
        Double,
        Index,
        Insert,
        Integer,
        MetaData,
        String,
        Table,
        Text,
        create_engine,
        insert,
    )
    from sqlalchemy.dialects.mysql import LONGTEXT
    from sqlalchemy.engine import Engine
    from sqlalchemy.exc import ArgumentError
except ImportError:
    raise MissingDependencyError("SQLAlchemy", "outbox", "an outbox in a database of SQLAlchemy's") from None

__all__ = ["awrite", "engine_of", "outbox_table", "store", "write"]


def outbox_table(metadata: MetaData | None = None, name: str = TABLE, **options: Any) -> Table:
    """Return the table of an outbox, for `metadata.create_all()` and for Alembic, which finds it in your metadata.

    Times are seconds since 1970, by the clock of the database.
    """
    text = Text().with_variant(LONGTEXT(), "mysql", "mariadb")
    return Table(
        name,
        MetaData() if metadata is None else metadata,
        # the order in which events were written; never used twice, which SQLite has to be told
        Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
        Column("event_id", String(36), nullable=False),
        Column("connection", String(255), nullable=False),
        Column("channels", text, nullable=False),
        Column("envelope", text, nullable=False),
        Column("state", String(10), nullable=False),
        Column("created_at", Double(), nullable=False),
        Column("attempts", Integer(), nullable=False),
        Column("refusals", Integer(), nullable=False),
        Column("next_try_at", Double(), nullable=False),
        Column("claimed_by", String(36)),
        Column("claimed_until", Double(), nullable=False),
        Column("delivered_at", Double()),
        Column("error", String(100)),
        Index(f"{name}_state", "state", "id"),
        sqlite_autoincrement=True,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        **options,
    )


@cache
def _default_table() -> Table:
    return outbox_table()


# -- writing ---------------------------------------------------------------------------------------------------------


def write(target: Any, table: Table | None, envelopes: Sequence[Envelope], *, notify: bool = False) -> None:
    """Write into the transaction of a blocking session or connection; one begins if none has."""
    target = _current(target)
    if _is_awaited(target):
        raise ConfigurationError(
            f"a blocking broadcast cannot be written with an {type(target).__name__}: await the one of broadcastkit.aio"
        )
    target.execute(_insertion(table, notify=notify), [fields_of(envelope) for envelope in envelopes])


async def awrite(target: Any, table: Table | None, envelopes: Sequence[Envelope], *, notify: bool = False) -> None:
    """See write."""
    target = _current(target)
    if not _is_awaited(target):
        raise ConfigurationError(
            f"an awaited broadcast cannot be written with a {type(target).__name__}: it would block the event loop"
        )
    await target.execute(_insertion(table, notify=notify), [fields_of(envelope) for envelope in envelopes])


def _current(target: Any) -> Any:
    if any(cls.__name__ in {"scoped_session", "async_scoped_session"} for cls in type(target).__mro__):
        target = target()
    if not hasattr(target, "execute"):
        raise ConfigurationError(
            f"an outbox writes into the transaction of a session or a connection, not of a {type(target).__name__}"
        )
    return target


def _is_awaited(target: object) -> bool:
    return hasattr(target, "sync_session") or hasattr(target, "sync_connection")


def _insertion(table: Table | None, *, notify: bool) -> Insert:
    return insert(_default_table() if table is None else table).values(
        state="waiting",
        created_at=now_and_tell() if notify else now(),
        attempts=0,
        refusals=0,
        next_try_at=0.0,
        claimed_until=0.0,
    )


# -- reading ---------------------------------------------------------------------------------------------------------


def store(target: Any, table: Table | None) -> Store:
    """Return the table in the database of an engine."""
    if not isinstance(target, Engine):
        raise ConfigurationError(f"a relay takes a blocking Engine of SQLAlchemy, not a {type(target).__name__}")
    return TableStore(target, _default_table() if table is None else table)


def engine_of(url: str) -> Engine:
    """Return an engine for a URL.

    Raises:
        ConfigurationError: it is none, or its driver is not installed. The URL is not shown: it may hold a password.
    """
    try:
        return create_engine(url, pool_pre_ping=True)
    except ArgumentError:
        raise ConfigurationError("is no address of a database that SQLAlchemy can read", setting="--database") from None
    except ImportError as error:
        raise ConfigurationError(f"needs the package {error.name}", setting="--database") from None
