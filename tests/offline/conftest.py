"""Broadcasters of both colors, mail servers and a place to push to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import default
from tests.broadcaster.stand_ins import Both
from tests.offline.sinks import MailServer, mail_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.broadcaster.stand_ins import Told


@pytest.fixture(autouse=True)
def nothing_configured() -> Iterator[None]:
    default.reset()
    yield
    default.reset()


@pytest.fixture(params=["sync", "async"])
def color(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def broadcaster(color: str) -> Iterator[Callable[..., Both]]:
    """Make broadcasters, in each color in turn."""
    made: list[Both] = []

    def make(connections: Told | Mapping[str, Told], **options: Any) -> Both:
        made.append(Both(color, connections, **options))
        return made[-1]

    yield make
    for both in made:
        both.end()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """A mail server that takes everything."""
    with mail_server() as server:
        yield server
