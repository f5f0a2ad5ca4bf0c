"""The socket: the guide's events from clients, and what others hear of them, with one argument each."""

from __future__ import annotations

from typing import Any

import pytest
from dirty_equals import IsPartialDict, IsStr

from tests.examples.patient_chat.conftest import Someone, Stage

WRONG_FORM = "Validation failed: "


def test_a_message_reaches_the_receiver_and_is_confirmed_to_the_sender(ana: Someone, doe: Someone) -> None:
    at_doe, at_ana = doe.open(), ana.open()

    # the guide's own call, with an id that there is
    answer = at_ana.emit(
        "send_message",
        {
            "receiverId": doe.id,
            "content": "Hello doctor!",
            "messageType": "text",
            "fileUrl": None,
            "fileName": None,
        },
    )

    message = at_doe.next("new_message")["message"]
    assert message == {
        "_id": IsStr(regex=r"[0-9a-f]{24}"),
        "sender": {"_id": ana.id, "fullname": "Ana Lima", "email": "ana@example.com", "role": "patient"},
        "receiver": {"_id": doe.id, "fullname": "Dr. John Doe", "email": "doe@example.com", "role": "doctor"},
        "content": "Hello doctor!",
        "messageType": "text",
        "fileUrl": None,
        "fileName": None,
        "isRead": False,
        "createdAt": IsStr(regex=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    }
    assert at_ana.next("message_sent") == {"message": message}
    assert answer == {"success": True, "data": message}
    # the history has the same
    assert doe.data(f"/chat/conversations/{ana.id}?limit=1") == [message]


def test_the_sender_hears_no_echo_and_nobody_else_hears_anything(stage: Stage, ana: Someone, doe: Someone) -> None:
    at_doe, at_ana = doe.open(), ana.open()
    # after those to whom they have written, who had not heard it yet
    at_ben, at_smith = stage.sign_in("ben").open(), stage.sign_in("smith").open()

    at_ana.emit("send_message", {"receiverId": doe.id, "content": "Hello doctor!"})
    at_ana.emit("typing_start", {"receiverId": doe.id})
    at_doe.emit("mark_read", {"senderId": ana.id})
    at_doe.emit("typing_start", {"receiverId": ana.id})
    at_ana.next("typing_start")

    assert at_ana.heard_until_now() == ["message_sent", "messages_delivered", "messages_read"]
    assert at_doe.heard_until_now() == ["new_message", "typing_start"]
    assert at_ben.heard_until_now() == []
    assert at_smith.heard_until_now() == []


def test_every_tab_of_the_two_hears_it(ana: Someone, doe: Someone) -> None:
    doctors, patients = [doe.open(), doe.open()], [ana.open(), ana.open()]

    patients[0].emit("send_message", {"receiverId": doe.id, "content": "Hello"})

    assert [tab.next("new_message")["message"]["content"] for tab in doctors] == ["Hello", "Hello"]
    assert [tab.next("message_sent")["message"]["content"] for tab in patients] == ["Hello", "Hello"]


def test_what_is_posted_is_heard_on_sockets_but_not_by_the_one_that_posted(ana: Someone, doe: Someone) -> None:
    posting, other, at_doe = ana.open(), ana.open(), doe.open()

    ana.post("/users/send-message", {"doctorId": doe.id, "content": "Hi"}, headers={"X-Socket-ID": posting.sid})

    assert at_doe.next("new_message")["message"]["content"] == "Hi"
    assert other.next("message_sent")["message"]["content"] == "Hi"
    assert posting.heard_until_now() == ["messages_delivered"]


def test_typing_starts_and_stops_for_the_receiver(ana: Someone, doe: Someone) -> None:
    at_doe, at_ana = doe.open(), ana.open()

    assert at_ana.emit("typing_start", {"receiverId": doe.id}) == {"success": True, "data": None}
    assert at_doe.next("typing_start") == {"userId": ana.id}
    at_ana.emit("typing_stop", {"receiverId": doe.id})
    assert at_doe.next("typing_stopped") == {"userId": ana.id}


def test_typing_at_each_keystroke_is_told_once(ana: Someone, doe: Someone) -> None:
    at_doe, at_ana = doe.open(), ana.open()

    for _ in range(5):
        at_ana.emit("typing_start", {"receiverId": doe.id})
    at_ana.emit("typing_stop", {"receiverId": doe.id})
    at_doe.next("typing_stopped")

    assert [name for name, _ in at_doe.heard].count("typing_start") == 1


def test_who_wrote_hears_that_it_was_read_and_so_do_the_readers_other_tabs(ana: Someone, doe: Someone) -> None:
    at_ana, reading, other = ana.open(), doe.open(), doe.open()
    at_ana.emit("send_message", {"receiverId": doe.id, "content": "Hello"})
    assert doe.data("/chat/unread-count") == {"unreadCount": 2}

    assert reading.emit("mark_read", {"senderId": ana.id}) == {"success": True, "data": {"readCount": 1}}

    assert at_ana.next("messages_read") == {"userId": doe.id}
    assert other.next("messages_read") == {"userId": doe.id}
    assert "messages_read" not in reading.heard_until_now()
    assert doe.data("/chat/unread-count") == {"unreadCount": 1}
    assert ana.data(f"/chat/conversations/{doe.id}?limit=1")[0]["isRead"] is True


def test_a_read_receipt_comes_of_the_api_too_and_of_nothing_new_none(ana: Someone, doe: Someone) -> None:
    at_ana = ana.open()
    ana.say(doe, "Hello")

    doe.put(f"/chat/conversations/{ana.id}/read")
    assert at_ana.next("messages_read") == {"userId": doe.id}
    doe.put(f"/chat/conversations/{ana.id}/read")
    assert "messages_read" not in at_ana.heard_until_now()


def test_a_message_is_sent_then_delivered_then_read(ana: Someone, doe: Someone) -> None:
    at_ana = ana.open()
    first, second = ana.say(doe, "one")["_id"], ana.say(doe, "two")["_id"]

    def statuses() -> list[str]:
        meta = ana.get(f"/chat/conversations/{doe.id}?limit=2").json()["meta"]
        return [meta["status"][one]["status"] for one in (first, second)]

    assert statuses() == ["sent", "sent"]
    at_doe = doe.open()
    assert at_ana.next("messages_delivered") == {"userId": doe.id, "messageIds": [first, second]}
    assert statuses() == ["delivered", "delivered"]
    at_doe.emit("mark_read", {"senderId": ana.id})
    assert statuses() == ["read", "read"]


def test_what_is_sent_to_somebody_who_is_there_is_delivered(ana: Someone, doe: Someone) -> None:
    doe.open()
    at_ana = ana.open()

    message = at_ana.emit("send_message", {"receiverId": doe.id, "content": "Hello"})["data"]

    assert at_ana.next("messages_delivered") == {"userId": doe.id, "messageIds": [message["_id"]]}


@pytest.mark.parametrize("status", ["available", "busy", "away"])
def test_a_status_is_told_to_those_whom_one_writes_with(ana: Someone, doe: Someone, status: str) -> None:
    at_ana, at_doe = ana.open(), doe.open()
    at_ana.next("user_status_change")

    assert at_doe.emit("set_status", {"status": status}) == {"success": True, "data": None}

    told = {"userId": doe.id, "isOnline": True, "status": status}
    assert at_ana.next("user_status_change") == told
    assert at_doe.next("user_status_change") == told


def test_a_status_is_kept_when_the_last_tab_closes(ana: Someone, doe: Someone) -> None:
    at_ana, at_doe = ana.open(), doe.open()
    at_ana.next("user_status_change")
    at_doe.emit("set_status", {"status": "away"})
    at_ana.next("user_status_change")

    at_doe.close()
    assert at_ana.next("user_status_change") == {"userId": doe.id, "isOnline": False, "status": "away"}
    doe.open(quiet=False)
    assert at_ana.next("user_status_change") == {"userId": doe.id, "isOnline": True, "status": "away"}
    assert doe.data("/auth/me")["status"] == "away"


def test_several_tabs_are_one_person(stage: Stage, ana: Someone, doe: Someone) -> None:
    at_ana, first = ana.open(), doe.open()
    assert at_ana.next("user_status_change")["isOnline"] is True

    second = stage.sign_in("doe").open(quiet=False)
    first.close()
    assert at_ana.heard_until_now() == []
    assert ana.post("/chat/online-status", {"userIds": [doe.id]}).json()["data"][0]["isOnline"] is True
    second.close()
    assert at_ana.next("user_status_change") == {"userId": doe.id, "isOnline": False, "status": "available"}
    assert ana.post("/chat/online-status", {"userIds": [doe.id]}).json()["data"][0]["isOnline"] is False


def test_who_is_nobodys_business_is_not_told_of(stage: Stage, ana: Someone) -> None:
    at_ana = ana.open()

    stage.sign_in("ben").open()

    at_ana.heard_until_now()
    assert at_ana.heard == []


@pytest.mark.parametrize(
    ("event", "sent", "message"),
    [
        ("send_message", [], WRONG_FORM),
        ("send_message", ["text"], WRONG_FORM),
        ("send_message", [{"receiverId": 7, "content": "x"}], f"{WRONG_FORM}receiverId"),
        ("send_message", [{"receiverId": "{doe}", "content": ""}], f"{WRONG_FORM}body: content must not be empty"),
        ("send_message", [{"receiverId": "{doe}", "content": "x", "senderId": "{doe}"}], f"{WRONG_FORM}senderId"),
        ("send_message", [{"receiverId": "{self}", "content": "x"}], "User not found"),
        ("send_message", [{"receiverId": "0" * 24, "content": "x"}], "User not found"),
        ("typing_start", [{}], f"{WRONG_FORM}receiverId"),
        ("typing_start", [{"receiverId": "0" * 24}], "User not found"),
        ("typing_stop", [None], WRONG_FORM),
        ("mark_read", [{"senderId": ["{doe}"]}], f"{WRONG_FORM}senderId"),
        ("mark_read", [{"senderId": "0" * 24}], "User not found"),
        ("set_status", [{"status": "invisible"}], f"{WRONG_FORM}status"),
    ],
)
def test_what_goes_wrong_is_told_to_the_connection_that_asked(
    ana: Someone, doe: Someone, event: str, sent: list[Any], message: str
) -> None:
    asking, other = ana.open(), ana.open()
    ids = {"{doe}": doe.id, "{self}": ana.id}
    if sent and isinstance(sent[0], dict):
        sent = [{key: ids.get(value, value) if isinstance(value, str) else value for key, value in sent[0].items()}]

    answer = asking.emit(event, *sent)

    told = asking.next("error")
    assert told.keys() == {"message"}
    assert told["message"].startswith(message)
    assert answer == IsPartialDict(success=False, message=told["message"])
    assert other.heard_until_now() == []


def test_more_arguments_than_the_guide_has_are_not_looked_at(ana: Someone, doe: Someone) -> None:
    at_ana = ana.open()

    assert at_ana.emit("typing_start", {"receiverId": doe.id}, {"receiverId": 7}, "more")["success"] is True


def test_the_guides_client_waits_for_no_acknowledgment(ana: Someone, doe: Someone) -> None:
    at_ana, at_doe = ana.open(), doe.open()

    at_ana.tell("send_message", {"receiverId": doe.id, "content": "Hello"})

    assert at_doe.next("new_message")["message"]["content"] == "Hello"


def test_who_has_ended_a_treatment_is_read_and_no_longer_written_to(stage: Stage, ana: Someone, doe: Someone) -> None:
    at_ana, at_doe = ana.open(), doe.open()
    stage.end_treatment("doe", "ana")

    answer = at_ana.emit("send_message", {"receiverId": doe.id, "content": "Hello"})

    assert answer["message"] == "The treatment has ended: Dr. John Doe can no longer be written to"
    assert doe.post(f"/doctors/patients/{ana.id}/messages", {"message": "Hello"}).status_code == 403
    assert len(ana.data(f"/chat/conversations/{doe.id}")) == 5
    assert [one["fullname"] for one in ana.data("/chat/contacts")] == ["Dr. Mary Smith"]
    # nor does one hear of the other's coming and going
    at_doe.emit("set_status", {"status": "busy"})
    at_ana.heard_until_now()
    assert at_ana.heard == []


def test_a_connection_is_in_the_room_of_its_user_and_in_no_other_but_its_own(stage: Stage, ana: Someone) -> None:
    first, second = ana.open(), ana.open()
    server = stage.services.sockets._sio

    for tab in (first, second):
        assert set(server.rooms(tab.sid)) == {tab.sid, f"private-user.{ana.id}"}
