"""The outbox in a table of Django's, of the app `broadcastkit.integrations.django.outbox`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox.base import (
    NOW,
    NOW_AND_TELL,
    Claimed,
    Counts,
    Dead,
    Failed,
    Store,
    Waiting,
    fields_of,
)
from broadcastkit.delivery.outbox.bell import Bell
from broadcastkit.delivery.outbox.listening import Listening
from broadcastkit.errors import ConfigurationError, MissingDependencyError

try:
    from django.apps import apps
    from django.db import DatabaseError, InterfaceError, connections, transaction
    from django.db.models import Case, Count, F, FloatField, Func, Max, Q, Value, When
    from django.utils.connection import ConnectionDoesNotExist
except ImportError:
    raise MissingDependencyError("Django", "django", "an outbox in a database of Django's") from None

__all__ = ["ModelStore", "awrite", "store", "write"]

_APP, _MODEL = "broadcastkit_outbox", "OutboxEvent"


def _model() -> Any:
    try:
        return apps.get_model(_APP, _MODEL)
    except LookupError:
        raise ConfigurationError(
            'an outbox of Django needs its table: INSTALLED_APPS += ["broadcastkit.integrations.django.outbox"], and '
            "`python manage.py migrate`"
        ) from None


def _alias(target: Any) -> str:
    alias = target if isinstance(target, str) else str(getattr(target, "alias", target))
    try:
        vendor = connections[alias].vendor
    except ConnectionDoesNotExist:
        raise ConfigurationError(f"an outbox: there is no database {alias!r}") from None
    if vendor not in NOW:
        raise ConfigurationError(f"an outbox needs PostgreSQL, MariaDB, MySQL or SQLite; {alias!r} is {vendor}")
    return alias


def _now(alias: str, *, notify: bool = False) -> Any:
    vendor = connections[alias].vendor
    return Func(template=NOW_AND_TELL if notify and vendor == "postgresql" else NOW[vendor], output_field=FloatField())


def write(target: Any, table: object | None, envelopes: Sequence[Envelope], *, notify: bool = False) -> None:
    """Write into the transaction of a database that is open in this thread; without one, each is committed at once."""
    del table
    model, alias = _model(), _alias(target)
    now = _now(alias, notify=notify)
    model.objects.using(alias).bulk_create([model(created_at=now, **fields_of(envelope)) for envelope in envelopes])


async def awrite(target: Any, table: object | None, envelopes: Sequence[Envelope], *, notify: bool = False) -> None:
    """Raise ConfigurationError: Django's transactions are blocking."""
    del target, table, envelopes, notify
    raise ConfigurationError(
        "Django's transactions are for blocking code: use `from broadcastkit import broadcast` where they are"
    )


def store(target: Any, table: object | None) -> Store:
    """Return the table in a database."""
    del table
    _model()
    return ModelStore(_alias(target))


