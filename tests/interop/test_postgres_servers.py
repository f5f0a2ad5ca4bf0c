"""PostgreSQL as tests have it: databases of their own, and a server that can be killed and started anew."""

from __future__ import annotations

import psycopg
import pytest

from tests.interop.postgres_servers import POSTGRES_LOG, PostgresServer, postgres_folder, postgres_server
from tests.interop.redis_servers import wait_until

pytestmark = pytest.mark.real


def test_each_test_has_an_empty_database_of_its_own(postgres_shared: PostgresServer) -> None:
    with postgres_shared.fresh() as database, database.connect() as connection:
        connection.execute("CREATE TABLE only_here (id integer)")
    with postgres_shared.fresh() as database, database.connect() as connection:
        connection.execute("CREATE TABLE only_here (id integer)")
        assert database.database != postgres_shared.database

    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        database.connect()


def test_it_is_gone_although_somebody_is_connected(postgres_shared: PostgresServer) -> None:
    with postgres_shared.fresh() as database:
        connection = database.connect()

    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_a_server_that_was_killed_has_what_was_committed_when_it_is_started_again() -> None:
    with postgres_folder() as folder:
        with postgres_server(folder) as server, server.connect() as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS id")
            server.kill()
            wait_until(lambda: not server.answers(), "the server is gone")
        with postgres_server(folder, port=server.port) as again, again.connect() as connection:
            assert connection.execute("SELECT id FROM kept").fetchall() == [(7,)]
            folder_log = (folder / POSTGRES_LOG).read_text()

    assert "was not properly shut down" in folder_log
