"""Each vector of protocol.json is a test case, or of a kind that waits for a reason."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import tests
from tests.vectors import VECTORS, used

ROOT = Path(tests.__file__).parent

NOT_HERE = {
    "auth_request_form_parse": "reading the form of /broadcasting/auth is the integrations' work, tested there",
}


def import_those_who_use_vectors() -> None:
    for path in ROOT.rglob("test_*.py"):
        if "node_modules" not in path.parts and "from tests.vectors import" in path.read_text():
            import_module(".".join(["tests", *path.relative_to(ROOT).with_suffix("").parts]))


def test_every_vector_is_tested_or_waits_for_a_reason() -> None:
    import_those_who_use_vectors()

    forgotten = [f"{one.kind} {one.origin}" for one in VECTORS if one.position not in used and one.kind not in NOT_HERE]

    assert forgotten == []


def test_what_waits_is_still_in_the_file_and_still_untested() -> None:
    import_those_who_use_vectors()

    assert {one.kind for one in VECTORS} >= NOT_HERE.keys()
    assert {one.kind for one in VECTORS if one.position in used} & NOT_HERE.keys() == set()


def test_the_file_is_whole() -> None:
    assert len(VECTORS) == 226
