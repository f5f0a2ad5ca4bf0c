"""The outbox in a table of SQLAlchemy's: PostgreSQL, MariaDB and MySQL, SQLite."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox.base import TABLE, Claimed, Counts, Dead, Failed, Store, Waiting, fields_of
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
        and_,
        create_engine,
        delete,
        func,
        insert,
        inspect,
        select,
        update,
    )
    from sqlalchemy.dialects.mysql import LONGTEXT
    from sqlalchemy.engine import Connection, Engine
    from sqlalchemy.exc import ArgumentError, DBAPIError
    from sqlalchemy.exc import TimeoutError as NoConnectionError
    from sqlalchemy.ext.compiler import compiles
    from sqlalchemy.sql.expression import ColumnElement, FunctionElement
except ImportError:
    raise MissingDependencyError("SQLAlchemy", "outbox", "an outbox in a database of SQLAlchemy's") from None

__all__ = ["TableStore", "awrite", "engine_of", "outbox_table", "store", "write"]


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


class _Now(FunctionElement[float]):
    """Seconds since 1970, by the clock of the database."""

    type = Double()
    inherit_cache = True


@compiles(_Now, "postgresql")
def _now_of_postgresql(*_: Any, **__: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(_Now, "mysql")
@compiles(_Now, "mariadb")
def _now_of_mysql(*_: Any, **__: Any) -> str:
    # the seconds without the session's time zone, which has an hour twice a year that is two
    return "(UNIX_TIMESTAMP() + MICROSECOND(NOW(6)) / 1e6)"


@compiles(_Now, "sqlite")
def _now_of_sqlite(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


# -- writing ---------------------------------------------------------------------------------------------------------


def write(target: Any, table: Table | None, envelopes: Sequence[Envelope]) -> None:
    """Write into the transaction of a blocking session or connection; one begins if none has."""
    target = _current(target)
    if _is_awaited(target):
        raise ConfigurationError(
            f"a blocking broadcast cannot be written with an {type(target).__name__}: await the one of broadcastkit.aio"
        )
    target.execute(_insertion(table), [fields_of(envelope) for envelope in envelopes])


async def awrite(target: Any, table: Table | None, envelopes: Sequence[Envelope]) -> None:
    """See write."""
    target = _current(target)
    if not _is_awaited(target):
        raise ConfigurationError(
            f"an awaited broadcast cannot be written with a {type(target).__name__}: it would block the event loop"
        )
    await target.execute(_insertion(table), [fields_of(envelope) for envelope in envelopes])


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


def _insertion(table: Table | None) -> Insert:
    return insert(_default_table() if table is None else table).values(
        state="waiting", created_at=_Now(), attempts=0, refusals=0, next_try_at=0.0, claimed_until=0.0
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


class TableStore:
    """The table, as a relay needs it; see `Store`."""

    errors: tuple[type[Exception], ...] = (DBAPIError, NoConnectionError)

    def __init__(self, engine: Engine, table: Table) -> None:
        self._is_sqlite = engine.dialect.name == "sqlite"
        # each statement is to see what was committed before it; and MySQL's default would lock gaps that others
        # want to write into
        self._engine = engine if self._is_sqlite else engine.execution_options(isolation_level="READ COMMITTED")
        self._table = table

    def __repr__(self) -> str:
        """Show no address."""
        return f"<{self._table.name} in {self._engine.dialect.name}>"

    def check(self) -> None:
        """See Store."""
        if not inspect(self._engine).has_table(self._table.name, schema=self._table.schema):
            raise ConfigurationError(
                f"there is no table {self._table.name!r} in this database: make it with "
                "outbox_table().create(engine), or by a migration"
            )

    def waiting(self, limit: int, without: Collection[str]) -> Sequence[Waiting]:
        """See Store."""
        t = self._table.c
        wanted = and_(t.state == "waiting", t.connection.not_in(without)) if without else t.state == "waiting"
        query = select(t.id, t.connection, t.channels, self._is_free().label("free")).where(wanted)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(t.id).limit(limit)).all()
        return [Waiting(row.id, row.connection, tuple(row.channels.split(" ")), bool(row.free)) for row in rows]

    def claim(
        self, ids: Sequence[int], token: str, lease: float, *, keep: Callable[[Collection[int]], Collection[int]]
    ) -> Sequence[Claimed]:
        """See Store."""
        t = self._table.c
        columns = (t.id, t.envelope, t.attempts, t.refusals, (_Now() - t.created_at).label("age"))
        query = select(*columns).where(t.id.in_(ids), t.state == "waiting", self._is_free())
        with self._engine.begin() as connection:
            self._lock(connection)
            rows = connection.execute(query.order_by(t.id).with_for_update(skip_locked=True)).all()
            kept = set(keep([row.id for row in rows]))
            claim = update(self._table).where(t.id.in_(kept))
            connection.execute(claim.values(claimed_by=token, claimed_until=_Now() + lease))
        return [Claimed(row.id, row.envelope, row.attempts, row.refusals, row.age) for row in rows if row.id in kept]

    def _lock(self, connection: Connection) -> None:
        """Have the transaction be one that writes, before it reads: SQLite has no locks of rows."""
        if self._is_sqlite:
            connection.execute(update(self._table).where(self._table.c.id == -1).values(attempts=0))

    def _is_free(self) -> ColumnElement[bool]:
        t = self._table.c
        return and_(t.claimed_until <= _Now(), t.next_try_at <= _Now())

    def renew(self, ids: Sequence[int], token: str, lease: float) -> bool:
        """See Store."""
        t = self._table.c
        query = update(self._table).where(t.id.in_(ids), t.claimed_by == token)
        with self._engine.begin() as connection:
            return connection.execute(query.values(claimed_until=_Now() + lease)).rowcount == len(ids)

    def release(self, ids: Sequence[int], token: str) -> None:
        """See Store."""
        t = self._table.c
        query = update(self._table).where(t.id.in_(ids), t.claimed_by == token)
        with self._engine.begin() as connection:
            connection.execute(query.values(claimed_by=None, claimed_until=0.0))

    def settle(self, token: str, *, delivered: Sequence[int], failed: Sequence[Failed], keep: bool) -> None:
        """See Store."""
        t = self._table.c
        with self._engine.begin() as connection:
            if delivered and keep:
                done = update(self._table).where(t.id.in_(delivered))
                connection.execute(done.values(state="delivered", delivered_at=_Now(), claimed_by=None))
            elif delivered:
                connection.execute(delete(self._table).where(t.id.in_(delivered)))
            for one in failed:
                changed = update(self._table).where(t.id == one.id, t.claimed_by == token)
                connection.execute(changed.values(self._after(one)))

    def _after(self, failed: Failed) -> dict[str, object]:
        t = self._table.c
        values: dict[str, object] = {
            "attempts": t.attempts + 1,
            "refusals": t.refusals + int(failed.refused),
            "error": failed.error[:100],
            "claimed_by": None,
            "claimed_until": 0.0,
        }
        if failed.delay is None:
            values["state"] = "dead"
        else:
            values["next_try_at"] = _Now() + failed.delay
        if failed.rest is not None:
            values |= fields_of(failed.rest)
        return values

    def prune(self, age: float) -> int:
        """See Store."""
        t = self._table.c
        with self._engine.begin() as connection:
            old = delete(self._table).where(t.state == "delivered", t.delivered_at <= _Now() - age)
            return connection.execute(old).rowcount

    def counts(self) -> Counts:
        """See Store."""
        t = self._table.c
        query = select(t.state, func.count().label("number"), (_Now() - func.min(t.created_at)).label("oldest"))
        with self._engine.connect() as connection:
            rows = {
                row.state: row
                for row in connection.execute(query.where(t.state.in_(["waiting", "dead"])).group_by(t.state))
            }
        waiting, dead = rows.get("waiting"), rows.get("dead")
        return Counts(
            waiting.number if waiting else 0,
            dead.number if dead else 0,
            max(0.0, waiting.oldest) if waiting else 0.0,
        )

    def dead(self, limit: int) -> Sequence[Dead]:
        """See Store."""
        t = self._table.c
        columns = (t.id, t.event_id, t.connection, t.channels, t.attempts, t.error)
        query = select(*columns, (_Now() - t.created_at).label("age")).where(t.state == "dead")
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(t.id).limit(limit)).all()
        return [
            Dead(row.id, row.event_id, row.connection, tuple(row.channels.split(" ")), row.attempts, row.error, row.age)
            for row in rows
        ]

    def requeue(self, ids: Sequence[int] | None) -> int:
        """See Store."""
        fresh = {"state": "waiting", "attempts": 0, "refusals": 0, "next_try_at": 0.0, "claimed_until": 0.0}
        with self._engine.begin() as connection:
            return connection.execute(update(self._table).where(self._is_dead(ids)).values(fresh)).rowcount

    def discard(self, ids: Sequence[int] | None) -> int:
        """See Store."""
        with self._engine.begin() as connection:
            return connection.execute(delete(self._table).where(self._is_dead(ids))).rowcount

    def _is_dead(self, ids: Sequence[int] | None) -> ColumnElement[bool]:
        t = self._table.c
        return t.state == "dead" if ids is None else and_(t.state == "dead", t.id.in_(ids))
