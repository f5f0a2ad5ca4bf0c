"""The table of docs/explanation/delivery.md: made of what was measured, and read again by tests.

`python -m tests.faults.table` writes build/faults/rows.json, of `make faults`, into the page.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.actions import FAULTS, REDIS_FAULTS
from tests.faults.ledger import BUILD, Row

__all__ = ["COLUMNS", "PAGE", "STORM_ROW", "Kind", "kind_of", "measured", "page_kinds", "table"]

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "delivery.md"
BEGIN, END = "<!-- measured: make faults -->\n", "<!-- /measured -->\n"
COLUMNS: Mapping[str, Sequence[str]] = {
    "Inline": ("Inline", "Inline, awaited"),
    "50 callers": ("50 threads", "50 tasks"),
    "Background": ("Background", "Background, awaited"),
    "Guarded": ("Guarded", "Guarded, awaited"),
    "Outbox": ("Outbox",),
    "Celery": ("Celery",),
    "RQ": ("RQ",),
    "Taskiq": ("Taskiq",),
    "Dramatiq": ("Dramatiq",),
}
STORM_ROW = "a storm of all of these"
NOT_MEASURED = "-"


class Kind(NamedTuple):
    """What a cell says, without its numbers."""

    all_delivered: bool
    twice: bool
    lost: bool
    told: frozenset[str]

    def allows(self, other: Kind) -> bool:
        """Whether what was measured now is no worse, and no other, than what is written."""
        return (
            (other.all_delivered or not self.all_delivered)
            and (self.twice or not other.twice)
            and (self.lost or not other.lost)
            and other.told <= self.told
        )


def kind_of(row: Row) -> Kind:
    """Return the kind of a measurement."""
    return Kind(row.delivered == row.sent, row.doubled > 0, row.lost > 0, frozenset(row.told))


def _cell(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write what both colours measured as one."""
    if not rows:
        return NOT_MEASURED
    told: Counter[str] = Counter()
    for row in rows:
        told.update(row["told"])
    sent, delivered, twice, lost = (sum(row[name] for row in rows) for name in ("sent", "delivered", "doubled", "lost"))
    fallen = sum(row["saw"].get("by the fallback", 0) for row in rows)
    parts = [f"{delivered} of {sent}"]
    parts += [f"{twice} twice"] if twice else []
    parts += [f"{fallen} by the fallback"] if fallen else []
    parts += [f"{count} told {name}" for name, count in sorted(told.items())]
    parts += [f"{lost} lost"] if lost else []
    return "; ".join(parts)


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write the table."""
    by_fault: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        by_fault.setdefault(row["fault"], {})[row["delivery"]] = row
    lines = [f"| fault | {' | '.join(COLUMNS)} |", f"|---{'|---' * len(COLUMNS)}|"]
    for fault, found in sorted(by_fault.items(), key=lambda pair: (_place(pair[0]), pair[0])):
        cells = (_cell([found[name] for name in names if name in found]) for names in COLUMNS.values())
        lines.append(f"| {fault} | {' | '.join(cells)} |")
    return "".join(f"{line}\n" for line in lines)


def _place(fault: str) -> int:
    """Keep to the order of the suite; a storm comes after all of its faults, and processes that end come last."""
    names = [one.name for one in FAULTS] + [STORM_ROW]
    names += [f"Redis: {one.name}" for one in REDIS_FAULTS] + [f"Redis: {STORM_ROW}"]
    return names.index(fault) if fault in names else len(names)


def page_kinds(page: str) -> dict[tuple[str, str], Kind]:
    """Read the page's table: the kind for each fault and delivery that it has a cell for."""
    kinds: dict[tuple[str, str], Kind] = {}
    for line in page.partition(BEGIN)[2].partition(END)[0].splitlines()[2:]:
        fault, *cells = (part.strip() for part in line.strip("|").split(" | "))
        for cell, names in zip(cells, COLUMNS.values(), strict=True):
            if cell != NOT_MEASURED:
                kinds |= {(fault, name): _read(cell) for name in names}
    return kinds


def _read(cell: str) -> Kind:
    first, *rest = cell.split("; ")
    delivered, sent = first.split(" of ")
    return Kind(
        delivered == sent,
        any(part.endswith(" twice") for part in rest),
        any(part.endswith(" lost") for part in rest),
        frozenset(match[1] for part in rest if (match := re.fullmatch(r"\d+ told (.+)", part))),
    )


def measured() -> str:
    """Return the table of the last run."""
    return table(json.loads((BUILD / "rows.json").read_text()))


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{measured()}{END}{rest.partition(END)[2]}")
