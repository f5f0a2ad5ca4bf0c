"""The fixtures of real servers and clients, for every test (tests/conftest.py names this module)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.interop.clients import EchoClient, EchoSocketIoClient, PusherJsClient
from tests.interop.mariadb_servers import MARIADB_LOG, MariadbServer, mariadb_folder, mariadb_server
from tests.interop.postgres_servers import POSTGRES_LOG, PostgresServer, postgres_folder, postgres_server
from tests.interop.redis_servers import RedisServer, redis_server
from tests.interop.servers import SOKETI_LOG, PusherServer, soketi_server, tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "echo_js",
    "echo_socketio",
    "mariadb",
    "mariadb_shared",
    "postgres",
    "postgres_shared",
    "pusher_js",
    "redis_shared",
    "soketi",
    "soketi_apps",
    "soketi_numeric",
    "soketi_users",
]

# The logs of servers that outlive a test: shown at the end if any test failed.
SERVER_LOGS = pytest.StashKey[list["Path"]]()


@pytest.fixture(scope="session")
def soketi_apps(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[PusherServer, ...]]:
    """One soketi for the whole session; use one of the apps on it below."""
    folder = tmp_path_factory.mktemp("soketi")
    request.config.stash.setdefault(SERVER_LOGS, []).append(folder / SOKETI_LOG)
    with soketi_server(folder) as apps:
        yield apps


@pytest.fixture(scope="session")
def soketi(soketi_apps: tuple[PusherServer, ...]) -> PusherServer:
    """soketi's app `app-id`, with client events."""
    return soketi_apps[0]


@pytest.fixture(scope="session")
def soketi_numeric(soketi_apps: tuple[PusherServer, ...]) -> PusherServer:
    """soketi's app `1001`, for clients that want digits, as the PyPI package `pusher` does."""
    return soketi_apps[1]


@pytest.fixture(scope="session")
def soketi_users(soketi_apps: tuple[PusherServer, ...]) -> PusherServer:
    """soketi's app `users-app`, where connections sign in as users (or are closed after 30 s)."""
    return soketi_apps[2]


@pytest.fixture(scope="session")
def redis_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for the whole session; a test that uses it does so below a prefix of its own."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PostgresServer]:
    """One PostgreSQL for the whole session; `postgres` is an empty database on it."""
    log = tmp_path_factory.mktemp("postgres") / POSTGRES_LOG
    request.config.stash.setdefault(SERVER_LOGS, []).append(log)
    # what two-phase commits need
    with postgres_folder() as folder, postgres_server(folder, "max_prepared_transactions=10", log=log) as server:
        yield server


@pytest.fixture
def postgres(postgres_shared: PostgresServer) -> Iterator[PostgresServer]:
    """An empty database, on a real PostgreSQL, that is gone when the test is."""
    with postgres_shared.fresh() as database:
        yield database


@pytest.fixture(scope="session")
def mariadb_shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariadbServer]:
    """One MariaDB for the whole session; `mariadb` is an empty database on it."""
    log = tmp_path_factory.mktemp("mariadb") / MARIADB_LOG
    request.config.stash.setdefault(SERVER_LOGS, []).append(log)
    with mariadb_folder() as folder, mariadb_server(folder, log=log) as server:
        yield server


@pytest.fixture
def mariadb(mariadb_shared: MariadbServer) -> Iterator[MariadbServer]:
    """An empty database, on a real MariaDB, that is gone when the test is."""
    with mariadb_shared.fresh() as database:
        yield database


@pytest.fixture
def echo_socketio() -> Iterator[Callable[[], EchoSocketIoClient]]:
    """Make Laravel Echo clients for laravel-echo-server that end with the test."""
    with contextlib.ExitStack() as clients:
        yield lambda: clients.enter_context(EchoSocketIoClient())


@pytest.fixture
def pusher_js() -> Iterator[Callable[[], PusherJsClient]]:
    """Make pusher-js clients that end with the test: `client = pusher_js(); client.connect(server)`."""
    with contextlib.ExitStack() as clients:
        yield lambda: clients.enter_context(PusherJsClient())


@pytest.fixture
def echo_js() -> Iterator[Callable[[], EchoClient]]:
    """Make Laravel Echo clients that end with the test."""
    with contextlib.ExitStack() as clients:
        yield lambda: clients.enter_context(EchoClient())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what the servers printed, if a test failed."""
    for log in config.stash.get(SERVER_LOGS, []) if terminalreporter.stats.get("failed") else ():
        terminalreporter.section(log.name)
        terminalreporter.write_line(tail(log))
