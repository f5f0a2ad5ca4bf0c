"""`.after_commit()` on Django's databases: SQLite and, marked `real`, PostgreSQL; a stranger's connection is asked."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.db import IntegrityError, connections, transaction
from django.test import TestCase, override_settings
from django.utils.connection import ConnectionDoesNotExist

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Event, aio, broadcast, collect
from broadcastkit.default import default_broadcaster
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.errors import ConfigurationError, ConnectError
from broadcastkit.testing import fake_broadcasts
from tests.delivery.transactions.witness import AsyncWitness, Witness
from tests.interop.postgres_servers import PostgresServer


class OrderPlaced(Event, after_commit=True):
    id: int

    def broadcast_on(self) -> str:
        return "orders"


class BoomError(Exception):
    pass


class Shop(NamedTuple):
    """A database of the project with one table, and how a stranger sees what is in it."""

    alias: str
    look: Callable[[], list[int]]

    def place(self, number: int) -> None:
        with connections[self.alias].cursor() as cursor:
            cursor.execute("INSERT INTO shop_order VALUES (%s)", [number])


@pytest.fixture
def add_database() -> Iterator[Callable[[str, dict[str, Any]], str]]:
    """Add a database to those of the project until the test ends."""
    added: list[str] = []

    def add(alias: str, settings: dict[str, Any]) -> str:
        full = connections.configure_settings({"default": {}, alias: settings})
        connections.settings[alias] = full[alias]
        added.append(alias)
        with connections[alias].cursor() as cursor:
            cursor.execute("CREATE TABLE shop_order (id integer PRIMARY KEY)")
        return alias

    yield add
    for alias in added:
        connections[alias].close()
        del connections[alias], connections.settings[alias]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def shop(request: pytest.FixtureRequest, tmp_path: Path, add_database: Callable[..., str]) -> Shop:
    connect: Callable[[], Any]
    if request.param == "sqlite":
        path = tmp_path / "shop.db"
        settings: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": path}
        connect = lambda: sqlite3.connect(path)  # noqa: E731
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        settings, connect = dict(server.django), server.connect

    def look() -> list[int]:
        with closing(connect()) as stranger:
            return [number for (number,) in stranger.execute("SELECT id FROM shop_order ORDER BY id").fetchall()]

    return Shop(add_database("shop", settings), look)


@pytest.fixture
def witness(shop: Shop) -> Witness:
    return Witness(shop.look)


@pytest.fixture
def say(shop: Shop, witness: Witness) -> Callable[[str], Any]:
    broadcaster = Broadcaster(witness)
    return lambda name: broadcaster.broadcast(AnonymousEvent(name, on="news")).after_commit(shop.alias).to_everyone()


Say = Callable[[str], Any]


def test_a_commit_sends_and_the_row_is_there_when_it_does(shop: Shop, witness: Witness, say: Say) -> None:
    with transaction.atomic(using=shop.alias):
        shop.place(1)
        receipt = say("placed")
        assert (receipt.queued, receipt.delivered, witness.seen) == (True, False, [])

    assert witness.seen == [(["placed"], [1])]


def test_an_error_drops(shop: Shop, witness: Witness, say: Say) -> None:
    def work() -> None:
        with transaction.atomic(using=shop.alias):
            shop.place(1)
            say("placed")
            raise BoomError

    with pytest.raises(BoomError):
        work()

    assert (witness.seen, shop.look()) == ([], [])


def test_a_rollback_that_was_asked_for_drops(shop: Shop, witness: Witness, say: Say) -> None:
    with transaction.atomic(using=shop.alias):
        shop.place(1)
        say("placed")
        transaction.set_rollback(True, using=shop.alias)

    assert witness.seen == []


def test_nested_blocks_wait_for_the_outermost_commit_in_order(shop: Shop, witness: Witness, say: Say) -> None:
    with transaction.atomic(using=shop.alias, durable=True):
        shop.place(1)
        say("one")
        with transaction.atomic(using=shop.alias):
            shop.place(2)
            say("two")
        with transaction.atomic(using=shop.alias, savepoint=False):
            say("three")
        assert witness.seen == []

    assert witness.seen == [(["one"], [1, 2]), (["two"], [1, 2]), (["three"], [1, 2])]


def test_a_rollback_to_a_savepoint_drops_its_own_and_what_inner_ones_had_released(
    shop: Shop, witness: Witness, say: Say
) -> None:
    def failing() -> None:
        with transaction.atomic(using=shop.alias):
            with transaction.atomic(using=shop.alias):
                shop.place(2)
                say("two")
            say("three")
            shop.place(1)

    with transaction.atomic(using=shop.alias):
        shop.place(1)
        say("one")
        with pytest.raises(IntegrityError):
            failing()
        say("four")

    assert witness.seen == [(["one"], [1]), (["four"], [1])]


def test_where_no_transaction_is_open_it_is_sent_at_once(shop: Shop, witness: Witness, say: Say) -> None:
    shop.place(1)

    assert say("placed").delivered
    assert witness.seen == [(["placed"], [1])]


def test_asking_does_not_connect(shop: Shop, witness: Witness, say: Say) -> None:
    """A broadcast from code that has nothing to do with the database must not fail because that is down."""
    connections[shop.alias].close()

    assert say("placed").delivered
    assert connections[shop.alias].connection is None


def test_in_order_with_what_else_waits_for_the_commit(shop: Shop, witness: Witness, say: Say) -> None:
    order: list[str] = []
    look = witness._look

    def look_in_order() -> object:
        order.append("broadcast")
        return look()

    witness._look = look_in_order

    with transaction.atomic(using=shop.alias):
        transaction.on_commit(lambda: order.append("first"), using=shop.alias)
        say("placed")
        transaction.on_commit(lambda: order.append("last"), using=shop.alias)

    assert order == ["first", "broadcast", "last"]


@pytest.mark.parametrize("unexpected", [False, True])
def test_an_error_of_a_broadcast_breaks_neither_the_commit_nor_what_comes_after_it(
    shop: Shop, witness: Witness, say: Say, unexpected: bool, caplog: pytest.LogCaptureFixture
) -> None:
    later: list[str] = []
    if unexpected:
        witness.raises = ZeroDivisionError("a mistake in a driver")
    else:
        witness.answers = {"one": ConnectError("nobody there"), "two": ConnectError("still nobody")}

    with transaction.atomic(using=shop.alias):
        shop.place(1)
        say("one")
        say("two")
        transaction.on_commit(lambda: later.append("later"), using=shop.alias)

    assert (witness.events, later, shop.look()) == ([["one"], ["two"]], ["later"], [1])
    assert {(record.name, record.levelno) for record in caplog.records} == {("broadcastkit", logging.ERROR)}


def test_a_block_around_a_transaction_makes_one_request_of_what_it_has_committed(
    shop: Shop, witness: Witness, say: Say
) -> None:
    def failing() -> None:
        with transaction.atomic(using=shop.alias):
            say("never")
            raise BoomError

    with collect():
        with transaction.atomic(using=shop.alias):
            shop.place(1)
            say("one")
            say("two")
        with pytest.raises(BoomError):
            failing()
        assert witness.seen == []

    assert witness.seen == [(["one", "two"], [1])]


def test_a_block_inside_a_transaction_ends_before_it_and_sends_nothing(shop: Shop, witness: Witness, say: Say) -> None:
    with transaction.atomic(using=shop.alias):
        with collect():
            shop.place(1)
            say("one")
        assert witness.seen == []

    assert witness.seen == [(["one"], [1])]


def test_each_database_has_transactions_of_its_own(
    shop: Shop, witness: Witness, say: Say, tmp_path: Path, add_database: Callable[..., str]
) -> None:
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "stock.db"}
    stock = add_database("stock", settings)
    broadcaster = Broadcaster(witness)

    with transaction.atomic(using=stock):
        with transaction.atomic(using=shop.alias):
            shop.place(1)
            say("shop")
            broadcaster.broadcast(AnonymousEvent("stock", on="news")).after_commit(connections[stock]).to_everyone()
        assert witness.seen == [(["shop"], [1])]

    assert witness.events == [["shop"], ["stock"]]


# -- refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [object(), type("Alias", (), {"__module__": "django.db.models"})()])
def test_what_is_no_database_is_refused(given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^after_commit takes .*the alias of a Django database"):
        Broadcaster(MemoryDriver()).broadcast(AnonymousEvent("one", on="news")).after_commit(given).to_everyone()


def test_a_database_that_is_not_there_is_named_with_those_that_are() -> None:
    pending = Broadcaster(MemoryDriver()).broadcast(AnonymousEvent("one", on="news"))

    with pytest.raises(ConfigurationError, match="there is no database 'sales'; there are: default") as caught:
        pending.after_commit("sales").to_everyone()

    assert not isinstance(caught.value, ConnectionDoesNotExist)


def test_transactions_that_are_managed_by_hand_are_refused(shop: Shop, witness: Witness, say: Say) -> None:
    transaction.set_autocommit(False, using=shop.alias)
    try:
        shop.place(1)
        with pytest.raises(ConfigurationError, match=r"managed by hand .*put `with collect\(\):` around them"):
            say("placed")
    finally:
        transaction.rollback(using=shop.alias)
        transaction.set_autocommit(True, using=shop.alias)

    assert witness.seen == []


async def test_what_is_awaited_is_refused() -> None:
    witness = AsyncWitness()
    pending = AsyncBroadcaster(witness).broadcast(AnonymousEvent("one", on="news"))

    with pytest.raises(ConfigurationError, match=r"Django's transactions are for blocking code"):
        await pending.after_commit("default").to_everyone()

    assert witness.seen == []


async def test_but_for_what_waits_for_a_block() -> None:
    witness = AsyncWitness()

    async with collect():
        await AsyncBroadcaster(witness, transaction="default").broadcast(OrderPlaced(id=1)).to_everyone()
        assert witness.seen == []

    assert witness.events == [["order.placed"]]


# -- the project -------------------------------------------------------------------------------------------------------


@override_settings(BROADCASTING="memory://")
@pytest.mark.usefixtures("_database")
def test_the_projects_broadcaster_waits_for_the_default_database() -> None:
    driver = default_broadcaster().driver()
    assert isinstance(driver, MemoryDriver)

    with transaction.atomic():
        broadcast(OrderPlaced(id=1)).to_everyone()
        broadcast(AnonymousEvent("two", on="news")).after_commit().to_everyone()
        before = [message.event for message in driver.messages]

    assert (before, [message.event for message in driver.messages]) == ([], ["order.placed", "two"])


@override_settings(BROADCASTING="memory://")
async def test_async_code_of_the_project_is_told_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match=r"`async with collect\(\):`"):
        await aio.broadcast(OrderPlaced(id=1)).to_everyone()


# -- tests of the project ----------------------------------------------------------------------------------------------


class ShopTests(TestCase):
    """What runs inside a transaction that is never committed."""

    def test_nothing_is_sent_but_by_the_callbacks_that_the_test_runs(self) -> None:
        driver = MemoryDriver()
        broadcaster = Broadcaster(driver, transaction="default")

        broadcaster.broadcast(OrderPlaced(id=1)).to_everyone()
        with self.captureOnCommitCallbacks() as callbacks:
            broadcaster.broadcast(OrderPlaced(id=2)).to_everyone()
        assert (len(callbacks), driver.messages) == (1, [])
        with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
            broadcaster.broadcast(OrderPlaced(id=3)).to_everyone()
            broadcaster.broadcast(OrderPlaced(id=4)).to_everyone()
            assert driver.messages == []

        assert [message.data for message in driver.messages] == ['{"id":3}', '{"id":4}']

    def test_the_fake_records_at_once(self) -> None:
        with fake_broadcasts() as broadcasts, transaction.atomic():
            broadcast(OrderPlaced(id=1)).to_everyone()
            broadcasts.assert_broadcast(OrderPlaced, after_commit=True, times=1)
