"""`Outbox`: an event is written in the transaction that it tells of, and a relay sends it after the commit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from broadcastkit.core.message import Message
from broadcastkit.delivery.base import Queued, TransactionalDelivery
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox.base import adapter_of
from broadcastkit.drivers.base import AsyncDriver, Driver
from broadcastkit.errors import ConfigurationError

__all__ = ["Outbox"]

# Of these, each `begin()` opens a session or a connection with a transaction of its own.
_FACTORIES = frozenset({"sessionmaker", "async_sessionmaker", "Engine", "AsyncEngine"})


class Outbox(TransactionalDelivery):
    """Writes every broadcast into a table, in the caller's transaction. Sends nothing: `Relay` does.

    The transaction is the one that `.after_commit(session)` names, else the broadcaster's `transaction=`, else that of
    `session`: a callable which returns the current session (a `scoped_session` is one), the alias of a Django
    database, or a `sessionmaker` or an engine, which opens a short transaction for each broadcast. Committed: the event
    will arrive, at least once. Rolled back, to a savepoint too: it never was.

    `table` is what `outbox_table()` returned, where it is not the default one. With `id_field`, each payload that is
    a JSON object gets a field of this name with the id of the event, by which clients can tell what they have had.

    With `notify`, PostgreSQL tells relays that listen (`Relay(listen=True)`) of the commit, and they do not wait until
    they look again. Not for transactions that are prepared (two-phase commit): PostgreSQL refuses those.

    An error of the database is raised as it is, whatever `on_error` says: the caller's transaction has failed.

    Raises:
        ConfigurationError: at a broadcast: no transaction is named, or a blocking one where one must be awaited.
    """

    def __init__(
        self,
        session: object | None = None,
        *,
        table: object | None = None,
        id_field: str | None = None,
        notify: bool = False,
    ) -> None:
        field: object = id_field
        if field is not None and not (isinstance(field, str) and field):
            raise ConfigurationError(f"must be the name of a field, not {field!r}", setting="id_field")
        self._source: Any = session
        self._opens = any(cls.__name__ in _FACTORIES for cls in type(session).__mro__)
        self._table = table
        self._id_field = id_field
        self._notify = notify

    def deliver(self, connection: str, driver: Driver, messages: Sequence[Message]) -> Sequence[Queued]:
        """Write messages into the transaction of the outbox's own session."""
        if not self._opens:
            return self.deliver_within(self._current(), connection, driver, messages)
        with _blocking(self._source) as target:
            return self.deliver_within(target, connection, driver, messages)

    async def adeliver(self, connection: str, driver: AsyncDriver, messages: Sequence[Message]) -> Sequence[Queued]:
        """See deliver."""
        if not self._opens:
            return await self.adeliver_within(self._current(), connection, driver, messages)
        async with _awaited(self._source) as target:
            return await self.adeliver_within(target, connection, driver, messages)

    def deliver_within(
        self, target: object, connection: str, driver: Driver, messages: Sequence[Message]
    ) -> Sequence[Queued]:
        """Write messages into the transaction of a session that the caller has named."""
        del driver
        adapter_of(target).write(target, self._table, self._envelopes(connection, messages), notify=self._notify)
        return [_QUEUED] * len(messages)

    async def adeliver_within(
        self, target: object, connection: str, driver: AsyncDriver, messages: Sequence[Message]
    ) -> Sequence[Queued]:
        """See deliver_within."""
        del driver
        await adapter_of(target).awrite(target, self._table, self._envelopes(connection, messages), notify=self._notify)
        return [_QUEUED] * len(messages)

    def _current(self) -> object:
        source = self._source
        target: object = source() if callable(source) else source
        if target is None:
            raise ConfigurationError(
                "an outbox writes into a transaction, and none is named: end the broadcast with "
                ".after_commit(session), or give Outbox(session=…) what returns the current session"
            )
        return target

    def _envelopes(self, connection: str, messages: Sequence[Message]) -> list[Envelope]:
        envelopes: list[Envelope] = []
        for message in messages:
            event_id = str(uuid4())
            if self._id_field is not None:
                message = message._replace(data=_with_field(message.data, self._id_field, event_id))  # noqa: PLW2901
            envelopes.append(Envelope(connection, message, event_id))
        return envelopes


_QUEUED = Queued()


def _with_field(data: str, name: str, value: str) -> str:
    """Add a field to a JSON object that has none of this name."""
    if not data.startswith("{") or name in (fields := json.loads(data)):
        return data
    return f"{data[:-1]}{',' if fields else ''}{json.dumps(name)}:{json.dumps(value)}}}"


def _blocking(source: Any) -> Any:
    opened = source.begin()
    if not hasattr(opened, "__enter__"):
        raise ConfigurationError("a blocking broadcast needs a blocking session: this outbox has an awaited one")
    return opened


def _awaited(source: Any) -> Any:
    opened = source.begin()
    if not hasattr(opened, "__aenter__"):
        raise ConfigurationError("an awaited broadcast needs an awaited session: this outbox has a blocking one")
    return opened
