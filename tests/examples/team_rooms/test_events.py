"""Each event of the guide: its name, its channels and its payload, key by key."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest
from dirty_equals import IsDatetime, IsPositiveInt
from flask import Flask

from broadcastkit import Broadcaster, broadcast
from broadcastkit.delivery.repeats import MemoryRepeats
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.testing import Broadcasts
from examples.team_rooms import presence
from examples.team_rooms.events import ActivityLogged, MessagesRead, RoomMessageSent, RoomTyping, UserStatusChanged
from examples.team_rooms.models import Activity, Membership, Room, RoomMessage, db
from tests.examples.team_rooms.conftest import (
    ANNS_LAST,
    BENS_LAST,
    BOARD,
    HARBOR,
    LUNCH,
    OF_BOARD,
    Making,
    Opening,
    Someone,
    person,
    picture,
)

NOW = IsDatetime(iso_string=True, approx=datetime.now(UTC), delta=600)


def test_new_message(ann: Someone, broadcasts: Broadcasts) -> None:
    ann.write(HARBOR, "Good morning")
    payload = {
        "id": IsPositiveInt,
        "room_id": HARBOR,
        "sender_role": "owner",
        "sender_name": "Ann",
        "message": "Good morning",
        "type": "text",
        "created_at": NOW,
    }
    broadcasts.assert_broadcast("new-message", on="room-1", to_others=True, after_commit=True, times=1, payload=payload)


def test_user_status_changed(app: Flask, broadcasts: Broadcasts, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        there = {"2"}
        monkeypatch.setattr(presence, "users_there", lambda room_id: there)
        presence.look(HARBOR)
        payload = {
            "room_id": HARBOR,
            "user_id": 2,
            "user_name": "Ben",
            "role": "moderator",
            "is_online": True,
            "last_seen": NOW,
            "timestamp": NOW,
        }
        broadcasts.assert_broadcast("user-status-changed", on="presence-room-1", times=1, payload=payload)
        there.clear()
        presence.look(HARBOR)
        payload["is_online"] = False
        broadcasts.assert_broadcast("user-status-changed", on="presence-room-1", times=1, payload=payload)
    broadcasts.assert_broadcast(UserStatusChanged, times=2, to_others=False)


def test_new_activity(cleo: Someone, broadcasts: Broadcasts) -> None:
    cleo.upload(HARBOR, "survey.txt", b"all well")
    payload = {
        "room_id": HARBOR,
        "action": "file_uploaded",
        "user_name": "Cleo",
        "role": "member",
        "description": "Cleo uploaded survey.txt",
        "timestamp": NOW,
    }
    broadcasts.assert_broadcast("new-activity", on="room-1", to_others=True, times=1, payload=payload)


def test_what_a_picture_is_told_by(ben: Someone, broadcasts: Broadcasts) -> None:
    ben.upload(HARBOR, "ramp.png", picture())
    told = [
        (one.payload["type"], one.payload["message"]) for one in broadcasts.recorded if one.event_name == "new-message"
    ]
    assert told == [("system", "Ben uploaded ramp.png"), ("image", "ramp.png")]


def test_a_message_and_its_activity_are_one_batch(ann: Someone, broadcasts: Broadcasts) -> None:
    ann.write(HARBOR, "Good morning")
    assert [one.event_name for one in broadcasts.recorded] == ["new-message", "new-activity"]


def test_a_batch_is_one_request(app: Flask) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    with app.app_context(), httpx.Client(transport=httpx.MockTransport(answer)) as client:
        driver = PusherDriver(app_id="1001", key="app-key", secret="app-secret", client=client)
        events = [RoomMessageSent(db.session.get(RoomMessage, 1)), ActivityLogged(db.session.get(Activity, 1))]
        Broadcaster(driver).broadcast_many(events).to_others("1.2")
    [request] = asked
    assert request.url.path == "/apps/1001/batch_events"
    batch = json.loads(request.content)["batch"]
    assert [(one["name"], one["channel"], one["socket_id"]) for one in batch] == [
        ("new-message", "room-1", "1.2"),
        ("new-activity", "room-1", "1.2"),
    ]


@pytest.mark.parametrize(
    ("private", "room", "channel"),
    [
        (False, HARBOR, "room-1"),
        (False, BOARD, "private-room-3"),
        (True, HARBOR, "private-room-1"),
        (True, BOARD, "private-room-3"),
    ],
)
def test_a_room_by_invitation_is_never_heard_in_public(
    make_app: Making, broadcasts: Broadcasts, private: bool, room: int, channel: str
) -> None:
    ann = person(make_app(rooms_private=private), "Ann")
    ann.write(room, "Good morning")
    assert [one.channels for one in broadcasts.recorded] == [(channel,), (channel,)]
    listed = {one["id"]: one["is_private"] for one in ann.get("/api/rooms").json}
    assert listed == {HARBOR: private, LUNCH: private, BOARD: True}


def test_the_switch_is_a_variable(make_app: Making, broadcasts: Broadcasts) -> None:
    from examples.team_rooms.settings import Settings

    variables = {"SECRET_KEY": "x", "DATABASE_URL": "sqlite://", "ROOMS_PRIVATE": "1"}
    assert Settings.from_env(variables).rooms_private
    assert not Settings.from_env(variables | {"ROOMS_PRIVATE": ""}).rooms_private


def test_which_room_it_is_stays_off_the_wire(app: Flask, broadcasts: Broadcasts) -> None:
    with app.app_context():
        message, activity = db.session.get(RoomMessage, 1), db.session.get(Activity, 1)
        for event in (RoomMessageSent(message), ActivityLogged(activity)):
            assert "room_is_private" not in json.loads(event.broadcast_payload())


def test_the_guides_own_lines(app: Flask, broadcasts: Broadcasts) -> None:
    # $message = RoomMessage::create([...]); broadcast(new RoomMessageSent($message))->toOthers();
    with app.app_context():
        room = db.session.get(Room, HARBOR)
        message = RoomMessage(room=room, sender_id=1, sender_name="Ann", sender_role="owner", message="Hello")
        db.session.add(message)
        db.session.commit()
        broadcast(RoomMessageSent(message)).to_others()
    broadcasts.assert_broadcast(RoomMessageSent, on="room-1", to_others=True, payload_contains={"message": "Hello"})


def test_typing_is_told_to_members_and_not_at_every_key(ann: Someone, dan: Someone, broadcasts: Broadcasts) -> None:
    assert ann.post("/api/rooms/1/typing").status_code == 204
    payload = {"room_id": HARBOR, "user_name": "Ann"}
    broadcasts.assert_broadcast(RoomTyping, on="presence-room-1", to_others=True, times=1, payload=payload)
    assert dan.post("/api/rooms/1/typing").status_code == 403


def test_of_typing_one_in_two_seconds_goes_out_for_each_who_types() -> None:
    time = 0.0
    driver = MemoryDriver()
    broadcaster = Broadcaster(driver, repeats=MemoryRepeats(now=lambda: time))
    for time in (0.0, 1.9, 2.0):  # noqa: B007 - the clock
        for name in ("Ann", "Ben"):
            broadcaster.broadcast(RoomTyping(room_id=HARBOR, user_name=name)).to_others()
    assert len(driver.messages) == 4


def test_messages_read(ben: Someone, broadcasts: Broadcasts) -> None:
    ben.mark_read(HARBOR, ANNS_LAST)
    payload = {"room_id": HARBOR, "user_id": 2, "user_name": "Ben", "message_id": ANNS_LAST, "timestamp": NOW}
    broadcasts.assert_broadcast(
        "messages-read", on="presence-room-1", to_others=True, after_commit=True, times=1, payload=payload
    )


def test_reading_is_told_once_and_never_backwards(ben: Someone, broadcasts: Broadcasts) -> None:
    for message in (ANNS_LAST, ANNS_LAST, BENS_LAST, 1):
        answer = ben.mark_read(HARBOR, message)
        assert (answer.status_code, answer.json["last_read_id"]) == (200, ANNS_LAST)
    broadcasts.assert_broadcast(MessagesRead, times=1)


def test_reading_in_a_room_that_anyone_hears_is_told_to_its_members_only(
    make_app: Making, broadcasts: Broadcasts
) -> None:
    cleo = person(make_app(), "Cleo")
    cleo.mark_read(HARBOR, ANNS_LAST)
    cleo.mark_read(BOARD, OF_BOARD)
    assert [one.channels for one in broadcasts.recorded] == [("presence-room-1",), ("presence-room-3",)]


def test_who_reads_hears_no_echo_and_the_others_and_ones_other_tab_do(
    open_tab: Opening, ann: Someone, ben: Someone
) -> None:
    anns, bens, bens_other = open_tab(), open_tab(), open_tab()
    anns.join(ann, "presence-room-1")
    bens.join(ben, "presence-room-1")
    bens_other.join(ben, "presence-room-1")
    ben.mark_read(HARBOR, ANNS_LAST, **{"X-Socket-ID": bens.socket_id})
    for tab in (anns, bens_other):
        told = tab.until("messages-read")
        assert (told["user_name"], told["message_id"]) == ("Ben", ANNS_LAST)
    # the first one that the reader's tab hears is of somebody else
    ben.write(HARBOR, "Read", **{"X-Socket-ID": bens.socket_id})
    ann.mark_read(HARBOR, ann.standing(HARBOR)[2], **{"X-Socket-ID": anns.socket_id})
    assert bens.until("messages-read")["user_name"] == "Ann"


def test_an_event_reads_a_membership(app: Flask) -> None:
    with app.app_context():
        member = db.session.get(Membership, (HARBOR, 4))
        event = UserStatusChanged(member, timestamp=datetime(2026, 11, 20, tzinfo=UTC))
        assert (event.user_name, event.role, event.is_online, event.last_seen) == ("Dan", "guest", False, None)
