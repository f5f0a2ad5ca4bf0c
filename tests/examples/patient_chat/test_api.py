"""The REST API, endpoint by endpoint, with the guide's paths, bodies and replies."""

from __future__ import annotations

from typing import Any

import pytest
from dirty_equals import IsStr

from tests.examples.patient_chat.conftest import Someone

ANAS = {"fullname": "Ana Lima", "email": "ana@example.com", "role": "patient"}
DOES = {"fullname": "Dr. John Doe", "email": "doe@example.com", "role": "doctor"}
MOMENT = IsStr(regex=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ID = IsStr(regex=r"[0-9a-f]{24}")


def message_of(sender: Someone, receiver: Someone, content: str, **more: Any) -> dict[str, Any]:
    """Return a message as the guide shows it."""
    return {
        "_id": ID,
        "sender": {"_id": sender.id, "fullname": IsStr(), "email": IsStr(), "role": IsStr()},
        "receiver": {"_id": receiver.id, "fullname": IsStr(), "email": IsStr(), "role": IsStr()},
        "content": content,
        "messageType": "text",
        "fileUrl": None,
        "fileName": None,
        "isRead": False,
        "createdAt": MOMENT,
    } | more


# -- /chat -------------------------------------------------------------------------------------------------------------


def test_the_list_of_conversations_is_as_the_guide_shows_it(ana: Someone, doe: Someone) -> None:
    ana.say(doe, "Hello!")

    answer = doe.get("/chat/conversations")

    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "data": [
            {
                "conversationId": "_".join(sorted([ana.id, doe.id])),
                "otherUser": {"_id": ana.id, **ANAS},
                "lastMessage": {"content": "Hello!", "messageType": "text", "createdAt": MOMENT, "sender": ana.id},
                "unreadCount": 1,
            },
            {
                "conversationId": IsStr(),
                "otherUser": {"_id": ID, "fullname": "Ben Okoye", "email": "ben@example.com", "role": "patient"},
                "lastMessage": {
                    "content": "Can I take the tablets with breakfast?",
                    "messageType": "text",
                    "createdAt": MOMENT,
                    "sender": ID,
                },
                "unreadCount": 1,
            },
        ],
    }


def test_a_conversation_is_as_the_guide_shows_it(ana: Someone, doe: Someone) -> None:
    ana.say(doe, "Hello doctor!")

    answer = doe.get(f"/chat/conversations/{ana.id}?limit=1&skip=0")

    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert answer.json()["data"] == [
        {
            "_id": ID,
            "sender": {"_id": ana.id, **ANAS},
            "receiver": {"_id": doe.id, **DOES},
            "content": "Hello doctor!",
            "messageType": "text",
            "fileUrl": None,
            "fileName": None,
            "isRead": False,
            "createdAt": MOMENT,
        }
    ]


def test_pages_go_back_from_the_newest_and_are_read_from_the_oldest(ana: Someone, doe: Someone) -> None:
    for number in range(5):
        ana.say(doe, f"number {number}")

    def page(limit: int, skip: int) -> list[str]:
        found = ana.data(f"/chat/conversations/{doe.id}?limit={limit}&skip={skip}")
        return [one["content"] for one in found]

    assert page(2, 0) == ["number 3", "number 4"]
    assert page(2, 2) == ["number 1", "number 2"]
    assert page(100, 5) == [one["content"] for one in ana.data(f"/chat/conversations/{doe.id}")][:5]
    assert page(50, 10) == []


def test_a_page_says_how_many_messages_there_are(ana: Someone, doe: Someone) -> None:
    meta = ana.get(f"/chat/conversations/{doe.id}?limit=2&skip=1").json()["meta"]

    assert meta["total"] == 5
    assert (meta["limit"], meta["skip"], len(meta["status"])) == (2, 1, 2)


