"""The application as a process of its own, and people who ask it over real HTTP."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from examples.team_rooms.seed import PASSWORD
from tests.interop.servers import PusherServer, free_port, running, soketi_app, soketi_server

__all__ = ["NO_DOTENV", "Caller", "guides_environment", "served", "soketi_for"]

# A developer's own `.env` is for nobody else.
NO_DOTENV = {"PYTHON_DOTENV_DISABLED": "1"}
EVENT_TYPES = ["member_added", "member_removed"]


@contextlib.contextmanager
def served(folder: Path, environ: Mapping[str, str], *, port: int | None = None) -> Iterator[str]:
    """Serve the rooms as `make demo` does; yields their address."""
    port = port or free_port()
    command = [sys.executable, "-m", "examples.team_rooms"]
    env = {**NO_DOTENV, "PORT": str(port), "DATA_FOLDER": str(folder / "data"), **environ}
    with running(command, port=port, log=folder / "rooms.log", ready="/up", env=env):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def soketi_for(folder: Path, port: int, *, soketi_port: int | None = None) -> Iterator[PusherServer]:
    """Run a soketi that tells the rooms at a port who comes and goes."""
    hooks = [{"url": f"http://127.0.0.1:{port}/broadcasting/webhooks", "event_types": EVENT_TYPES}]
    app = soketi_app("1001", "app-key", "app-secret", webhooks=hooks)
    with soketi_server(folder, [app], port=soketi_port) as (server,):
        yield server


def guides_environment(server: PusherServer) -> dict[str, str]:
    """Return the variables of the guide's `.env`, for a soketi here in place of pusher.com."""
    return {
        "BROADCAST_CONNECTION": "pusher",
        "PUSHER_APP_ID": server.app_id,
        "PUSHER_APP_KEY": server.key,
        "PUSHER_APP_SECRET": server.secret,
        "PUSHER_HOST": server.host,
        "PUSHER_PORT": str(server.port),
        "PUSHER_SCHEME": "http",
        "PUSHER_APP_CLUSTER": "mt1",
        "PUSHER_VERIFY_PEER": "false",
    }


@dataclass
class Caller:
    """Somebody who is signed in."""

    http: httpx.Client
    name: str
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def signed_in(cls, address: str, name: str) -> Caller:
        http = httpx.Client(base_url=address, timeout=10)
        caller = cls(http, name)
        caller.headers = {"X-CSRF-Token": http.get("/api/session").json()["csrf_token"]}
        answer = caller.post("/api/session", {"email": f"{name.lower()}@example.org", "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        caller.headers = {"X-CSRF-Token": answer.json()["csrf_token"]}
        return caller

    def post(self, path: str, json: Any = None, **headers: str) -> httpx.Response:
        return self.http.post(path, json=json, headers=self.headers | headers)

    def members(self, room: int) -> dict[str, bool]:
        members = self.http.get(f"/api/rooms/{room}").json()["members"]
        return {member["user_name"]: member["is_online"] for member in members}

    def subscription(self, channel: str, socket_id: str) -> dict[str, str]:
        fields = {"socket_id": socket_id, "channel_name": channel}
        answer = self.http.post("/broadcasting/auth", data=fields)
        assert answer.status_code == 200, answer.text
        auth: dict[str, str] = answer.json()
        return auth
