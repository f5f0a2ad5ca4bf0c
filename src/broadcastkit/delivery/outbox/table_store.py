"""The outbox in a table of SQLAlchemy's, as a relay needs it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from broadcastkit.delivery.outbox.base import Claimed, Counts, Dead, Failed, Waiting, fields_of
from broadcastkit.delivery.outbox.bell import Bell
from broadcastkit.delivery.outbox.clock import now
from broadcastkit.delivery.outbox.listening import Listening
from broadcastkit.errors import ConfigurationError, MissingDependencyError

try:
    from sqlalchemy import Table, and_, delete, func, inspect, select, update
    from sqlalchemy.engine import Connection, Engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.exc import TimeoutError as NoConnectionError
    from sqlalchemy.sql.expression import ColumnElement
except ImportError:
    raise MissingDependencyError("SQLAlchemy", "outbox", "an outbox in a database of SQLAlchemy's") from None

__all__ = ["TableStore"]


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

    def listening(self) -> Bell:
        """See Store."""
        dialect = self._engine.dialect
        if (dialect.name, dialect.driver) != ("postgresql", "psycopg"):
            name = f"{dialect.name}+{dialect.driver}"
            raise ConfigurationError(
                f"needs PostgreSQL with psycopg (postgresql+psycopg://), not {name}", setting="listen"
            )
        return Listening(self._connected, (*self.errors, dialect.loaded_dbapi.Error))

    def _connected(self) -> Any:
        """Return a connection that is none of the pool's."""
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        connection.rollback()
        connection.autocommit = True
        return connection

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
        columns = (t.id, t.envelope, t.attempts, t.refusals, (now() - t.created_at).label("age"))
        query = select(*columns).where(t.id.in_(ids), t.state == "waiting", self._is_free())
        with self._engine.begin() as connection:
            self._lock(connection)
            rows = connection.execute(query.order_by(t.id).with_for_update(skip_locked=True)).all()
            kept = set(keep([row.id for row in rows]))
            claim = update(self._table).where(t.id.in_(kept))
            connection.execute(claim.values(claimed_by=token, claimed_until=now() + lease))
        return [Claimed(row.id, row.envelope, row.attempts, row.refusals, row.age) for row in rows if row.id in kept]

    def _lock(self, connection: Connection) -> None:
        """Have the transaction be one that writes, before it reads: SQLite has no locks of rows."""
        if self._is_sqlite:
            connection.execute(update(self._table).where(self._table.c.id == -1).values(attempts=0))

    def _is_free(self) -> ColumnElement[bool]:
        t = self._table.c
        return and_(t.claimed_until <= now(), t.next_try_at <= now())

    def renew(self, ids: Sequence[int], token: str, lease: float) -> bool:
        """See Store."""
        t = self._table.c
        query = update(self._table).where(t.id.in_(ids), t.claimed_by == token)
        with self._engine.begin() as connection:
            return connection.execute(query.values(claimed_until=now() + lease)).rowcount == len(ids)

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
                connection.execute(done.values(state="delivered", delivered_at=now(), claimed_by=None))
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
            values["next_try_at"] = now() + failed.delay
        if failed.rest is not None:
            values |= fields_of(failed.rest)
        return values

    def prune(self, age: float) -> int:
        """See Store."""
        t = self._table.c
        with self._engine.begin() as connection:
            old = delete(self._table).where(t.state == "delivered", t.delivered_at <= now() - age)
            return connection.execute(old).rowcount

    def counts(self) -> Counts:
        """See Store."""
        t = self._table.c
        query = select(t.state, func.count().label("number"), (now() - func.min(t.created_at)).label("oldest"))
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
        query = select(*columns, (now() - t.created_at).label("age")).where(t.state == "dead")
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
