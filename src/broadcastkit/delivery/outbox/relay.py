"""`Relay`: sends what outboxes have written, at least once, in order per channel; run as many as you like."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from uuid import uuid4

from broadcastkit.core.message import Message
from broadcastkit.delivery.outbox.base import Claimed, Dead, Failed, Store, adapter_of
from broadcastkit.delivery.outbox.bell import Bell, PlainBell
from broadcastkit.delivery.outbox.claimed import ClaimedEvent, outcomes_of, read, report
from broadcastkit.delivery.outbox.claims import chunks, claimable
from broadcastkit.delivery.outbox.metrics import RelayStatistics
from broadcastkit.delivery.outbox.pauses import Pauses
from broadcastkit.delivery.outbox.verdicts import Tries
from broadcastkit.delivery.source import Source
from broadcastkit.delivery.telling import tell_dropped
from broadcastkit.drivers.base import Driver, Outcome, Sent
from broadcastkit.errors import ConfigurationError

__all__ = ["Relay"]

_log = logging.getLogger("broadcastkit.relay")

# How often to look again where others were quicker to claim.
_LOOKS = 5
# Channels in one request to a driver that has no limit of its own.
_REQUEST = 10
# Seconds between looks at what may be deleted.
_PRUNING = 60.0


class Relay:
    """Reads the outbox in a database, and sends over the connections of a broadcaster.

        relay = Relay(engine, Broadcaster.from_env())
        relay.run()  # until relay.stop(), from a signal handler or another thread

    `source` is an Engine of SQLAlchemy or the alias of a Django database; the broadcaster's own delivery and error
    policy play no part. Any number of relays may share a table, on any number of machines.

    Every event that was committed is delivered at least once: it leaves the table when the service has accepted it,
    and a relay that dies is followed by others, which take over its events when the `lease` has run out (seconds; twice
    as long as one request with all its retries). Events that share a channel arrive in the order in which they were
    written, duplicates aside; where their transactions overlapped, either may come first.

    `tries` and `backoff` are for events that the service keeps failing at: see `Tries`. What is given up is kept, as
    *dead*, and holds up nobody. `batch` events are claimed at a time; `poll` seconds pass between looks at an empty
    table; `keep` seconds are delivered events kept in the table (0: not at all). With `listen`, PostgreSQL tells of
    what `Outbox(notify=True)` has written as soon as it is committed, over a connection more; `poll` is then for what
    is tried again. Needs psycopg.
    """

    def __init__(
        self,
        source: object,
        broadcaster: Source[Driver],
        *,
        table: object | None = None,
        batch: int = 100,
        tries: int = 10,
        backoff: float = 1.0,
        lease: float = 60.0,
        poll: float = 0.1,
        keep: float = 0.0,
        listen: bool = False,
    ) -> None:
        self._policy = Tries(tries, backoff)
        _check(batch=batch, lease=lease, poll=poll, keep=keep)
        self._store: Store = adapter_of(source).store(source, table)
        self.errors: tuple[type[Exception], ...] = self._store.errors
        self._connections = broadcaster
        self._batch = batch
        self._lease = lease
        self._poll = poll
        self._keep = keep
        self._token = str(uuid4())
        self._stopping = False
        self._bell: Bell = self._store.listening() if listen else PlainBell()
        self._pauses = Pauses(self._policy)
        self._claimed_at = self._renew_at = 0.0
        self._pruned_at = float("-inf")
        self._delivered = self._retried = self._died = 0
        self._lag = 0.0

    # -- running -----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Deliver until `stop()`; then finish the request that is on its way, and give back what was claimed.

        A database that does not answer is waited for.

        Raises:
            ConfigurationError: the database has no such table.
        """
        try:
            self._run()
        finally:
            self._bell.close()

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                if failures == 0:
                    self._store.check()
                while not self._stopping:
                    if self.run_once() == 0:
                        self._bell.wait(self._poll)
                    failures = 0
            except self.errors as error:
                failures += 1
                wait = self._policy.wait(failures, error, random.random())  # noqa: S311
                kind = type(error).__name__
                extra = {"broadcast_error": kind}
                _log.error("the outbox cannot be read; again in %.1f s: %s", wait, kind, extra=extra)
                self._bell.wait(wait)

    def stop(self) -> None:
        """Have `run()` return soon; safe in a signal handler, and in another thread."""
        self._stopping = True
        self._bell.ring()

    def run_once(self) -> int:
        """Claim events once and deliver them; returns how many there were. For tests, and for schedules of your own.

        Raises:
            Exception: whatever the database raises; what was claimed is taken over when the lease has run out.
        """
        self._prune()
        rows: Sequence[Claimed] = ()
        for _ in range(0 if self._stopping else _LOOKS):
            rows, tried = self._claim()
            if rows or not tried:
                break
        if rows:
            self._deliver([read(row) for row in rows])
        return len(rows)

    def _claim(self) -> tuple[Sequence[Claimed], int]:
        """Claim what may be claimed; returns that, and how much was tried, since others may have been quicker."""
        now = self._claimed_at = time.monotonic()
        self._renew_at = now + self._lease / 2
        paused = self._pauses.at(now)
        limit = 2 * self._batch
        while True:
            rows = self._store.waiting(limit, paused)
            chosen = claimable(rows, self._batch)
            if chosen or len(rows) < limit:
                break
            limit *= 4  # whoever waits behind others who cannot go

        def keep(got: Collection[int]) -> list[int]:
            return claimable(rows, self._batch, got=set(got))

        claimed = self._store.claim(chosen, self._token, self._lease, keep=keep) if chosen else []
        return claimed, len(chosen)

    def _prune(self) -> None:
        now = time.monotonic()
        if self._keep and now >= self._pruned_at + _PRUNING:
            self._pruned_at = now
            self._store.prune(self._keep)

    # -- delivering --------------------------------------------------------------------------------------------------

    def _deliver(self, claimed: list[ClaimedEvent]) -> None:
        left = {row.claimed.id for row in claimed}
        troubled: set[str] = set()
        try:
            for driver, chunk in self._requests(claimed):
                connection = chunk[0].connection
                if connection in troubled:
                    continue  # nothing overtakes what failed
                if self._stopping or not self._still_ours(left):
                    break
                outcomes = outcomes_of(driver, chunk)
                left.difference_update(row.claimed.id for row in chunk)
                if not self._settle(driver, chunk, outcomes):
                    troubled.add(connection)
        finally:
            if left:
                self._store.release(sorted(left), self._token)

    def _requests(self, claimed: list[ClaimedEvent]) -> Iterator[tuple[Driver | Exception, list[ClaimedEvent]]]:
        """Cut what was claimed into requests; those of one connection in order."""
        for name, group in groupby(sorted(claimed, key=lambda row: row.connection), key=lambda row: row.connection):
            driver: Driver | Exception
            try:
                driver = self._connections.driver(name)
            except Exception as error:  # noqa: BLE001 - of whatever makes drivers; a relay goes on
                driver = error
            limit = getattr(driver, "batch_limit", _REQUEST)
            for chunk in chunks(list(group), limit, weight=lambda row: row.weight):
                yield driver, chunk

    def _still_ours(self, ids: Collection[int]) -> bool:
        """Lengthen the lease in time; a relay that has lost it may not send what is another's now."""
        now = time.monotonic()
        if now < self._renew_at:
            return True
        self._renew_at = now + self._lease / 2
        return self._store.renew(sorted(ids), self._token, self._lease)

    def _settle(self, driver: object, chunk: list[ClaimedEvent], outcomes: Sequence[Outcome | Exception]) -> bool:
        """Note what came of a request; returns whether the next one may follow."""
        delivered: list[int] = []
        failed: list[Failed] = []
        errors: list[Exception] = []
        dead: list[tuple[Message, Exception]] = []
        for row, outcome in zip(chunk, outcomes, strict=True):
            if isinstance(outcome, Sent):
                delivered.append(row.claimed.id)
                self._lag = row.claimed.age + time.monotonic() - self._claimed_at
                continue
            verdict = self._verdict(row, outcome)
            failed.append(verdict)
            if verdict.delay is not None:
                errors.append(outcome)
            elif row.envelope is not None:
                dead.append((row.envelope.message, outcome))
            report(row, outcome, verdict)
        self._store.settle(self._token, delivered=delivered, failed=failed, keep=self._keep > 0)
        self._delivered += len(delivered)
        self._retried += len(errors)
        self._died += len(failed) - len(errors)
        self._pauses.note(chunk[0].connection, errors, answered=bool(delivered))
        tell_dropped(driver, chunk[0].connection, dead, "failed")
        return not errors

    def _verdict(self, row: ClaimedEvent, error: Exception) -> Failed:
        claimed = row.claimed
        return self._policy.verdict(
            claimed.id,
            row.envelope,
            error,
            attempts=claimed.attempts,
            refusals=claimed.refusals,
            jitter=random.random(),  # noqa: S311
        )

    # -- looking in --------------------------------------------------------------------------------------------------

    def statistics(self) -> RelayStatistics:
        """Count what waits, and what was done; asks the database."""
        counts = self._store.counts()
        return RelayStatistics(
            waiting=counts.waiting,
            dead=counts.dead,
            oldest=counts.oldest,
            delivered=self._delivered,
            retried=self._retried,
            died=self._died,
            lag=self._lag,
        )

    def dead(self, limit: int = 100) -> Sequence[Dead]:
        """Return the first events that were given up, without their payloads."""
        return self._store.dead(limit)

    def requeue(self, *ids: int) -> int:
        """Have dead events tried again, all or those with these ids; returns how many.

        They go under their old ids: before whatever waits for their channels, and after all that was delivered.
        """
        return self._store.requeue(ids or None)

    def discard(self, *ids: int) -> int:
        """Delete dead events, all or those with these ids; returns how many."""
        return self._store.discard(ids or None)


def _check(*, batch: object, lease: float, poll: float, keep: float) -> None:
    for name, value in {"lease": lease, "poll": poll}.items():
        if not value > 0:
            raise ConfigurationError(f"must be a number of seconds above 0, not {value!r}", setting=name)
    if not keep >= 0:
        raise ConfigurationError(f"must be a number of seconds from 0, not {keep!r}", setting="keep")
    if type(batch) is not int or batch < 1:
        raise ConfigurationError(f"must be a number from 1, not {batch!r}", setting="batch")
