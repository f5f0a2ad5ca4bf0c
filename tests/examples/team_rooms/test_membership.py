"""Coming into rooms and going: with which role one comes back, and that one is told at once."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from broadcastkit.testing import Broadcasts
from examples.team_rooms import rooms
from examples.team_rooms.models import Membership
from tests.examples.team_rooms.conftest import BOARD, HARBOR, IDS, LUNCH, Opening, Someone, email_of, person


def role_in(someone: Someone, room: int) -> str | None:
    """Return somebody's role, None where the room can be joined; fails where it is not listed."""
    role: str | None = {one["id"]: one["role"] for one in someone.get("/api/rooms").json}[room]
    return role


# -- coming back -------------------------------------------------------------------------------------------------------


def test_a_guest_who_leaves_and_joins_again_is_a_guest(dan: Someone) -> None:
    assert dan.post("/api/rooms/1/leave").status_code == 204
    assert role_in(dan, HARBOR) is None
    joined = dan.post("/api/rooms/1/join")
    assert (joined.status_code, joined.json["role"]) == (201, "guest")
    assert dan.write(HARBOR, "Hello").status_code == 403


def test_who_looked_after_people_comes_back_as_a_member(ben: Someone) -> None:
    assert ben.post("/api/rooms/1/leave").status_code == 204
    assert ben.post("/api/rooms/1/join").json["role"] == "member"


def test_who_was_sent_away_comes_back_only_if_somebody_brings_them_in(ann: Someone, cleo: Someone) -> None:
    assert ann.send("DELETE", f"/api/rooms/{HARBOR}/members/3").status_code == 200
    assert HARBOR not in [room["id"] for room in cleo.get("/api/rooms").json]
    refused = cleo.post("/api/rooms/1/join")
    assert (refused.status_code, refused.json) == (404, {"error": "there is no such room"})
    assert ann.post("/api/rooms/1/members", {"email": email_of("Cleo")}).status_code == 201
    assert cleo.write(HARBOR, "Back again").status_code == 201
    # and who then leaves by herself may come back by herself
    assert cleo.post("/api/rooms/1/leave").status_code == 204
    assert cleo.post("/api/rooms/1/join").status_code == 201


def test_of_two_owners_who_leave_at_a_time_one_stays(
    app: Flask, ann: Someone, ben: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann.send("PUT", f"/api/rooms/{HARBOR}/members/{IDS['Ben']}", {"role": "owner"})
    asked, known = threading.Barrier(2, timeout=10), rooms.leave

    def leave(member: Membership) -> bool:
        asked.wait()  # both are in the room by now
        return known(member)

    monkeypatch.setattr(rooms, "leave", leave)
    # where each looks for the other before either is gone
    counted, log = threading.Barrier(2, timeout=0.5), rooms._log

    def slow(*told: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            counted.wait()
        return log(*told)

    monkeypatch.setattr(rooms, "_log", slow)
    with ThreadPoolExecutor(2) as pool:
        answers = [*pool.map(lambda one: one.post(f"/api/rooms/{HARBOR}/leave").status_code, (ann, ben))]
    assert sorted(answers) == [204, 409]


# -- being told --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "told", "payload"),
    [
        pytest.param(
            lambda ann, eve: ann.post("/api/rooms/3/members", {"email": email_of("Eve"), "role": "guest"}),
            "Eve",
            {"room_id": BOARD, "room_name": "Board", "role": "guest", "changed_by": "Ann"},
            id="added",
        ),
        pytest.param(
            lambda ann, eve: ann.send("PUT", "/api/rooms/1/members/4", {"role": "member"}),
            "Dan",
            {"room_id": HARBOR, "room_name": "Harbor project", "role": "member", "changed_by": "Ann"},
            id="role",
        ),
        pytest.param(
            lambda ann, eve: ann.send("DELETE", "/api/rooms/3/members/3"),
            "Cleo",
            {"room_id": BOARD, "room_name": "Board", "role": None, "changed_by": "Ann"},
            id="removed",
        ),
        # for one's other windows
        pytest.param(
            lambda ann, eve: eve.post("/api/rooms/2/join"),
            "Eve",
            {"room_id": LUNCH, "room_name": "Lunch", "role": "member", "changed_by": "Eve"},
            id="joined",
        ),
        pytest.param(
            lambda ann, eve: ann.post("/api/rooms/2/leave"),
            "Ann",
            {"room_id": LUNCH, "room_name": "Lunch", "role": None, "changed_by": "Ann"},
            id="left",
        ),
        pytest.param(
            lambda ann, eve: eve.post("/api/rooms", {"name": "Garden"}),
            "Eve",
            {"room_id": 4, "room_name": "Garden", "role": "owner", "changed_by": "Eve"},
            id="made",
        ),
    ],
)
def test_whom_it_concerns_is_told_on_their_own_channel(  # noqa: PLR0917 - fixtures and parameters
    ann: Someone,
    eve: Someone,
    broadcasts: Broadcasts,
    do: Callable[[Someone, Someone], Any],
    told: str,
    payload: object,
) -> None:
    assert do(ann, eve).status_code < 300
    broadcasts.assert_broadcast(
        "membership-changed",
        on=f"private-user.{IDS[told]}",
        to_others=True,
        after_commit=True,
        times=1,
        payload=payload,
    )


def test_an_invitation_is_heard_at_once(app: Flask, ann: Someone, eve: Someone, open_tab: Opening) -> None:
    tab = open_tab()
    tab.join(eve, "private-user.5")
    ann.post(f"/api/rooms/{BOARD}/members", {"email": email_of("Eve")})
    told = tab.until("membership-changed")
    assert told == {"room_id": BOARD, "room_name": "Board", "role": "member", "changed_by": "Ann"}
    tab.join(eve, f"private-room-{BOARD}")
    ann.write(BOARD, "Welcome, Eve")
    assert tab.until("new-message")["message"] == "Welcome, Eve"


def test_who_signs_out_hears_no_more_in_any_window(app: Flask, cleo: Someone, open_tab: Opening) -> None:
    tab = open_tab()
    auth = cleo.client.post("/broadcasting/user-auth", data={"socket_id": tab.socket_id}).json
    tab.send(json.dumps({"event": "pusher:signin", "data": auth}))
    assert tab.until("pusher:signin_success")
    tab.join(cleo, f"private-room-{BOARD}")
    assert cleo.send("DELETE", "/api/session").status_code == 200
    assert tab.closed() == 4009
    assert person(app, "Cleo").subscribe(f"private-room-{BOARD}").status_code == 200
