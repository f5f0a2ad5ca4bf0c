"""Real PostgreSQL servers: processes of the tests, in folders of their own, never the system's service."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from tests.interop.servers import LOOPBACK, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["POSTGRES_LOG", "PostgresServer", "postgres_folder", "postgres_server"]

POSTGRES_LOG = "postgres.log"
USER = "broadcastkit"
# Debian puts the programs of a server here, and not on PATH.
DEBIAN = Path("/usr/lib/postgresql")
# PostgreSQL refuses to run as root: where we are, it runs as somebody who owns nothing else.
NOBODY = "nobody"
# A test's data outlives a killed server without it, and the machine's death it need not outlive.
QUICK = ("fsync=off", "full_page_writes=off", "autovacuum=off", "log_checkpoints=off")


@dataclasses.dataclass(frozen=True, slots=True)
class PostgresServer:
    """Where a PostgreSQL server listens; `database` is one on it, `pid` its process."""

    port: int
    host: str = LOOPBACK
    user: str = USER
    database: str = "postgres"
    pid: int = 0

    def url(self, driver: str = "psycopg") -> str:
        """Return the address for SQLAlchemy: `psycopg` serves its blocking and its awaited engines."""
        return f"postgresql+{driver}://{self.user}@{self.host}:{self.port}/{self.database}"

    @property
    def django(self) -> dict[str, object]:
        """Return the settings of a Django database."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": self.database,
            "USER": self.user,
            "HOST": self.host,
            "PORT": self.port,
        }

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Connect; each statement is its own transaction."""
        return psycopg.connect(
            host=self.host, port=self.port, user=self.user, dbname=self.database, autocommit=True, **options
        )

    @contextlib.contextmanager
    def fresh(self) -> Iterator[PostgresServer]:
        """Make an empty database on this server, and drop it with whoever is still connected to it."""
        name = f"test_{uuid.uuid4().hex}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield dataclasses.replace(self, database=name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with self.connect() as connection:
            connection.execute(statement.encode())

    def kill(self) -> None:
        """End it and all of its processes at once, as the death of the machine would."""
        # one that is left would keep the memory that they share, and with it the next server from starting
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            self.connect(connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True


@contextlib.contextmanager
def postgres_folder() -> Iterator[Path]:
    """Make a folder for a server; not below pytest's, which nobody but its owner may enter."""
    with tempfile.TemporaryDirectory(prefix="broadcastkit-postgres-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, NOBODY)
        yield folder


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
        command = [*_as_nobody(), _program("initdb"), f"--pgdata={data}", f"--username={server.user}"]
        subprocess.run([*command, *options_of_initdb], check=True, capture_output=True, cwd=folder)
    settings = (f"listen_addresses={server.host}", f"port={server.port}", "unix_socket_directories=", *QUICK, *options)
    command = [*_as_nobody(), _program("postgres"), "-D", str(data)]
    command += [part for setting in settings for part in ("-c", setting)]
    with running(command, port=server.port, log=log or folder / POSTGRES_LOG, ready=server.answers) as process:
        try:
            yield dataclasses.replace(server, pid=process.pid)
        finally:
            # at SIGTERM, which comes next, it would wait for everybody to leave
            process.send_signal(signal.SIGINT)


def _as_nobody() -> list[str]:
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam(NOBODY)
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def _program(name: str) -> str:
    found = shutil.which(name) or next((str(path) for path in sorted(DEBIAN.glob(f"*/bin/{name}"), reverse=True)), None)
    if found is None:
        message = f"PostgreSQL's {name} is missing: run `make setup`"
        raise FileNotFoundError(message)
    return found
