"""Who is online: several tabs are one person, and nothing that comes late or twice does harm."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from broadcastkit.errors import ConnectError
from broadcastkit.testing import Broadcasts, fake_broadcasts
from examples.team_rooms import presence
from examples.team_rooms.models import Membership, db
from tests.examples.team_rooms.conftest import BOARD, HARBOR, LUNCH, Making, Opening, Someone, person

PUSHER = {
    "BROADCAST_CONNECTION": "pusher",
    "PUSHER_APP_ID": "1001",
    "PUSHER_APP_KEY": "app-key",
    "PUSHER_APP_SECRET": "app-secret",
    "PUSHER_APP_CLUSTER": "mt1",
}


def online(someone: Someone, room: int = HARBOR) -> set[str]:
    members = someone.get(f"/api/rooms/{room}").json["members"]
    return {member["user_name"] for member in members if member["is_online"]}


def test_several_tabs_are_one_person(open_tab: Opening, ann: Someone, ben: Someone) -> None:
    watching = open_tab()
    watching.join(ann, "presence-room-1")
    assert watching.status("Ann")
    first, second = open_tab(), open_tab()
    first.join(ben, "presence-room-1")
    assert watching.status("Ben")
    second.join(ben, "presence-room-1")
    first.leave()
    # nothing of the second tab, nor of the first one's end: Cleo is the next
    cleo = person(ben.client.application, "Cleo")
    third = open_tab()
    third.join(cleo, "presence-room-1")
    changed = watching.until("user-status-changed")
    assert (changed["user_name"], changed["is_online"]) == ("Cleo", True)
    assert online(ann) == {"Ann", "Ben", "Cleo"}
    second.leave()
    assert not watching.status("Ben")
    assert online(ann) == {"Ann", "Cleo"}


def test_when_somebody_was_last_seen(open_tab: Opening, ann: Someone, ben: Someone) -> None:
    watching, bens = open_tab(), open_tab()
    watching.join(ann, "presence-room-1")
    bens.join(ben, "presence-room-1")
    assert watching.status("Ben")
    bens.leave()
    assert not watching.status("Ben")
    [found] = [one for one in ann.get("/api/rooms/1").json["members"] if one["user_name"] == "Ben"]
    assert datetime.now(UTC) - datetime.fromisoformat(found["last_seen"]) < timedelta(minutes=1)
    assert ann.get("/api/rooms/1").json["members"][3]["last_seen"] is None


def test_each_room_for_itself(open_tab: Opening, ann: Someone) -> None:
    tab = open_tab()
    tab.join(ann, "presence-room-2")
    assert tab.status("Ann")
    assert (online(ann, LUNCH), online(ann, HARBOR), online(ann, BOARD)) == ({"Ann"}, set(), set())


def test_who_is_sent_away_hears_no_more(open_tab: Opening, ann: Someone, cleo: Someone) -> None:
    tab = open_tab()
    auth = cleo.client.post("/broadcasting/user-auth", data={"socket_id": tab.socket_id}).json
    tab.send(json.dumps({"event": "pusher:signin", "data": auth}))
    assert tab.until("pusher:signin_success")
    tab.join(cleo, "private-room-3")
    assert ann.send("DELETE", f"/api/rooms/{BOARD}/members/3").status_code == 200
    assert tab.closed() == 4009
    assert cleo.subscribe("private-room-3").status_code == 403


def test_looking_again_tells_nothing_new(app: Flask, broadcasts: Broadcasts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "users_there", lambda room_id: {"1", "2", "99", "x"})
    with app.app_context():
        presence.look(HARBOR)
        presence.look(HARBOR)
    broadcasts.assert_broadcast("user-status-changed", times=2)


def test_while_the_service_is_down_nobody_has_gone(
    app: Flask, ann: Someone, broadcasts: Broadcasts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "users_there", lambda room_id: {"1"})
    ann.post("/api/rooms/1/presence")

    def unreachable(room_id: int) -> set[str]:
        raise ConnectError("nobody answers")

    monkeypatch.setattr(presence, "users_there", unreachable)
    assert ann.post("/api/rooms/1/presence").status_code == 200
    assert online(ann) == {"Ann"}
    broadcasts.assert_broadcast("user-status-changed", times=1)


def test_a_service_that_is_slow_holds_no_page_up(
    ann: Someone, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(presence, "PATIENCE", 0.01)
    with presence._one_at_a_time:  # somebody else waits for the answer
        assert ann.post("/api/rooms/1/presence").status_code == 200
    assert "the service is slow to answer" in caplog.text


def test_what_was_left_over_is_put_right_when_the_first_one_looks(
    app: Flask, ann: Someone, broadcasts: Broadcasts
) -> None:
    with app.app_context():
        membership = db.session.get(Membership, (HARBOR, 2))
        assert membership
        membership.is_online = True  # and then the process was killed
        db.session.commit()
    assert ann.post("/api/rooms/1/presence").status_code == 200
    broadcasts.assert_broadcast("user-status-changed", payload_contains={"user_id": 2, "is_online": False})
    assert online(ann) == set()


# -- by webhooks of the service ----------------------------------------------------------------------------------------


def delivery(*events: dict[str, str]) -> bytes:
    return json.dumps({"time_ms": 1795170000000, "events": events}).encode()


def signed(body: bytes, secret: str = "app-secret") -> dict[str, str]:
    signature = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
    return {"Content-Type": "application/json", "X-Pusher-Key": "app-key", "X-Pusher-Signature": signature}


@pytest.mark.parametrize("name", ["member_added", "member_removed"])
def test_a_webhook_says_when_to_look(make_app: Making, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    client = make_app(PUSHER).test_client()
    looked: list[int] = []

    def users_there(room_id: int) -> set[str]:
        looked.append(room_id)
        return {"2"}

    monkeypatch.setattr(presence, "users_there", users_there)
    body = delivery(
        {"name": name, "channel": "presence-room-1", "user_id": "2"},
        {"name": name, "channel": "presence-lobby", "user_id": "2"},
        {"name": "channel_occupied", "channel": "presence-room-2"},
    )
    with fake_broadcasts() as broadcasts:  # from here on: the fake has keys of its own
        for _ in range(2):  # as services may
            assert client.post("/broadcasting/webhooks", data=body, headers=signed(body)).status_code == 200
    assert looked == [HARBOR, HARBOR]
    broadcasts.assert_broadcast("user-status-changed", times=1, payload_contains={"user_id": 2, "is_online": True})


def test_a_webhook_that_the_service_has_not_signed_is_refused(
    make_app: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_app(PUSHER).test_client()
    monkeypatch.setattr(presence, "users_there", lambda room_id: pytest.fail("has looked"))
    body = delivery({"name": "member_added", "channel": "presence-room-1", "user_id": "2"})
    for headers in ({}, signed(body, "guessed"), signed(body + b" ")):
        assert client.post("/broadcasting/webhooks", data=body, headers=headers).status_code == 401


def test_the_server_in_this_process_needs_no_address_for_them(app: Flask) -> None:
    assert app.test_client().post("/broadcasting/webhooks", data=b"{}").status_code == 404
