"""PostgreSQL tells a relay of a commit: it does not wait until it looks again, which here is in a minute."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster
from broadcastkit.delivery.outbox import Outbox, Relay, listening
from broadcastkit.delivery.outbox.base import CHANNEL
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.drivers.memory import AsyncMemoryDriver
from broadcastkit.errors import ConfigurationError
from tests.delivery.outbox.arrivals import Arrivals
from tests.interop.redis_servers import wait_until

if TYPE_CHECKING:
    from tests.interop.postgres_servers import PostgresServer

pytestmark = pytest.mark.real

SECONDS = 30.0
POLL = 60.0
LISTENERS = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND datname = current_database()"
EVENT = AnonymousEvent("first", on="a")


@pytest.fixture
def engine(postgres: PostgresServer) -> Iterator[Engine]:
    engine = create_engine(postgres.url())
    outbox_table().create(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals()


@contextlib.contextmanager
def running(relay: Relay) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        yield thread
    finally:
        relay.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()


def listeners(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(LISTENERS)).scalar_one())


@pytest.fixture
def relay(engine: Engine, arrivals: Arrivals) -> Iterator[None]:
    with running(Relay(engine, Broadcaster(arrivals), poll=POLL, listen=True)):
        wait_until(lambda: listeners(engine), "the relay listens", SECONDS)
        yield
    wait_until(lambda: not listeners(engine), "its connection is closed", SECONDS)


def say(engine: Engine, arrivals: Arrivals, event: str, *, commit: bool = True) -> None:
    sender = Broadcaster(arrivals, delivery=Outbox(notify=True))
    with Session(engine) as session:
        sender.broadcast(AnonymousEvent(event, on="a")).after_commit(session).to_everyone()
        (session.commit if commit else session.rollback)()


@pytest.mark.usefixtures("relay")
def test_a_commit_is_heard_of_and_a_rollback_is_not(engine: Engine, arrivals: Arrivals) -> None:
    say(engine, arrivals, "never", commit=False)
    say(engine, arrivals, "first")
    arrivals.wait_for("first")
    say(engine, arrivals, "second")
    arrivals.wait_for("first", "second")


@pytest.mark.usefixtures("relay")
def test_an_awaited_session_tells_as_well(postgres: PostgresServer, arrivals: Arrivals) -> None:
    async def write() -> None:
        engine = create_async_engine(postgres.url())
        sender = AsyncBroadcaster(AsyncMemoryDriver(), delivery=Outbox(notify=True))
        async with AsyncSession(engine) as session, session.begin():
            await sender.broadcast(EVENT).after_commit(session).to_everyone()
        await engine.dispose()

    asyncio.run(write())
    arrivals.wait_for("first")


@pytest.mark.usefixtures("relay")
def test_many_events_of_a_transaction_ring_once(postgres: PostgresServer, engine: Engine, arrivals: Arrivals) -> None:
    names = [f"e{number}" for number in range(25)]
    sender = Broadcaster(arrivals, delivery=Outbox(engine, notify=True))
    with postgres.connect() as ear:
        ear.execute(f"LISTEN {CHANNEL}")
        sender.broadcast_many([AnonymousEvent(name, on="a") for name in names]).to_everyone()
        arrivals.wait_for(*names)
        assert len(list(ear.notifies(timeout=SECONDS, stop_after=1))) == 1
        assert list(ear.notifies(timeout=0)) == []


@pytest.mark.usefixtures("relay")
def test_a_connection_that_is_lost_is_made_again(
    engine: Engine, arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listening, "_PAUSE", 0.0)
    say(engine, arrivals, "first")
    arrivals.wait_for("first")
    with engine.begin() as connection:
        ended = LISTENERS.replace("count(*)", "pg_terminate_backend(pid)")
        assert connection.execute(text(ended)).scalars().all() == [True]
    wait_until(lambda: caplog.messages, "the relay has noticed", SECONDS)
    wait_until(lambda: listeners(engine), "the relay listens again", SECONDS)
    say(engine, arrivals, "second")
    arrivals.wait_for("first", "second")
    (said,) = caplog.messages  # the class depends on what of the end had arrived
    assert said.startswith("nobody tells of commits: polling alone (")


def test_without_a_connection_it_polls(
    engine: Engine, arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    relay = Relay(engine, Broadcaster(arrivals), poll=0.01, listen=True)

    def refused(*_: object) -> None:
        raise relay.errors[0]("hush-hush", None, OSError())

    monkeypatch.setattr(relay._bell, "_connect", refused)
    with running(relay):
        say(engine, arrivals, "first")
        arrivals.wait_for("first")
    assert caplog.messages == ["nobody tells of commits: polling alone (DBAPIError)"]


def test_a_relay_that_listens_can_be_stopped_before_it_runs(engine: Engine, arrivals: Arrivals) -> None:
    relay = Relay(engine, Broadcaster(arrivals), poll=POLL, listen=True)
    for _ in range(100_000):  # more than a pipe holds
        relay.stop()
    with running(relay):
        pass


def test_only_postgresql_with_psycopg_tells(arrivals: Arrivals) -> None:
    with pytest.raises(ConfigurationError, match=r"listen needs PostgreSQL with psycopg .*, not sqlite\+pysqlite"):
        Relay(create_engine("sqlite://"), Broadcaster(arrivals), listen=True)
