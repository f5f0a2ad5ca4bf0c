"""Each test in both colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.drivers.redis.colours import AsyncColour, Colour, SyncColour
from tests.drivers.redis.subscriber import new_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=[SyncColour, AsyncColour], ids=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> Iterator[Colour]:
    """Each colour in turn."""
    colour: Colour = request.param()
    yield colour
    colour.end()


@pytest.fixture
def prefix() -> str:
    """Return what no other test publishes below."""
    return new_prefix()
