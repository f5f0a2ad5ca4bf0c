"""The chat, with people in it: their tabs are bare WebSockets, so that each frame is seen as it is."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Self

import httpx
import jwt
import pytest
from argon2 import PasswordHasher
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from examples.patient_chat.app import create_app
from examples.patient_chat.database import Database
from examples.patient_chat.manage import treat
from examples.patient_chat.models import Base
from examples.patient_chat.seed import ANA, BEN, CHIARA, DOE, PASSWORD, SMITH, Person, seed
from examples.patient_chat.settings import Settings
from tests.examples.pictures import plain
from tests.interop.servers import asgi_server

__all__ = [
    "HASHER",
    "PASSWORD",
    "PDF",
    "PEOPLE",
    "PNG",
    "SECRET",
    "Refused",
    "Someone",
    "Stage",
    "Tab",
    "make_settings",
    "people_anew",
]

SECRET = "a-secret-for-tests-0123456789-abcdefghij"
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
WAIT = 5.0
# As the seed has it: Dr. Doe treats Ana and Ben, Dr. Smith treats Ana and Chiara.
PEOPLE = {"ana": ANA, "ben": BEN, "chiara": CHIARA, "doe": DOE, "smith": SMITH}
PNG = plain("PNG")
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


class Refused(Exception):  # noqa: N818 - what the server says
    """The server did not let a socket in, and said why."""


class Tab:
    """One window of somebody's: a connection of Socket.IO's protocol 5, without a client between."""

    def __init__(self, address: str, auth: object, headers: Mapping[str, str] | None = None) -> None:
        url = address.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        opening = connect(url, open_timeout=WAIT, proxy=None, additional_headers=dict(headers or {}), compression=None)
        self._open = ExitStack()
        self._socket: ClientConnection = self._open.enter_context(opening)
        self.heard: list[tuple[str, list[Any]]] = []
        """Each event with all of its arguments, in order."""
        self._acknowledged: dict[int, Any] = {}
        self._numbers = itertools.count()
        self._fences = itertools.cycle(["away", "busy"])
        self.ended = False
        assert self._socket.recv(WAIT)[:1] == "0"
        self._socket.send("40" if auth is None else f"40{json.dumps(auth)}")
        while not (frame := self._read()).startswith(("40", "44")):
            self._take(frame)
        if frame.startswith("44"):
            self.close()
            raise Refused(json.loads(frame[2:])["message"])
        self.sid: str = json.loads(frame[2:])["sid"]

    def emit(self, event: str, *args: Any) -> Any:
        """Send an event and return how it is acknowledged."""
        number = next(self._numbers)
        self._socket.send(f"42{number}{json.dumps([event, *args])}")
        self._until(lambda: number in self._acknowledged, f"an acknowledgment of {event}")
        return self._acknowledged.pop(number)

    def tell(self, event: str, *args: Any) -> None:
        """Send an event, and wait for nothing."""
        self._socket.send(f"42{json.dumps([event, *args])}")

    def send_frame(self, frame: str) -> None:
        """Send what a client of Socket.IO would not."""
        self._socket.send(frame)

    def next(self, event: str, **fields: object) -> Any:
        """Take the first event of a name, with these in its one argument, and return that."""

        def fits(one: tuple[str, list[Any]]) -> bool:
            return one[0] == event and (not fields or fields.items() <= one[1][0].items())

        self._until(lambda: any(map(fits, self.heard)), f"{event} {fields}")
        index = next(i for i, one in enumerate(self.heard) if fits(one))
        [argument] = self.heard.pop(index)[1]
        return argument

    def heard_until_now(self) -> list[str]:
        """Return the names of what came before a fence, but for who comes and goes."""
        status = next(self._fences)
        self.emit("set_status", {"status": status})
        self._until(lambda: any(args[0].get("status") == status for _, args in self.heard), "the fence")
        names = [name for name, _ in self.heard if name != "user_status_change"]
        self.heard.clear()
        return names

    def until_ended(self) -> None:
        self._until(lambda: self.ended, "the end of the connection")

    def until_closed(self) -> None:
        """Wait for the WebSocket to be closed."""
        with suppress(ConnectionClosed):
            while True:
                self._take(self._read())

    def close(self) -> None:
        self._open.close()

    def _until(self, fits: Callable[[], bool], what: str) -> None:
        ends = time.monotonic() + WAIT
        while not fits():
            assert time.monotonic() < ends, f"not within {WAIT} s: {what}; heard {self.heard}"
            assert not self.ended or fits(), f"ended before {what}"
            self._take(self._read())

    def _read(self) -> str:
        frame = self._socket.recv(WAIT)
        assert isinstance(frame, str)
        return frame

    def _take(self, frame: str) -> None:
        if frame == "2":
            self._socket.send("3")
        elif frame.startswith("41"):
            self.ended = True
        elif frame.startswith("42"):
            event, *args = json.loads(frame[2:])
            self.heard.append((event, args))
        elif frame.startswith("43"):
            text = frame[2:]
            number = text[: text.index("[")]
            self._acknowledged[int(number)] = json.loads(text[len(number) :])[0]


@dataclasses.dataclass
class Someone:
    """A person who is signed in, or a stranger."""

    stage: Stage
    token: str | None = None
    id: str = ""

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.stage.client.request(method, path, headers=headers | options.pop("headers", {}), **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("GET", path, **options)

    def data(self, path: str) -> Any:
        answer = self.get(path).raise_for_status().json()
        assert answer["success"] is True
        return answer["data"]

    def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.ask("POST", path, json=json, **options)

    def put(self, path: str) -> httpx.Response:
        return self.ask("PUT", path)

    def open(self, *, quiet: bool = True) -> Tab:
        """Open a tab; a quiet one has heard that its own user came."""
        tab = self.stage.open({"token": self.token})
        if quiet and len(self.stage.tabs_of(self)) == 0:
            tab.next("user_status_change", userId=self.id, isOnline=True)
        self.stage.opened.append((self.id, tab))
        return tab

    def say(self, other: Someone, content: str) -> Any:
        """Write to somebody over HTTP, as the role has it."""
        answer = self.post("/users/send-message", {"doctorId": other.id, "content": content})
        if answer.status_code == 403:
            answer = self.post(f"/doctors/patients/{other.id}/messages", {"message": content})
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    def upload(self, content: bytes = PNG, name: str = "scan.png") -> httpx.Response:
        return self.ask("POST", "/chat/uploads", files={"file": (name, content, "application/octet-stream")})


class Stage:
    """A running chat."""

    def __init__(self, port: int, folder: Path, services: Any = None) -> None:
        self.folder = folder
        self.services = services
        """The parts of its application, if that is in this process."""
        self.address = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.address, trust_env=False, timeout=WAIT)
        self.opened: list[tuple[str, Tab]] = []
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()
        self.client.close()

    def stranger(self) -> Someone:
        return Someone(self)

    def known(self, who: str) -> Someone:
        """Return somebody with a token that the server would give, without asking it."""
        with closing(sqlite3.connect(self.folder / "chat.db")) as database:
            query = "SELECT id FROM users WHERE email = ?"
            [user_id] = database.execute(query, [PEOPLE[who].email]).fetchone()
        claims = {"sub": user_id, "jti": secrets.token_hex(16), "exp": int(time.time()) + 600}
        return Someone(self, jwt.encode(claims, SECRET, "HS256"), user_id)

    def sign_in(self, who: str | Person) -> Someone:
        person = PEOPLE[who] if isinstance(who, str) else who
        answer = self.client.post("/auth/login", json={"email": person.email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        return Someone(self, data["token"], data["user"]["_id"])

    def open(self, auth: object, **options: Any) -> Tab:
        tab = Tab(self.address, auth, **options)
        self._resources.callback(tab.close)
        return tab

    def break_database(self) -> None:
        """Take its messages away."""
        with sqlite3.connect(self.folder / "chat.db") as connection:
            connection.execute("DROP TABLE messages")
        connection.close()

    def end_treatment(self, doctor: str, patient: str) -> None:
        """End one, as `manage` does."""

        async def end() -> None:
            database = Database(make_settings(self.folder).database_url)
            async with database.sessions() as session, session.begin():
                await treat(session, PEOPLE[doctor].email, PEOPLE[patient].email, ends=True)
            await database.aclose()

        asyncio.run(end())

    def tabs_of(self, someone: Someone) -> Sequence[Tab]:
        return [tab for user_id, tab in self.opened if user_id == someone.id]


def make_settings(folder: Path, **more: Any) -> Settings:
    given: dict[str, Any] = {
        "jwt_secret": SECRET,
        "database_url": f"sqlite+aiosqlite:///{folder / 'chat.db'}",
        "upload_dir": folder / "uploads",
        "rates": {"sign in": "1000/minute"},
        "demo": True,
    }
    return Settings(**given | more)


@pytest.fixture
def make_stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Start chats of the test's own, each with what is given of the settings."""
    with ExitStack() as stages:

        def make(**settings: Any) -> Stage:
            made = make_settings(tmp_path, **settings)
            if made.demo:
                asyncio.run(people_anew(made.database_url))
            app = create_app(made, hasher=HASHER)
            return stages.enter_context(Stage(stages.enter_context(asgi_server(app)), tmp_path, app.state.services))

        yield make


