"""What people can do over HTTP, and what they cannot."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from broadcastkit import MessageSent
from broadcastkit.channels import ConversationChannel
from broadcastkit.events import UserTyping
from broadcastkit.testing import Broadcasts
from examples.chat.store import KEPT_MESSAGES, KEPT_TOKENS, Store
from tests.demo.conftest import Someone, sign_in

# -- who is asking ---------------------------------------------------------------------------------------------------

FOR_PEOPLE_ONLY = [
    ("GET", "/api/start", None),
    ("GET", "/api/conversations/1/messages", None),
    ("POST", "/api/conversations/1/messages", {"content": "hello"}),
    ("POST", "/api/conversations/1/typing", {"typing": True}),
    ("POST", "/broadcasting/auth", {"socket_id": "1.2", "channel_name": "private-conversation.1"}),
    ("POST", "/broadcasting/user-auth", {"socket_id": "1.2"}),
]


@pytest.mark.parametrize(("method", "path", "body"), FOR_PEOPLE_ONLY)
@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer guessed", "Basic YW5uOmFubg=="])
def test_strangers_are_told_to_choose_who_they_are(
    client: TestClient, method: str, path: str, body: object, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = client.request(method, path, json=body, headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_one_chooses_from_the_people_there_are(stranger: Someone) -> None:
    people = stranger.get("/api/people").json()
    assert people == [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Ben"}, {"id": 3, "name": "Cleo"}]
    assert stranger.post("/api/session", {"person_id": 4}).status_code == 404


def test_each_window_has_a_token_of_its_own_until_it_signs_out(client: TestClient) -> None:
    first, second = sign_in(client, 1), sign_in(client, 1)
    assert first.headers != second.headers
    assert client.delete("/api/session", headers=first.headers).status_code == 204
    assert [window.get("/api/start").status_code for window in (first, second)] == [401, 200]


def test_signing_in_again_and_again_does_not_fill_the_memory() -> None:
    store = Store(["Ann"])
    tokens = [store.sign_in(store.people[1]) for _ in range(KEPT_TOKENS + 1)]
    assert store.person_for(tokens[0]) is None
    assert store.person_for(tokens[1]) is store.person_for(tokens[-1]) is store.people[1]


# -- messages --------------------------------------------------------------------------------------------------------


def test_a_message_is_answered_stored_and_broadcast_in_the_same_words(
    ann: Someone, ben: Someone, broadcasts: Broadcasts
) -> None:
    answer = ann.write(1, "Hello Ben!")
    message = answer.json()
    assert answer.status_code == 201
    assert datetime.now(UTC) - datetime.fromisoformat(message.pop("created_at")) < timedelta(minutes=1)
    assert message == {
        "id": 1,
        "sender_id": 1,
        "recipient_id": 2,
        "conversation_id": 1,
        "content": "Hello Ben!",
        "message_type": "text",
        "job_id": None,
        "attachments": [],
        "is_read": False,
        "sender": {"id": 1, "name": "Ann", "avatar": None},
    }
    assert broadcasts.recorded[0].payload == answer.json()
    for person in (ann, ben):
        assert person.get("/api/conversations/1/messages").json() == [answer.json()]
        assert person.get("/api/start").json()["conversations"][0]["messages"] == [answer.json()]


def test_it_goes_to_the_others_in_the_conversation(ann: Someone, broadcasts: Broadcasts) -> None:
    ann.write(1, "Hello Ben!", **{"X-Socket-ID": "12.34"})
    broadcasts.assert_broadcast(MessageSent, on=ConversationChannel(conversation_id=1), times=1, to_others=True)
    assert broadcasts.recorded[0].channels == ("private-conversation.1",)
    assert broadcasts.recorded[0].excluded_socket == "12.34"


def test_typing_is_told_in_the_name_of_who_types(ben: Someone, broadcasts: Broadcasts) -> None:
    answer = ben.post("/api/conversations/1/typing", {"typing": True, "user_id": 1, "user_name": "Ann"})
    assert answer.status_code == 204
    broadcasts.assert_broadcast(UserTyping, on="private-conversation.1", times=1, to_others=True)
    assert broadcasts.recorded[0].payload == {"user_id": 2, "user_name": "Ben", "typing": True}


def test_nobody_writes_in_another_name(ann: Someone) -> None:
    body = {"content": "I am Ben", "sender_id": 2, "sender": {"id": 2, "name": "Ben"}, "recipient_id": 1}
    message = ann.post("/api/conversations/1/messages", body).json()
    assert (message["sender_id"], message["sender"]["name"], message["recipient_id"]) == (1, "Ann", 2)


@pytest.mark.parametrize("conversation", ["1", "0", "4", "-1", str(10**30)])
def test_other_peoples_conversations_are_as_if_they_were_not_there(
    ann: Someone, cleo: Someone, broadcasts: Broadcasts, conversation: str
) -> None:
    path = f"/api/conversations/{conversation}"
    answers = [
        cleo.get(f"{path}/messages"),
        cleo.post(f"{path}/messages", {"content": "May I join?"}),
        cleo.post(f"{path}/typing", {"typing": True}),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (404, '{"detail":"you have no such conversation"}')
    }
    assert ann.read(1) == []
    broadcasts.assert_nothing_broadcast()


def test_people_start_with_their_own_conversations(cleo: Someone) -> None:
    start = cleo.get("/api/start").json()
    assert start["me"] == {"id": 3, "name": "Cleo"}
    assert [(one["id"], one["person"]["name"]) for one in start["conversations"]] == [(2, "Ann"), (3, "Ben")]
    assert start["live"]["key"] == "chat-key"
    assert (start["live"]["wsHost"], start["live"]["wsPort"]) == ("testserver", 80)


@pytest.mark.parametrize("content", ["", "  \n\t ", "x" * 2001, "\x00\x1b", None, 7, ["a"], {}])
def test_what_is_no_message_is_refused(ann: Someone, broadcasts: Broadcasts, content: object) -> None:
    body = json.dumps({"content": content})
    headers = ann.headers | {"Content-Type": "application/json"}
    answer = ann.client.post("/api/conversations/1/messages", content=body, headers=headers)
    assert answer.status_code == 422
    assert ann.read(1) == []
    broadcasts.assert_nothing_broadcast()


@pytest.mark.parametrize(
    ("content", "stored"),
    [
        ("  two\n\tlines  ", "two\n\tlines"),
        ("bell\a, null\0, half \ud83d a pair", "bell, null, half ? a pair"),
        ("👩‍👩‍👧 עברית ﷽ é", "👩‍👩‍👧 עברית ﷽ é"),
        ('</script><img src=x onerror="alert(1)">', '</script><img src=x onerror="alert(1)">'),
    ],
)
def test_a_message_is_text_and_stays_as_it_was_written(ann: Someone, content: str, stored: str) -> None:
    body = json.dumps({"content": content})
    headers = ann.headers | {"Content-Type": "application/json"}
    answer = ann.client.post("/api/conversations/1/messages", content=body, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (201, "application/json")
    assert answer.json()["content"] == stored
    assert ann.read(1) == [stored]


@pytest.mark.parametrize("character", ['"', "\\", "é", "漢", "😊"])
def test_the_longest_message_can_be_broadcast(
    ann: Someone, broadcasts: Broadcasts, caplog: pytest.LogCaptureFixture, character: str
) -> None:
    # the fake has the limits of Pusher; errors of broadcasting are logged here
    with caplog.at_level(logging.ERROR, "broadcastkit"):
        assert ann.write(1, character * 2_000).status_code == 201
    broadcasts.assert_broadcast(MessageSent, times=1)
    assert [record for record in caplog.records if record.name.startswith("broadcastkit")] == []


def test_the_history_has_an_end(ann: Someone) -> None:
    for number in range(KEPT_MESSAGES + 5):
        ann.write(1, str(number))
    assert ann.read(1) == [str(number) for number in range(5, KEPT_MESSAGES + 5)]


# -- the page --------------------------------------------------------------------------------------------------------


def test_the_page_runs_only_what_came_with_it(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self';" in policy
    assert "unsafe" not in policy
    assert page.text.count("<script") == page.text.count('<script type="module" src="/assets/main.js">') == 1
    assert " style=" not in page.text
