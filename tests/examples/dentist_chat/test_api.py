"""The HTTP side: each endpoint's path, method, body, reply and errors."""

from __future__ import annotations

from typing import Any

import pytest
from dirty_equals import IsDatetime, IsInt, IsPartialDict, IsStr
from fastapi.testclient import TestClient

from broadcastkit.testing import Broadcasts
from examples.dentist_chat.events import MessageSent
from examples.dentist_chat.seed import PASSWORD
from tests.examples.dentist_chat.conftest import MAYA, PDF, PNG, RUIZ, Someone, email_of
from tests.examples.pictures import plain

WHEN = IsDatetime(iso_string=True)


# -- signing in ----------------------------------------------------------------------------------------------------


def test_an_app_signs_in_with_a_token_that_expires(client: TestClient) -> None:
    answer = client.post("/api/v2/login", json={"email": email_of("maya").upper(), "password": PASSWORD})
    assert answer.json() == {
        "token": IsStr(min_length=40),
        "token_type": "Bearer",
        "expires_at": WHEN,
        "user": {"id": MAYA, "name": "Maya Lindqvist", "role": "patient"},
    }


@pytest.mark.parametrize(
    ("email", "password"),
    [("maya@ask-dentist.example", "wrong"), ("nobody@ask-dentist.example", PASSWORD)],
    ids=["wrong password", "no such account"],
)
def test_a_wrong_sign_in_says_only_that(client: TestClient, email: str, password: str) -> None:
    answer = client.post("/api/v2/login", json={"email": email, "password": password})
    assert answer.status_code == 401
    assert answer.json() == {"detail": "This email address and password do not belong together."}


def test_me_and_sign_out(maya: Someone) -> None:
    assert maya.get("/api/v2/me").json() == {"id": MAYA, "name": "Maya Lindqvist", "role": "patient"}
    assert maya.post("/api/v2/logout").status_code == 204
    assert maya.get("/api/v2/me").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/me"),
        ("GET", "/api/v2/consultations/2"),
        ("GET", "/api/v2/consultations/patient/1"),
        ("POST", "/chat/conversation/1/message"),
        ("GET", "/chat/conversation/1/messages"),
        ("POST", "/chat/conversation/1/read"),
        ("POST", "/chat/conversation/1/typing"),
        ("GET", "/chat/conversation/1/plans"),
        ("POST", "/chat/conversation/1/plans"),
        ("GET", "/chat/attachments/1"),
        ("POST", "/broadcasting/auth"),
    ],
)
def test_every_endpoint_needs_a_token(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


# -- consultations -------------------------------------------------------------------------------------------------


def test_a_doctors_consultations(ruiz: Someone) -> None:
    listed = ruiz.get("/api/v2/consultations/2").json()
    # the one with the newest message first
    assert [one["id"] for one in listed] == [2, 1]
    assert listed[0] == {
        "id": 2,
        "subject": "Chipped front tooth",
        "patient": {"id": 3, "name": "Tom Okafor", "role": "patient"},
        "doctor": {"id": RUIZ, "name": "Dr. Elena Ruiz", "role": "doctor"},
        "created_at": WHEN,
        "unread_count": 1,
        "last_message": IsPartialDict(content="I chipped a front tooth on a bottle. It does not hurt."),
    }


def test_a_patients_consultations(maya: Someone) -> None:
    listed = maya.get("/api/v2/consultations/patient/1").json()
    assert [(one["id"], one["unread_count"]) for one in listed] == [(1, 0), (3, 1)]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/consultations/4",
        "/api/v2/consultations/1",
        "/api/v2/consultations/patient/1",
        "/api/v2/consultations/99",
    ],
)
def test_other_peoples_consultations_are_not_found(ruiz: Someone, path: str) -> None:
    assert ruiz.get(path).status_code == 404


def test_an_administrator_sees_who_talks_with_whom_and_not_what_is_said(admin: Someone) -> None:
    listed = admin.get("/api/v2/consultations/2").json() + admin.get("/api/v2/consultations/patient/1").json()
    assert [one["id"] for one in listed] == [2, 1, 1, 3]
    assert {(one["last_message"], one["unread_count"]) for one in listed} == {(None, 0)}
    assert admin.get("/chat/conversation/1/messages").status_code == 404


# -- send ----------------------------------------------------------------------------------------------------------


def test_send_json(maya: Someone) -> None:
    answer = maya.post("/chat/conversation/1/message", {"message": "Hello doctor", "type": "text"})
    assert answer.status_code == 201
    assert answer.json() == IsPartialDict(
        id=IsInt(gt=0), content="Hello doctor", message_type="text", sender_id=MAYA, recipient_id=RUIZ, is_read=False
    )
    assert maya.history(1)[0] == "Hello doctor"


