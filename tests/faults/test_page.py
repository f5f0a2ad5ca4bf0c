"""What docs/explanation/delivery.md says was measured: all of it, and nothing lost that is not said to be."""

from __future__ import annotations

import json
from pathlib import Path

from tests.faults.actions import FAULTS, REDIS_FAULTS
from tests.faults.ledger import Ledger, Row
from tests.faults.queues import EVERY
from tests.faults.table import PAGE, Kind, kind_of, page_kinds, table

MAY_LOSE = {"the process is killed (SIGKILL)"}
ROW = Row("reset", "Inline", 20, 18, 0, 1, {"delivered": 18, "ConnectError": 2}, {"ConnectError": 2}, in_order=True)


def test_the_page_has_every_fault_for_every_delivery() -> None:
    written = page_kinds(PAGE.read_text())
    names = [fault.name for fault in FAULTS] + [f"Redis: {fault.name}" for fault in REDIS_FAULTS]
    assert [(name, one) for name in names for one in EVERY if (name, one) not in written] == []


def test_nothing_was_lost_but_where_the_page_says_why() -> None:
    written = page_kinds(PAGE.read_text())
    assert {fault for (fault, _), kind in written.items() if kind.lost} == MAY_LOSE


def test_what_is_written_is_read() -> None:
    row = {name: getattr(ROW, name) for name in Row.__dataclass_fields__}
    text = table([row, row | {"delivery": "Guarded", "told": {}, "saw": {"by the fallback": 18}}])
    assert text.splitlines()[2] == (
        "| reset | 18 of 20; 1 twice; 2 told ConnectError | - | - | 18 of 20; 1 twice; 18 by the fallback"
        + " | -" * 5
        + " |"
    )
    read = page_kinds(f"<!-- measured: make faults -->\n{text}<!-- /measured -->\n")
    assert read["reset", "Inline"] == kind_of(ROW)
    assert read["reset", "Guarded, awaited"] == Kind(all_delivered=False, twice=True, lost=False, told=frozenset())


def test_what_is_worse_than_written_is_not_allowed() -> None:
    fine = Kind(all_delivered=True, twice=False, lost=False, told=frozenset())
    worse = [
        fine._replace(all_delivered=False),
        fine._replace(twice=True),
        fine._replace(lost=True),
        fine._replace(told=frozenset({"ConnectError"})),
    ]
    assert fine.allows(fine)
    assert not any(fine.allows(one) for one in worse)


def test_what_is_measured_twice_is_added_up_and_what_is_measured_again_is_replaced(tmp_path: Path) -> None:
    for run in ("before", "now"):
        ledger = Ledger(tmp_path, run)
        ledger.add(ROW)
        ledger.add(ROW)
        ledger.save()
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert (row["sent"], row["delivered"], row["doubled"], row["told"]) == (40, 36, 2, {"ConnectError": 4})


def test_what_two_processes_of_a_run_measured_is_added_up(tmp_path: Path) -> None:
    for run in ("before", "now", "now"):
        ledger = Ledger(tmp_path, run)
        ledger.add(ROW)
        ledger.save()
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert (row["sent"], row["told"]) == (40, {"ConnectError": 4})
