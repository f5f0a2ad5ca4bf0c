"""Real MariaDB servers."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql

from tests.interop.database_servers import DatabaseServer, as_nobody, database_folder, program
from tests.interop.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MARIADB_LOG", "MariadbServer", "mariadb_folder", "mariadb_server"]

MARIADB_LOG = "mariadb.log"
# A test's data outlives a killed server, and the machine's death it need not outlive.
QUICK = ("--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=16M", "--skip-log-bin", "--sync-frm=0")


@dataclasses.dataclass(frozen=True, slots=True)
class MariadbServer(DatabaseServer):
    """Where a MariaDB server listens."""

    user: str = "root"
    database: str = "mysql"

    @property
    def url(self) -> str:
        """Return the address for SQLAlchemy, with PyMySQL."""
        return f"mysql+pymysql://{self.user}@{self.host}:{self.port}/{self.database}?charset=utf8mb4"

    @property
    def django(self) -> dict[str, object]:
        """Return the settings of a Django database; by PyMySQL, which Django takes for mysqlclient."""
        pymysql.install_as_MySQLdb()
        return self.settings("mysql", OPTIONS={"charset": "utf8mb4"})

    def connect(self, **options: Any) -> pymysql.Connection[Any]:
        """Connect; each statement is its own transaction."""
        return pymysql.connect(
            host=self.host, port=self.port, user=self.user, database=self.database, autocommit=True, **options
        )

    def execute(self, statement: str) -> None:
        """Run a statement."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    @contextlib.contextmanager
    def fresh(self) -> Iterator[MariadbServer]:
        """Make an empty database on this server, and drop it."""
        # another default than the outbox needs, on purpose
        with self.emptied(made="CHARACTER SET latin1") as server:
            yield server

    def answers(self) -> bool:
        """Whether the server takes connections."""
        return self.answers_but_for(pymysql.MySQLError, connect_timeout=1)


def mariadb_folder() -> contextlib.AbstractContextManager[Path]:
    """Make a folder for a server."""
    return database_folder("mariadb")


@contextlib.contextmanager
def mariadb_server(folder: Path, *, log: Path) -> Iterator[MariadbServer]:
    """Run a server in a folder of `mariadb_folder()`."""
    server = MariadbServer(free_port())
    data = folder / "data"
    install = [*as_nobody(), _program("mariadb-install-db"), "--no-defaults", f"--datadir={data}"]
    subprocess.run(
        [*install, "--auth-root-authentication-method=normal", "--skip-test-db", *QUICK],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    command = [*as_nobody(), _program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--port={server.port}"]
    command += [f"--bind-address={server.host}", f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
    with running([*command, *QUICK], port=server.port, log=log, ready=server.answers):
        yield server


def _program(name: str) -> str:
    # Debian keeps the server off the PATH of most users
    return program("MariaDB", name, lambda: [Path("/usr/sbin", name)])
