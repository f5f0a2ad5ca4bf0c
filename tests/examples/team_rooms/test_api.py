"""What people can do over HTTP."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from dirty_equals import IsDatetime, IsPositiveInt
from flask import Flask
from PIL import Image

from broadcastkit.testing import Broadcasts
from examples.team_rooms.seed import ACCOUNTS, PASSWORD
from tests.examples.team_rooms.conftest import (
    ANNS_LAST,
    BENS_LAST,
    BOARD,
    HARBOR,
    IDS,
    LUNCH,
    OF_BOARD,
    OF_LUNCH,
    Making,
    Someone,
    email_of,
    person,
    picture,
)

NOW = IsDatetime(iso_string=True, approx=datetime.now(UTC), delta=600)


# -- sessions ----------------------------------------------------------------------------------------------------------


def test_signing_in_and_out(stranger: Someone) -> None:
    assert stranger.get("/api/session").json["user"] is None
    answer = stranger.sign_in("Ann")
    assert answer.status_code == 201
    assert answer.json["user"] == {"id": 1, "name": "Ann", "email": "ann@example.org"}
    assert stranger.get("/api/session").json["user"]["name"] == "Ann"
    ended = stranger.send("DELETE", "/api/session")
    assert (ended.status_code, ended.json["user"]) == (200, None)
    assert stranger.get("/api/rooms").status_code == 401


@pytest.mark.parametrize(("name", "password"), [("Ann", "wrong"), ("Ann", ""), ("Nobody", PASSWORD)])
def test_a_wrong_password_and_no_account_are_answered_alike(stranger: Someone, name: str, password: str) -> None:
    answer = stranger.sign_in(name, password)
    assert answer.status_code == 401
    assert answer.json == {"error": "there is no such account, or it has another password"}


def test_the_email_is_read_leniently(stranger: Someone) -> None:
    stranger.headers = {"X-CSRF-Token": stranger.get("/api/session").json["csrf_token"]}
    answer = stranger.post("/api/session", {"email": " Ann@Example.org ", "password": PASSWORD})
    assert answer.status_code == 201


def test_the_accounts_are_shown_in_the_demo_only(make_app: Making) -> None:
    demo = Someone(make_app().test_client())
    real = Someone(make_app(show_accounts=False, database_url="sqlite://").test_client())
    assert demo.get("/api/session").json["accounts"] == ACCOUNTS
    assert real.get("/api/session").json["accounts"] == []
    assert real.sign_in("Ann").status_code == 401


# -- rooms -------------------------------------------------------------------------------------------------------------


def test_one_sees_ones_rooms_and_the_open_ones(ben: Someone, eve: Someone) -> None:
    listed = [(room["id"], room["role"]) for room in ben.get("/api/rooms").json]
    assert listed == [(HARBOR, "moderator"), (LUNCH, "owner")]
    assert [(room["id"], room["role"]) for room in eve.get("/api/rooms").json] == [(HARBOR, None), (LUNCH, None)]


def test_a_room_says_who_is_in_it_with_which_role(dan: Someone) -> None:
    room = dan.get("/api/rooms/1").json
    members = [(one["user_name"], one["role"], one["is_online"]) for one in room.pop("members")]
    assert members == [
        ("Ann", "owner", False),
        ("Ben", "moderator", False),
        ("Cleo", "member", False),
        ("Dan", "guest", False),
    ]
    assert room == {
        "id": 1,
        "name": "Harbor project",
        "description": "The new ferry terminal",
        "is_open": True,
        "is_private": False,
        "role": "guest",
    }


def test_joining_and_leaving(eve: Someone, ann: Someone, broadcasts: Broadcasts) -> None:
    joined = eve.post("/api/rooms/1/join")
    assert (joined.status_code, joined.json["role"]) == (201, "member")
    broadcasts.assert_broadcast("new-activity", on="room-1", payload_contains={"action": "joined", "user_name": "Eve"})
    assert eve.write(HARBOR, "Hello").status_code == 201
    assert eve.post("/api/rooms/1/join").status_code == 409
    assert eve.post("/api/rooms/1/leave").status_code == 204
    broadcasts.assert_broadcast("new-activity", payload_contains={"action": "left", "description": "Eve left the room"})
    assert eve.write(HARBOR, "Hello").status_code == 404
    # what was said stays
    assert ann.read(HARBOR)[-1] == "Hello"


def test_the_last_owner_stays_until_there_is_another(ann: Someone, ben: Someone) -> None:
    assert ann.post("/api/rooms/1/leave").status_code == 409
    assert ann.send("PUT", "/api/rooms/1/members/2", {"role": "owner"}).status_code == 200
    assert ann.post("/api/rooms/1/leave").status_code == 204
    assert ben.get("/api/rooms/1").json["role"] == "owner"


def test_who_makes_a_room_owns_it(eve: Someone, ann: Someone) -> None:
    made = eve.post("/api/rooms", {"name": " Garden ", "is_open": False})
    assert (made.status_code, made.json["name"], made.json["role"]) == (201, "Garden", "owner")
    room = made.json["id"]
    assert ann.get(f"/api/rooms/{room}").status_code == 404
    assert eve.post("/api/rooms", {"name": "Lunch"}).status_code == 409
    added = eve.post(f"/api/rooms/{room}/members", {"email": email_of("Ann"), "role": "moderator"})
    assert [one["user_name"] for one in added.json["members"]] == ["Eve", "Ann"]
    assert ann.get(f"/api/rooms/{room}").json["role"] == "moderator"
    # alone, the owner may leave too
    assert ann.post(f"/api/rooms/{room}/leave").status_code == 204
    assert eve.post(f"/api/rooms/{room}/leave").status_code == 204


def test_adding_somebody_says_what_is_wrong(ann: Someone) -> None:
    assert ann.post("/api/rooms/1/members", {"email": "nobody@example.org"}).status_code == 404
    assert ann.post("/api/rooms/1/members", {"email": email_of("Ben")}).status_code == 409
    assert ann.post("/api/rooms/1/members", {"email": email_of("Eve"), "role": "king"}).status_code == 422


def test_sending_somebody_away(ben: Someone, cleo: Someone, broadcasts: Broadcasts) -> None:
    answer = ben.send("DELETE", "/api/rooms/1/members/3")
    assert (answer.status_code, len(answer.json["members"])) == (200, 3)
    assert cleo.get("/api/rooms/1").status_code == 404
    broadcasts.assert_broadcast("new-activity", payload_contains={"description": "Ben removed Cleo"})
    assert ben.send("DELETE", "/api/rooms/1/members/3").status_code == 404


# -- messages ----------------------------------------------------------------------------------------------------------


def test_a_message_is_answered_and_kept(ann: Someone, dan: Someone) -> None:
    answer = ann.write(HARBOR, "  Good\nmorning ")
    assert answer.status_code == 201
    [message] = answer.json["messages"]
    assert message == {
        "id": IsPositiveInt,
        "room_id": HARBOR,
        "sender_id": 1,
        "sender_role": "owner",
        "sender_name": "Ann",
        "message": "Good\nmorning",
        "type": "text",
        "created_at": NOW,
        "upload": None,
        "reactions": {},
    }
    assert dan.get("/api/rooms/1/messages", limit=1).json == {"messages": [message], "more": True}
    assert dan.get(f"/api/rooms/1/messages/{message['id']}").json == message
    assert answer.json["activity"]["description"] == "Ann wrote a message"


def test_the_history_is_loaded_page_by_page(ben: Someone) -> None:
    for number in range(1, 8):
        ben.write(LUNCH, str(number))
    newest = ben.get("/api/rooms/2/messages", limit=3).json
    assert ([one["message"] for one in newest["messages"]], newest["more"]) == (["5", "6", "7"], True)
    older = ben.get("/api/rooms/2/messages", limit=4, before=newest["messages"][0]["id"]).json
    assert ([one["message"] for one in older["messages"]], older["more"]) == (["1", "2", "3", "4"], True)
    oldest = ben.get("/api/rooms/2/messages", limit=4, before=older["messages"][0]["id"]).json
    assert ([one["sender_name"] for one in oldest["messages"]], oldest["more"]) == (["Ben", "Ann"], False)


def test_the_history_is_searched(ann: Someone) -> None:
    ann.write(HARBOR, "100% sure")
    assert ann.read(HARBOR, q="QUAY") == ["Good morning! The survey of the west quay is done."]
    assert ann.read(HARBOR, q="100%") == ["100% sure"]
    assert ann.read(HARBOR, q="%") == ["100% sure"]
    assert ann.read(HARBOR, q="_") == []
    assert ann.read(HARBOR, q="budget") == []


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 101}, {"before": 0}, {"before": "x"}, {"before": 10**20}, {"x": 1}]
)
def test_a_query_that_cannot_be_is_refused(ann: Someone, query: dict[str, object]) -> None:
    answer = ann.get("/api/rooms/1/messages", **query)
    assert (answer.status_code, answer.json["wrong"][0]["field"]) == (422, next(iter(query)))


def test_a_message_of_another_room_is_not_in_this_one(ann: Someone) -> None:
    [message] = ann.write(LUNCH, "Soup?").json["messages"]
    assert ann.get(f"/api/rooms/1/messages/{message['id']}").status_code == 404


@pytest.mark.parametrize("text", ["", "   ", "\0\x07", 7, None, ["x"], "x" * 2_001])
def test_what_is_no_message(ann: Someone, broadcasts: Broadcasts, text: object) -> None:
    assert ann.write(HARBOR, text).status_code == 422
    broadcasts.assert_nothing_broadcast()


@pytest.mark.parametrize("character", ['"', "\\", "é", "漢", "😊"])
def test_the_longest_message_can_be_broadcast(ann: Someone, broadcasts: Broadcasts, character: str) -> None:
    # the fake has the limits of Pusher
    assert ann.write(HARBOR, character * 2_000).status_code == 201
    broadcasts.assert_broadcast("new-message", times=1)


def test_the_feed_is_kept_and_loaded_page_by_page(ann: Someone) -> None:
    ann.write(HARBOR, "one")
    ann.upload(HARBOR, "plan.txt", b"plan")
    page = ann.get("/api/rooms/1/activities", limit=2).json
    assert [one["action"] for one in page["activities"]] == ["message_sent", "file_uploaded"]
    assert page["more"]
    older = ann.get("/api/rooms/1/activities", before=page["activities"][0]["id"]).json
    assert [one["action"] for one in older["activities"]] == [*["message_sent"] * 4, "file_uploaded", "message_sent"]


# -- what is read ------------------------------------------------------------------------------------------------------


def test_who_writes_has_read_what_was_there(ann: Someone, ben: Someone, cleo: Someone, dan: Someone) -> None:
    assert [one.standing(HARBOR) for one in (ann, ben, cleo, dan)] == [(7, 0, 7), (6, 1, 7), (3, 3, 7), (0, 6, 7)]
    assert (ben.standing(LUNCH), cleo.standing(BOARD)) == ((8, 1, OF_LUNCH), (0, 1, OF_BOARD))


def test_what_others_write_is_unread_and_what_the_system_says_is_not(ann: Someone, ben: Someone) -> None:
    ann.write(HARBOR, "Ben?")
    assert ben.standing(HARBOR)[1] == 2
    ben.write(HARBOR, "Yes?")
    assert (ben.standing(HARBOR)[1], ann.standing(HARBOR)[1]) == (2, 1)
    [*_, image] = ann.upload(HARBOR, "ramp.png", picture()).json["messages"]
    assert ben.standing(HARBOR) == (BENS_LAST, 3, image["id"])
    assert ben.standing(LUNCH)[1] == 1


def test_what_was_read_is_kept_and_the_others_see_it(app: Flask, ben: Someone, dan: Someone) -> None:
    answer = ben.mark_read(HARBOR, ANNS_LAST)
    assert (answer.status_code, answer.json) == (
        200,
        {"last_read_id": ANNS_LAST, "unread_count": 0, "last_message_id": ANNS_LAST},
    )
    assert ben.standing(HARBOR) == person(app, "Ben").standing(HARBOR) == (ANNS_LAST, 0, ANNS_LAST)
    members = dan.get("/api/rooms/1").json["members"]
    assert [(one["user_name"], one["last_read_id"]) for one in members] == [
        ("Ann", 7),
        ("Ben", 7),
        ("Cleo", 3),
        ("Dan", 0),
    ]


def test_one_reads_a_part(dan: Someone) -> None:
    assert dan.mark_read(HARBOR, 3).json == {"last_read_id": 3, "unread_count": 3, "last_message_id": 7}
    assert dan.mark_read(HARBOR, 5).json["unread_count"] == 2


def test_who_joins_has_nothing_to_catch_up_with_and_has_seen_nothing(eve: Someone, ann: Someone) -> None:
    assert eve.standing(HARBOR) == (0, 0, 0)
    eve.post("/api/rooms/1/join")
    assert eve.standing(HARBOR) == (0, 0, 7)
    assert ann.get("/api/rooms/1").json["members"][-1]["last_read_id"] == 0
    ann.write(HARBOR, "Welcome")
    assert eve.standing(HARBOR)[1] == 1


@pytest.mark.parametrize("body", [{}, {"message_id": 0}, {"message_id": "x"}, {"message_id": 2**31}, [7], 7])
def test_what_is_no_message_to_have_read(ben: Someone, broadcasts: Broadcasts, body: object) -> None:
    assert ben.post("/api/rooms/1/read", body).status_code == 422
    broadcasts.assert_nothing_broadcast()


# -- reactions ---------------------------------------------------------------------------------------------------------


def test_reacting_and_taking_it_back(ann: Someone, ben: Someone, broadcasts: Broadcasts) -> None:
    path = "/api/rooms/1/messages/1/reaction"
    assert ben.send("PUT", path, {"emoji": "🎉", "is_on": True}).json["reactions"] == {"🎉": ["Ben"]}
    reacted, again = (ann.send("PUT", path, {"emoji": "🎉", "is_on": True}) for _ in range(2))
    assert again.json == reacted.json
    assert (reacted.status_code, reacted.json["reactions"]) == (200, {"🎉": ["Ben", "Ann"]})
    assert ann.get("/api/rooms/1/messages/1").json == reacted.json
    assert ben.send("PUT", path, {"emoji": "🎉", "is_on": False}).json["reactions"] == {"🎉": ["Ann"]}
    last = {"room_id": HARBOR, "message_id": 1, "reactions": {"🎉": ["Ann"]}}
    broadcasts.assert_broadcast("message-reaction", on="room-1", to_others=True, payload=last)


@pytest.mark.parametrize("emoji", ["", "x", "<b>", "👍👍", None])
def test_what_is_no_reaction(ann: Someone, emoji: object) -> None:
    assert ann.send("PUT", "/api/rooms/1/messages/1/reaction", {"emoji": emoji, "is_on": True}).status_code == 422


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_file_is_told_by_a_system_message(cleo: Someone, dan: Someone) -> None:
    answer = cleo.upload(HARBOR, "survey.txt", b"All is well.\n")
    assert answer.status_code == 201
    [message] = answer.json["messages"]
    assert (message["type"], message["message"]) == ("system", "Cleo uploaded survey.txt")
    upload = message["upload"]
    assert upload == {
        "id": IsPositiveInt,
        "name": "survey.txt",
        "content_type": "text/plain",
        "size": 13,
        "url": f"/api/files/{upload['id']}",
        "thumbnail_url": None,
        "width": None,
        "height": None,
    }
    download = dan.get(upload["url"])
    assert download.data == b"All is well.\n"
    assert download.headers["Content-Disposition"] == "attachment; filename=survey.txt"
    assert dan.get(f"{upload['url']}/thumbnail").status_code == 404


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_is_a_message_with_a_thumbnail(ben: Someone, dan: Someone, kind: str) -> None:
    data = picture((1200, 600), kind)
    system, image = ben.upload(HARBOR, "ramp.bin", data).json["messages"]
    assert (system["type"], image["type"], image["message"]) == ("system", "image", "ramp.bin")
    upload = image["upload"]
    assert (upload["width"], upload["height"], upload["content_type"]) == (1200, 600, f"image/{kind.lower()}")
    shown = dan.get(upload["url"])
    assert (shown.data, shown.headers["Content-Type"]) == (data, upload["content_type"])
    assert shown.headers["Content-Disposition"].startswith("inline")
    thumbnail = dan.get(upload["thumbnail_url"])
    assert thumbnail.headers["Content-Type"] == "image/webp"
    assert Image.open(io.BytesIO(thumbnail.data)).size == (480, 240)


def test_a_pdf_is_taken(ann: Someone) -> None:
    [message] = ann.upload(HARBOR, "plan.pdf", b"%PDF-1.7\n...").json["messages"]
    assert message["upload"]["content_type"] == "application/pdf"


def test_an_upload_without_a_file(ann: Someone) -> None:
    answer = ann.client.post("/api/rooms/1/files", data={"file": "text"}, headers=ann.headers)
    assert answer.status_code == 422


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_it_says_that_it_runs(app: Flask) -> None:
    assert app.test_client().get("/up").json == {"health": "OK"}


def test_ids_that_no_database_gives_are_not_found(ann: Someone) -> None:
    for path in ("/api/rooms/0", "/api/rooms/99999999999999999999", "/api/rooms/x", "/api/files/99999999999999999999"):
        assert ann.get(path).status_code == 404, path
    assert IDS["Ann"] == 1
    assert ann.get("/api/rooms/99").status_code == ann.get("/api/rooms/99/messages").status_code == 404
    assert person(ann.client.application, "Eve").get(f"/api/rooms/{BOARD}").status_code == 404
