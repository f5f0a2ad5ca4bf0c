"""The clock of a database, as SQLAlchemy writes it: machines disagree about theirs."""

from __future__ import annotations

from typing import Any

from broadcastkit.delivery.outbox.base import NOW, NOW_AND_TELL
from broadcastkit.errors import MissingDependencyError

try:
    from sqlalchemy import Double
    from sqlalchemy.ext.compiler import compiles
    from sqlalchemy.sql.expression import ColumnElement, FunctionElement
except ImportError:
    raise MissingDependencyError("SQLAlchemy", "outbox", "an outbox in a database of SQLAlchemy's") from None

__all__ = ["now", "now_and_tell"]


def now() -> ColumnElement[float]:
    """Return seconds since 1970."""
    return _Now()


def now_and_tell() -> ColumnElement[float]:
    """Return the same, and have relays told when the transaction is committed, where the database can do so."""
    return _NowAndTell()


class _Now(FunctionElement[float]):
    type = Double()
    inherit_cache = True


class _NowAndTell(_Now):
    inherit_cache = True


@compiles(_Now)
def _written(_: Any, compiler: Any, **__: Any) -> str:
    return NOW[compiler.dialect.name]


@compiles(_NowAndTell, "postgresql")
def _told(*_: Any, **__: Any) -> str:
    return NOW_AND_TELL
