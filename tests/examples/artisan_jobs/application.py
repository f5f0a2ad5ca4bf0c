"""The application in this process, its people and jobs: a database that is empty at the beginning of each test."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.examples.artisan_jobs.stage import FOLDER  # first: it sets Django up for all that is imported below

# isort: split
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import setup_test_environment

from broadcastkit.integrations.rate_limits import FixedWindow
from broadcastkit.testing import Broadcasts
from examples.artisan_jobs.models import Job, User
from examples.artisan_jobs.tokens import issue

__all__ = ["PASSWORD", "Someone", "World", "settings", "world"]

PASSWORD = "with a hammer"
SOCKET = "12.34"
# that a password takes long is no matter of these tests
QUICK = ["django.contrib.auth.hashers.MD5PasswordHasher"]

setup_test_environment()


@dataclass
class Someone:
    """A person with a token, or without one."""

    user: Any = None
    token: str = ""
    client: Client = field(default_factory=Client)

    @property
    def id(self) -> int:
        return int(self.user.pk)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        options = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self.client, method.lower())(path, headers=headers, **options)

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("POST", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any) -> Any:
        return self.ask("PATCH", path, body)

    def send(self, recipient: Someone, content: str, **fields: Any) -> Any:
        body = {"recipient_id": recipient.id, "content": content, "message_type": "text"}
        return self.post("/api/messages", body | fields)

    def listen(self, channel: str) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        fields = {"socket_id": SOCKET, "channel_name": channel}
        return self.client.post("/broadcasting/auth", fields, headers=headers)


@dataclass
class World:
    """Two clients, two artisans, an administrator and a stranger; a job of Amaka's that is open."""

    amaka: Someone
    john: Someone
    chidi: Someone
    ngozi: Someone
    tunde: Someone
    stranger: Someone
    job: Any

    def assigned(self, status: str = "assigned") -> Any:
        """Return the job, given to Chidi."""
        self.job.artisan, self.job.status = self.chidi.user, status
        self.job.save()
        return self.job

    def everybody(self) -> dict[str, Someone]:
        names = ("amaka", "john", "chidi", "ngozi", "tunde", "stranger")
        return {name: getattr(self, name) for name in names}


PEOPLE = {"amaka": "client", "john": "client", "chidi": "artisan", "ngozi": "artisan", "tunde": "admin"}


@cache
def _template() -> tuple[sqlite3.Connection, dict[str, str]]:
    """Make the people and the job once, for the copies that tests get; return their tokens, too."""
    call_command("migrate", verbosity=0)
    with override_settings(PASSWORD_HASHERS=QUICK):
        tokens = {name: issue(_user(name, role))[0] for name, role in PEOPLE.items()}
    Job.objects.create(
        client_id=1,
        title="Fix plumbing",
        description="It drips.",
        category="plumbing",
        budget=15_000,
        priority="high",
    )
    kept = sqlite3.connect(":memory:")
    connection.connection.backup(kept)
    return kept, tokens


def _user(name: str, role: str) -> Any:
    return User.objects.create_user(f"{name}@mysharpjob.test", PASSWORD, name=name.title(), role=role)


@pytest.fixture
def settings() -> Iterator[None]:
    """Give each test windows of its own to be admitted in."""
    names = ("API_LIMIT", "MESSAGE_LIMIT", "SIGN_IN_LIMIT", "SIGN_IN_LIMIT_OF_ADDRESS", "BROADCASTING_RATE_LIMIT")
    windows = {name: FixedWindow("1000/minute") for name in names}
    with (
        tempfile.TemporaryDirectory(dir=FOLDER.name) as uploads,
        override_settings(PASSWORD_HASHERS=QUICK, MEDIA_ROOT=Path(uploads), **windows),
    ):
        yield


@pytest.fixture
def world(settings: None, broadcasts: Broadcasts) -> World:
    kept, tokens = _template()
    connection.ensure_connection()
    kept.backup(connection.connection)
    users = {user.name.lower(): user for user in User.objects.all()}
    people = {name: Someone(users[name], tokens[name]) for name in PEOPLE}
    return World(**people, stranger=Someone(), job=Job.objects.get())
