"""Writing: an event is in the table exactly if its transaction was committed, and nothing is sent."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import URL, Engine, NullPool, create_engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Event
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox import Outbox
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.delivery.transactions import collect
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.errors import ConfigurationError
from broadcastkit.testing import fake_broadcasts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PING = AnonymousEvent("ping", {"n": 1}, on=["private-a", "b"])
TABLE = outbox_table()


def broadcaster(*args: Any, **options: Any) -> Broadcaster:
    return Broadcaster(MemoryDriver(), delivery=Outbox(*args, **options))


def written(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(TABLE).order_by(TABLE.c.id)))


def events(engine: Engine) -> list[str]:
    return [Envelope.from_json(row.envelope).message.event for row in written(engine)]


def test_what_is_committed_is_written_whole(engine: Engine) -> None:
    sender = broadcaster()
    with Session(engine) as session, session.begin():
        event = AnonymousEvent("ping", {"text": "a 'quoted' \\ 🎉"}, on=["private-a", "b"])
        receipt = sender.broadcast(event).after_commit(session).to_others("12.34")

    assert receipt.queued
    (row,) = written(engine)
    envelope = Envelope.from_json(row.envelope)
    assert envelope.connection == row.connection == "default"
    assert envelope.id == row.event_id == str(uuid.UUID(row.event_id))
    assert row.channels.split() == ["private-a", "b"]
    assert envelope.message[:4] == ("ping", ("private-a", "b"), '{"text":"a \'quoted\' \\\\ 🎉"}', "12.34")
    driver = sender.driver()
    assert isinstance(driver, MemoryDriver)
    assert driver.messages == []


def test_what_is_rolled_back_never_was(engine: Engine) -> None:
    with Session(engine) as session:
        broadcaster().broadcast(PING).after_commit(session).to_everyone()
        session.rollback()

    assert written(engine) == []


def test_a_savepoint_that_is_rolled_back_takes_its_events_along(engine: Engine) -> None:
    sender = broadcaster()
    with Session(engine) as session, session.begin():
        sender.broadcast(AnonymousEvent("before", on="a")).after_commit(session).to_everyone()
        savepoint = session.begin_nested()
        sender.broadcast(AnonymousEvent("inside", on="a")).after_commit(session).to_everyone()
        savepoint.rollback()
        sender.broadcast(AnonymousEvent("after", on="a")).after_commit(session).to_everyone()

    assert events(engine) == ["before", "after"]


def test_a_connection_will_do(engine: Engine) -> None:
    with engine.begin() as connection:
        broadcaster().broadcast(PING).after_commit(connection).to_everyone()

    assert events(engine) == ["ping"]


def test_many_events_keep_their_order(engine: Engine) -> None:
    many = [AnonymousEvent(f"e{n}", on="a") for n in range(50)]
    with Session(engine) as session, session.begin():
        broadcaster().broadcast_many(many).after_commit(session).to_everyone()

    assert events(engine) == [event.event_name for event in many]


def test_each_connection_has_its_own_row(engine: Engine) -> None:
    sender = Broadcaster({"a": MemoryDriver(), "b": MemoryDriver()}, default="a", delivery=Outbox())
    with Session(engine) as session, session.begin():
        sender.broadcast(PING).via("a", "b").after_commit(session).to_everyone()

    assert [row.connection for row in written(engine)] == ["a", "b"]


class Committed(Event, after_commit=True):
    def broadcast_on(self) -> str:
        return "a"


@pytest.mark.parametrize("event", [PING, Committed()], ids=["any event", "one with after_commit"])
def test_the_outbox_knows_the_current_session(engine: Engine, event: Any) -> None:
    current = scoped_session(sessionmaker(engine))
    broadcaster(current).broadcast(event).to_everyone()
    assert written(engine) == []
    current.commit()

    assert len(written(engine)) == 1
    current.remove()


def test_the_broadcaster_knows_the_current_session(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        sender = Broadcaster(MemoryDriver(), delivery=Outbox(), transaction=lambda: session)
        sender.broadcast(PING).after_commit().to_everyone()
        sender.broadcast(PING).to_everyone()

    assert len(written(engine)) == 2


def test_a_factory_opens_a_short_transaction(engine: Engine) -> None:
    broadcaster(sessionmaker(engine)).broadcast(PING).to_everyone()
    broadcaster(engine).broadcast(PING).to_everyone()

    assert events(engine) == ["ping", "ping"]


def test_a_collect_block_has_no_say(engine: Engine) -> None:
    """The transaction decides; what it has written does not wait for a block, which may outlive it."""
    with Session(engine) as session, session.begin(), collect():
        broadcaster(lambda: session).broadcast(PING).to_everyone()
        session.commit()

    assert events(engine) == ["ping"]


def test_a_table_of_another_name(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'other.db'}", poolclass=NullPool)
    table = outbox_table(name="events_to_send")
    table.create(engine)
    broadcaster(engine, table=table).broadcast(PING).to_everyone()

    with engine.connect() as connection:
        assert len(connection.execute(select(table)).all()) == 1


def test_an_error_of_the_database_is_raised_whatever_the_policy(tmp_path: Path) -> None:
    """The caller's transaction has failed, and must not be taken for one that has not."""
    engine = create_engine(f"sqlite:///{tmp_path / 'empty.db'}", poolclass=NullPool)
    sender = Broadcaster(MemoryDriver(), delivery=Outbox(), on_error="report")
    with Session(engine) as session, pytest.raises(DBAPIError):
        sender.broadcast(PING).after_commit(session).to_everyone()


