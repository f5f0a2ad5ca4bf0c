"""SQLAlchemy: each story is told to a Session, and to an AsyncSession through its `run_sync`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import await_only

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster
from tests.delivery.transactions.databases import Database, Order
from tests.delivery.transactions.witness import AsyncWitness, Witness


class BoomError(Exception):
    pass


class Colour:
    """One session of one colour, and a broadcaster whose driver looks at the orders that a stranger sees."""

    def __init__(self, colour: str, database: Database) -> None:
        self.colour = colour
        self.database = database
        self.witness: Any
        self.broadcaster: Any
        if colour == "sync":
            self.witness = Witness(database.look)
            self.broadcaster = Broadcaster(self.witness)
        else:
            self.witness = AsyncWitness(database.awaited_look)
            self.broadcaster = AsyncBroadcaster(self.witness)

    def say(self, session: Session, *names: str) -> Any:
        """Broadcast after the session's commit."""
        events = [AnonymousEvent(name, on="news") for name in names]
        answer = self.broadcaster.broadcast_many(events).after_commit(session).to_everyone()
        return answer if self.colour == "sync" else await_only(answer)

    def play(self, story: Callable[[Session], None], **options: Any) -> None:
        if self.colour == "sync":
            with Session(self.database.engine, **options) as session:
                story(session)
        else:
            asyncio.run(self._play(story, options))

    async def _play(self, story: Callable[[Session], None], options: dict[str, Any]) -> None:
        try:
            async with AsyncSession(self.database.awaited_engine, **options) as session:
                await session.run_sync(story)
        finally:
            await self.database.awaited_engine.dispose()


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest, database: Database) -> Colour:
    return Colour(request.param, database)


def seen(colour: Colour) -> Sequence[tuple[list[str], list[int]]]:
    """Return each request with the orders that were there when it was sent."""
    found: Sequence[tuple[list[str], list[int]]] = colour.witness.seen
    return found


def test_a_commit_sends_and_the_row_is_there_when_it_does(colour: Colour) -> None:
    def story(session: Session) -> None:
        session.add(Order(id=1))
        (receipt,) = colour.say(session, "placed")
        session.flush()
        assert (receipt.queued, receipt.delivered, seen(colour)) == (True, False, [])
        session.commit()

    colour.play(story)

    assert seen(colour) == [(["placed"], [1])]


def test_one_request_for_all_in_order(colour: Colour) -> None:
    def story(session: Session) -> None:
        with session.begin():
            session.add(Order(id=1))
            colour.say(session, "one")
            session.add(Order(id=2))
            colour.say(session, "two", "three")

    colour.play(story)

    assert seen(colour) == [(["one", "two", "three"], [1, 2])]


def test_a_rollback_drops(colour: Colour) -> None:
    def story(session: Session) -> None:
        session.add(Order(id=1))
        session.flush()
        colour.say(session, "placed")
        session.rollback()

    colour.play(story)

    assert seen(colour) == []


def test_a_session_that_is_closed_without_a_commit_drops(colour: Colour) -> None:
    def story(session: Session) -> None:
        session.add(Order(id=1))
        session.flush()
        colour.say(session, "placed")

    colour.play(story)

    assert seen(colour) == []


def test_an_error_in_the_block_of_a_transaction_drops(colour: Colour) -> None:
    def story(session: Session) -> None:
        with session.begin():
            session.add(Order(id=1))
            colour.say(session, "placed")
            raise BoomError

    with pytest.raises(BoomError):
        colour.play(story)

    assert seen(colour) == []


def test_a_commit_that_the_database_refuses_drops(colour: Colour) -> None:
    def story(session: Session) -> None:
        session.add(Order(id=1, parent=99))
        session.flush()
        colour.say(session, "placed")
        with pytest.raises(IntegrityError):
            session.commit()
        session.rollback()
        session.add(Order(id=2))
        colour.say(session, "placed.again")
        session.commit()

    colour.play(story)

    assert seen(colour) == [(["placed.again"], [2])]


def test_a_flush_that_fails_drops_with_the_rollback(colour: Colour) -> None:
    def story(session: Session) -> None:
        session.add(Order(id=1))
        session.flush()
        colour.say(session, "placed")
        session.execute(insert(Order), {"id": 2})
        session.add(Order(id=2))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
        session.commit()

    colour.play(story)

    assert seen(colour) == []


def test_a_savepoint_that_is_released_waits_for_the_outermost_commit(colour: Colour) -> None:
    def story(session: Session) -> None:
        session.add(Order(id=1))
        colour.say(session, "one")
        with session.begin_nested():
            session.add(Order(id=2))
            colour.say(session, "two")
            with session.begin_nested():
                colour.say(session, "three")
        colour.say(session, "four")
        assert seen(colour) == []
        session.commit()

    colour.play(story)

    assert seen(colour) == [(["one", "two", "three", "four"], [1, 2])]


def test_a_rollback_to_a_savepoint_drops_what_came_after_it(colour: Colour) -> None:
    def story(session: Session) -> None:
        session.add(Order(id=1))
        colour.say(session, "one")
        savepoint = session.begin_nested()
        session.add(Order(id=2))
        session.flush()
        colour.say(session, "two")
        savepoint.rollback()
        colour.say(session, "three")
        session.commit()

    colour.play(story)

    assert seen(colour) == [(["one", "three"], [1])]


def test_and_what_an_inner_savepoint_had_released(colour: Colour) -> None:
    def story(session: Session) -> None:
        session.add(Order(id=1))
        outer = session.begin_nested()
        with session.begin_nested():
            session.add(Order(id=2))
            colour.say(session, "two")
        outer.rollback()
        colour.say(session, "one")
        session.commit()

    colour.play(story)

    assert seen(colour) == [(["one"], [1])]


