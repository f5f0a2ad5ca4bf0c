"""Each transport in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.drivers.http.wires import OURS, WIRES, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator


def _name(key: tuple[str, str]) -> str:
    return f"{key[0]}, {key[1]}"


@pytest.fixture(params=WIRES, ids=_name)
def wire(request: pytest.FixtureRequest, scripted: object) -> Iterator[Wire]:
    """Every transport. Asks for `scripted` so that it is closed before servers are."""
    wire = Wire(*request.param)
    yield wire
    wire.end()


@pytest.fixture(params=OURS, ids=_name)
def ours(request: pytest.FixtureRequest, scripted: object) -> Iterator[Wire]:
    """The connections that are our own."""
    wire = Wire(*request.param)
    yield wire
    wire.end()
