"""What was measured: one row for each fault and delivery, and what may not be in it."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

__all__ = ["BUILD", "ROUNDS", "Ledger", "Report", "Row", "pairs", "row_of"]

BUILD = Path(__file__).parents[2] / "build" / "faults"

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
"""How often the suite does what has chance in it; `make faults` says more than one."""
_SHARE = 1 if ROUNDS > 1 else 3

T = TypeVar("T")


def pairs(faults: Iterable[T], deliveries: Iterable[str]) -> list[tuple[T, str]]:
    """Return what to measure: all, or in the short form a third, in which each fault and each delivery occurs."""
    listed = list(enumerate(deliveries))
    return [
        (fault, delivery)
        for row, fault in enumerate(faults)
        for column, delivery in listed
        if column % _SHARE == row % _SHARE
    ]


@dataclasses.dataclass(slots=True)
class Report:
    """What the side that broadcasts was told: by event's number. `saw` is what a caller sees of its own broadcast."""

    saw: dict[int, str] = dataclasses.field(default_factory=dict)
    told: dict[int, str] = dataclasses.field(default_factory=dict)
    """The error, of each event that failed: raised, in a receipt, or given to a hook."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `lost`: neither delivered nor told of."""

    fault: str
    delivery: str
    sent: int
    delivered: int
    lost: int
    doubled: int
    saw: Mapping[str, int]
    """What callers saw of their broadcast: *delivered*, *queued*, *by the fallback*, or the error's class."""
    told: Mapping[str, int]
    """The classes of the errors that were told of, to the caller or afterwards to the hook."""
    in_order: bool


def row_of(
    fault: str, delivery: str, numbers: Sequence[int], report: Report, heard: Mapping[str, Sequence[int]]
) -> Row:
    """Count."""
    times = Counter(n for ns in heard.values() for n in ns)
    assert set(times) <= set(numbers), "somebody else's events"
    return Row(
        fault,
        delivery,
        sent=len(numbers),
        delivered=len(times),
        lost=sum(n not in times and n not in report.told for n in numbers),
        doubled=sum(count > 1 for count in times.values()),
        saw=dict(Counter(report.saw.values())),
        told=dict(Counter(report.told.values())),
        in_order=all(_rises(dict.fromkeys(ns)) for ns in heard.values()),
    )


def _rises(numbers: Iterable[int]) -> bool:
    listed = list(numbers)
    return listed == sorted(listed)


class Ledger:
    """All rows of a run; kept as JSON, from which the page's table is made."""

    def __init__(self, folder: Path = BUILD, run: str | None = None) -> None:
        self._folder = folder
        self._run = run or os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(uuid4())
        self._rows: dict[tuple[str, str], Row] = {}

    def add(self, row: Row) -> None:
        """Write a row down; of what is measured more than once, the sum."""
        key = row.fault, row.delivery
        before = self._rows.get(key)
        self._rows[key] = row if before is None else _sum(before, row)

    def save(self) -> None:
        """Add this run's rows to those of runs before: a row that was measured again is replaced.

        Processes that share a run (xdist's) add theirs up.
        """
        if not self._rows:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "rows.json").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            kept = {(one["fault"], one["delivery"]): one for one in json.loads(file.read() or "[]")}
            kept |= {key: self._kept(row, kept.get(key)) for key, row in self._rows.items()}
            file.truncate(0)
            file.write(json.dumps(list(kept.values()), indent=1))

    def _kept(self, row: Row, before: Mapping[str, Any] | None) -> dict[str, Any]:
        if before is not None and before.get("run") == self._run:
            row = _sum(Row(**{name: before[name] for name in Row.__dataclass_fields__}), row)
        return dataclasses.asdict(row) | {"run": self._run}


def _sum(one: Row, other: Row) -> Row:
    return Row(
        one.fault,
        one.delivery,
        sent=one.sent + other.sent,
        delivered=one.delivered + other.delivered,
        lost=one.lost + other.lost,
        doubled=one.doubled + other.doubled,
        saw=dict(Counter(one.saw) + Counter(other.saw)),
        told=dict(Counter(one.told) + Counter(other.told)),
        in_order=one.in_order and other.in_order,
    )