def test_a_rollback_of_all_drops_what_savepoints_had_released(colour: Colour) -> None:
    def story(session: Session) -> None:
        with session.begin_nested():
            session.add(Order(id=1))
            colour.say(session, "one")
        session.rollback()
        session.commit()

    colour.play(story)

    assert seen(colour) == []


def test_an_error_in_the_block_of_a_savepoint_drops_its_own(colour: Colour) -> None:
    def failing(session: Session) -> None:
        with session.begin_nested():
            session.add(Order(id=2))
            colour.say(session, "two")
            raise BoomError

    def story(session: Session) -> None:
        session.add(Order(id=1))
        colour.say(session, "one")
        with pytest.raises(BoomError):
            failing(session)
        session.commit()

    colour.play(story)

    assert seen(colour) == [(["one"], [1])]


def test_a_commit_releases_the_savepoints_that_are_open(colour: Colour) -> None:
    def story(session: Session) -> None:
        session.begin_nested()
        session.add(Order(id=1))
        session.begin_nested()
        colour.say(session, "one")
        root = session.get_transaction()
        assert root is not None
        session.commit()

    colour.play(story)

    assert seen(colour) == [(["one"], [1])]


def test_so_does_one_of_the_transaction_itself(colour: Colour) -> None:
    def story(session: Session) -> None:
        with session.begin() as root:
            session.begin_nested()
            session.add(Order(id=1))
            colour.say(session, "one")
            root.commit()

    colour.play(story)

    assert seen(colour) == [(["one"], [1])]


def test_several_commits_on_one_session(colour: Colour) -> None:
    def story(session: Session) -> None:
        for number in (1, 2, 3):
            session.add(Order(id=number))
            colour.say(session, f"order.{number}")
            if number == 2:
                session.rollback()
            else:
                session.commit()

    colour.play(story)

    assert seen(colour) == [(["order.1"], [1]), (["order.3"], [1, 3])]


def test_where_no_transaction_is_open_it_is_sent_at_once(colour: Colour) -> None:
    def story(session: Session) -> None:
        session.add(Order(id=1))
        session.commit()
        (receipt,) = colour.say(session, "placed")
        assert receipt.delivered

    colour.play(story)

    assert seen(colour) == [(["placed"], [1])]


def test_a_broadcast_of_a_listener_to_flushes(colour: Colour) -> None:
    def story(session: Session) -> None:
        @event.listens_for(session, "after_flush")
        def tell(session: Session, _: object) -> None:
            colour.say(session, *(f"order.{row.id}" for row in session.new if isinstance(row, Order)))

        session.add(Order(id=1))
        session.flush()
        session.rollback()
        session.add(Order(id=2))
        session.commit()

    colour.play(story)

    assert seen(colour) == [(["order.2"], [2])]


def test_a_savepoint_of_a_listener_to_flushes(colour: Colour) -> None:
    """Its parent is the transaction of the flush, which ends before the session's own."""

    def story(session: Session) -> None:
        @event.listens_for(session, "after_flush")
        def tell(session: Session, _: object) -> None:
            with session.begin_nested():
                colour.say(session, "flushed")

        session.add(Order(id=1))
        session.flush()
        assert seen(colour) == []
        session.commit()

    colour.play(story)

    assert seen(colour) == [(["flushed"], [1])]


def test_a_broadcast_of_a_listener_to_commits(colour: Colour) -> None:
    def story(session: Session) -> None:
        event.listen(session, "before_commit", lambda session: colour.say(session, "before"))
        event.listen(session, "after_commit", lambda session: colour.say(session, "after"))
        session.add(Order(id=1))
        session.commit()

    colour.play(story)

    assert seen(colour) == [(["before", "after"], [1])]


def test_another_listener_that_fails_does_not_keep_it_from_being_sent(colour: Colour) -> None:
    """The commit stands: SQLAlchemy ends the transaction when the session is closed."""

    def story(session: Session) -> None:
        session.add(Order(id=1))
        colour.say(session, "placed")

        @event.listens_for(session, "after_commit")
        def fail(_: Session) -> None:
            raise BoomError

        session.commit()

    with pytest.raises(BoomError):
        colour.play(story)

    assert seen(colour) == [(["placed"], [1])]


def test_what_is_sent_may_use_the_session(colour: Colour) -> None:
    """Its transaction has ended, and the connection is back in the pool: an error policy may well write something."""

    def story(session: Session) -> None:
        look = colour.witness._look

        def write() -> Any:
            assert not session.in_transaction()
            assert session.get_bind().pool.checkedout() == 0  # type: ignore[union-attr]
            session.add(Order(id=len(seen(colour)) + 10))
            return look()

        colour.witness._look = write
        session.add(Order(id=1))
        colour.say(session, "one")
        session.commit()
        colour.say(session, "two")
        session.commit()

    colour.play(story)

    assert seen(colour) == [(["one"], [1]), (["two"], [1, 10])]


@pytest.mark.real
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_two_phase_commit(kind: str, database: Database) -> None:
    colour = Colour(kind, database)

    def story(session: Session) -> None:
        session.add(Order(id=1))
        colour.say(session, "one")
        session.prepare()
        assert seen(colour) == []
        session.commit()
        session.add(Order(id=2))
        colour.say(session, "two")
        session.prepare()
        session.rollback()

    colour.play(story, twophase=True)

    assert seen(colour) == [(["one"], [1])]
