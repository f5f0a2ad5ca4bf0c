"""The rooms of examples/team_rooms, and people in them."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from examples.team_rooms.accounts import add_user
from examples.team_rooms.app import create_app
from examples.team_rooms.models import db
from examples.team_rooms.seed import PASSWORD
from examples.team_rooms.settings import Settings
from tests.interop.servers import PusherServer, asgi_server
from tests.server.clients import WebSocketClient
from tests.server.tools import frame

# Rooms of the seed: an open one with all roles, another open one, and one by invitation.
HARBOR, LUNCH, BOARD = 1, 2, 3
ROLES = {"Ann": "owner", "Ben": "moderator", "Cleo": "member", "Dan": "guest"}
PEOPLE = (*ROLES, "Eve")  # who is in no room
IDS = {name: number for number, name in enumerate(PEOPLE, 1)}
# Messages of the seed: in the harbor 1 to 7, of which 5 is of the system, and Ben has written 4 to 6, Ann the last one.
BENS_LAST, ANNS_LAST, OF_LUNCH, OF_BOARD = 6, 7, 9, 10


def email_of(name: str) -> str:
    return f"{name.lower()}@example.org"


def picture(size: tuple[int, int] = (8, 6), kind: str = "PNG") -> bytes:
    written = io.BytesIO()
    # as the application writes a WebP, so that each kind is kept as it is
    Image.new("RGB", size, "#b4532a").save(written, kind, **({"quality": 90} if kind == "WEBP" else {}))
    return written.getvalue()


@dataclass
class Someone:
    """A browser, in which somebody may be signed in."""

    client: FlaskClient
    name: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def sign_in(self, name: str, password: str = PASSWORD) -> Any:
        self.headers = {"X-CSRF-Token": self.get("/api/session").json["csrf_token"]}
        answer = self.post("/api/session", {"email": email_of(name), "password": password})
        if answer.status_code == 201:
            self.name = name
            self.headers = {"X-CSRF-Token": answer.json["csrf_token"]}
        return answer

    def get(self, path: str, **query: Any) -> Any:
        # buffered: a file that is sent is closed
        return self.client.get(path, query_string=query, buffered=True)

    def send(self, method: str, path: str, json: Any = None, **headers: str) -> Any:
        return self.client.open(path, method=method, json=json, headers=self.headers | headers)

    def post(self, path: str, json: Any = None, **headers: str) -> Any:
        return self.send("POST", path, json, **headers)

    def write(self, room: int, message: object, **headers: str) -> Any:
        return self.post(f"/api/rooms/{room}/messages", {"message": message}, **headers)

    def read(self, room: int, **query: Any) -> list[str]:
        answer = self.get(f"/api/rooms/{room}/messages", **query)
        assert answer.status_code == 200
        return [message["message"] for message in answer.json["messages"]]

    def mark_read(self, room: int, message: object, **headers: str) -> Any:
        return self.post(f"/api/rooms/{room}/read", {"message_id": message}, **headers)

    def standing(self, room: int) -> tuple[int, int, int]:
        """Return how far one has read, how many messages are unread, and up to which they are counted."""
        [found] = [one for one in self.get("/api/rooms").json if one["id"] == room]
        return found["last_read_id"], found["unread_count"], found["last_message_id"]

    def upload(self, room: int, name: str, data: bytes, **headers: str) -> Any:
        # by hand: the test client leaves the temporary file open into which it writes a long form
        head = f'--frontier\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        form = b"".join([head.encode(), data, b"\r\n--frontier--\r\n"])
        headers = {"Content-Type": "multipart/form-data; boundary=frontier", **self.headers, **headers}
        return self.client.post(f"/api/rooms/{room}/files", data=form, headers=headers)

    def subscribe(self, channel: str, socket_id: str = "1.2") -> Any:
        fields = {"socket_id": socket_id, "channel_name": channel}
        return self.client.post("/broadcasting/auth", data=fields)


class Tab(WebSocketClient):
    """One tab of a browser, by its WebSocket."""

    def join(self, someone: Someone, channel: str) -> None:
        """Subscribe with the answer of the application."""
        answer = (
            someone.subscribe(channel, self.socket_id).json if channel.startswith(("private-", "presence-")) else {}
        )
        self.send(frame("pusher:subscribe", {"channel": channel, **answer}))
        self.until("pusher_internal:subscription_succeeded")

    def until(self, event: str) -> dict[str, Any]:
        """Take frames up to the first of this event; returns its payload."""
        while True:
            received = self.receive()
            if received["event"] == event:
                data: dict[str, Any] = received["data"]
                return data

    def status(self, name: str) -> bool:
        """Wait for the next change of somebody's status, and return it."""
        while True:
            changed = self.until("user-status-changed")
            if changed["user_name"] == name:
                online: bool = changed["is_online"]
                return online


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database and uploads as the demo begins with them, and Eve."""
    folder = tmp_path_factory.mktemp("team-rooms")
    app = create_app(settings_in(folder), {})
    with app.app_context():
        add_user(email_of("Eve"), "Eve", PASSWORD)
        db.session.commit()
        db.engine.dispose()
    return folder


def settings_in(folder: Path) -> Settings:
    return Settings(
        secret_key="of-the-tests",
        database_url=f"sqlite:///{folder / 'rooms.sqlite3'}",
        uploads=folder / "uploads",
        bundle=folder / "dist",
        show_accounts=True,
        password_method="pbkdf2:sha256:1",
    )


@pytest.fixture
def settings(seeded: Path, tmp_path: Path) -> Settings:
    shutil.copytree(seeded, tmp_path, dirs_exist_ok=True)
    return settings_in(tmp_path)


Making = Callable[..., Flask]
Opening = Callable[[], Tab]


@pytest.fixture
def make_app(settings: Settings) -> Iterator[Making]:
    """Make applications with changed settings or variables, all on one database."""
    made: list[Flask] = []

    def make(environ: Mapping[str, str] | None = None, **changes: Any) -> Flask:
        app = create_app(replace(settings, **changes), environ or {})
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["live"].broadcaster.close()
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def app(make_app: Making) -> Flask:
    return make_app()


@pytest.fixture
def open_tab(app: Flask) -> Iterator[Opening]:
    """Open tabs whose WebSocket is served by the server of the application."""
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(asgi_server(app.extensions["live"].server))

        def open_one() -> Tab:
            tab = stack.enter_context(Tab(PusherServer("127.0.0.1", port, "team-rooms", "rooms-key", "")))
            tab.open()
            return tab

        yield open_one


@pytest.fixture
def stranger(app: Flask) -> Someone:
    return Someone(app.test_client())


def person(app: Flask, name: str) -> Someone:
    someone = Someone(app.test_client())
    assert someone.sign_in(name).status_code == 201
    return someone


@pytest.fixture
def ann(app: Flask) -> Someone:
    return person(app, "Ann")


@pytest.fixture
def ben(app: Flask) -> Someone:
    return person(app, "Ben")


@pytest.fixture
def cleo(app: Flask) -> Someone:
    return person(app, "Cleo")


@pytest.fixture
def dan(app: Flask) -> Someone:
    return person(app, "Dan")


@pytest.fixture
def eve(app: Flask) -> Someone:
    return person(app, "Eve")
