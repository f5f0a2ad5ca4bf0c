"""The seam: what may be waited for, who says so, and an adapter of somebody else's."""

from __future__ import annotations

import asyncio
import logging

import pytest

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Event, collect, configure, default
from broadcastkit import broadcast as configured_broadcast
from broadcastkit.delivery.transactions import Held, Transaction, arelease, release
from broadcastkit.delivery.transactions.base import transaction_of
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.errors import ConfigurationError, ConnectError
from broadcastkit.testing import fake_broadcasts
from tests.delivery.transactions.witness import AsyncWitness, Witness


class Placed(Event, after_commit=True):
    id: int

    def broadcast_on(self) -> str:
        return "orders"


class PlacedAgain(Placed):
    pass


class AtOnce(Placed, after_commit=False):
    pass


class Own:
    """A database that calls back when it has committed."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.is_open = is_open
        self.held: list[Held] = []

    def hold(self, held: Held) -> bool:
        if self.is_open:
            self.held.append(held)
        return self.is_open

    def commit(self) -> None:
        release(self.held)


def event(name: str) -> AnonymousEvent:
    return AnonymousEvent(name, on="news")


# -- an adapter of one's own -------------------------------------------------------------------------------------------


def test_whatever_can_hold_is_a_transaction() -> None:
    own, witness = Own(), Witness()
    broadcaster = Broadcaster(witness, transaction=own)

    broadcaster.broadcast(event("one")).after_commit(own).to_everyone()
    receipt = broadcaster.broadcast(Placed(id=1)).to_everyone()
    before = witness.events.copy()
    own.commit()

    assert (receipt.queued, before) == (True, [])
    assert witness.events == [["one", "placed"]]
    assert transaction_of(own) is own


def test_one_that_can_be_called_is_one_all_the_same() -> None:
    class Callable(Own):
        def __call__(self) -> None:
            raise AssertionError("asked for another one")

    own = Callable()
    Broadcaster(Witness(), transaction=own).broadcast(Placed(id=1)).to_everyone()

    assert len(own.held) == 1


def test_one_that_is_not_open_lets_it_go_at_once() -> None:
    witness = Witness()

    assert Broadcaster(witness).broadcast(event("one")).after_commit(Own(is_open=False)).to_everyone().delivered


async def test_what_both_colors_have_held_is_released_where_one_can_await() -> None:
    own, blocking, awaited = Own(), Witness(), AsyncWitness()
    Broadcaster(blocking).broadcast(event("one")).after_commit(own).to_everyone()
    await AsyncBroadcaster(awaited).broadcast(event("two")).after_commit(own).to_everyone()

    await arelease(own.held)

    assert (blocking.events, awaited.events) == ([["one"]], [["two"]])


def test_what_a_block_cannot_take_is_sent_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """The commit of an awaited transaction, inside a block that cannot await."""
    own, witness = Own(), AsyncWitness()
    asyncio.run(AsyncBroadcaster(witness).broadcast(event("one")).after_commit(own).to_everyone())

    with collect():
        asyncio.run(arelease(own.held))
        assert witness.events == [["one"]]


def test_what_is_held_shows_no_payload() -> None:
    own = Own()
    secret = AnonymousEvent("one", {"password": "hunter2"}, on="news")
    Broadcaster(Witness()).broadcast(secret).after_commit(own).to_everyone()

    assert len(own.held) == 1
    assert "hunter2" not in repr(own.held)


def test_a_transaction_that_fails_to_hold_fails_the_broadcast() -> None:
    class Broken:
        def hold(self, held: Held) -> bool:
            raise ConnectError("the database is not there")

    with pytest.raises(ConnectError, match="the database is not there"):
        Broadcaster(Witness()).broadcast(event("one")).after_commit(Broken()).to_everyone()


# -- of what? ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [3, object(), [], print])
def test_what_nobody_can_wait_for_is_refused_and_told_what_can(given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^after_commit takes a session of SQLAlchemy, .* not .*collect\(\)"):
        Broadcaster(Witness()).broadcast(event("one")).after_commit(given).to_everyone()


def test_nothing_is_no_transaction() -> None:
    """A variable that was never set must not mean: send at once."""
    pending = Broadcaster(Witness()).broadcast(event("one"))

    with pytest.raises(ConfigurationError, match="was given None"):
        pending.after_commit(None)


def test_a_broadcaster_that_knows_of_no_transaction_says_what_it_needs() -> None:
    broadcaster = Broadcaster(Witness())

    for pending in (broadcaster.broadcast(event("one")).after_commit(), broadcaster.broadcast(Placed(id=1))):
        with pytest.raises(ConfigurationError, match=r"^after_commit: of what\? .*`with collect\(\):`.*transaction="):
            pending.to_everyone()


def test_a_wrong_transaction_of_the_broadcaster_is_named_when_it_is_needed() -> None:
    broadcaster = Broadcaster(Witness(), transaction=7)

    assert broadcaster.broadcast(event("one")).to_everyone().delivered
    with pytest.raises(ConfigurationError, match="not int"):
        broadcaster.broadcast(Placed(id=1)).to_everyone()


def test_the_error_policy_holds_for_this_too(caplog: pytest.LogCaptureFixture) -> None:
    receipt = Broadcaster(Witness(), on_error="report").broadcast(Placed(id=1)).to_everyone()

    assert isinstance(receipt.error, ConfigurationError)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_block_will_do() -> None:
    witness = Witness()

    with collect():
        Broadcaster(witness).broadcast(Placed(id=1)).to_everyone()
        Broadcaster(witness).broadcast(event("two")).after_commit().to_everyone()
        assert witness.events == []

    assert [name for names in witness.events for name in names] == ["placed", "two"]


# -- the class option --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cls", "waits"), [(Placed, True), (PlacedAgain, True), (AtOnce, False)])
def test_the_class_option_is_inherited_and_may_be_taken_back(cls: type[Placed], waits: bool) -> None:
    own = Own()

    receipt = Broadcaster(Witness(), transaction=own).broadcast(cls(id=1)).to_everyone()

    assert (receipt.queued, len(own.held)) == (waits, waits)


def test_the_transaction_that_is_named_goes_before_the_broadcasters() -> None:
    own, other = Own(), Own()

    Broadcaster(Witness(), transaction=own).broadcast(Placed(id=1)).after_commit(other).to_everyone()

    assert (len(own.held), len(other.held)) == (0, 1)


def test_events_that_go_out_together_wait_together() -> None:
    own, witness = Own(), Witness()
    broadcaster = Broadcaster(witness, transaction=own)

    receipts = broadcaster.broadcast_many([event("one"), Placed(id=1), event("two")]).to_everyone()
    own.commit()

    assert [receipt.queued for receipt in receipts] == [True] * 3
    assert witness.events == [["one", "placed", "two"]]


def test_an_event_that_is_not_to_be_sent_waits_for_nothing() -> None:
    class Never(Placed):
        def broadcast_when(self) -> bool:
            return False

    own, witness = Own(), Witness()

    receipt = Broadcaster(witness, transaction=own).broadcast(Never(id=1)).to_everyone()
    own.commit()

    assert (receipt.queued, receipt.delivered, witness.events) == (False, False, [])


# -- blocks and transactions -------------------------------------------------------------------------------------------


def test_a_commit_inside_a_block_leaves_it_to_the_block() -> None:
    own, witness = Own(), Witness()
    broadcaster = Broadcaster(witness)

    with collect():
        broadcaster.broadcast(event("one")).after_commit(own).to_everyone()
        broadcaster.broadcast(event("two")).to_everyone()
        own.commit()
        assert witness.events == []

    assert witness.events == [["two", "one"]]


def test_what_waits_for_a_commit_is_not_sent_by_the_end_of_a_block() -> None:
    own, witness = Own(), Witness()

    with collect():
        Broadcaster(witness, transaction=own).broadcast(Placed(id=1)).to_everyone()
    before = witness.events.copy()
    own.commit()

    assert (before, witness.events) == ([], [["placed"]])


# -- configured, and in tests ------------------------------------------------------------------------------------------


def test_settings_are_configured_with_a_transaction() -> None:
    own = Own()
    configure("memory://", transaction=own)
    try:
        receipt = configured_broadcast(Placed(id=1)).to_everyone()
    finally:
        default.reset()

    assert (receipt.queued, len(own.held)) == (True, 1)


def test_a_broadcaster_has_its_transaction_already() -> None:
    with pytest.raises(ConfigurationError, match="has its own options: give it transaction when it is made"):
        configure(Broadcaster(MemoryDriver()), transaction=Own())


def test_a_block_ends_in_tests_as_it_does_elsewhere() -> None:
    def failing() -> None:
        with collect():
            configured_broadcast(event("never")).to_everyone()
            raise ZeroDivisionError

    with fake_broadcasts() as broadcasts:
        with collect():
            configured_broadcast(event("one")).to_everyone()
            broadcasts.assert_nothing_broadcast()
        with pytest.raises(ZeroDivisionError):
            failing()

    assert [record.event_name for record in broadcasts.recorded] == ["one"]


def typed(own: Own) -> Transaction:
    """For the type checker: an adapter of one's own is a Transaction."""
    return own
