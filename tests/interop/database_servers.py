"""What the servers of all databases share: processes of the tests, each in a folder, never the system's service."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import shutil
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from tests.interop.servers import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["DatabaseServer", "as_nobody", "database_folder", "program"]

# Servers of databases refuse to run as root: where we are, they run as somebody who owns nothing else.
NOBODY = "nobody"


class Connection(Protocol):
    """What is closed when nobody needs it."""

    def close(self) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class DatabaseServer:
    """Where a server listens; `database` is one on it."""

    port: int
    host: str = LOOPBACK
    user: str = ""
    database: str = ""

    def connect(self, **options: Any) -> Connection:
        """Connect; each statement is its own transaction."""
        raise NotImplementedError

    def execute(self, statement: str) -> None:
        """Run a statement."""
        raise NotImplementedError

    def settings(self, engine: str, **options: object) -> dict[str, object]:
        """Return the settings of a Django database."""
        where = {"NAME": self.database, "USER": self.user, "HOST": self.host, "PORT": self.port}
        return {"ENGINE": f"django.db.backends.{engine}", **where, **options}

    @contextlib.contextmanager
    def emptied(self, *, made: str = "", dropped: str = "") -> Iterator[Self]:
        """Make an empty database on this server, and drop it; `made` and `dropped` are said besides."""
        name = f"test_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} {made}")
        try:
            yield dataclasses.replace(self, database=name)
        finally:
            self.execute(f"DROP DATABASE {name} {dropped}")

    def answers_but_for(self, refused: type[Exception], **options: Any) -> bool:
        """Whether the server takes connections."""
        try:
            self.connect(**options).close()
        except refused:
            return False
        return True


@contextlib.contextmanager
def database_folder(kind: str) -> Iterator[Path]:
    """Make a folder for a server; not below pytest's, which nobody but its owner may enter."""
    with tempfile.TemporaryDirectory(prefix=f"broadcastkit-{kind}-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, NOBODY)
        yield folder


def as_nobody() -> list[str]:
    """Return what begins a server's command."""
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam(NOBODY)
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def program(kind: str, name: str, elsewhere: Callable[[], Iterable[Path]]) -> str:
    """Return where a server's program is: on PATH, or where Debian puts it."""
    found = shutil.which(name) or next((str(path) for path in elsewhere() if path.exists()), None)
    if found is None:
        message = f"{kind}'s {name} is missing: run `make setup`"
        raise FileNotFoundError(message)
    return found
