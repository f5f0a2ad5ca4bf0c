"""The gate: who waits, in which order, and what becomes of a place that nobody takes any more."""

from __future__ import annotations

import asyncio

import pytest

from broadcastkit.drivers.sockets.gate import Gate
from broadcastkit.errors import ConnectError


async def waiting(gate: Gate, entered: list[int], number: int) -> None:
    await gate.enter(10)
    entered.append(number)


async def start(gate: Gate, entered: list[int], count: int) -> list[asyncio.Task[None]]:
    """Start so many tasks, up to where they wait."""
    tasks = [asyncio.create_task(waiting(gate, entered, number)) for number in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_a_place_goes_to_who_has_waited_longest() -> None:
    gate, entered = Gate(2), list[int]()
    tasks = await start(gate, entered, 4)
    assert entered == [0, 1]

    gate.leave()
    await tasks[2]
    assert entered == [0, 1, 2]
    gate.leave()
    await tasks[3]
    assert entered == [0, 1, 2, 3]

    gate.leave()
    gate.leave()
    await gate.enter(None)
    await gate.enter(None)


async def test_who_waits_too_long_is_refused_and_no_place_is_lost() -> None:
    gate = Gate(1)
    await gate.enter(None)

    with pytest.raises(ConnectError, match=r"all 1 connections were in use for 0\.01 s"):
        await gate.enter(0.01)

    gate.leave()
    await gate.enter(None)


async def test_who_is_cancelled_while_waiting_is_passed_over() -> None:
    gate, entered = Gate(1), list[int]()
    tasks = await start(gate, entered, 3)

    tasks[1].cancel()
    gate.leave()
    await tasks[2]

    assert entered == [0, 2]
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]


async def test_a_place_given_to_who_is_cancelled_in_the_same_moment_is_passed_on() -> None:
    gate, entered = Gate(1), list[int]()
    tasks = await start(gate, entered, 3)

    gate.leave()  # which gives it to the second
    tasks[1].cancel()
    await tasks[2]

    assert entered == [0, 2]
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
