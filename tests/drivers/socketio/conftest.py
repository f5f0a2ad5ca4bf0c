"""Servers, clients, and each test in both colours."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING

import pytest

from tests.drivers.socketio.colours import AsyncColour, Colour, SyncColour
from tests.interop.socketio_servers import SocketIoClient, SocketIoServer, socketio_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.interop.redis_servers import RedisServer

_numbers = itertools.count(1)


@pytest.fixture(params=[SyncColour, AsyncColour], ids=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> Iterator[Colour]:
    """Each colour in turn."""
    colour: Colour = request.param()
    yield colour
    colour.end()


@pytest.fixture(scope="session")
def chat(redis_shared: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketIoServer]:
    """The chat under uvicorn, with an AsyncServer."""
    with socketio_server(tmp_path_factory.mktemp("chat"), redis_shared, "chat-asgi") as server:
        yield server


@pytest.fixture(scope="session")
def chat_wsgi(redis_shared: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketIoServer]:
    """The chat under gunicorn, with a Server."""
    with socketio_server(tmp_path_factory.mktemp("chat"), redis_shared, "chat-wsgi", wsgi=True) as server:
        yield server


@pytest.fixture(params=["asgi", "wsgi"])
def either_chat(request: pytest.FixtureRequest) -> SocketIoServer:
    """Each of the two in turn."""
    server: SocketIoServer = request.getfixturevalue("chat" if request.param == "asgi" else "chat_wsgi")
    return server


@pytest.fixture
def socketio_js() -> Iterator[Callable[[], SocketIoClient]]:
    """Make clients that end with the test."""
    with contextlib.ExitStack() as clients:
        yield lambda: clients.enter_context(SocketIoClient())


@pytest.fixture
def user() -> str:
    """Return the id of a user of whom no other test has heard: what is late for one must not reach another."""
    return str(next(_numbers))
