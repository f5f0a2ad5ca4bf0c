"""The main path on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.examples.patient_chat.conftest import PNG, Stage
from tests.interop.postgres_servers import PostgresServer

pytestmark = pytest.mark.real


def test_the_chat_runs_on_postgresql(postgres: PostgresServer, make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(database_url=postgres.url())
    ana, doe = stage.sign_in("ana"), stage.sign_in("doe")
    at_ana, at_doe = ana.open(), doe.open()

    url = ana.upload(PNG).json()["data"]["fileUrl"]
    at_ana.emit("send_message", {"receiverId": doe.id, "messageType": "image", "fileUrl": url})
    assert at_doe.next("new_message")["message"]["fileUrl"] == url
    ana.say(doe, "100 % well")
    at_doe.next("new_message")

    assert doe.data("/chat/unread-count") == {"unreadCount": 3}
    assert [one["content"] for one in doe.data(f"/chat/conversations/{ana.id}?limit=1")] == ["100 % well"]
    assert [one["unreadCount"] for one in doe.data("/chat/conversations")] == [2, 1]
    assert len(doe.data("/chat/search?query=100 %25 WELL")) == 1
    assert doe.data("/chat/search?query=%25%25") == []
    assert at_doe.emit("mark_read", {"senderId": ana.id})["data"] == {"readCount": 2}
    assert at_ana.next("messages_read") == {"userId": doe.id}
    meta = ana.get(f"/chat/conversations/{doe.id}?limit=2").json()["meta"]
    assert [one["status"] for one in meta["status"].values()] == ["read", "read"]
    at_doe.emit("set_status", {"status": "away"})
    assert [one["status"] for one in ana.data("/chat/contacts")] == ["away", "available"]
    form = {"fullname": "Ana", "email": "ana@example.com", "password": "a long password"}
    assert stage.stranger().post("/auth/register", form).status_code == 409
    assert ana.post("/auth/logout").status_code == 200
    at_ana.until_ended()


def test_what_postgresql_takes_no_text_of_is_not_asked_of_it(
    postgres: PostgresServer, make_stage: Callable[..., Stage]
) -> None:
    stage = make_stage(database_url=postgres.url())
    ana, doe, stranger = stage.sign_in("ana"), stage.sign_in("doe"), stage.stranger()
    image = {"doctorId": doe.id, "messageType": "image", "fileUrl": "/chat/files/\0"}
    form = {"email": "a\0@example.com", "password": "a long password"}

    answers = {
        ana.get("/chat/search?query=%00"): 400,
        ana.get("/chat/search?query=a%00b"): 200,
        ana.get("/chat/conversations/%00"): 404,
        ana.put("/chat/conversations/%00/read"): 404,
        ana.get("/chat/files/%00"): 404,
        doe.post("/doctors/patients/%00/messages", {"message": "Hello"}): 404,
        ana.post("/users/send-message", image): 400,
        stranger.post("/auth/login", form): 400,
        stranger.post("/auth/register", form | {"fullname": "A"}): 400,
    }

    assert [answer.status_code for answer in answers] == [*answers.values()]