def test_send_multipart_without_an_attachment(maya: Someone) -> None:
    parts = {"message": (None, "Hello doctor"), "type": (None, "text")}
    answer = maya.client.post("/chat/conversation/1/message", files=parts, headers=maya.headers)
    assert answer.status_code == 201
    assert answer.json()["content"] == "Hello doctor"


@pytest.mark.parametrize(
    ("content", "media_type", "name"),
    [
        (PNG, "image/png", "scan.png"),
        (plain("JPEG"), "image/jpeg", "scan.jpg"),
        (plain("GIF"), "image/gif", "scan.gif"),
        (plain("WEBP"), "image/webp", "scan.webp"),
        (PDF, "application/pdf", "scan.pdf"),
    ],
    ids=["png", "jpeg", "gif", "webp", "pdf"],
)
def test_send_an_attachment_and_get_it_back(
    maya: Someone, ruiz: Someone, content: bytes, media_type: str, name: str
) -> None:
    # what it is says the content: the name and the declared type are what somebody claims
    sent = maya.attach(1, content, "scan.exe", media_type="application/x-msdownload", message="Look").json()
    assert sent["message_type"] == ("image" if media_type.startswith("image/") else "file")
    [shown] = sent["attachments"]
    assert (shown["name"], shown["media_type"], shown["size"]) == (name, media_type, len(content))
    answer = ruiz.get(shown["url"])
    assert answer.content == content
    assert answer.headers["Content-Type"] == media_type


def test_an_attachment_needs_no_text(maya: Someone) -> None:
    answer = maya.attach(1, PNG, type="image")
    assert (answer.status_code, answer.json()["content"]) == (201, "")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"message": ""}, 422),
        ({"message": "  \n "}, 422),
        ({}, 422),
        ({"message": "x" * 2_001}, 422),
        ({"message": 7}, 422),
        ({"message": "Look", "type": "image"}, 422),
        ({"message": "Look", "type": "video"}, 422),
        ([], 422),
        ("Hello", 422),
    ],
)
def test_a_message_that_is_none(maya: Someone, body: Any, status: int) -> None:
    answer = maya.post("/chat/conversation/1/message", body)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_body_that_is_no_json_and_one_of_another_kind(maya: Someone) -> None:
    path = "/chat/conversation/1/message"
    headers = maya.headers | {"Content-Type": "application/json"}
    assert maya.client.post(path, content=b"{", headers=headers).status_code == 400
    headers["Content-Type"] = "text/plain"
    assert maya.client.post(path, content=b"Hello", headers=headers).status_code == 415


def test_a_message_of_the_longest_kind_is_below_what_the_service_takes(broadcasts: Broadcasts, maya: Someone) -> None:
    # the fake is as strict as Pusher Channels
    name = "\N{TOOTH}" * 200 + ".png"
    assert maya.attach(1, PNG, name, message="\N{TOOTH}" * 2_000).status_code == 201
    broadcasts.assert_broadcast(MessageSent, times=1, payload_contains={"content": "\N{TOOTH}" * 2_000})


def test_what_nobody_can_read_is_left_out(maya: Someone) -> None:
    # JSON can escape what UTF-8 cannot carry: half a character
    body = rb'{"message": "a\u0000b\u0007c\ud83e \n d"}'
    headers = maya.headers | {"Content-Type": "application/json"}
    answer = maya.client.post("/chat/conversation/1/message", content=body, headers=headers)
    assert answer.json()["content"] == "abc? \n d"


# -- history -------------------------------------------------------------------------------------------------------


def test_history_has_pages_the_newest_first(maya: Someone) -> None:
    for number in range(5):
        maya.write(3, f"Message {number}")
    answer = maya.get("/chat/conversation/3/messages?page=2&per_page=2").json()
    assert [message["content"] for message in answer.pop("data")] == ["Message 2", "Message 1"]
    assert answer == {"current_page": 2, "per_page": 2, "last_page": 3, "total": 6}


def test_history_has_twenty_messages_on_its_first_page(maya: Someone) -> None:
    answer = maya.get("/chat/conversation/1/messages").json()
    assert (answer["current_page"], answer["per_page"], answer["last_page"], answer["total"]) == (1, 20, 1, 4)
    assert maya.history(1, "?page=2") == []


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "per_page=0", "per_page=101", f"page={10**20}"])
def test_a_page_that_is_none(maya: Someone, query: str) -> None:
    assert maya.get(f"/chat/conversation/1/messages?{query}").status_code == 422


