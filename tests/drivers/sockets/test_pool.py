"""Pools in both colours: who takes a connection, when it is kept, and when it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from broadcastkit.drivers.sockets import idle
from broadcastkit.drivers.sockets.idle import CONNECTIONS, IDLE_SECONDS
from broadcastkit.drivers.sockets.pool_awaited import AsyncPool
from broadcastkit.errors import ConnectError, ConnectionLostError
from tests.drivers.sockets.pools import WAIT, Async, AsyncConnection, Question, Sync, nested

Colours = Callable[..., Sync]


class Stop(BaseException):
    """Stops a program, as KeyboardInterrupt does."""


@pytest.fixture(params=[Sync, Async], ids=["sync", "async"])
def pools(request: pytest.FixtureRequest) -> Iterator[Colours]:
    made: list[Sync] = []

    def make(seconds: float | None = WAIT) -> Sync:
        made.append(request.param(seconds))
        return made[-1]

    yield make
    for one in made:
        one.end()
        assert one.left_open == []


@pytest.fixture
def pool(pools: Colours) -> Sync:
    return pools()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock to be set."""
    found = [1000.0]
    monkeypatch.setattr(idle, "monotonic", lambda: found[0])
    return found


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_one_caller_needs_one_connection(pool: Sync) -> None:
    assert [pool.ask() for _ in range(5)] == [1] * 5
    assert pool.left_open == [1]


def test_the_one_used_last_is_the_next(pool: Sync) -> None:
    assert pool.ask(nested(pool, 3)) == 1
    assert [pool.ask() for _ in range(3)] == [1] * 3
    assert pool.left_open == [1, 2, 3]


def test_what_is_not_to_be_kept_is_closed(pool: Sync) -> None:
    assert pool.ask(Question(keep=False)) == 1
    assert pool.left_open == []
    assert pool.ask() == 2


@pytest.mark.parametrize("error", [ConnectionLostError("gone"), Stop()], ids=["Exception", "BaseException"])
def test_no_connection_is_kept_over_an_error_and_no_place_is_lost(pool: Sync, error: BaseException) -> None:
    for _ in range(CONNECTIONS + 1):
        with pytest.raises(type(error)) as raised:
            pool.ask(Question(fails=error))
        assert raised.value is error
        assert pool.left_open == []

    assert pool.ask() == CONNECTIONS + 2


def test_nor_is_one_where_no_connection_can_be_made(pool: Sync) -> None:
    pool.refuses = True
    for _ in range(CONNECTIONS + 1):
        with pytest.raises(ConnectError, match="refused"):
            pool.ask()
    pool.refuses = False

    assert pool.ask() == 1


def test_what_the_service_has_closed_is_not_used(pool: Sync) -> None:
    pool.ask(nested(pool, 3))
    for connection in pool.made[:2]:
        connection.left_by_the_service = True

    assert pool.ask() == 3
    assert pool.left_open == [3]


def test_a_connection_that_was_idle_for_long_is_not_trusted(pool: Sync, now: list[float]) -> None:
    used = []
    for later in (0.0, IDLE_SECONDS - 1, IDLE_SECONDS - 1, IDLE_SECONDS + 1):
        now[0] += later
        used.append(pool.ask())

    assert used == [1, 1, 1, 2]
    assert pool.left_open == [2]


def test_what_a_burst_leaves_over_is_closed_after_a_while(pool: Sync, now: list[float]) -> None:
    pool.ask(nested(pool, CONNECTIONS))
    assert len(pool.left_open) == CONNECTIONS

    for _ in range(2 * CONNECTIONS):
        now[0] += IDLE_SECONDS / CONNECTIONS
        assert pool.ask() == 1

    assert pool.left_open == [1]


# -- for whom ----------------------------------------------------------------------------------------------------------


def test_many_at_once_share_a_few(pool: Sync) -> None:
    numbers = pool.at_once(60)

    assert len(numbers) == 60
    assert len(pool.made) <= CONNECTIONS


def test_who_waits_too_long_for_one_is_told(pools: Colours) -> None:
    pool = pools(0.01)

    with pytest.raises(ConnectError, match=rf"^all {CONNECTIONS} connections were in use for 0\.01 s$"):
        pool.ask(nested(pool, CONNECTIONS + 1))

    assert len(pool.made) == CONNECTIONS
    assert pool.left_open == [], "the error was that of all of them"
    assert pool.ask(nested(pool, CONNECTIONS)) == CONNECTIONS + 1


def test_one_may_wait_for_ever(pools: Colours) -> None:
    assert set(pools(None).at_once(60)) <= set(range(1, CONNECTIONS + 1))


# -- the end -----------------------------------------------------------------------------------------------------------


def test_what_is_idle_is_closed_with_the_pool(pool: Sync) -> None:
    pool.ask(nested(pool, 3))

    pool.run(pool.close())

    assert pool.left_open == []


def test_what_is_in_use_then_is_closed_after_its_reply(pool: Sync) -> None:
    assert pool.ask(nested(pool, 2, pool.close)) == 1
    assert pool.left_open == []


def test_who_asks_later_is_answered_and_nothing_is_kept(pool: Sync) -> None:
    pool.run(pool.close())

    assert [pool.ask(), pool.ask()] == [1, 2]
    assert pool.left_open == []


async def test_closing_waits_until_the_connections_are_closed() -> None:
    made: list[AsyncConnection] = []

    async def connect() -> AsyncConnection:
        made.append(AsyncConnection(1))
        return made[-1]

    pool = AsyncPool(connect, WAIT)
    await pool.ask(Question())
    await pool.aclose()

    assert made[0].closed.done()


# -- cancellation ------------------------------------------------------------------------------------------------------


async def cancelled(asking: asyncio.Task[int], began: asyncio.Event) -> None:
    """Cancel a task once it has come so far."""
    await began.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_who_is_cancelled_leaves_no_reply_behind_for_the_next_one_nor_loses_a_place() -> None:
    made: list[AsyncConnection] = []

    async def connect() -> AsyncConnection:
        made.append(AsyncConnection(len(made) + 1))
        return made[-1]

    async def hang(began: asyncio.Event) -> None:
        began.set()
        await asyncio.Event().wait()

    pool = AsyncPool(connect, WAIT)
    for number in range(CONNECTIONS + 1):
        began = asyncio.Event()
        question = Question(meanwhile=partial(hang, began))
        await cancelled(asyncio.create_task(pool.ask(question)), began)
        assert made[number].is_closed

    assert await pool.ask(Question()) == CONNECTIONS + 2
    await pool.aclose()


async def test_who_is_cancelled_while_connecting_loses_no_place() -> None:
    began, hangs = asyncio.Event(), True

    async def connect() -> AsyncConnection:
        began.set()
        if hangs:
            await asyncio.Event().wait()
        return AsyncConnection(1)

    pool = AsyncPool(connect, WAIT)
    for _ in range(CONNECTIONS + 1):
        began.clear()
        await cancelled(asyncio.create_task(pool.ask(Question())), began)

    hangs = False
    assert await pool.ask(Question()) == 1
    await pool.aclose()
