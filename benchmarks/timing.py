"""Timing of small calls: contenders interleaved, so that a noisy moment hits all of them; medians of the rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

__all__ = ["microseconds", "table"]


def microseconds(
    contenders: Mapping[str, Callable[[], object]], *, rounds: int = 25, calls: int = 4000
) -> dict[str, float]:
    """Return the median cost of one call of each contender, in microseconds."""
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            started = time.perf_counter()
            for _ in range(calls):
                call()
            samples[name].append((time.perf_counter() - started) / calls * 1e6)
    return {name: statistics.median(times) for name, times in samples.items()}


def table(title: str, rows: Mapping[str, float], unit: str, *, better: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Print the rows, and for each pair how many times better the first is than the second."""
    print(f"\n{title}")
    for name, value in rows.items():
        print(f"  {name:44} {value:10.2f} {unit}")
    for ours, peer in pairs:
        ratio = rows[peer] / rows[ours] if better == "less" else rows[ours] / rows[peer]
        print(f"  {ours} / {peer}: {ratio:.2f} times as fast")