@pytest.mark.parametrize("paging", ["limit=0", "limit=101", "limit=many", "skip=-1", "skip=x"])
def test_a_page_that_is_none_is_refused(ana: Someone, doe: Someone, paging: str) -> None:
    answer = ana.get(f"/chat/conversations/{doe.id}?{paging}")

    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert answer.json()["errors"][0]["field"] == paging.split("=", maxsplit=1)[0]


def test_a_conversation_that_was_read_before_shows_what_has_come_since(ana: Someone, doe: Someone) -> None:
    before = doe.data(f"/chat/conversations/{ana.id}")
    ana.say(doe, "and one more")
    assert [one["content"] for one in doe.data(f"/chat/conversations/{ana.id}")[len(before) :]] == ["and one more"]

    doe.put(f"/chat/conversations/{ana.id}/read")
    assert doe.data(f"/chat/conversations/{ana.id}")[-1]["isRead"] is True


def test_messages_are_marked_as_read_once(ana: Someone, doe: Someone) -> None:
    ana.say(doe, "one")
    ana.say(doe, "two")

    assert doe.put(f"/chat/conversations/{ana.id}/read").json() == {"success": True, "data": {"readCount": 2}}
    assert doe.put(f"/chat/conversations/{ana.id}/read").json() == {"success": True, "data": {"readCount": 0}}


def test_when_a_message_was_read_is_kept(ana: Someone, doe: Someone) -> None:
    said = ana.say(doe, "one")

    def status() -> Any:
        return ana.get(f"/chat/conversations/{doe.id}").json()["meta"]["status"][said["_id"]]

    assert status() == {"status": "sent", "readAt": None}
    doe.put(f"/chat/conversations/{ana.id}/read")
    assert status() == {"status": "read", "readAt": MOMENT}


def test_unread_messages_are_counted(ana: Someone, doe: Someone, smith: Someone) -> None:
    # of the seed, one of Dr. Doe's to Ana is read and one of Dr. Smith's is not
    assert ana.get("/chat/unread-count").json() == {"success": True, "data": {"unreadCount": 1}}
    doe.say(ana, "one")
    doe.say(ana, "two")
    assert ana.data("/chat/unread-count") == {"unreadCount": 3}
    ana.put(f"/chat/conversations/{doe.id}/read")
    assert ana.data("/chat/unread-count") == {"unreadCount": 1}


def test_who_is_online_is_told(ana: Someone, doe: Someone, smith: Someone) -> None:
    doe.open()

    answer = ana.post("/chat/online-status", {"userIds": [doe.id, smith.id]})

    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "data": [{"userId": doe.id, "isOnline": True}, {"userId": smith.id, "isOnline": False}],
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("doctor", ["Dr. Mary Smith", "Dr. John Doe"]),  # the guide's example: a role
        ("JOHN", ["Dr. John Doe"]),
        ("smith@example", ["Dr. Mary Smith"]),
        ("lie flat", ["Dr. John Doe"]),
        ("check-up", ["Dr. Mary Smith"]),
        ("breakfast", []),  # said by Ben to Dr. Doe
        ("%", []),
        ("_", []),
    ],
)
def test_conversations_are_searched(ana: Someone, query: str, found: list[str]) -> None:
    answer = ana.get("/chat/search", params={"query": query})

    assert answer.status_code == 200
    assert [one["otherUser"]["fullname"] for one in answer.json()["data"]] == found


@pytest.mark.parametrize("query", ["", "   ", "x" * 101])
def test_a_search_for_nothing_is_refused(ana: Someone, query: str) -> None:
    answer = ana.get("/chat/search", params={"query": query})

    assert (answer.status_code, answer.json()["message"]) == (400, "query must have 1 to 100 characters")


def test_contacts_are_those_whom_one_may_write_to(ana: Someone, ben: Someone, doe: Someone, smith: Someone) -> None:
    doe.open()

    assert ben.data("/chat/contacts") == [{"_id": doe.id, **DOES, "status": "available", "isOnline": True}]
    assert [one["fullname"] for one in ana.data("/chat/contacts")] == ["Dr. John Doe", "Dr. Mary Smith"]
    assert [one["fullname"] for one in smith.data("/chat/contacts")] == ["Ana Lima", "Chiara Conti"]


