"""The marketplace of examples/marketplace, and people in it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient

from examples.marketplace.app import create_app
from examples.marketplace.database import connect, create_tables, sessions_of
from examples.marketplace.models import User
from examples.marketplace.seed import DEMO_PASSWORD, seed
from examples.marketplace.tokens import issue

# What the seed has: Ada (1) and Dev (4) sell, Ben (2) and Cleo (3) buy, Root (5) administers. Conversation 1 is Ben's
# with Ada, 2 Cleo's with Ada, 3 Cleo's with Dev. Ada's listings are 1, 3 and 5, Dev's 2, 4 and 6.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
IDS = {"ada": 1, "ben": 2, "cleo": 3, "dev": 4, "root": 5}
EMAILS = {"ada": "ada@envisage.test", "ben": "ben@envisage.test", "root": "admin@envisage.test"}


async def _fill(url: str) -> None:
    engine = connect(url)
    await create_tables(engine)
    async with sessions_of(engine)() as db:
        await seed(db, CHEAP)
    await engine.dispose()


def filled(url: str) -> str:
    """Return the address of a database that has the seed."""
    asyncio.run(_fill(url))
    return url


async def _token(url: str, user_id: int, lifetime: timedelta) -> str:
    engine = connect(url)
    async with sessions_of(engine)() as db:
        user = await db.get_one(User, user_id)
        token, _ = await issue(db, user, lifetime)
        await db.commit()
    await engine.dispose()
    return token


def token_of(url: str, name: str, lifetime: timedelta = timedelta(hours=1)) -> str:
    """Return a token of somebody's, as signing in gives one."""
    return asyncio.run(_token(url, IDS[name], lifetime))


@dataclass(frozen=True)
class Someone:
    """A person with a page open, or a stranger without a token."""

    client: TestClient[Litestar]
    headers: dict[str, str]

    def get(self, path: str, **params: Any) -> Response:
        return self.client.get(path, params=params, headers=self.headers)

    def post(self, path: str, json: Any = None, **headers: str) -> Response:
        return self.client.post(path, json=json, headers=self.headers | headers)

    def write(self, conversation: int, content: object, **headers: str) -> Response:
        return self.post(f"/api/conversations/{conversation}/messages", {"content": content}, **headers)

    def read(self, conversation: int) -> list[str]:
        answer = self.get(f"/api/conversations/{conversation}/messages")
        assert answer.status_code == 200
        return [message["content"] for message in answer.json()["data"]]

    def subscribe(self, channel: str, socket_id: str = "1.2") -> Response:
        fields = {"socket_id": socket_id, "channel_name": channel}
        return self.client.post("/broadcasting/auth", data=fields, headers=self.headers)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the seed, for tests to copy."""
    path = tmp_path_factory.mktemp("marketplace") / "seeded.sqlite3"
    filled(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def database_url(template: Path, tmp_path: Path) -> str:
    path = tmp_path / "market.sqlite3"
    shutil.copyfile(template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def environ(database_url: str) -> dict[str, str]:
    """The environment of the application; tests may add to it before they ask for `client`."""
    return {"DATABASE_URL": database_url}


@pytest.fixture
def client(environ: Mapping[str, str]) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(environ)) as client:
        yield client


def signed_in(client: TestClient[Litestar], url: str, name: str) -> Someone:
    return Someone(client, {"Authorization": f"Bearer {token_of(url, name)}"})


def sign_in(client: TestClient[Litestar], email: str, password: str = DEMO_PASSWORD) -> Response:
    return client.post("/api/login", json={"email": email, "password": password})


@pytest.fixture
def stranger(client: TestClient[Litestar]) -> Someone:
    return Someone(client, {})


@pytest.fixture
def ada(client: TestClient[Litestar], database_url: str) -> Someone:
    return signed_in(client, database_url, "ada")


@pytest.fixture
def ben(client: TestClient[Litestar], database_url: str) -> Someone:
    return signed_in(client, database_url, "ben")


@pytest.fixture
def cleo(client: TestClient[Litestar], database_url: str) -> Someone:
    return signed_in(client, database_url, "cleo")


@pytest.fixture
def root(client: TestClient[Litestar], database_url: str) -> Someone:
    return signed_in(client, database_url, "root")
