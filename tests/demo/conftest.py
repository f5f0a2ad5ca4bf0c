"""The chat of examples/chat, and people in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from examples.chat.app import create_app


@dataclass(frozen=True)
class Someone:
    """A person with a window open, or a stranger without a token."""

    client: TestClient
    headers: dict[str, str]

    def get(self, path: str) -> Response:
        return self.client.get(path, headers=self.headers)

    def post(self, path: str, json: Any, **headers: str) -> Response:
        return self.client.post(path, json=json, headers=self.headers | headers)

    def write(self, conversation: int, content: object, **headers: str) -> Response:
        return self.post(f"/api/conversations/{conversation}/messages", {"content": content}, **headers)

    def read(self, conversation: int) -> list[str]:
        answer = self.get(f"/api/conversations/{conversation}/messages")
        assert answer.status_code == 200
        return [message["content"] for message in answer.json()]

    def subscribe(self, channel: str, socket_id: str = "1.2") -> Response:
        fields = {"socket_id": socket_id, "channel_name": channel}
        return self.client.post("/broadcasting/auth", data=fields, headers=self.headers)


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_app({})) as client:
        yield client


@pytest.fixture
def stranger(client: TestClient) -> Someone:
    return Someone(client, {})


def sign_in(client: TestClient, person_id: int) -> Someone:
    answer = client.post("/api/session", json={"person_id": person_id})
    assert answer.status_code == 201
    return Someone(client, {"Authorization": f"Bearer {answer.json()['token']}"})


# Conversation 1 is Ann's with Ben, 2 Ann's with Cleo, 3 Ben's with Cleo.


@pytest.fixture
def ann(client: TestClient) -> Someone:
    return sign_in(client, 1)


@pytest.fixture
def ben(client: TestClient) -> Someone:
    return sign_in(client, 2)


@pytest.fixture
def cleo(client: TestClient) -> Someone:
    return sign_in(client, 3)


@pytest.fixture
def people(stranger: Someone, ann: Someone, ben: Someone, cleo: Someone) -> dict[str, Someone]:
    return {"stranger": stranger, "Ann": ann, "Ben": ben, "Cleo": cleo}
