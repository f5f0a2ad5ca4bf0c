"""Databases, real ones in processes of their own among them, and SQLAlchemy's engines for them in both colours."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, ForeignKey, NullPool, create_engine, event, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Base", "Database", "Order", "open_database"]


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    # asked for when the transaction commits
    parent: Mapped[int | None] = mapped_column(ForeignKey("orders.id", deferrable=True, initially="DEFERRED"))


@dataclasses.dataclass(frozen=True)
class Database:
    """An engine of each colour, and how a stranger sees the orders that are committed."""

    name: str
    engine: Engine
    awaited_engine: AsyncEngine
    look: Callable[[], list[int]]
    awaited_look: Callable[[], Awaitable[list[int]]]


@contextmanager
def open_database(name: str, url: str, awaited_url: str) -> Iterator[Database]:
    """Make the tables; `look` and `awaited_look` connect anew each time."""
    engine, strangers = create_engine(url), create_engine(url, poolclass=NullPool)
    awaited, awaited_strangers = create_async_engine(awaited_url), create_async_engine(awaited_url, poolclass=NullPool)
    if name == "sqlite":
        for one in (engine, awaited.sync_engine):
            _with_real_transactions(one)
    question = select(Order.id).order_by(Order.id)

    def look() -> list[int]:
        with strangers.connect() as connection:
            return list(connection.scalars(question))

    async def awaited_look() -> list[int]:
        async with awaited_strangers.connect() as connection:
            return list(await connection.scalars(question))

    Base.metadata.create_all(engine)
    try:
        yield Database(name, engine, awaited, look, awaited_look)
    finally:
        engine.dispose()


def _with_real_transactions(engine: Engine) -> None:
    """Do as SQLAlchemy says: Python's driver would begin late, and know no savepoints."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")
