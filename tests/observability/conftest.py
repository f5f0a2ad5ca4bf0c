"""Broadcasters of each colour, and nobody who observes the next test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import default
from broadcastkit.observability import observe
from tests.broadcaster.stand_ins import Both, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@pytest.fixture(autouse=True)
def nobody_observes() -> Iterator[None]:
    yield
    observe()
    default.reset()


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Both]]:
    """Make broadcasters, in each colour in turn."""
    made: list[Both] = []

    def make(connections: Told | Mapping[str, Told], **options: Any) -> Both:
        made.append(Both(request.param, connections, **options))
        return made[-1]

    yield make
    for both in made:
        both.end()
