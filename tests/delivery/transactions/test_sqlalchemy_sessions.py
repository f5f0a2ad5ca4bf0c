"""What may be given as a session, what an error after the commit does, and what following a session costs."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import create_engine, event
from sqlalchemy.event import registry
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Event, default
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.errors import BroadcastError, ConfigurationError, ConnectError, InvalidPayloadError
from broadcastkit.integrations.flask import Broadcasting
from broadcastkit.testing import fake_broadcasts
from tests.delivery.transactions.databases import Database, Order
from tests.delivery.transactions.witness import AsyncWitness, Witness


class OrderPlaced(Event, after_commit=True):
    id: int

    def broadcast_on(self) -> str:
        return "orders"


def named(name: str) -> AnonymousEvent:
    return AnonymousEvent(name, on="news")


@pytest.fixture
def session() -> Any:
    engine = create_engine("sqlite://")
    with Session(engine) as session:
        session.begin()
        yield session
    engine.dispose()


# -- what may be given -------------------------------------------------------------------------------------------------


def test_a_scoped_session_is_the_one_of_this_thread(database: Database) -> None:
    sessions = scoped_session(sessionmaker(database.engine))
    witness = Witness(database.look)
    broadcaster = Broadcaster(witness, transaction=sessions)

    for number in (1, 2):
        sessions.add(Order(id=number))
        broadcaster.broadcast(named("named")).after_commit(sessions).to_everyone()
        broadcaster.broadcast(OrderPlaced(id=number)).to_everyone()
        sessions.commit()
        sessions.remove()
    sessions.add(Order(id=3))
    broadcaster.broadcast(OrderPlaced(id=3)).to_everyone()
    sessions.remove()

    assert witness.seen == [(["named", "order.placed"], [1]), (["named", "order.placed"], [1, 2])]


async def test_an_awaited_session(database: Database) -> None:
    witness = AsyncWitness(database.awaited_look)
    broadcaster = AsyncBroadcaster(witness)
    async with AsyncSession(database.awaited_engine) as session:
        async with session.begin():
            session.add(Order(id=1))
            receipt = await broadcaster.broadcast(named("one")).after_commit(session).to_everyone()
            async with session.begin_nested():
                await broadcaster.broadcast(named("two")).after_commit(session).to_everyone()
            before = witness.events.copy()
        session.add(Order(id=2))
        await broadcaster.broadcast(named("three")).after_commit(session).to_everyone()
        await session.rollback()
    await database.awaited_engine.dispose()

    assert (receipt.queued, before) == (True, [])
    assert witness.seen == [(["one", "two"], [1])]


async def test_an_awaited_scoped_session(database: Database) -> None:
    sessions = async_scoped_session(async_sessionmaker(database.awaited_engine), asyncio.current_task)
    witness = AsyncWitness(database.awaited_look)
    broadcaster = AsyncBroadcaster(witness, transaction=sessions)

    sessions.add(Order(id=1))
    await broadcaster.broadcast(named("one")).after_commit(sessions).to_everyone()
    await broadcaster.broadcast(OrderPlaced(id=1)).to_everyone()
    await sessions.commit()
    await sessions.remove()
    await database.awaited_engine.dispose()

    assert witness.seen == [(["one", "order.placed"], [1])]


@pytest.mark.filterwarnings("ignore::broadcastkit.errors.SyncInEventLoopWarning")
@pytest.mark.parametrize("first", ["blocking", "awaited"])
async def test_an_awaited_session_takes_both_colours(database: Database, first: str) -> None:
    blocking, awaited = Witness(), AsyncWitness(database.awaited_look)
    async with AsyncSession(database.awaited_engine) as session:
        session.add(Order(id=1))
        if first == "blocking":
            Broadcaster(blocking).broadcast(named("one")).after_commit(session).to_everyone()
        await AsyncBroadcaster(awaited).broadcast(named("two")).after_commit(session).to_everyone()
        if first == "awaited":
            Broadcaster(blocking).broadcast(named("one")).after_commit(session.sync_session).to_everyone()
        await session.commit()
    await database.awaited_engine.dispose()

    assert (blocking.seen, awaited.seen) == ([(["one"], None)], [(["two"], [1])])


def test_a_function_that_returns_the_session_of_the_moment(session: Session) -> None:
    witness = Witness()
    broadcaster = Broadcaster(witness, transaction=lambda: session)

    broadcaster.broadcast(OrderPlaced(id=1)).to_everyone()
    before = witness.events.copy()
    session.commit()

    assert (before, witness.events) == ([], [["order.placed"]])


def test_and_says_none_where_there_is_no_session() -> None:
    witness = Witness()

    receipt = Broadcaster(witness, transaction=lambda: None).broadcast(OrderPlaced(id=1)).to_everyone()

    assert receipt.delivered


def test_several_broadcasters_on_one_session(session: Session) -> None:
    witnesses = Witness(), Witness()
    first, second = (Broadcaster(witness) for witness in witnesses)

    first.broadcast(named("one")).after_commit(session).to_everyone()
    second.broadcast(named("two")).after_commit(session).to_everyone()
    first.broadcast(named("three")).after_commit(session).to_everyone()
    session.commit()

    assert [witness.events for witness in witnesses] == [[["one", "three"]], [["two"]]]


async def test_an_awaited_broadcast_does_not_wait_for_a_blocking_session(session: Session) -> None:
    witness = AsyncWitness()

    with pytest.raises(ConfigurationError, match="waits for an AsyncSession, and this session is blocking"):
        await AsyncBroadcaster(witness).broadcast(named("one")).after_commit(session).to_everyone()

    assert witness.seen == []


@pytest.mark.parametrize("make", [sessionmaker, async_sessionmaker, lambda: create_engine("sqlite://")])
def test_what_is_no_session_is_refused(make: Callable[[], object]) -> None:
    given = make()

    for broadcast in (
        Broadcaster(Witness()).broadcast(named("one")).after_commit(given),
        Broadcaster(Witness(), transaction=given).broadcast(OrderPlaced(id=1)),
    ):
        with pytest.raises(ConfigurationError, match=f"takes a session of SQLAlchemy, not a {type(given).__name__}"):
            broadcast.to_everyone()


def test_a_class_of_sessions_of_ones_own(database: Database) -> None:
    """As SQLModel's, which is a Session."""

    class Shop(Session):
        pass

    witness = Witness(database.look)
    with Shop(database.engine) as session, session.begin():
        session.add(Order(id=1))
        Broadcaster(witness).broadcast(named("one")).after_commit(session).to_everyone()

    assert witness.seen == [(["one"], [1])]