# -- /users, for patients ----------------------------------------------------------------------------------------------


def test_a_patient_writes_to_a_doctor(ana: Someone, doe: Someone) -> None:
    body = {
        "doctorId": doe.id,
        "content": "Hello doctor!",
        "messageType": "text",
        "fileUrl": None,
        "fileName": None,
    }

    answer = ana.post("/users/send-message", body)

    assert answer.status_code == 201
    assert answer.json() == {"success": True, "data": message_of(ana, doe, "Hello doctor!")}


def test_a_patients_addresses_answer_as_the_common_ones_do(ana: Someone, doe: Someone) -> None:
    doe.say(ana, "Hello!")

    assert ana.get("/users/conversations").json() == ana.get("/chat/conversations").json()
    paged = f"conversations/{doe.id}?limit=50&skip=0"
    assert ana.get(f"/users/{paged}").json() == ana.get(f"/chat/{paged}").json()
    assert ana.get("/users/unread-count").json() == {"success": True, "data": {"unreadCount": 2}}
    assert ana.put(f"/users/conversations/{doe.id}/read").json() == {"success": True, "data": {"readCount": 1}}


# -- /doctors ----------------------------------------------------------------------------------------------------------


def test_a_doctor_writes_to_a_patient_and_reads_what_was_said(doe: Someone, ben: Someone) -> None:
    answer = doe.post(f"/doctors/patients/{ben.id}/messages", {"message": "Hello patient!"})

    assert answer.status_code == 201
    assert answer.json() == {"success": True, "data": message_of(doe, ben, "Hello patient!")}
    said = doe.data(f"/doctors/patients/{ben.id}/messages")
    assert [one["content"] for one in said] == ["Can I take the tablets with breakfast?", "Hello patient!"]
    assert [one["content"] for one in doe.data(f"/doctors/patients/{ben.id}/messages?limit=1&skip=1")] == [
        "Can I take the tablets with breakfast?"
    ]


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"content": "x"}, "doctorId", "Field required"),
        ({"doctorId": "7", "content": "x"}, "doctorId", "String should match pattern '^[0-9a-f]{24}$'"),
        ({"doctorId": "{doe}", "content": " \n "}, "body", "content must not be empty"),
        ({"doctorId": "{doe}", "content": "x" * 4001}, "content", "String should have at most 4000 characters"),
        ({"doctorId": "{doe}", "content": 7}, "content", "Input should be a valid string"),
        (
            {"doctorId": "{doe}", "content": "x", "messageType": "video"},
            "messageType",
            "Input should be 'text', 'file' or 'image'",
        ),
        ({"doctorId": "{doe}", "messageType": "image"}, "body", "messageType 'image' needs a fileUrl: upload it first"),
        ([], "body", "Input should be a valid dictionary or instance of ToDoctor"),
    ],
)
def test_what_is_wrong_with_a_request_is_told_by_field(
    ana: Someone, doe: Someone, body: Any, field: str, message: str
) -> None:
    if isinstance(body, dict) and body.get("doctorId") == "{doe}":
        body = body | {"doctorId": doe.id}

    answer = ana.post("/users/send-message", body)

    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "message": f"Validation failed: {field}: {message}",
        "errors": [{"field": field, "message": message}],
    }


def test_a_request_that_is_no_json_is_refused(ana: Someone) -> None:
    answer = ana.ask("POST", "/users/send-message", content=b"{nonsense")

    assert (answer.status_code, answer.json()) == (400, {"success": False, "message": "The request must be JSON"})


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [("GET", "/nowhere", 404, "Not Found"), ("DELETE", "/chat/conversations", 405, "Method Not Allowed")],
)
def test_what_is_not_there_is_told_in_the_same_form(
    ana: Someone, method: str, path: str, status: int, message: str
) -> None:
    answer = ana.ask(method, path)

    assert (answer.status_code, answer.json()) == (status, {"success": False, "message": message})