class ModelStore:
    """The table, as a relay needs it; see `Store`."""

    errors: tuple[type[Exception], ...] = (DatabaseError, InterfaceError)

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def __repr__(self) -> str:
        """Name the database."""
        return f"<outbox in {self._alias!r}>"

    @property
    def _rows(self) -> Any:
        return _model().objects.using(self._alias)

    @property
    def _now(self) -> Any:
        return _now(self._alias)

    def _free(self) -> Any:
        return Q(claimed_until__lte=self._now, next_try_at__lte=self._now)

    def listening(self) -> Bell:
        """See Store."""
        database: Any = connections[self._alias]
        if database.vendor != "postgresql" or database.Database.__name__ != "psycopg":
            raise ConfigurationError(f"needs PostgreSQL with psycopg 3; {self._alias!r} has none", setting="listen")
        return Listening(self._connected, (database.Database.Error,))

    def _connected(self) -> Any:
        """Return a connection that Django does not know of: its own are closed and shared as it sees fit."""
        database: Any = connections[self._alias]
        return database.Database.connect(**database.get_connection_params(), autocommit=True)

    def check(self) -> None:
        """See Store."""
        name = _model()._meta.db_table  # noqa: SLF001 - which is public
        if name not in connections[self._alias].introspection.table_names():
            raise ConfigurationError(f"there is no table {name!r} in {self._alias!r}: run `python manage.py migrate`")

    def waiting(self, limit: int, without: Collection[str]) -> Sequence[Waiting]:
        """See Store."""
        connections[self._alias].close_if_unusable_or_obsolete()
        free = Case(When(self._free(), then=Value(1)), default=Value(0))
        rows = self._rows.filter(state="waiting").exclude(connection__in=list(without)).order_by("id")
        values = rows.annotate(free=free).values_list("id", "connection", "channels", "free")[:limit]
        return [
            Waiting(id_, name, tuple(channels.split(" ")), bool(is_free)) for id_, name, channels, is_free in values
        ]

    def claim(
        self, ids: Sequence[int], token: str, lease: float, *, keep: Callable[[Collection[int]], Collection[int]]
    ) -> Sequence[Claimed]:
        """See Store."""
        wanted = self._rows.filter(self._free(), id__in=ids, state="waiting").order_by("id")
        columns = ("id", "envelope", "attempts", "refusals", "age")
        with transaction.atomic(using=self._alias):
            self._lock()
            locked = self._locking(wanted).annotate(age=self._now - F("created_at")).values_list(*columns)
            rows = [Claimed(*values) for values in locked]
            kept = set(keep([row.id for row in rows]))
            self._rows.filter(id__in=kept).update(claimed_by=token, claimed_until=self._now + lease)
        return [row for row in rows if row.id in kept]

    def _locking(self, rows: Any) -> Any:
        if not connections[self._alias].features.has_select_for_update:
            return rows
        return rows.select_for_update(skip_locked=True)

    def _lock(self) -> None:
        """Have the transaction be one that writes, before it reads: SQLite has no locks of rows."""
        if connections[self._alias].vendor == "sqlite":
            self._rows.filter(id=-1).update(attempts=0)

    def renew(self, ids: Sequence[int], token: str, lease: float) -> bool:
        """See Store."""
        mine = self._rows.filter(id__in=ids, claimed_by=token)
        return bool(mine.update(claimed_until=self._now + lease) == len(ids))

    def release(self, ids: Sequence[int], token: str) -> None:
        """See Store."""
        self._rows.filter(id__in=ids, claimed_by=token).update(claimed_by=None, claimed_until=0.0)

    def settle(self, token: str, *, delivered: Sequence[int], failed: Sequence[Failed], keep: bool) -> None:
        """See Store."""
        with transaction.atomic(using=self._alias):
            done = self._rows.filter(id__in=delivered)
            if delivered and keep:
                done.update(state="delivered", delivered_at=self._now, claimed_by=None)
            elif delivered:
                done.delete()
            for one in failed:
                self._rows.filter(id=one.id, claimed_by=token).update(**self._after(one))

    def _after(self, failed: Failed) -> dict[str, Any]:
        values: dict[str, Any] = {
            "attempts": F("attempts") + 1,
            "refusals": F("refusals") + int(failed.refused),
            "error": failed.error[:100],
            "claimed_by": None,
            "claimed_until": 0.0,
        }
        if failed.delay is None:
            values["state"] = "dead"
        else:
            values["next_try_at"] = self._now + failed.delay
        if failed.rest is not None:
            values |= fields_of(failed.rest)
        return values

    def prune(self, age: float) -> int:
        """See Store."""
        deleted, _ = self._rows.filter(state="delivered", delivered_at__lte=self._now - age).delete()
        return int(deleted)

    def counts(self) -> Counts:
        """See Store."""
        states = self._rows.filter(state__in=["waiting", "dead"]).order_by().values("state")
        rows = {row["state"]: row for row in states.annotate(n=Count("id"), oldest=Max(self._now - F("created_at")))}
        waiting = rows.get("waiting", {"n": 0, "oldest": 0.0})
        return Counts(waiting["n"], rows.get("dead", {"n": 0})["n"], max(0.0, waiting["oldest"]))

    def dead(self, limit: int) -> Sequence[Dead]:
        """See Store."""
        rows = self._rows.filter(state="dead").order_by("id").annotate(age=self._now - F("created_at"))
        return [
            Dead(row.id, row.event_id, row.connection, tuple(row.channels.split(" ")), row.attempts, row.error, row.age)
            for row in rows.defer("envelope")[:limit]
        ]

    def requeue(self, ids: Sequence[int] | None) -> int:
        """See Store."""
        fresh = {"state": "waiting", "attempts": 0, "refusals": 0, "next_try_at": 0.0, "claimed_until": 0.0}
        return int(self._dead(ids).update(**fresh))

    def discard(self, ids: Sequence[int] | None) -> int:
        """See Store."""
        deleted, _ = self._dead(ids).delete()
        return int(deleted)

    def _dead(self, ids: Sequence[int] | None) -> Any:
        rows = self._rows.filter(state="dead")
        return rows if ids is None else rows.filter(id__in=ids)