def test_flask_sqlalchemy(tmp_path: Path) -> None:
    db = SQLAlchemy()
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/shop.db"
    app.config["BROADCASTING"] = "memory://"
    db.init_app(app)
    broadcasting = Broadcasting(app, user=lambda: None, transaction=db.session)

    @app.post("/<end>")
    def place(end: str) -> str:
        db.session.begin()
        broadcasting.broadcaster.broadcast(OrderPlaced(id=1)).to_others()
        broadcasting.broadcaster.broadcast(named(end)).after_commit(db.session).to_others()
        if end != "nothing":
            getattr(db.session, end)()
        return ""

    for end in ("rollback", "nothing", "commit"):
        app.test_client().post(f"/{end}")
    with app.app_context():
        driver = broadcasting.broadcaster.driver()
        db.engine.dispose()
    default.reset()

    assert isinstance(driver, MemoryDriver)
    assert [message.event for message in driver.messages] == ["order.placed", "commit"]


# -- errors ------------------------------------------------------------------------------------------------------------


def test_an_error_after_the_commit_is_logged_and_the_others_are_sent(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = Witness(), Witness()
    broken.answers = {"one": ConnectError("nobody there")}

    Broadcaster(broken).broadcast(named("one")).after_commit(session).to_everyone()
    Broadcaster(whole).broadcast(named("two")).after_commit(session).to_everyone()
    session.commit()

    (record,) = caplog.records
    assert (record.name, record.levelno) == ("broadcastkit", logging.ERROR)
    assert record.message == "broadcast after commit failed: nobody there"
    assert record.broadcast_error == "ConnectError"  # type: ignore[attr-defined]
    assert record.exc_info is None
    assert (broken.events, whole.events) == ([["one"]], [["two"]])


async def test_and_so_it_is_where_one_awaits(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    broken, whole = AsyncWitness(), AsyncWitness()
    broken.answers = {"one": ConnectError("nobody there")}
    async with AsyncSession(database.awaited_engine) as session:
        session.add(Order(id=1))
        await AsyncBroadcaster(broken).broadcast(named("one")).after_commit(session).to_everyone()
        await AsyncBroadcaster(whole).broadcast(named("two")).after_commit(session).to_everyone()
        await session.commit()
    await database.awaited_engine.dispose()

    assert [record.message for record in caplog.records] == ["broadcast after commit failed: nobody there"]
    assert (broken.events, whole.events) == ([["one"]], [["two"]])


def test_an_error_policy_of_ones_own_is_asked(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BroadcastError] = []
    witness = Witness()
    witness.answers = {"one": ConnectError("nobody there")}

    Broadcaster(witness, on_error=errors.append).broadcast(named("one")).after_commit(session).to_everyone()
    session.commit()

    assert ([str(error) for error in errors], caplog.records) == (["nobody there"], [])


def test_an_error_that_nobody_expects_breaks_no_commit_either(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = Witness(), Witness()
    broken.raises = ZeroDivisionError("a mistake in a driver")

    Broadcaster(broken).broadcast(named("one")).after_commit(session).to_everyone()
    Broadcaster(whole).broadcast(named("two")).after_commit(session).to_everyone()
    session.commit()

    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert whole.events == [["two"]]


def test_what_fails_to_be_rendered_fails_at_once(session: Session) -> None:
    witness = Witness()

    with pytest.raises(InvalidPayloadError):
        Broadcaster(witness).broadcast(AnonymousEvent("one", object(), on="x")).after_commit(session).to_everyone()
    session.commit()

    assert witness.seen == []


async def test_a_task_that_is_cancelled_while_it_sends_leaves_the_session_usable(database: Database) -> None:
    sending = asyncio.Event()

    async def stall() -> None:
        sending.set()
        await asyncio.Event().wait()

    witness = AsyncWitness(stall)
    async with AsyncSession(database.awaited_engine) as session:
        session.add(Order(id=1))
        await AsyncBroadcaster(witness).broadcast(named("one")).after_commit(session).to_everyone()
        commit = asyncio.create_task(session.commit())
        await sending.wait()
        commit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await commit
        session.add(Order(id=2))
        await session.commit()
        committed = await database.awaited_look()
    await database.awaited_engine.dispose()

    assert committed == [1, 2]


# -- what it costs -----------------------------------------------------------------------------------------------------


def test_sessions_are_freed_when_nobody_has_them_and_leave_nothing_behind() -> None:
    engine = create_engine("sqlite://")
    make = sessionmaker(engine)
    broadcaster = Broadcaster(Witness())
    gc.collect()
    before = len(registry._key_to_collection)
    gc.disable()
    try:
        for _ in range(100):
            session = make()
            session.begin()
            broadcaster.broadcast(named("one")).after_commit(session).to_everyone()
            session.commit()
            freed = weakref.ref(session)
            del session
            assert freed() is None
    finally:
        gc.enable()
    engine.dispose()

    assert len(registry._key_to_collection) == before


def test_a_session_that_nobody_ends_is_freed_with_what_it_holds() -> None:
    engine = create_engine("sqlite://")
    witness = Witness()
    session = Session(engine)
    session.begin()
    payload = named("one")
    Broadcaster(witness).broadcast(payload).after_commit(session).to_everyone()
    freed = weakref.ref(session)

    del session
    gc.collect()
    engine.dispose()

    assert (freed(), witness.seen) == (None, [])


def test_a_session_is_listened_to_once_however_much_it_broadcasts(session: Session) -> None:
    broadcaster = Broadcaster(Witness())
    for _ in range(3):
        for _ in range(3):
            broadcaster.broadcast(named("one")).after_commit(session).to_everyone()
        session.commit()
        session.begin()

    assert len(list(session.dispatch.after_commit)) == len(list(session.dispatch.after_transaction_end)) == 1


def test_other_sessions_are_not_listened_to(session: Session) -> None:
    Broadcaster(Witness()).broadcast(named("one")).after_commit(session).to_everyone()

    with Session() as other:
        assert list(other.dispatch.after_commit) == []
    assert not event.contains(Session, "after_commit", object)


GREENLESS = """
import sys
sys.modules["greenlet"] = None
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.drivers.memory import MemoryDriver

driver = MemoryDriver()
with Session(create_engine("sqlite://")) as session, session.begin():
    Broadcaster(driver).broadcast(AnonymousEvent("one", on="news")).after_commit(session).to_everyone()
    assert driver.messages == []
print(*(message.event for message in driver.messages), "sqlalchemy.ext.asyncio" in sys.modules)
"""


def test_blocking_sessions_need_no_greenlet() -> None:
    done = subprocess.run([sys.executable, "-I", "-c", GREENLESS], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("one False\n", "")


# -- in tests ----------------------------------------------------------------------------------------------------------


def test_the_fake_records_at_once_since_a_tests_own_transaction_never_commits(session: Session) -> None:
    broadcaster = Broadcaster(Witness(), transaction=session)

    with fake_broadcasts(broadcaster) as broadcasts:
        broadcaster.broadcast(named("one")).after_commit(session).to_everyone()
        broadcaster.broadcast(OrderPlaced(id=1)).to_everyone()
        broadcaster.broadcast(named("two")).to_everyone()

    assert [record.event_name for record in broadcasts.recorded] == ["one", "order.placed", "two"]
    broadcasts.assert_broadcast("one", after_commit=True)
    broadcasts.assert_broadcast(OrderPlaced, after_commit=True)
    broadcasts.assert_broadcast("two", after_commit=False)
    with pytest.raises(
        AssertionError, match=r"'two' after a commit, found none(.|\n)*sent at once, not after a commit"
    ):
        broadcasts.assert_broadcast("two", after_commit=True)
    with pytest.raises(AssertionError, match=r"'one' at once, found none(.|\n)*sent after a commit, not at once"):
        broadcasts.assert_broadcast("one", after_commit=False)


async def test_the_fake_wants_no_transaction_named() -> None:
    with fake_broadcasts() as broadcasts:
        await AsyncBroadcaster(AsyncWitness(), transaction=lambda: None).broadcast(OrderPlaced(id=1)).to_everyone()
        assert broadcasts.recorded == []
