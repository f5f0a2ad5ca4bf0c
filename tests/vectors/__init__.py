"""What other implementations expect: 226 values from their suites, each with its origin.

`@vectors(kind)` makes each of a kind one test case, `given` and `expected`, named after its file and line there.
Where the `note` of a vector says that it shows a peer's defect, `without` leaves it out and `only` takes it for a test
of its own, which says what we do instead. tests/vectors/test_every_vector.py sees that none is forgotten.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["VECTORS", "Vector", "used", "vectors"]


class Vector(NamedTuple):
    """One expected value; `origin` is `repository:file:line`."""

    position: int
    kind: str
    origin: str
    given: Any
    expected: Any
    note: str


VECTORS = [
    Vector(
        position,
        raw["kind"],
        f"{raw['source_repo']}:{raw['source_file']}",
        raw["inputs"],
        raw["expected"],
        raw.get("note", ""),
    )
    for position, raw in enumerate(json.loads((Path(__file__).parent / "protocol.json").read_text()))
]

used: set[int] = set()
"""The positions of the vectors that some test takes."""


def vectors(
    *kinds: str,
    only: Callable[[Vector], bool] = lambda _: True,
    without: Callable[[Vector], bool] = lambda _: False,
) -> pytest.MarkDecorator:
    """Run the decorated test once for each vector of these kinds, with `given` and `expected`."""
    chosen = [one for one in VECTORS if one.kind in kinds and only(one) and not without(one)]
    assert chosen, f"no vector of {kinds} is left"
    used.update(one.position for one in chosen)
    return pytest.mark.parametrize(
        ("given", "expected"),
        # several come from one line: the position tells them apart
        [pytest.param(one.given, one.expected, id=f"{one.origin}#{one.position}") for one in chosen],
    )
