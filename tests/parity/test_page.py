"""docs/explanation/laravel-parity.md has a line for every feature, and every test that it names is there.

features.json lists what Laravel's broadcasting (12 and 13) can do on the server, and the SDKs of services: a feature is
added there first, and then has no line until somebody decides about it.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SERVICES = "The SDKs of services"
_CELLS = re.compile(r"(?<!\\)\|")
_HEADING = "shown by, or why it differs |"
_TEST = re.compile(r"`(test_\w+)`")


class Row(NamedTuple):
    section: str
    feature: str
    ours: str
    proof: str

    @property
    def tests(self) -> list[str]:
        return _TEST.findall(self.proof)

    @property
    def reason(self) -> str:
        return _TEST.sub("", self.proof).strip(" ,.:")


def read(text: str) -> Iterator[Row]:
    """Return the rows of every table, below the headings that the tables have in common."""
    section = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| ") and not line.endswith(_HEADING):
            yield Row(section, *(cell.strip() for cell in _CELLS.split(line.strip("|"))))


PAGE = tuple(read((ROOT / "docs" / "explanation" / "laravel-parity.md").read_text(encoding="utf-8")))


def listed() -> list[tuple[str, str]]:
    """Return section and feature of each that there is."""
    features = json.loads((HERE / "features.json").read_text(encoding="utf-8"))
    laravel = [(section, feature) for section, names in features["laravel"].items() for feature in names]
    return [*laravel, *((SERVICES, feature) for feature in features["peers"])]


def names_in(path: Path) -> set[str]:
    """Return the tests of a module, those that others inherit too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name for node in functions if node.name.startswith("test_")}


@pytest.fixture(scope="module")
def every_test() -> set[str]:
    return {name for path in (ROOT / "tests").rglob("*.py") for name in names_in(path)}


def test_every_feature_has_a_line_and_no_other() -> None:
    assert [(row.section, row.feature) for row in PAGE] == listed()


@pytest.mark.parametrize("row", PAGE, ids=lambda row: row.feature)
def test_every_line_names_tests_that_are_there_or_says_why_it_differs(row: Row, every_test: set[str]) -> None:
    assert row.ours
    assert row.tests or len(row.reason.split()) >= 4, "neither a test nor a reason"
    assert set(row.tests) - every_test == set()


def test_every_test_of_this_folder_is_named() -> None:
    own = {name for path in HERE.glob("test_*.py") if path != Path(__file__) for name in names_in(path)}

    assert own - {name for row in PAGE for name in row.tests} == set()


@pytest.mark.parametrize(
    ("proof", "tests", "words"),
    [("`test_a`, `test_b`", ["test_a", "test_b"], 0), ("`test_a`. As there", ["test_a"], 2), ("No, since", [], 2)],
)
def test_a_line_is_read(proof: str, tests: list[str], words: int) -> None:
    (row,) = read(f"## Events\n\n| Laravel | here | {_HEADING}\n|---|---|---|\n| `a` | b | {proof} |\n")

    assert (row.section, row.feature, row.tests, len(row.reason.split())) == ("Events", "`a`", tests, words)
