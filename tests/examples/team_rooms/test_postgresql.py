"""The main path on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from broadcastkit.testing import Broadcasts
from examples.team_rooms.settings import Settings
from tests.examples.team_rooms.conftest import (
    ANNS_LAST,
    BENS_LAST,
    BOARD,
    HARBOR,
    Making,
    Someone,
    email_of,
    person,
    picture,
)
from tests.interop.postgres_servers import PostgresServer

pytestmark = pytest.mark.real


@pytest.fixture
def app(make_app: Making, postgres: PostgresServer) -> Flask:
    url = postgres.url().replace("postgresql+psycopg", "postgres")  # as hosts write it
    return make_app(database_url=Settings.from_env({"SECRET_KEY": "x", "DATABASE_URL": url}).database_url)


def test_rooms_messages_files_and_search(ann: Someone, ben: Someone, broadcasts: Broadcasts) -> None:
    [message] = ann.write(HARBOR, "Grüße vom Westkai 😊").json["messages"]
    created = datetime.fromisoformat(message["created_at"])
    assert created.tzinfo is not None
    assert datetime.now(UTC) - created < timedelta(minutes=1)
    broadcasts.assert_broadcast("new-message", on="room-1", payload_contains={"message": "Grüße vom Westkai 😊"})
    assert ben.read(HARBOR, q="WESTKAI") == ["Grüße vom Westkai 😊"]
    assert ben.read(HARBOR, limit=1, before=message["id"]) == ["Lovely. Let us show it to the city on Thursday."]
    _, image = ben.upload(HARBOR, "ramp.png", picture()).json["messages"]
    assert ann.get(image["upload"]["thumbnail_url"]).status_code == 200


def test_what_is_read(ann: Someone, ben: Someone, broadcasts: Broadcasts) -> None:
    assert ben.standing(HARBOR) == (BENS_LAST, 1, ANNS_LAST)
    for message in (ANNS_LAST, BENS_LAST):
        answer = ben.mark_read(HARBOR, message)
        assert answer.json == {"last_read_id": ANNS_LAST, "unread_count": 0, "last_message_id": ANNS_LAST}
    broadcasts.assert_broadcast("messages-read", on="presence-room-1", times=1)
    ann.write(HARBOR, "Hello")
    assert ben.standing(HARBOR)[:2] == (ANNS_LAST, 1)


def test_roles_and_strangers(ann: Someone, dan: Someone) -> None:
    assert dan.write(HARBOR, "Hello").status_code == 403
    assert dan.get(f"/api/rooms/{BOARD}").status_code == 404
    assert ann.send("PUT", "/api/rooms/1/members/4", {"role": "member"}).status_code == 200
    assert dan.write(HARBOR, "Hello").status_code == 201
    assert ann.post("/api/rooms", {"name": "Lunch"}).status_code == 409
    assert ann.post("/api/rooms", {"name": "Board"}).status_code == 201
    assert ann.post("/api/rooms", {"name": "Garden"}).status_code == 201


def test_who_is_online(app: Flask, ann: Someone, broadcasts: Broadcasts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.team_rooms.presence.users_there", lambda room_id: {"2"})
    room = ann.post("/api/rooms/1/presence").json
    assert [one["user_name"] for one in room["members"] if one["is_online"]] == ["Ben"]
    broadcasts.assert_broadcast("user-status-changed", times=1)


def test_what_postgresql_does_not_take_is_not_asked_of_it(ann: Someone, stranger: Someone) -> None:
    assert ann.write(HARBOR, "null\0").json["messages"][0]["message"] == "null"
    assert ann.read(HARBOR, q="null\0") == ["null"]
    assert ann.post("/api/rooms/1/members", {"email": "nobody\0@example.org"}).status_code == 404
    assert ann.post("/api/rooms", {"name": "Gar\0den", "description": "\0"}).json["name"] == "Garden"
    assert stranger.sign_in("nobody\0").status_code == 401


def test_signing_out(app: Flask) -> None:
    ben = person(app, "Ben")
    assert ben.send("DELETE", "/api/session").status_code == 200
    assert ben.subscribe("presence-room-1").status_code == 403
    assert ben.sign_in("Ben").json["user"]["email"] == email_of("Ben")
