"""Real MariaDB servers: processes of the tests, in folders of their own, never the system's service."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql

from tests.interop.servers import LOOPBACK, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MARIADB_LOG", "MariadbServer", "mariadb_folder", "mariadb_server"]

MARIADB_LOG = "mariadb.log"
# Debian keeps the server off the PATH of most users.
DEBIAN = Path("/usr/sbin")
# The server does not run as root: where we are, it runs as somebody who owns nothing else.
NOBODY = "nobody"
# A test's data outlives a killed server, and the machine's death it need not outlive.
QUICK = ("--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=16M", "--skip-log-bin", "--sync-frm=0")


@dataclasses.dataclass(frozen=True, slots=True)
class MariadbServer:
    """Where a MariaDB server listens; `database` is one on it."""

    port: int
    host: str = LOOPBACK
    user: str = "root"
    database: str = "mysql"

    @property
    def url(self) -> str:
        """Return the address for SQLAlchemy, with PyMySQL."""
        return f"mysql+pymysql://{self.user}@{self.host}:{self.port}/{self.database}?charset=utf8mb4"

    @contextlib.contextmanager
    def fresh(self) -> Iterator[MariadbServer]:
        """Make an empty database on this server, and drop it."""
        name = f"test_{uuid.uuid4().hex}"
        # another default than the outbox needs, on purpose
        self._execute(f"CREATE DATABASE {name} CHARACTER SET latin1")
        try:
            yield dataclasses.replace(self, database=name)
        finally:
            self._execute(f"DROP DATABASE {name}")

    def _execute(self, statement: str) -> None:
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def _connect(self, **options: Any) -> pymysql.Connection[Any]:
        return pymysql.connect(
            host=self.host, port=self.port, user=self.user, database=self.database, autocommit=True, **options
        )

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            self._connect(connect_timeout=1).close()
        except pymysql.MySQLError:
            return False
        return True


@contextlib.contextmanager
def mariadb_folder() -> Iterator[Path]:
    """Make a folder for a server; not below pytest's, which nobody but its owner may enter."""
    with tempfile.TemporaryDirectory(prefix="broadcastkit-mariadb-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, NOBODY)
        yield folder


@contextlib.contextmanager
def mariadb_server(folder: Path, *, log: Path) -> Iterator[MariadbServer]:
    """Run a server in a folder of `mariadb_folder()`."""
    server = MariadbServer(free_port())
    data = folder / "data"
    install = [*_as_nobody(), _program("mariadb-install-db"), "--no-defaults", f"--datadir={data}"]
    subprocess.run(
        [*install, "--auth-root-authentication-method=normal", "--skip-test-db", *QUICK],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    command = [*_as_nobody(), _program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--port={server.port}"]
    command += [f"--bind-address={server.host}", f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
    with running([*command, *QUICK], port=server.port, log=log, ready=server.answers):
        yield server


def _as_nobody() -> list[str]:
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam(NOBODY)
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(DEBIAN))
    if found is None:
        message = f"MariaDB's {name} is missing: run `make setup`"
        raise FileNotFoundError(message)
    return found
