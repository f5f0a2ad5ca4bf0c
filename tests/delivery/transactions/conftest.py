"""Each test of a session runs on SQLite and, marked `real`, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.transactions.databases import Database, open_database
from tests.interop.postgres_servers import PostgresServer


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        urls = f"sqlite:///{tmp_path}/orders.db", f"sqlite+aiosqlite:///{tmp_path}/orders.db"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        urls = server.url(), server.url()
    with open_database(request.param, *urls) as opened:
        yield opened
