"""PostgreSQL is killed while a transaction is being committed: all that was committed arrives."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from broadcastkit import Broadcaster
from broadcastkit.delivery.outbox import Outbox, Relay
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import PusherDriver
from tests.faults.deliveries import event, saw
from tests.faults.ledger import Report, Row, row_of
from tests.faults.witness import Witness
from tests.interop.postgres_servers import postgres_folder, postgres_server
from tests.interop.redis_servers import wait_until
from tests.interop.servers import PusherServer

pytestmark = pytest.mark.real

COUNT = 30
KILLED_AT = 10
SECONDS = 30.0
# what a commit does last, and what it waits for
SLOW = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON broadcastkit_outbox DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION wait();
"""
COMMITTING = "SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'PgSleep'"


class Writers:
    """Write one event in each transaction."""

    def __init__(self, engine: Engine, channels: Sequence[str]) -> None:
        self.report = Report()
        self._engine = engine
        self._channels = channels
        self._broadcaster = Broadcaster(NullDriver(), delivery=Outbox())

    def write(self, numbers: Sequence[int]) -> None:
        """Note what each caller sees."""
        for number in numbers:
            try:
                with Session(self._engine) as session:
                    pending = self._broadcaster.broadcast(event(number, self._channels)).after_commit(session)
                    receipt = pending.to_everyone()
                    session.commit()
            except DBAPIError as error:
                self.report.saw[number] = self.report.told[number] = type(error).__name__
            else:
                self.report.saw[number] = saw(receipt)


@contextlib.contextmanager
def relaying(relay: Relay) -> Iterator[None]:
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        yield
    finally:
        relay.stop()
        thread.join(SECONDS)


def test_postgresql_is_killed_mid_commit(
    tmp_path: Path,
    soketi: PusherServer,
    listener: Witness,
    channels: Sequence[str],
    ledger: Callable[[Row], None],
) -> None:
    listener.listen(channels)
    log = tmp_path / "postgres.log"
    with postgres_folder() as folder, contextlib.ExitStack() as relays:
        with postgres_server(folder, log=log) as server:
            engine = create_engine(server.url(), poolclass=NullPool)
            outbox_table().create(engine)
            writers = Writers(engine, channels)
            driver = PusherDriver.from_url(soketi.url)
            relay = Relay(engine, Broadcaster(driver), poll=0.01, backoff=0.05, lease=1.0)
            relays.callback(driver.close)
            relays.enter_context(relaying(relay))
            writers.write(range(KILLED_AT))
            with server.connect() as watching:
                watching.execute(SLOW)
                writing = threading.Thread(target=writers.write, args=([KILLED_AT],))
                writing.start()
                wait_until(lambda: watching.execute(COMMITTING).fetchone() == (1,), "it commits", SECONDS)
            server.kill()
            writing.join(SECONDS)
        with postgres_server(folder, log=log, port=server.port):
            with engine.begin() as connection:
                connection.execute(text("DROP TRIGGER slow ON broadcastkit_outbox"))
            writers.write(range(KILLED_AT + 1, COUNT))
            wait_until(lambda: not relay.statistics().waiting, "the relay is done", SECONDS)
            relays.close()

    fault, heard = "PostgreSQL is killed mid-commit, and restarted", listener.heard(channels)
    row = row_of(fault, "Outbox", range(COUNT), writers.report, heard)
    ledger(row)
    assert (row.delivered, row.lost, row.told) == (COUNT - 1, 0, {"OperationalError": 1}), row
    assert row.in_order, row