@pytest.fixture(scope="session")
def shared_chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path, Any]]:
    """One chat for all tests that need no other settings: to start one takes longer than most of them."""
    folder = tmp_path_factory.mktemp("patient_chat")
    often = dict.fromkeys(("sign in", "register"), "100000/minute")
    app = create_app(make_settings(folder, rates=often), hasher=HASHER)
    with asgi_server(app) as port:
        yield port, folder, app.state.services


@pytest.fixture
def stage(shared_chat: tuple[int, Path, Any]) -> Iterator[Stage]:
    """Make everybody in the chat anew: with other ids, nothing of the test before is about them."""
    port, folder, services = shared_chat
    asyncio.run(people_anew(make_settings(folder).database_url))
    with Stage(port, folder, services) as stage:
        yield stage


async def people_anew(url: str) -> None:
    database = Database(url)
    try:
        await database.create_tables()
        async with database.sessions() as session, session.begin():
            for table in reversed(Base.metadata.sorted_tables):
                await session.execute(table.delete())
            await seed(session, HASHER)
    finally:
        await database.aclose()


@pytest.fixture
def stranger(stage: Stage) -> Someone:
    return stage.stranger()


@pytest.fixture
def ana(stage: Stage) -> Someone:
    return stage.sign_in("ana")


@pytest.fixture
def ben(stage: Stage) -> Someone:
    return stage.sign_in("ben")


@pytest.fixture
def chiara(stage: Stage) -> Someone:
    return stage.sign_in("chiara")


@pytest.fixture
def doe(stage: Stage) -> Someone:
    return stage.sign_in("doe")


@pytest.fixture
def smith(stage: Stage) -> Someone:
    return stage.sign_in("smith")
