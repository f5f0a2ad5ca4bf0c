"""The current socket id follows the work that belongs to a request, and nothing else."""

from __future__ import annotations

import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.to_thread
import pytest

from broadcastkit.errors import ConfigurationError
from broadcastkit.socket_id import HEADER, carry_socket_id, current_socket_id, socket_id_scope


def test_the_header_is_the_one_that_echo_sends() -> None:
    assert HEADER == "X-Socket-ID"


def test_there_is_none_outside_of_a_request() -> None:
    assert current_socket_id() is None


def test_a_scope_ends() -> None:
    with socket_id_scope("1.1") as socket_id:
        assert socket_id == current_socket_id() == "1.1"

    assert current_socket_id() is None


def test_a_scope_ends_when_the_work_in_it_fails() -> None:
    with pytest.raises(RuntimeError, match="work"), socket_id_scope("1.1"):
        raise RuntimeError("work")

    assert current_socket_id() is None


def test_scopes_nest() -> None:
    with socket_id_scope("1.1"):
        with socket_id_scope("2.2"):
            assert current_socket_id() == "2.2"
        with socket_id_scope(None):
            assert current_socket_id() is None
        assert current_socket_id() == "1.1"


@pytest.mark.parametrize("value", ["", "undefined", "fake-socket-id", "1.1:private-a", "1.1\n", "x" * 200])
def test_a_malformed_one_counts_as_absent(value: str) -> None:
    with socket_id_scope(value) as socket_id:
        assert socket_id is current_socket_id() is None


def test_a_thread_started_by_hand_has_none_of_another_request() -> None:
    seen: list[str | None] = []

    with socket_id_scope("1.1"):
        thread = threading.Thread(target=lambda: seen.append(current_socket_id()))
        thread.start()
        thread.join()

    assert seen == [None]


def test_threads_do_not_see_one_another() -> None:
    everyone_is_in = threading.Barrier(8)

    def request(number: int) -> str | None:
        with socket_id_scope(f"{number}.{number}"):
            everyone_is_in.wait(timeout=10)
            return current_socket_id()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(request, range(8))) == [f"{number}.{number}" for number in range(8)]


async def test_tasks_do_not_see_one_another() -> None:
    seen: dict[int, str | None] = {}
    everyone_is_in = [anyio.Event() for _ in range(8)]

    async def request(number: int) -> None:
        with socket_id_scope(f"{number}.{number}"):
            everyone_is_in[number].set()
            for event in everyone_is_in:
                await event.wait()
            seen[number] = current_socket_id()

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(request, number)

    assert seen == {number: f"{number}.{number}" for number in range(8)}


async def test_a_task_and_a_worker_thread_have_that_of_their_request() -> None:
    seen: list[str | None] = []

    async def child() -> None:
        seen.append(current_socket_id())

    with socket_id_scope("1.1"):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(child)
        seen.append(await anyio.to_thread.run_sync(current_socket_id))

    assert seen == ["1.1", "1.1"]
    assert current_socket_id() is None


def test_work_for_a_thread_takes_it_along_however_often() -> None:
    with socket_id_scope("1.1"):
        work = carry_socket_id(lambda number: (number, current_socket_id()))

    with ThreadPoolExecutor(2) as pool, socket_id_scope("2.2"):
        assert list(pool.map(work, range(3))) == [(0, "1.1"), (1, "1.1"), (2, "1.1")]
        assert current_socket_id() == "2.2"


def test_work_without_one_has_none_elsewhere_either() -> None:
    work = carry_socket_id(current_socket_id)

    with socket_id_scope("2.2"):
        assert work() is None


async def later() -> None:
    raise AssertionError("not to be run")


def test_a_coroutine_function_needs_no_carrying() -> None:
    with pytest.raises(ConfigurationError, match=r"^later is async: a task that runs it has the socket id by itself$"):
        carry_socket_id(later)


def test_a_copied_context_keeps_it() -> None:
    with socket_id_scope("1.1"):
        context = contextvars.copy_context()

    assert context.run(current_socket_id) == "1.1"
