"""Fixtures for drivers: scripted servers, and each test in both colours."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.drivers.certificates import Certificates, make_certificates
from tests.drivers.colours import AsyncColour, Colour, SyncColour
from tests.drivers.scripted import Answer, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedServer]]:
    """Start servers that end with the test: `server = scripted(OK, answer(429))`."""
    with contextlib.ExitStack() as stack:

        def start(*script: Answer) -> ScriptedServer:
            server = ScriptedServer(list(script))
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority, and what a server on 127.0.0.1 shows."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=[SyncColour, AsyncColour], ids=["sync", "async"])
def colour(request: pytest.FixtureRequest, scripted: object) -> Iterator[Colour]:
    """Each colour in turn. Asks for `scripted` so that drivers are closed before servers are."""
    colour = request.param()
    yield colour
    colour.end()
