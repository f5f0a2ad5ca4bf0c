"""The database: one engine for the application, one session for each request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from examples.dentist_chat.models import Base

__all__ = ["Database", "DatabaseSession", "blocking_engine", "database_session"]


class Database:
    """Where everything is kept."""

    def __init__(self, url: URL) -> None:
        self.url = url
        # without their parameters: errors end up in logs, and what was said does not belong there
        self.engine: AsyncEngine = create_async_engine(url, hide_parameters=True)
        # rows stay readable after a commit: answers and events are made of them
        self.session = async_sessionmaker(self.engine, expire_on_commit=False)
        if url.get_backend_name() == "sqlite":
            event.listen(self.engine.sync_engine, "connect", _as_a_server_would)

    async def create(self) -> None:
        """Make the tables that are not there. (An application that is deployed has migrations, of Alembic.)"""
        async with self.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    async def aclose(self) -> None:
        await self.engine.dispose()


def blocking_engine(url: URL) -> Engine:
    """Return an engine for what blocks, now and then: a connection each time."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _as_a_server_would)
    return engine


def _as_a_server_would(connection: Any, _: object) -> None:
    """Have SQLite check foreign keys, and let others read while somebody writes."""
    cursor = connection.cursor()
    for pragma in ("foreign_keys = ON", "journal_mode = WAL", "busy_timeout = 5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def database_session(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.session() as session:
        yield session


DatabaseSession = Annotated[AsyncSession, Depends(database_session)]
