"""AskDentist of examples/dentist_chat, with the accounts of its demo, and people in it."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from socket import SOCK_DGRAM
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy.ext.asyncio import AsyncSession

from examples.dentist_chat.app import create_app
from examples.dentist_chat.database import Database
from examples.dentist_chat.models import User
from examples.dentist_chat.rules import Listener
from examples.dentist_chat.seed import ACCOUNTS, PASSWORD
from examples.dentist_chat.settings import Settings
from tests.examples.pictures import plain
from tests.interop.servers import NODE_MODULES, free_port, running

FOLDER = Path(__file__).parents[3] / "examples" / "dentist_chat"
# "Environment Variables", letter for letter.
GUIDE_ENV = """\
BROADCAST_DRIVER=pusher
PUSHER_APP_ID=ask-dentist
PUSHER_APP_KEY=ask-dentist-key
PUSHER_APP_SECRET=ask-dentist-secret
PUSHER_HOST=localhost
PUSHER_PORT=6001
PUSHER_SCHEME=http
QUEUE_CONNECTION=redis
"""
VARIABLES = {name: value for name, _, value in (line.partition("=") for line in GUIDE_ENV.splitlines())}

TOKEN = re.compile(r'name="_token" value="([^"]+)"')
# Argon2 with as little memory as it takes.
QUICK = {"ARGON2_MEMORY": "16"}
PNG = plain("PNG")
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"

MAYA, RUIZ, TOM, WEBER, ADMIN = range(1, 6)
NAMES = {"maya": MAYA, "ruiz": RUIZ, "tom": TOM, "weber": WEBER, "admin": ADMIN}
# Consultation 1 is Maya's with Dr. Ruiz, 2 Tom's with Dr. Ruiz, 3 Maya's with Dr. Weber.
MEMBERS = {1: {"maya", "ruiz"}, 2: {"tom", "ruiz"}, 3: {"maya", "weber"}}


def email_of(name: str) -> str:
    return ACCOUNTS[NAMES[name] - 1].email


@dataclass(frozen=True)
class Someone:
    """A person with an app, or a stranger without a token."""

    client: TestClient
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    def get(self, path: str) -> Response:
        return self.client.get(path, headers=self.headers)

    def post(self, path: str, json: Any = None, **headers: str) -> Response:
        return self.client.post(path, json=json, headers=self.headers | headers)

    def delete(self, path: str) -> Response:
        return self.client.delete(path, headers=self.headers)

    def write(self, consultation: int, message: object, **headers: str) -> Response:
        return self.post(f"/chat/conversation/{consultation}/message", {"message": message}, **headers)

    def attach(
        self, consultation: int, content: bytes, name: str = "tooth.png", *, media_type: str = "image/png", **form: str
    ) -> Response:
        files = {"attachment": (name, content, media_type)}
        path = f"/chat/conversation/{consultation}/message"
        return self.client.post(path, data=form, files=files, headers=self.headers)

    def history(self, consultation: int, query: str = "") -> list[str]:
        answer = self.get(f"/chat/conversation/{consultation}/messages{query}")
        assert answer.status_code == 200
        return [message["content"] for message in answer.json()["data"]]

    def subscribe(self, channel: str, socket_id: str = "1.2") -> Response:
        fields = {"socket_id": socket_id, "channel_name": channel}
        return self.client.post("/broadcasting/auth", data=fields, headers=self.headers)


class Seeded(NamedTuple):
    """The database of the demo, in which everybody has signed in once."""

    database: Path
    tokens: dict[str, str]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    folder = tmp_path_factory.mktemp("dentist_chat")
    with TestClient(create_app({"STORAGE_DIR": str(folder), "APP_DEMO": "1", **QUICK})) as client:
        tokens = {name: sign_in(client, name).headers["Authorization"] for name in NAMES}
    return Seeded(folder / "chat.db", tokens)


@pytest.fixture
def environ(seeded: Seeded, tmp_path: Path) -> dict[str, str]:
    """The settings of an application whose database is filled; a test may add to them."""
    shutil.copy(seeded.database, tmp_path / "chat.db")
    return {"STORAGE_DIR": str(tmp_path), **QUICK}


@pytest.fixture
def client(environ: Mapping[str, str]) -> Iterator[TestClient]:
    with TestClient(create_app(environ)) as client:
        yield client


def sign_in(client: TestClient, name: str) -> Someone:
    answer = client.post("/api/v2/login", json={"email": email_of(name), "password": PASSWORD})
    assert answer.status_code == 200
    return Someone(client, {"Authorization": f"Bearer {answer.json()['token']}"})


def form_token(client: TestClient) -> str:
    found = TOKEN.search(client.get("/login").text)
    assert found
    return found[1]


@pytest.fixture
def people(client: TestClient, seeded: Seeded) -> dict[str, Someone]:
    signed_in = {name: Someone(client, {"Authorization": token}) for name, token in seeded.tokens.items()}
    return {"stranger": Someone(client), **signed_in}


@pytest.fixture
def maya(people: dict[str, Someone]) -> Someone:
    return people["maya"]


@pytest.fixture
def ruiz(people: dict[str, Someone]) -> Someone:
    return people["ruiz"]


@pytest.fixture
def tom(people: dict[str, Someone]) -> Someone:
    return people["tom"]


@pytest.fixture
def weber(people: dict[str, Someone]) -> Someone:
    return people["weber"]


@pytest.fixture
def admin(people: dict[str, Someone]) -> Someone:
    return people["admin"]


@pytest.fixture
async def session(environ: Mapping[str, str]) -> AsyncIterator[AsyncSession]:
    """The same database, without an application."""
    database = Database(Settings.from_env(environ).database)
    async with database.session() as session:
        yield session
    await database.aclose()


@pytest.fixture
async def listeners(session: AsyncSession) -> dict[str, Listener]:
    """Everybody, as the rules of channels are asked about them."""
    users = {name: await session.get_one(User, number) for name, number in NAMES.items()}
    return {name: Listener(user.id, user, session) for name, user in users.items()}


@pytest.fixture(scope="module")
def own_soketi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """soketi as `soketi start --config=soketi.json` runs it, but for the ports; yields these."""
    log = tmp_path_factory.mktemp("soketi") / "soketi.log"
    ports = {"SOKETI_PORT": str(free_port()), "SOKETI_METRICS_SERVER_PORT": str(free_port())}
    loopback = {"SOKETI_HOST": "127.0.0.1", "SOKETI_METRICS_HOST": "127.0.0.1", "SOKETI_CLUSTER_HOST": "127.0.0.1"}
    loopback |= {"SOKETI_CLUSTER_UNICAST_ADDRESSES": "127.0.0.1", "SOKETI_CLUSTER_PORT": str(free_port(SOCK_DGRAM))}
    command = [
        "node",
        str(NODE_MODULES / "@soketi/soketi/bin/server.js"),
        "start",
        f"--config={FOLDER / 'soketi.json'}",
    ]
    with running(command, port=int(ports["SOKETI_PORT"]), log=log, ready="/ready", env=ports | loopback):
        yield ports
