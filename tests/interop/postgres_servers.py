"""Real PostgreSQL servers."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from tests.interop.database_servers import DatabaseServer, as_nobody, database_folder, program
from tests.interop.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["POSTGRES_LOG", "PostgresServer", "postgres_folder", "postgres_server"]

POSTGRES_LOG = "postgres.log"
# A test's data outlives a killed server without it, and the machine's death it need not outlive.
QUICK = ("fsync=off", "full_page_writes=off", "autovacuum=off", "log_checkpoints=off")


@dataclasses.dataclass(frozen=True, slots=True)
class PostgresServer(DatabaseServer):
    """Where a PostgreSQL server listens; `pid` is its process."""

    user: str = "broadcastkit"
    database: str = "postgres"
    pid: int = 0

    def url(self, driver: str = "psycopg") -> str:
        """Return the address for SQLAlchemy: `psycopg` serves its blocking and its awaited engines."""
        return f"postgresql+{driver}://{self.user}@{self.host}:{self.port}/{self.database}"

    @property
    def django(self) -> dict[str, object]:
        """Return the settings of a Django database."""
        return self.settings("postgresql")

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Connect; each statement is its own transaction."""
        return psycopg.connect(
            host=self.host, port=self.port, user=self.user, dbname=self.database, autocommit=True, **options
        )

    def execute(self, statement: str) -> None:
        """Run a statement."""
        with self.connect() as connection:
            connection.execute(statement.encode())

    @contextlib.contextmanager
    def fresh(self) -> Iterator[PostgresServer]:
        """Make an empty database on this server, and drop it with whoever is still connected to it."""
        with self.emptied(dropped="WITH (FORCE)") as server:
            yield server

    def kill(self) -> None:
        """End it and all of its processes at once, as the death of the machine would."""
        # one that is left would keep the memory that they share, and with it the next server from starting
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def answers(self) -> bool:
        """Whether the server takes connections."""
        return self.answers_but_for(psycopg.OperationalError, connect_timeout=1)


def postgres_folder() -> contextlib.AbstractContextManager[Path]:
    """Make a folder for a server."""
    return database_folder("postgres")


@contextlib.contextmanager
def postgres_server(
    folder: Path, *options: str, port: int | None = None, log: Path | None = None
) -> Iterator[PostgresServer]:
    """Run a server in a folder of `postgres_folder()`; `options` are settings of its own (`"max_connections=20"`).

    A folder that a server has used is used again as it is, so that one which was killed can be started anew.
    """
    server = PostgresServer(free_port() if port is None else port)
    data = folder / "data"
    if not data.exists():
        options_of_initdb = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        command = [*as_nobody(), _program("initdb"), f"--pgdata={data}", f"--username={server.user}"]
        subprocess.run([*command, *options_of_initdb], check=True, capture_output=True, cwd=folder)
    settings = (f"listen_addresses={server.host}", f"port={server.port}", "unix_socket_directories=", *QUICK, *options)
    command = [*as_nobody(), _program("postgres"), "-D", str(data)]
    command += [part for setting in settings for part in ("-c", setting)]
    with running(command, port=server.port, log=log or folder / POSTGRES_LOG, ready=server.answers) as process:
        try:
            yield dataclasses.replace(server, pid=process.pid)
        finally:
            # at SIGTERM, which comes next, it would wait for everybody to leave
            process.send_signal(signal.SIGINT)


def _program(name: str) -> str:
    # Debian puts the programs of a server here, and not on PATH
    return program("PostgreSQL", name, lambda: sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True))
