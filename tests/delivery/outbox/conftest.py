"""The databases that an outbox is proven on: each test runs on all three."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import URL, Engine, NullPool, create_engine, make_url

from broadcastkit.delivery.outbox.sqlalchemy import outbox_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.real)
MARIADB = pytest.param("mariadb", marks=pytest.mark.real)


def made(name: str, request: pytest.FixtureRequest, folder: Path) -> URL:
    if name == "sqlite":
        url = make_url(f"sqlite:///{folder / 'outbox.db'}")
    elif name == "postgresql":
        url = make_url(request.getfixturevalue("postgres").url())
    else:
        url = make_url(request.getfixturevalue("mariadb").url)
    outbox_table().create(create_engine(url, poolclass=NullPool))
    return url


@pytest.fixture(params=["sqlite", POSTGRESQL, MARIADB])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The address of an empty database, but for the outbox's table."""
    return made(request.param, request, tmp_path)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def awaited(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The same, for an awaited engine."""
    url = made(request.param, request, tmp_path)
    return url.set(drivername="sqlite+aiosqlite") if request.param == "sqlite" else url


@pytest.fixture
def engine(database: URL) -> Iterator[Engine]:
    """An engine for that database; nothing of it stays open when the test is over."""
    engine = create_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def reader(awaited: URL) -> Engine:
    """A blocking engine for the database of an awaited one."""
    return create_engine(awaited.set(drivername=awaited.drivername.replace("+aiosqlite", "")), poolclass=NullPool)
