"""The clock of a database, as SQLAlchemy writes it: machines disagree about theirs."""

from __future__ import annotations

from typing import Any

from broadcastkit.delivery.outbox.base import NOW, NOW_AND_TELL
from broadcastkit.errors import MissingDependencyError

try:
    from sqlalchemy import Double
    from sqlalchemy.ext.compiler import compiles
    from sqlalchemy.sql.expression import FunctionElement
except ImportError:
    raise MissingDependencyError("SQLAlchemy", "outbox", "an outbox in a database of SQLAlchemy's") from None

__all__ = ["Now", "NowAndTell"]


class Now(FunctionElement[float]):
    """Seconds since 1970."""

    type = Double()
    inherit_cache = True


class NowAndTell(Now):
    """The same, and relays are told when the transaction is committed, where the database can do so."""

    inherit_cache = True


@compiles(Now)
def _now(_: Any, compiler: Any, **__: Any) -> str:
    return NOW[compiler.dialect.name]


@compiles(NowAndTell, "postgresql")
def _now_and_tell(*_: Any, **__: Any) -> str:
    return NOW_AND_TELL