# -- read ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, {}, {"message_ids": []}, {"message_ids": None}])
def test_read_all(maya: Someone, weber: Someone, body: Any) -> None:
    second = weber.write(3, "And bring your old guard.").json()["id"]
    answer = maya.post("/chat/conversation/3/read", body)
    assert answer.json() == {"message_ids": [1, second], "read_at": WHEN}
    assert [one["unread_count"] for one in maya.get("/api/v2/consultations/patient/1").json()] == [0, 0]
    assert all(message["is_read"] for message in weber.get("/chat/conversation/3/messages").json()["data"])


def test_read_some(maya: Someone, weber: Someone) -> None:
    second = weber.write(3, "And bring your old guard.").json()["id"]
    answer = maya.post("/chat/conversation/3/read", {"message_ids": [second]})
    assert answer.json()["message_ids"] == [second]
    assert maya.get("/api/v2/consultations/patient/1").json()[0]["unread_count"] == 1


def test_only_what_one_was_sent_can_be_read(maya: Someone, ruiz: Someone, tom: Someone) -> None:
    mine, theirs = maya.write(1, "Mine").json()["id"], tom.write(2, "Theirs").json()["id"]
    assert maya.post("/chat/conversation/1/read", {"message_ids": [mine, theirs, 99]}).json()["message_ids"] == []
    assert ruiz.post("/chat/conversation/1/read", {"message_ids": [mine, theirs]}).json()["message_ids"] == [mine]


@pytest.mark.parametrize("ids", [[0], ["x"], [10**20], "all", list(range(1, 502))])
def test_ids_that_are_none(maya: Someone, ids: object) -> None:
    assert maya.post("/chat/conversation/1/read", {"message_ids": ids}).status_code == 422


# -- typing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "status"), [({"typing": True}, 204), ({"typing": False}, 204), ({}, 422)])
def test_typing(maya: Someone, body: dict[str, bool], status: int) -> None:
    assert maya.post("/chat/conversation/1/typing", body).status_code == status


# -- treatment plans -----------------------------------------------------------------------------------------------


def test_a_plan_is_submitted_listed_and_accepted_once(maya: Someone, ruiz: Someone) -> None:
    submitted = ruiz.post("/chat/conversation/1/plans", {"summary": " Remove it. "})
    assert submitted.status_code == 201
    plan = submitted.json()
    assert plan == {
        "id": IsInt(gt=1),
        "consultation_id": 1,
        "summary": "Remove it.",
        "status": "submitted",
        "submitted_at": WHEN,
        "accepted_at": None,
    }
    assert maya.get("/chat/conversation/1/plans").json() == [plan]
    path = f"/chat/conversation/1/plans/{plan['id']}/accept"
    accepted = maya.post(path).json()
    assert accepted == plan | {"status": "accepted", "accepted_at": WHEN}
    assert maya.post(path).status_code == 409


@pytest.mark.parametrize("body", [{}, {"summary": ""}, {"summary": "x" * 2_001}])
def test_a_plan_that_is_none(ruiz: Someone, body: dict[str, str]) -> None:
    assert ruiz.post("/chat/conversation/1/plans", body).status_code == 422


# -- devices -------------------------------------------------------------------------------------------------------


def test_a_phone_is_added_and_removed(maya: Someone) -> None:
    assert maya.post("/api/v2/devices", {"token": "fcm:abc-1"}).status_code == 204
    assert maya.post("/api/v2/devices", {"token": "fcm:abc-1"}).status_code == 204
    assert maya.delete("/api/v2/devices/fcm:abc-1").status_code == 204
    assert maya.post("/api/v2/devices", {"token": "no token\n"}).status_code == 422
    # no token either, and nothing that PostgreSQL could look for
    assert maya.delete("/api/v2/devices/%00").status_code == 422


# -- pages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/chat", "/chat/conversation/1"])
def test_pages_send_a_guest_to_sign_in(client: TestClient, path: str) -> None:
    answer = client.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")


def test_the_front_is_the_chat(client: TestClient) -> None:
    assert client.get("/", follow_redirects=False).headers["Location"] == "/chat"


def test_health(client: TestClient) -> None:
    assert client.get("/up").json() == {"health": "OK"}


def test_the_description_of_the_api_knows_both_forms_of_a_message(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    body = paths["/chat/conversation/{consultation_id}/message"]["post"]["requestBody"]["content"]
    fields = {kind: set(one["schema"]["properties"]) for kind, one in body.items()}
    assert fields == {
        "multipart/form-data": {"message", "type", "attachment"},
        "application/json": {"message", "type"},
    }