def test_without_a_transaction_the_error_says_how_to_name_one() -> None:
    with pytest.raises(ConfigurationError, match=r"end the broadcast with \.after_commit\(session\)"):
        broadcaster().broadcast(PING).to_everyone()
    with pytest.raises(ConfigurationError, match=r"end the broadcast with \.after_commit\(session\)"):
        broadcaster().broadcast(PING).after_commit().to_everyone()


def test_what_is_no_session_is_named() -> None:
    with pytest.raises(ConfigurationError, match="not int"):
        broadcaster().broadcast(PING).after_commit(7).to_everyone()
    with pytest.raises(ConfigurationError, match="not of a sessionmaker"):
        broadcaster().broadcast(PING).after_commit(sessionmaker()).to_everyone()


def test_a_fake_hears_at_once_what_an_outbox_would_write() -> None:
    sender = broadcaster()
    with fake_broadcasts(sender) as broadcasts:
        sender.broadcast(PING).to_everyone()

    broadcasts.assert_broadcast("ping")


# -- an id for clients -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "expected"),
    [({"n": 1}, {"n": 1, "event_id": ...}), ({}, {"event_id": ...}), ({"event_id": 7}, {"event_id": 7}), ([1], [1])],
)
def test_payloads_can_carry_the_id(tmp_path: Path, payload: Any, expected: Any) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'ids.db'}", poolclass=NullPool)
    TABLE.create(engine)
    broadcaster(engine, id_field="event_id").broadcast(AnonymousEvent("ping", payload, on="a")).to_everyone()

    (row,) = written(engine)
    data = json.loads(Envelope.from_json(row.envelope).message.data)
    if isinstance(expected, dict) and expected.get("event_id") is ...:
        expected = {**expected, "event_id": row.event_id}
    assert data == expected


def test_a_wrong_name_for_the_id_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="id_field must be the name of a field"):
        Outbox(id_field="")


# -- awaited ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def sessions(awaited: URL) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    engine = create_async_engine(awaited, poolclass=NullPool)
    yield async_sessionmaker(engine)
    await engine.dispose()


def awaiting(*args: Any) -> AsyncBroadcaster:
    return AsyncBroadcaster(AsyncMemoryDriver(), delivery=Outbox(*args))


async def test_awaited_sessions_write_what_they_commit(
    sessions: async_sessionmaker[AsyncSession], reader: Engine
) -> None:
    sender = awaiting()
    async with sessions() as session, session.begin():
        await sender.broadcast(AnonymousEvent("kept", on="a")).after_commit(session).to_everyone()
        savepoint = await session.begin_nested()
        await sender.broadcast(AnonymousEvent("dropped", on="a")).after_commit(session).to_everyone()
        await savepoint.rollback()
    async with sessions() as session:
        await sender.broadcast(AnonymousEvent("rolled back", on="a")).after_commit(session).to_everyone()
        await session.rollback()

    assert events(reader) == ["kept"]


async def test_an_awaited_factory_opens_a_short_transaction(
    sessions: async_sessionmaker[AsyncSession], reader: Engine
) -> None:
    await awaiting(sessions).broadcast(PING).to_everyone()

    assert events(reader) == ["ping"]


async def test_the_current_awaited_session(sessions: async_sessionmaker[AsyncSession], reader: Engine) -> None:
    current = async_scoped_session(sessions, scopefunc=lambda: 1)
    await awaiting(current).broadcast(PING).to_everyone()
    await current.commit()
    await current.remove()

    assert events(reader) == ["ping"]


async def test_colors_are_not_mixed(sessions: async_sessionmaker[AsyncSession]) -> None:
    with pytest.raises(ConfigurationError, match="it would block the event loop"):
        await awaiting().broadcast(PING).after_commit(Session()).to_everyone()
    with pytest.raises(ConfigurationError, match="needs an awaited session"):
        await awaiting(sessionmaker()).broadcast(PING).to_everyone()
    async with sessions() as session:
        with pytest.raises(ConfigurationError, match="await the one of"):
            broadcaster().broadcast(PING).after_commit(session).to_everyone()
    with pytest.raises(ConfigurationError, match="needs a blocking session"):
        broadcaster(sessions).broadcast(PING).to_everyone()
