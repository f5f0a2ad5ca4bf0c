"""The seams of the outbox: what writes events into a caller's transaction, and what a relay reads them from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from typing import Any, NamedTuple, Protocol, cast

from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox.bell import Bell
from broadcastkit.errors import ConfigurationError

__all__ = [
    "CHANNEL",
    "NOW",
    "NOW_AND_TELL",
    "TABLE",
    "Adapter",
    "Claimed",
    "Counts",
    "Dead",
    "Failed",
    "Store",
    "Waiting",
    "adapter_of",
    "fields_of",
]

TABLE = "broadcastkit_outbox"
"""What the table is called, unless it is called otherwise."""

CHANNEL = "broadcastkit_outbox"
"""Where PostgreSQL tells relays of commits; one for all tables of a database."""

NOW = {
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)",
    # the seconds without the session's time zone, which has an hour twice a year that is two
    "mysql": "(UNIX_TIMESTAMP() + MICROSECOND(NOW(6)) / 1e6)",
    "mariadb": "(UNIX_TIMESTAMP() + MICROSECOND(NOW(6)) / 1e6)",
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
}
"""Seconds since 1970 by the clock of the database, in each kind's SQL."""

# in one expression, since a statement more would cost writers a round trip; what a function without a result returns
# is text of no length
NOW_AND_TELL = f"({NOW['postgresql']} + length(CAST(pg_notify('{CHANNEL}', '') AS text)))"
"""The same of PostgreSQL, which tells relays when the transaction is committed."""

_ADAPTERS = {
    "sqlalchemy": "broadcastkit.delivery.outbox.sqlalchemy",
    "django": "broadcastkit.delivery.outbox.django",
}


class Waiting(NamedTuple):
    """A row that is to be delivered; `free` if nobody has claimed it and it is time to try."""

    id: int
    connection: str
    channels: tuple[str, ...]
    free: bool


class Claimed(NamedTuple):
    """A row that one relay has for itself, as long as its lease lasts; `age` in seconds, when it was claimed."""

    id: int
    text: str
    attempts: int
    refusals: int
    age: float

    def __repr__(self) -> str:
        """Leave the payload out."""
        return f"<Claimed {self.id}, {self.attempts} attempt(s) so far>"


class Failed(NamedTuple):
    """What an attempt that failed leaves in a row. `delay` in seconds, or None: the row is dead.

    `rest` is the envelope without the channels that were served, where some were.
    """

    id: int
    error: str
    delay: float | None
    refused: bool
    rest: Envelope | None = None


class Dead(NamedTuple):
    """An event that was given up, without its payload; `age` in seconds since it was written."""

    id: int
    event_id: str
    connection: str
    channels: tuple[str, ...]
    attempts: int
    error: str
    age: float


class Counts(NamedTuple):
    """What is in the table; `oldest` is the age in seconds of the event that has waited longest."""

    waiting: int
    dead: int
    oldest: float


class Store(Protocol):
    """The table, as a relay needs it. All times are the database's: machines disagree about theirs."""

    errors: tuple[type[Exception], ...]
    """What is raised where the database does not answer, or asks to try again."""

    def listening(self) -> Bell:
        """Return what rings at commits; raise ConfigurationError if the database cannot tell of them."""
        ...

    def check(self) -> None:
        """Raise ConfigurationError if there is no table."""
        ...

    def waiting(self, limit: int, without: Collection[str]) -> Sequence[Waiting]:
        """Return the first rows in order of their ids, of one moment, without those of some connections."""
        ...

    def claim(
        self, ids: Sequence[int], token: str, lease: float, *, keep: Callable[[Collection[int]], Collection[int]]
    ) -> Sequence[Claimed]:
        """Claim what of these is still free; of those that are, the ones that `keep` returns."""
        ...

    def renew(self, ids: Sequence[int], token: str, lease: float) -> bool:
        """Lengthen a claim; False if part of it is lost."""
        ...

    def release(self, ids: Sequence[int], token: str) -> None:
        """Give a claim back."""
        ...

    def settle(self, token: str, *, delivered: Sequence[int], failed: Sequence[Failed], keep: bool) -> None:
        """Note what came of an attempt; what was delivered is deleted, or kept for a while."""
        ...

    def prune(self, age: float) -> int:
        """Delete what was delivered more than `age` seconds ago; returns how much that was."""
        ...

    def counts(self) -> Counts:
        """Count."""
        ...

    def dead(self, limit: int) -> Sequence[Dead]:
        """Return the first events that were given up."""
        ...

    def requeue(self, ids: Sequence[int] | None) -> int:
        """Have dead events tried again, all or some; returns how many those are."""
        ...

    def discard(self, ids: Sequence[int] | None) -> int:
        """Delete dead events, all or some; returns how many those are."""
        ...


class Adapter(Protocol):
    """A module that knows one kind of database access."""

    def write(self, target: Any, table: Any, envelopes: Sequence[Envelope], *, notify: bool) -> None:
        """Write into the transaction of a target."""
        ...

    async def awrite(self, target: Any, table: Any, envelopes: Sequence[Envelope], *, notify: bool) -> None:
        """See write."""
        ...

    def store(self, target: Any, table: Any) -> Store:
        """Return the table, for a relay."""
        ...


def adapter_of(target: object) -> Adapter:
    """Return what knows the kind of thing that a caller named.

    Raises:
        ConfigurationError: nothing does.
    """
    kinds = (
        {"django"} if isinstance(target, str) else {cls.__module__.partition(".")[0] for cls in type(target).__mro__}
    )
    for kind, module in _ADAPTERS.items():
        if kind in kinds:
            return cast("Adapter", import_module(module))
    raise ConfigurationError(
        "an outbox takes a session, a connection or an engine of SQLAlchemy, or the alias of a Django database, not "
        f"{type(target).__name__}"
    )


def fields_of(envelope: Envelope) -> dict[str, str]:
    """Return what is written of an envelope. Names of channels have no spaces in them."""
    return {
        "event_id": envelope.id,
        "connection": envelope.connection,
        "channels": " ".join(envelope.message.channels),
        "envelope": envelope.to_json(),
    }
