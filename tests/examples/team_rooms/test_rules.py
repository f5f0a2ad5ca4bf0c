"""Who may listen where: every role against every channel."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from flask import Flask

from broadcastkit import PresenceMember
from broadcastkit.testing import assert_authorized, assert_denied
from examples.team_rooms.models import User, db
from examples.team_rooms.rules import PrivateRoom, RoomPresence, UserChannel, channels
from examples.team_rooms.settings import Rates
from tests.examples.team_rooms.conftest import BOARD, HARBOR, IDS, LUNCH, PEOPLE, ROLES, Making, Someone, person

IN_ROOM = {
    HARBOR: ROLES,
    LUNCH: {"Ben": "owner", "Ann": "member"},
    BOARD: {"Ann": "owner", "Cleo": "moderator"},
    99: {},
}
# no rule is for these, whoever asks
NOBODYS = [
    "room-1",
    "presence-room-one",
    "presence-room-1.2",
    "presence-room-",
    "presence-room--1",
    "presence-room-99999999999999999999",
    "presence-rooms-1",
    "private-rooms-1",
    "private-room-0",
    "private-encrypted-room-1",
    "private-cache-room-1",
    "presence-cache-room-1",
    "private-user.one",
    "private-user.0",
    "private-user.99999999999999999999",
    "presence-user.1",
]


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("room", IN_ROOM)
def test_members_see_who_is_there_and_nobody_else(app: Flask, room: int, name: str) -> None:
    with app.app_context():
        user = db.session.get(User, IDS[name])
        if name not in IN_ROOM[room]:
            assert_denied(RoomPresence(room_id=room), user, channels=channels)
            return
        member = assert_authorized(RoomPresence(room_id=room), user, channels=channels)
        assert member == PresenceMember(str(IDS[name]), {"name": name, "role": IN_ROOM[room][name]})


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("room", IN_ROOM)
def test_members_hear_a_private_room_and_nobody_else(app: Flask, room: int, name: str) -> None:
    with app.app_context():
        check = assert_authorized if name in IN_ROOM[room] else assert_denied
        check(PrivateRoom(room_id=room), db.session.get(User, IDS[name]), channels=channels)


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("other", PEOPLE)
def test_what_concerns_one_person_is_for_them_alone(app: Flask, other: str, name: str) -> None:
    with app.app_context():
        check = assert_authorized if name == other else assert_denied
        check(UserChannel(user_id=IDS[other]), db.session.get(User, IDS[name]), channels=channels)


@pytest.mark.parametrize(
    "channel", [RoomPresence(room_id=HARBOR), PrivateRoom(room_id=BOARD), UserChannel(user_id=1)], ids=str
)
def test_guests_of_the_site_hear_nothing(
    app: Flask, stranger: Someone, channel: RoomPresence | PrivateRoom | UserChannel
) -> None:
    with app.app_context():
        assert_denied(channel, None, channels=channels)
    assert stranger.subscribe(channel.name).status_code == 403


@pytest.mark.parametrize("channel", NOBODYS)
def test_no_other_channel_is_opened(ann: Someone, channel: str) -> None:
    answer = ann.subscribe(channel)
    assert answer.status_code in {400, 403}
    assert "rooms-key" not in answer.text


def test_the_endpoint_answers_as_pusher_js_wants_it(ann: Someone) -> None:
    answer = ann.subscribe("presence-room-1").json
    assert answer["auth"].startswith("rooms-key:")
    member = {"user_id": "1", "user_info": {"name": "Ann", "role": "owner"}}
    assert json.loads(answer["channel_data"]) == member


def test_who_has_left_may_not_listen_any_more(cleo: Someone) -> None:
    assert cleo.subscribe("presence-room-1").status_code == 200
    assert cleo.post("/api/rooms/1/leave").status_code == 204
    assert cleo.subscribe("presence-room-1").status_code == 403


def test_one_who_was_signed_out_may_not_listen(ann: Someone) -> None:
    ann.send("DELETE", "/api/session")
    assert ann.subscribe("presence-room-1").status_code == 403


def test_the_question_is_limited(make_app: Making) -> None:
    eve = person(make_app(rates=replace(Rates(), asking="2/minute")), "Eve")
    statuses = [eve.subscribe("presence-room-1").status_code for _ in range(3)]
    assert statuses == [403, 403, 429]
