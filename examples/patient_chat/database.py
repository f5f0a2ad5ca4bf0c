"""The database: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from examples.patient_chat.models import Base

__all__ = ["Database", "Sessions"]

Sessions = async_sessionmaker[AsyncSession]
# at DEBUG it shows what is written, whatever SQLAlchemy hides
logging.getLogger("aiosqlite").addFilter(lambda record: record.levelno > logging.DEBUG)


class Database:
    def __init__(self, url: str) -> None:
        self._engine = make_engine(url)
        # what was committed is still read: by events, and by answers
        self.sessions: Sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    async def create_tables(self) -> None:
        async with self._engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    async def aclose(self) -> None:
        await self._engine.dispose()


def make_engine(url: str) -> AsyncEngine:
    address = make_url(url)
    # without hide_parameters, an error would show what people wrote
    if address.get_backend_name() != "sqlite":
        return create_async_engine(address, hide_parameters=True, pool_size=10, pool_pre_ping=True)
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(address, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        for pragma in ("journal_mode = WAL", "foreign_keys = ON", "busy_timeout = 5000"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
