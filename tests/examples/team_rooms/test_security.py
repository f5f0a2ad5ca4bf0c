"""What nobody may do: who asks, for whose rooms, with which role, what is let in, and how often."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.security import check_password_hash

from broadcastkit.testing import Broadcasts
from examples.team_rooms import accounts, files, reading
from examples.team_rooms.models import Membership, RoomMessage, SignIn, User, db, utc_now
from examples.team_rooms.settings import Rates, Settings
from tests.examples.team_rooms.conftest import (
    ANNS_LAST,
    BENS_LAST,
    BOARD,
    HARBOR,
    IDS,
    LUNCH,
    OF_BOARD,
    OF_LUNCH,
    ROLES,
    Making,
    Someone,
    email_of,
    person,
    picture,
)

ABOUT_A_ROOM = [
    ("GET", "", None),
    ("POST", "/join", None),
    ("POST", "/leave", None),
    ("POST", "/members", {"email": "eve@example.org"}),
    ("PUT", "/members/1", {"role": "owner"}),
    ("DELETE", "/members/1", None),
    ("POST", "/presence", None),
    ("POST", "/typing", None),
    ("POST", "/read", {"message_id": 10}),
    ("POST", "/messages", {"message": "hello"}),
    ("GET", "/messages", None),
    ("GET", "/messages/10", None),
    ("PUT", "/messages/10/reaction", {"emoji": "🎉", "is_on": True}),
    ("GET", "/activities", None),
    ("POST", "/files", None),
]
FOR_PEOPLE_ONLY = [
    ("DELETE", "/api/session", None),
    ("GET", "/api/rooms", None),
    ("POST", "/api/rooms", {"name": "Mine"}),
    ("GET", "/api/files/1", None),
    ("GET", "/api/files/1/thumbnail", None),
    *((method, f"/api/rooms/1{path}", body) for method, path, body in ABOUT_A_ROOM),
]


# -- who asks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path", "body"), FOR_PEOPLE_ONLY)
def test_strangers_are_told_to_sign_in(stranger: Someone, method: str, path: str, body: object) -> None:
    stranger.headers = {"X-CSRF-Token": stranger.get("/api/session").json["csrf_token"]}
    answer = stranger.send(method, path, body)
    assert (answer.status_code, answer.json) == (401, {"error": "sign in first"})


@pytest.mark.parametrize(("method", "path", "body"), [one for one in FOR_PEOPLE_ONLY if one[0] != "GET"])
def test_what_changes_something_needs_the_token_of_the_page(ann: Someone, method: str, path: str, body: object) -> None:
    for headers in ({}, {"X-CSRF-Token": "guessed"}):
        ann.headers = headers
        answer = ann.send(method, path, body)
        assert answer.status_code == 400
        assert "CSRF" in answer.json["error"]


def test_signing_in_needs_it_too(stranger: Someone) -> None:
    answer = stranger.post("/api/session", {"email": "ann@example.org", "password": "rooms-demo"})
    assert answer.status_code == 400


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(make_app: Making) -> None:
    someone = Someone(make_app(secure_cookies=True).test_client())
    someone.get("/api/session")
    answer = someone.client.get("/api/session", base_url="https://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


def test_a_copy_of_the_cookie_is_of_no_use_after_signing_out(app: Flask, ann: Someone) -> None:
    copied = ann.client.get_cookie("team_rooms")
    assert copied
    thief = Someone(app.test_client())
    thief.client.set_cookie("team_rooms", copied.value)
    assert thief.get("/api/rooms").status_code == 200
    ann.send("DELETE", "/api/session")
    assert thief.get("/api/rooms").status_code == 401


def test_signing_out_here_leaves_the_other_browser_signed_in(app: Flask, ann: Someone) -> None:
    other = person(app, "Ann")
    ann.send("DELETE", "/api/session")
    assert other.get("/api/rooms").status_code == 200


def test_a_sign_in_ends_by_itself(app: Flask, ann: Someone) -> None:
    with app.app_context():
        [found] = db.session.scalars(db.select(SignIn))
        assert timedelta(days=6) < found.expires_at - utc_now() <= accounts.LIFETIME
        found.expires_at = utc_now()
        db.session.commit()
    assert ann.get("/api/rooms").status_code == 401
    person(app, "Ann")
    with app.app_context():  # the old one is forgotten
        assert len([*db.session.scalars(db.select(SignIn))]) == 1


def test_neither_passwords_nor_tokens_are_kept(app: Flask, ann: Someone) -> None:
    with ann.client.session_transaction() as session:
        token = session["_user_id"]
    with app.app_context():
        [found] = db.session.scalars(db.select(SignIn))
        assert token not in found.token_hash
        user = db.session.get(User, 1)
        assert user
        assert "rooms-demo" not in user.password_hash
    assert Settings(secret_key="x", database_url="sqlite://", uploads=Path()).password_method == "scrypt"


# -- whose rooms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path", "body"), ABOUT_A_ROOM)
def test_of_a_room_by_invitation_others_learn_nothing(
    ben: Someone, broadcasts: Broadcasts, method: str, path: str, body: object
) -> None:
    theirs, none = (ben.send(method, f"/api/rooms/{room}{path}", body) for room in (BOARD, 99))
    assert (theirs.status_code, theirs.json) == (none.status_code, none.json)
    assert theirs.status_code == 404
    broadcasts.assert_nothing_broadcast()


@pytest.mark.parametrize(("method", "path", "body"), [one for one in ABOUT_A_ROOM if one[1] != "/join"])
def test_what_is_said_in_an_open_room_is_for_those_who_join(
    eve: Someone, broadcasts: Broadcasts, method: str, path: str, body: object
) -> None:
    assert eve.send(method, f"/api/rooms/1{path}", body).status_code == 404
    broadcasts.assert_nothing_broadcast()


def test_files_are_for_members(ann: Someone, ben: Someone, stranger: Someone) -> None:
    [_, image] = ann.upload(BOARD, "secret.png", picture()).json["messages"]
    for path in (image["upload"]["url"], image["upload"]["thumbnail_url"]):
        assert ann.get(path).status_code == 200
        assert ben.get(path).status_code == 404
        assert stranger.get(path).status_code == 401


def test_the_search_finds_nothing_of_other_rooms(ben: Someone, ann: Someone) -> None:
    assert ann.read(BOARD, q="budget")
    assert ben.read(HARBOR, q="budget") == ben.read(LUNCH, q="budget") == []


@pytest.mark.parametrize("message", [OF_LUNCH, OF_BOARD, 999])
def test_messages_of_other_rooms_are_not_read_in_this_one(ben: Someone, broadcasts: Broadcasts, message: int) -> None:
    answer = ben.mark_read(HARBOR, message)
    # one cannot tell whether there is such a message anywhere
    assert (answer.status_code, answer.json) == (404, {"error": "there is no such message in this room"})
    assert ben.standing(HARBOR)[0] == BENS_LAST
    broadcasts.assert_nothing_broadcast()


def test_one_reads_for_oneself(app: Flask, ben: Someone, cleo: Someone) -> None:
    ben.mark_read(HARBOR, ANNS_LAST)
    ben.mark_read(LUNCH, OF_LUNCH)
    with app.app_context():
        reads = {(one.room_id, one.user_id): one.last_read_id for one in db.session.scalars(db.select(Membership))}
    before = {(1, 1): 7, (1, 3): 3, (1, 4): 0, (2, 1): 9, (3, 1): 10, (3, 3): 0}
    assert reads == before | {(1, 2): ANNS_LAST, (2, 2): OF_LUNCH}


def test_who_has_left_reads_no_more(ann: Someone, cleo: Someone, broadcasts: Broadcasts) -> None:
    ann.send("DELETE", f"/api/rooms/{HARBOR}/members/3")
    assert cleo.mark_read(HARBOR, ANNS_LAST).status_code == 404
    broadcasts.assert_not_broadcast("messages-read")


def test_of_two_tabs_the_one_that_has_read_further_is_right(app: Flask, broadcasts: Broadcasts) -> None:
    with app.app_context():
        slow = db.session.get(Membership, (HARBOR, IDS["Cleo"]))
        message = db.session.get(RoomMessage, 4)
        assert slow
        assert message
        # has been looked up, when the other tab is faster
        with db.engine.connect() as faster:
            faster.execute(
                db.update(Membership).where(Membership.user_id == IDS["Cleo"]).values(last_read_id=ANNS_LAST)
            )
            faster.commit()
        assert slow.last_read_id == 3
        reading.mark_read(slow, message)
        db.session.commit()
        assert slow.last_read_id == ANNS_LAST
    broadcasts.assert_nothing_broadcast()


# -- with which role ---------------------------------------------------------------------------------------------------

WRITING = [
    ("/messages", {"message": "hello"}),
    ("/messages/1/reaction", {"emoji": "🎉", "is_on": True}),
    ("/typing", None),
    ("/files", None),
]


@pytest.mark.parametrize(("path", "body"), WRITING)
def test_guests_only_read(dan: Someone, broadcasts: Broadcasts, path: str, body: object) -> None:
    method = "PUT" if path.endswith("reaction") else "POST"
    assert dan.send(method, f"/api/rooms/1{path}", body).status_code == 403
    assert dan.get("/api/rooms/1/messages").status_code == 200
    broadcasts.assert_nothing_broadcast()


@pytest.mark.parametrize("actor", ROLES)
@pytest.mark.parametrize("role", ["guest", "member", "moderator", "owner"])
def test_who_may_bring_in_whom(app: Flask, actor: str, role: str) -> None:
    allowed = actor == "Ann" or (actor == "Ben" and role in {"guest", "member"})
    answer = person(app, actor).post("/api/rooms/1/members", {"email": email_of("Eve"), "role": role})
    assert answer.status_code == (201 if allowed else 403)
    assert person(app, "Eve").get("/api/rooms/1").status_code == (200 if allowed else 404)


# who may turn whom into what, besides what everybody is
MAY_CHANGE = {
    ("Ann", subject, role) for subject in ("Ben", "Cleo", "Dan") for role in ("guest", "member", "moderator", "owner")
} | {("Ben", subject, role) for subject in ("Cleo", "Dan") for role in ("guest", "member")}


@pytest.mark.parametrize("actor", ROLES)
def test_nobody_escalates_a_role(make_app: Making, actor: str) -> None:
    app = make_app()
    someone = person(app, actor)
    for subject, role in itertools.product(ROLES, ("guest", "member", "moderator", "owner")):
        answer = someone.send("PUT", f"/api/rooms/1/members/{IDS[subject]}", {"role": role})
        allowed = (actor, subject, role) in MAY_CHANGE
        assert answer.status_code == (200 if allowed else 403), (actor, subject, role)
        with app.app_context():
            membership = db.session.get(Membership, (HARBOR, IDS[subject]))
            assert membership
            assert membership.role == (role if allowed else ROLES[subject])
            membership.role = ROLES[subject]
            db.session.commit()


@pytest.mark.parametrize("actor", ROLES)
@pytest.mark.parametrize("subject", ROLES)
def test_who_may_send_whom_away(app: Flask, actor: str, subject: str) -> None:
    allowed = {"Ann": {"Ben", "Cleo", "Dan"}, "Ben": {"Cleo", "Dan"}}.get(actor, set())
    answer = person(app, actor).send("DELETE", f"/api/rooms/1/members/{IDS[subject]}")
    assert answer.status_code == (200 if subject in allowed else 403)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/rooms/1/messages", {"message": "hello", "sender_name": "Ben"}),
        ("/api/rooms/1/messages", {"message": "hello", "sender_role": "owner"}),
        ("/api/rooms/1/messages", {"message": "hello", "type": "system"}),
        ("/api/rooms/1/messages", {"message": "hello", "room_id": 3}),
        ("/api/rooms/1/read", {"message_id": 7, "user_id": 1}),
        ("/api/rooms/1/read", {"message_id": 7, "last_read_id": 1}),
        ("/api/rooms", {"name": "Mine", "id": 1}),
        ("/api/rooms/1/members", {"email": "eve@example.org", "user_id": 5}),
        ("/api/session", {"email": "ann@example.org", "password": "rooms-demo", "user_id": 2}),
    ],
)
def test_nothing_is_set_that_is_not_asked_for(cleo: Someone, broadcasts: Broadcasts, path: str, body: object) -> None:
    answer = cleo.post(path, body)
    assert answer.status_code == 422
    assert answer.json["wrong"][0]["problem"] == "Extra inputs are not permitted"
    broadcasts.assert_nothing_broadcast()


def test_nobody_learns_that_a_room_by_invitation_has_a_name(eve: Someone, ann: Someone) -> None:
    assert eve.post("/api/rooms", {"name": "Board"}).status_code == 201
    assert eve.post("/api/rooms", {"name": "Board"}).status_code == 409
    assert [room["id"] for room in ann.get("/api/rooms").json if room["name"] == "Board"] == [BOARD, 4]


def test_two_who_join_at_a_time_are_told_so(eve: Someone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(User, "membership", lambda user, room_id: None)  # both have looked before either has joined
    assert [eve.post("/api/rooms/1/join").status_code for _ in range(2)] == [404, 409]


# -- what is let in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("page.html", b"\x89<!doctype html><script>alert(1)</script>"),
        ("picture.png", b"MZ\x90\x00\x03\x00\x00\x00"),
        ("picture.svg", b"<svg>\0</svg>"),
        ("empty.txt", b""),
        ("archive.zip", b"PK\x03\x04\x14\x00"),
        ("broken.png", picture()[:40]),
        ("tool.sh", b"\x7fELF\x02\x01\x01\x00"),
    ],
)
def test_what_is_not_allowed_is_not_taken(cleo: Someone, settings: Settings, name: str, data: bytes) -> None:
    assert cleo.upload(HARBOR, name, data).status_code == 415
    assert not [path for path in settings.uploads.iterdir() if not path.name.endswith(".thumbnail")][1:]


@pytest.mark.parametrize("data", [b"<script>alert(1)</script>", b"<svg onload='alert(1)'/>", b"%PDF-1.7 <script>"])
def test_markup_is_a_text_to_be_downloaded(cleo: Someone, data: bytes) -> None:
    [message] = cleo.upload(HARBOR, "page.html", data).json["messages"]
    answer = cleo.get(message["upload"]["url"])
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"].startswith(("text/plain", "application/pdf"))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_file_has_an_end(cleo: Someone) -> None:
    assert cleo.upload(HARBOR, "long.txt", b"x" * (files.LARGEST + 1)).status_code == 413
    assert cleo.upload(HARBOR, "longer.txt", b"x" * (files.LARGEST + 200_000)).status_code == 413
    assert cleo.upload(HARBOR, "just.txt", b"x" * files.LARGEST).status_code == 201


def test_a_picture_is_not_larger_than_it_looks(cleo: Someone) -> None:
    # small as a file, and 49 million pixels
    assert cleo.upload(HARBOR, "large.png", picture((7_000, 7_000))).status_code == 413


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\plan.txt", "plan.txt"),
        ("a\x00b\n\u202ecod.txt", "abcod.txt"),
        ("...", "file"),
        ("", "file"),
        ("x" * 300 + ".txt", "x" * 96 + ".txt"),
    ],
)
def test_the_name_of_a_file_is_only_shown(name: str, kept: str) -> None:
    assert files.clean_name(name) == kept


def test_files_are_kept_under_names_that_nobody_chose(cleo: Someone, settings: Settings) -> None:
    before = set(settings.uploads.iterdir())
    cleo.upload(HARBOR, "../escaped.txt", b"text")
    (kept,) = set(settings.uploads.iterdir()) - before
    assert re.fullmatch("[0-9a-f]{32}", kept.name)
    assert kept.read_bytes() == b"text"


@pytest.mark.parametrize("text", ['<img src=x onerror="alert(1)">', "</script><script>alert(1)</script>", "{{7*7}}"])
def test_a_message_is_text_and_stays_as_it_was_written(ann: Someone, broadcasts: Broadcasts, text: str) -> None:
    [message] = ann.write(HARBOR, text).json["messages"]
    assert message["message"] == text
    broadcasts.assert_broadcast("new-message", payload_contains={"message": text})


def test_what_cannot_be_seen_is_left_out(ann: Someone) -> None:
    body = json.dumps({"message": "bell\a, null\0, half \ud83d a pair"})
    answer = ann.client.post(
        "/api/rooms/1/messages", data=body, headers=ann.headers | {"Content-Type": "application/json"}
    )
    # JSON with half a pair is none, as pydantic reads it
    assert answer.status_code == 422
    [message] = ann.write(HARBOR, "bell\a, null\0").json["messages"]
    assert message["message"] == "bell, null"


def test_a_body_has_an_end(ann: Someone) -> None:
    assert ann.write(HARBOR, "x" * 40_000).status_code == 413


def test_only_json_is_read(ann: Someone) -> None:
    form = ann.client.post("/api/rooms/1/messages", data={"message": "hello"}, headers=ann.headers)
    assert form.status_code == 415
    broken = ann.client.post(
        "/api/rooms/1/messages", data="{", headers=ann.headers | {"Content-Type": "application/json"}
    )
    assert broken.status_code == 422


def test_what_was_sent_is_not_quoted_in_errors(stranger: Someone) -> None:
    stranger.headers = {"X-CSRF-Token": stranger.get("/api/session").json["csrf_token"]}
    answer = stranger.post("/api/session", {"email": "ann@example.org", "password": ["hunter2"]})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


# -- how often ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "asked", "expected"),
    [
        ("messages", ("POST", "/api/rooms/1/messages", {"message": "hello"}), 201),
        ("messages", ("PUT", "/api/rooms/1/messages/1/reaction", {"emoji": "🎉", "is_on": True}), 200),
        ("typing", ("POST", "/api/rooms/1/typing", None), 204),
        ("reading", ("POST", "/api/rooms/1/read", {"message_id": 1}), 200),
        ("uploads", ("POST", "/api/rooms/1/files", None), 422),
        ("rooms", ("POST", "/api/rooms", {"name": "Lunch"}), 409),
        ("rooms", ("POST", "/api/rooms/99/join", None), 404),
        ("members", ("POST", "/api/rooms/99/leave", None), 404),
        ("members", ("POST", "/api/rooms/99/members", {"email": "eve@example.org"}), 404),
        ("members", ("PUT", "/api/rooms/1/members/2", {"role": "owner"}), 403),
        ("members", ("DELETE", "/api/rooms/1/members/1", None), 403),
        ("asking", ("POST", "/api/rooms/1/presence", None), 200),
    ],
)
def test_nobody_floods(make_app: Making, what: str, asked: tuple[str, str, object], expected: int) -> None:
    app = make_app(rates=replace(Rates(), **{what: "2/hour"}))
    ben, cleo = person(app, "Ben"), person(app, "Cleo")
    answers = [ben.send(*asked) for _ in range(3)]
    assert [one.status_code for one in answers] == [expected, expected, 429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600
    assert answers[-1].json["error"].startswith("too often")
    # each for oneself
    assert cleo.send(*asked).status_code == expected


def test_passwords_are_not_guessed(make_app: Making) -> None:
    app = make_app(rates=replace(Rates(), sign_in="3/hour"))
    guesser = Someone(app.test_client())
    assert [guesser.sign_in("Ann", "wrong").status_code for _ in range(4)] == [401, 401, 401, 429]
    # from elsewhere, for the same account
    other = app.test_client()
    other.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    assert Someone(other).sign_in("Ann").status_code == 429
    assert Someone(other).sign_in("Ben").status_code == 201


def test_where_there_is_no_account_a_password_is_checked_all_the_same(
    stranger: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []

    def check(password_hash: str, password: str) -> bool:
        checked.append(password_hash.partition("$")[0])
        return check_password_hash(password_hash, password)

    monkeypatch.setattr("examples.team_rooms.accounts.check_password_hash", check)
    assert [stranger.sign_in(name, "guessed").status_code for name in ("Ann", "Nobody")] == [401, 401]
    assert checked == ["pbkdf2:sha256:1"] * 2


def test_the_address_behind_a_proxy_is_believed_if_it_was_said_so(make_app: Making) -> None:
    for proxies, expected in ((0, 429), (1, 401)):
        app = make_app(rates=replace(Rates(), sign_in="1/hour"), trusted_proxies=proxies)
        first, second = Someone(app.test_client()), Someone(app.test_client())
        for someone, address in ((first, "203.0.113.1"), (second, "203.0.113.2")):
            someone.client.environ_base["HTTP_X_FORWARDED_FOR"] = address
        assert first.sign_in("Ann", "wrong").status_code == 401
        assert second.sign_in("Ben", "wrong").status_code == expected


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_runs_only_what_came_with_it(app: Flask, settings: Settings) -> None:
    client = app.test_client()
    assert client.get("/").status_code == 503
    (settings.bundle / "assets").mkdir(parents=True)
    (settings.bundle / "index.html").write_text("<!doctype html>")
    (settings.bundle / "assets" / "main-1a2b.js").write_text("")
    page = client.get("/", buffered=True)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'; connect-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-cache"
    assert "immutable" in client.get("/assets/main-1a2b.js", buffered=True).headers["Cache-Control"]
    assert client.get("/assets/../index.html").status_code == 404


def test_answers_are_not_kept_by_caches(ann: Someone) -> None:
    assert ann.get("/api/rooms").headers["Cache-Control"] == "no-store"
    assert "private" in ann.get("/api/files/1").headers["Cache-Control"]
