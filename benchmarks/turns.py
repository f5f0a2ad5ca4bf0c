"""Contenders measured in turns, so that a busy moment hits all of them: events per second, and CPU for each event."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeAlias

__all__ = ["Contender", "Goal", "Turn", "awaited", "blocking", "goals_table", "medians", "table_of"]


class Turn(NamedTuple):
    """What was measured, or the medians of it. The CPU is that of all threads of a contender's process."""

    per_second: float
    microseconds: float


Contender: TypeAlias = Callable[[], Turn]
Call: TypeAlias = Callable[[], object]
AsyncCall: TypeAlias = Callable[[], Awaitable[object]]


class Goal(NamedTuple):
    """So many times as good as a peer, by CPU for each event or by events per second; or not above a limit."""

    words: str
    ours: str
    peer: str
    times: float
    by_rate: bool = False


def blocking(call: Call, calls: int, *, each: int = 1, after: Call | None = None) -> Contender:
    """Return a contender that calls so often; `each` is the events of a call, `after` is called and measured too."""

    def turn() -> Turn:
        began = time.perf_counter(), time.process_time()
        for _ in range(calls):
            call()
        if after is not None:
            after()
        return _turn(began, calls * each)

    return turn


def awaited(
    runner: asyncio.Runner,
    call: AsyncCall,
    calls: int,
    *,
    callers: int = 1,
    each: int = 1,
    after: AsyncCall | None = None,
) -> Contender:
    """Return the same for tasks that each wait for their calls."""

    async def caller() -> None:
        for _ in range(calls // callers):
            await call()

    async def turn() -> Turn:
        began = time.perf_counter(), time.process_time()
        await asyncio.gather(*(caller() for _ in range(callers)))
        if after is not None:
            await after()
        return _turn(began, calls // callers * callers * each)

    return lambda: runner.run(turn())


def _turn(began: tuple[float, float], events: int) -> Turn:
    seconds, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    return Turn(events / seconds, cpu / events * 1e6)


def medians(contenders: Mapping[str, Contender], *, rounds: int) -> dict[str, Turn]:
    """Have each take its turn so often, and once before to connect; returns the medians."""
    turns: dict[str, list[Turn]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            turn = contender()
            if number:
                turns[name].append(turn)
    return {name: Turn(*map(statistics.median, zip(*of, strict=True))) for name, of in turns.items()}


def table_of(title: str, rows: Mapping[str, Turn]) -> None:
    """Print them as a Markdown table, which the documentation takes as it is."""
    print(f"\n| {title} | events/s | CPU µs/event |\n|---|---:|---:|")
    for name, (rate, cpu) in rows.items():
        print(f"| {name} | {rate:,.0f} | {cpu:.1f} |")


def goals_table(rows: Mapping[str, Turn], goals: list[Goal], limits: list[tuple[str, float, float]]) -> bool:
    """Print what was aimed at and what was measured, limits in microseconds too; returns whether all was reached."""
    reached = True
    print("\n| goal | wanted | measured | |\n|---|---:|---:|---|")
    for words, ours, peer, times, by_rate in goals:
        found = (
            rows[ours].per_second / rows[peer].per_second
            if by_rate
            else rows[peer].microseconds / rows[ours].microseconds
        )
        reached &= found >= times
        print(f"| {words} | {times:g}x | {found:.1f}x | {'met' if found >= times else '**missed**'} |")
    for words, limit, found in limits:
        reached &= found <= limit
        print(f"| {words} | ≤ {limit:g} µs | {found:.1f} µs | {'met' if found <= limit else '**missed**'} |")
    return reached
