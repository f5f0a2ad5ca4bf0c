"""The database that DATABASE_URL names."""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from examples.marketplace.models import Base

__all__ = ["connect", "create_tables", "sessions_of"]


def connect(url: str) -> AsyncEngine:
    # without their parameters: errors end up in logs, and what was said does not belong there
    engine = create_async_engine(url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _use_foreign_keys)
    return engine


def sessions_of(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    # what was committed is answered and broadcast: it must not be read again for that
    return async_sessionmaker(engine, expire_on_commit=False)


async def create_tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


def _use_foreign_keys(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
