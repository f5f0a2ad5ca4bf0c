"""Each test in both colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.delivery.repeats.sides import AsyncSide, SyncSide

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=[SyncSide, AsyncSide], ids=["sync", "async"])
def side(request: pytest.FixtureRequest) -> Iterator[SyncSide | AsyncSide]:
    """Each colour in turn, over a MemoryDriver."""
    side: SyncSide | AsyncSide = request.param()
    side.begin()
    yield side
    side.end()
