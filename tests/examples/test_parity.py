"""examples/PARITY.md: what each guide lists, and the tests that prove it, all of which are there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.pages import ROOT

PAGE = ROOT / "examples" / "PARITY.md"
APPLICATIONS = ("dentist_chat", "team_rooms", "patient_chat", "artisan_jobs", "marketplace")
_CELLS = re.compile(r"(?<!\\)\|")
_TEST = re.compile(r"`([\w/.]+\.py)::(test_\w+)`")


class Row(NamedTuple):
    application: str
    number: int
    listed: str
    proof: str

    @property
    def tests(self) -> list[tuple[Path, str]]:
        """The tests that it names: those of the application by their file, others from the root."""
        own = ROOT / "tests" / "examples" / self.application
        return [(ROOT / path if "/" in path else own / path, name) for path, name in _TEST.findall(self.proof)]


def rows() -> Iterator[Row]:
    application, number = "", 0
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            application, number = line.removeprefix("## ").split(":")[0].strip("` "), 0
        elif line.startswith("| ") and not line.startswith("| of the guide |"):
            number += 1
            listed, proof = (cell.strip() for cell in _CELLS.split(line.strip("|")))
            yield Row(application, number, listed, proof)


ROWS = tuple(rows())


@cache
def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name for node in functions}


def test_every_guide_is_there() -> None:
    assert tuple(dict.fromkeys(row.application for row in ROWS)) == APPLICATIONS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.application}-{row.number}")
def test_what_a_guide_lists_is_proven(row: Row) -> None:
    assert row.tests, f"{row.listed}: names no test"
    missing = [f"{path.relative_to(ROOT)}::{name}" for path, name in row.tests if name not in names_in(path)]
    assert not missing, f"{row.listed}: there is no {', '.join(missing)}"


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application_has_what_a_reader_looks_for(application: str) -> None:
    folder = ROOT / "examples" / application
    named = {"README.md", "__main__.py", "requirements.txt", "models.py", "rules.py", "events.py", "package-lock.json"}
    assert named <= {path.name for path in folder.iterdir()}
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert f"make demo EXAMPLE={application}" in readme
    shown = re.findall(r"!\[[^]]+\]\((docs/[\w-]+\.(?:png|webp))\)", readme)
    assert shown
    assert all((folder / picture).is_file() for picture in shown)
