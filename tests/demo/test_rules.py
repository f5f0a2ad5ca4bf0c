"""Who may listen where: every role against every channel."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from tests.demo.conftest import Someone

ALLOWED = {
    "private-conversation.1": {"Ann", "Ben"},
    "private-conversation.2": {"Ann", "Cleo"},
    "private-conversation.3": {"Ben", "Cleo"},
    "presence-lobby": {"Ann", "Ben", "Cleo"},
    # of nobody, or of another kind
    "private-conversation.4": set(),
    "private-conversation.one": set(),
    "private-conversation.1.2": set(),
    "private-conversations.1": set(),
    "presence-conversation.1": set(),
    "private-encrypted-conversation.1": set(),
    "private-cache-conversation.1": set(),
    "private-lobby": set(),
    "presence-lobby.1": set(),
    "private-user.1": set(),
    "conversation.1": set(),
    "lobby": set(),
}


@pytest.mark.parametrize("role", ["stranger", "Ann", "Ben", "Cleo"])
@pytest.mark.parametrize("channel", ALLOWED)
def test_who_may_subscribe(people: dict[str, Someone], role: str, channel: str) -> None:
    answer = people[role].subscribe(channel)
    if role in ALLOWED[channel]:
        assert answer.status_code == 200
        assert answer.json()["auth"].startswith("chat-key:")
    else:
        assert answer.status_code == (401 if role == "stranger" else 403)
        assert "chat-key" not in answer.text


def test_the_lobby_shows_name_and_id_and_nothing_else(ann: Someone) -> None:
    member = json.loads(ann.subscribe("presence-lobby").json()["channel_data"])
    assert member == {"user_id": "1", "user_info": {"id": 1, "name": "Ann"}}


def test_a_message_reaches_the_other_window_and_not_its_own(client: TestClient, ann: Someone, ben: Someone) -> None:
    channel = "private-conversation.1"
    address = "/app/chat-key?protocol=7&client=test"
    with client.websocket_connect(address) as ann_socket, client.websocket_connect(address) as ben_socket:
        ids = []
        for person, socket in ((ann, ann_socket), (ben, ben_socket)):
            ids.append(json.loads(socket.receive_json()["data"])["socket_id"])
            auth = person.subscribe(channel, socket_id=ids[-1]).json()["auth"]
            socket.send_json({"event": "pusher:subscribe", "data": {"channel": channel, "auth": auth}})
            assert socket.receive_json()["event"] == "pusher_internal:subscription_succeeded"

        sent = ann.write(1, "Hello Ben!", **{"X-Socket-ID": ids[0]}).json()
        answered = ben.write(1, "Hello Ann!", **{"X-Socket-ID": ids[1]}).json()

        received = [socket.receive_json() for socket in (ben_socket, ann_socket)]
        assert [frame["event"] for frame in received] == ["message.sent", "message.sent"]
        # the first that Ann hears is Ben's answer: her own message did not come back
        assert [json.loads(frame["data"]) for frame in received] == [sent, answered]
