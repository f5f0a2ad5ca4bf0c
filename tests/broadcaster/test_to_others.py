"""Who is left out: the client whose request this is, in every thread, task and context."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import anyio
import pytest

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.socket_id import current_socket_id, socket_id_scope
from tests.broadcaster.stand_ins import Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from broadcastkit.core.message import Message
    from tests.broadcaster.stand_ins import Both


def ping(name: str = "ping") -> AnonymousEvent:
    return AnonymousEvent(name, on="news")


@pytest.fixture
def driver() -> MemoryDriver:
    return MemoryDriver()


@pytest.fixture
def sync(driver: MemoryDriver) -> Broadcaster:
    return Broadcaster(driver)


@pytest.fixture
def kept() -> list[Message]:
    return []


@pytest.fixture
def awaited(kept: list[Message]) -> AsyncBroadcaster:
    return AsyncBroadcaster(AsyncMemoryDriver(kept))


def excluded(messages: list[Message]) -> dict[str, str | None]:
    return {message.event: message.exclude for message in messages}


def test_the_one_given_else_the_current_one_else_nobody(sync: Broadcaster, driver: MemoryDriver) -> None:
    sync.broadcast(ping("nobody")).to_others()
    with socket_id_scope("1.1"):
        sync.broadcast(ping("current")).to_others()
        sync.broadcast(ping("given")).to_others("2.2")
        sync.broadcast(ping("everyone")).to_everyone()
        sync.broadcast_many([ping("many"), ping("of them")]).to_others()
    sync.broadcast(ping("nobody again")).to_others()

    assert excluded(driver.messages) == {
        "nobody": None,
        "current": "1.1",
        "given": "2.2",
        "everyone": None,
        "many": "1.1",
        "of them": "1.1",
        "nobody again": None,
    }


@pytest.mark.parametrize("strange", ["", "undefined", "null", "None", "fake-socket-id", "1.1\n", "a b", "x" * 129, "é"])
def test_one_that_is_malformed_counts_as_absent_and_never_as_an_error(
    sync: Broadcaster, driver: MemoryDriver, strange: str
) -> None:
    with socket_id_scope(strange):
        sync.broadcast(ping("current")).to_others()
    with socket_id_scope("1.1"):
        # what was given is what was meant, even if it is nobody
        sync.broadcast(ping("given")).to_others(strange)

    assert excluded(driver.messages) == {"current": None, "given": None}


def test_scopes_nest(sync: Broadcaster, driver: MemoryDriver) -> None:
    with socket_id_scope("1.1"):
        with socket_id_scope("2.2"):
            sync.broadcast(ping("inner")).to_others()
        with socket_id_scope(None):
            sync.broadcast(ping("none")).to_others()
        sync.broadcast(ping("outer")).to_others()

    assert excluded(driver.messages) == {"inner": "2.2", "none": None, "outer": "1.1"}


def test_who_it_is_is_read_when_it_is_sent(sync: Broadcaster, driver: MemoryDriver) -> None:
    with socket_id_scope("1.1"):
        pending = sync.broadcast(ping())
    with socket_id_scope("2.2"):
        pending.to_others()

    assert excluded(driver.messages) == {"ping": "2.2"}


def test_each_thread_has_its_own(sync: Broadcaster, driver: MemoryDriver) -> None:
    together = threading.Barrier(8)

    def work(number: int) -> None:
        with socket_id_scope(f"{number}.0"):
            together.wait(10)
            sync.broadcast(ping(f"event.{number}")).to_others()
            together.wait(10)
        sync.broadcast(ping(f"after.{number}")).to_others()

    with socket_id_scope("9.9"), ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert excluded(driver.messages) == {f"event.{number}": f"{number}.0" for number in range(8)} | {
        # a thread that is started by hand knows nothing of the one that started it
        f"after.{number}": None
        for number in range(8)
    }


async def test_each_task_has_its_own(awaited: AsyncBroadcaster, kept: list[Message]) -> None:
    meeting = asyncio.Event()

    async def work(number: int) -> None:
        with socket_id_scope(f"{number}.0"):
            if number == 7:
                meeting.set()
            await meeting.wait()
            await awaited.broadcast(ping(f"event.{number}")).to_others()

    with socket_id_scope("9.9"):
        await asyncio.gather(*(work(number) for number in range(8)))
        await awaited.broadcast(ping("outside")).to_others()

    assert excluded(kept) == {f"event.{number}": f"{number}.0" for number in range(8)} | {"outside": "9.9"}


async def test_a_task_inherits_the_one_it_was_started_with(awaited: AsyncBroadcaster, kept: list[Message]) -> None:
    async def child() -> None:
        await awaited.broadcast(ping("child")).to_others()

    async with anyio.create_task_group() as tasks:
        with socket_id_scope("1.1"):
            tasks.start_soon(child)
        await awaited.broadcast(ping("parent")).to_others()

    assert excluded(kept) == {"child": "1.1", "parent": None}


@pytest.mark.parametrize("in_thread", [asyncio.to_thread, anyio.to_thread.run_sync], ids=["asyncio", "anyio"])
async def test_it_follows_into_worker_threads(
    sync: Broadcaster, driver: MemoryDriver, in_thread: Callable[..., object]
) -> None:
    with socket_id_scope("1.1"):
        await in_thread(lambda: sync.broadcast(ping()).to_others())  # type: ignore[misc]

    assert excluded(driver.messages) == {"ping": "1.1"}


def test_a_context_can_be_carried_by_hand(sync: Broadcaster, driver: MemoryDriver) -> None:
    with socket_id_scope("1.1"):
        context = contextvars.copy_context()

    thread = threading.Thread(target=context.run, args=(lambda: sync.broadcast(ping()).to_others(),))
    thread.start()
    thread.join(10)

    assert excluded(driver.messages) == {"ping": "1.1"}
    assert current_socket_id() is None


def test_the_receipt_names_who_was_left_out(broadcaster: Callable[..., Both]) -> None:
    both = broadcaster(Told())
    receipt = both.run(both.broadcaster.broadcast(ping()).to_others("1.1"))

    assert receipt.excluded_socket == "1.1"
