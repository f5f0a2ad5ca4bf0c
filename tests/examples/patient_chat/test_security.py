"""What a reviewer would try: other people's things, forged senders, markup, floods, other origins, what logs tell."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from examples.patient_chat import app
from tests.examples.patient_chat.conftest import SECRET, Refused, Someone, Stage, Tab

FRONTEND = "http://localhost:3000"


# -- other people's things ---------------------------------------------------------------------------------------------


def test_a_client_cannot_ask_into_a_room(stage: Stage, ana: Someone, doe: Someone) -> None:
    at_ben = stage.sign_in("ben").open()

    # nothing answers `subscribe`: rooms are joined at connect, by the rule
    for asked in (f"private-user.{doe.id}", {"channel": f"private-user.{doe.id}"}):
        at_ben.tell("subscribe", asked)
        at_ben.tell("join", asked)
    ana.say(doe, "for the doctor only")

    assert "new_message" not in at_ben.heard_until_now()


def test_a_client_cannot_speak_as_the_server(ana: Someone, doe: Someone) -> None:
    at_doe, at_ana = doe.open(), ana.open()

    at_ana.tell("new_message", {"message": {"content": "forged"}})
    at_ana.tell("messages_read", {"userId": doe.id})

    assert at_doe.heard_until_now() == []


@pytest.mark.parametrize("sent", ['["disconnect","transport close"]', '["disconnect"]'])
def test_nobody_goes_out_of_sight_by_saying_that_he_left(ana: Someone, doe: Someone, sent: str) -> None:
    at_ana = ana.open()

    at_ana.send_frame(f"42{sent}")

    assert at_ana.next("error") == {"message": "Invalid message format"}
    assert doe.post("/chat/online-status", {"userIds": [ana.id]}).json()["data"][0]["isOnline"] is True
    # and the end of the token is the end of the connection
    ana.post("/auth/logout")
    at_ana.until_ended()


def test_nobody_connects_a_connection_again(stage: Stage, ana: Someone, ben: Someone, doe: Someone) -> None:
    at_ana = ana.open()

    at_ana.tell("connect", {}, {"token": ben.token})

    assert at_ana.next("error") == {"message": "Invalid message format"}
    ben.say(doe, "Hello")
    assert at_ana.heard_until_now() == []


@pytest.mark.parametrize(
    "frame",
    [
        "42",
        "42{",
        "42[]",
        "42[1]",
        "42{}",
        "4z",
        "4",
        "44",
        "47",
        "43",
        f"42{'[' * 50_000}",
        f"42{'1' * 200}[]",
        '451-["send_message",{"_placeholder":true,"num":0}]',
        '459999999999-["send_message"]',
        "461-[]",
    ],
    ids=range(15),
)
def test_what_is_no_packet_is_said_to_be_none(ana: Someone, caplog: pytest.LogCaptureFixture, frame: str) -> None:
    at_ana = ana.open()

    at_ana.send_frame(frame)

    assert at_ana.next("error") == {"message": "Invalid message format"}
    assert at_ana.emit("set_status", {"status": "busy"})["success"]
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]


@pytest.mark.parametrize("field", ["senderId", "sender", "_id", "isRead", "createdAt", "conversationId", "readAt"])
def test_nothing_of_a_message_but_what_is_asked_for_can_be_set(ana: Someone, doe: Someone, field: str) -> None:
    body = {"doctorId": doe.id, "content": "Hello", field: doe.id}

    answer = ana.post("/users/send-message", body)

    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": field, "message": "Extra inputs are not permitted"}]


def test_online_status_of_strangers_is_not_told(stage: Stage, ana: Someone, ben: Someone) -> None:
    ben.open()

    answer = ana.post("/chat/online-status", {"userIds": [ben.id, "0" * 24, ana.id]})

    assert answer.json()["data"] == [
        {"userId": ben.id, "isOnline": False},
        {"userId": "0" * 24, "isOnline": False},
        {"userId": ana.id, "isOnline": False},
    ]


@pytest.mark.parametrize("asked", [{"userIds": ["0" * 24] * 101}, {"userIds": "all"}, {"userIds": [7]}, {}])
def test_online_status_is_asked_of_a_list_of_ids(ana: Someone, asked: Any) -> None:
    assert ana.post("/chat/online-status", asked).status_code == 400


def test_a_search_finds_nothing_of_others(stage: Stage, ana: Someone, doe: Someone) -> None:
    stage.sign_in("ben").say(doe, "a secret of Ben's")

    assert ana.data("/chat/search?query=secret") == []
    assert len(doe.data("/chat/search?query=secret")) == 1


# -- what people write -------------------------------------------------------------------------------------------------


def test_what_people_write_comes_back_as_it_is_but_for_what_nobody_sees(ana: Someone, doe: Someone) -> None:
    written = '<script>alert(1)</script> & "quotes" \'; DROP TABLE users;-- \x00\x1b[31m \ud800'

    at_ana = ana.open()
    message = at_ana.emit("send_message", {"receiverId": doe.id, "content": written})["data"]

    assert message["content"] == '<script>alert(1)</script> & "quotes" \'; DROP TABLE users;-- [31m ?'
    answer = doe.get(f"/chat/conversations/{ana.id}?limit=1")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_frame_that_is_too_long_ends_the_connection(ana: Someone, doe: Someone) -> None:
    tab = ana.open()

    tab.tell("send_message", {"receiverId": doe.id, "content": "x" * 200_000})

    tab.until_closed()


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/auth/login"), ("POST", "/users/send-message"), ("POST", "/chat/online-status")]
)
def test_a_body_that_is_too_long_is_refused(ana: Someone, method: str, path: str) -> None:
    answer = ana.ask(method, path, content=b'{"content": "' + b"x" * 70_000 + b'"}')

    assert (answer.status_code, answer.json()["message"]) == (413, "The request is too long: at most 64 KB")


def test_nested_nonsense_is_refused(ana: Someone) -> None:
    assert ana.ask("POST", "/users/send-message", content=b"[" * 60_000).status_code == 400


# -- pages and origins -------------------------------------------------------------------------------------------------


def test_the_page_runs_no_script_but_its_own(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    monkeypatch.setattr(app, "BUNDLE", tmp_path)

    policy = stage.client.get("/").headers["content-security-policy"]

    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.fixture
def with_frontend(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage(frontend_url=FRONTEND)


def test_the_page_of_frontend_url_may_ask_the_api(with_frontend: Stage) -> None:
    def asked(origin: str, method: str) -> Mapping[str, str]:
        headers = {"Origin": origin}
        if method == "OPTIONS":
            headers |= {
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization, content-type, x-socket-id",
            }
        return with_frontend.client.request(method, "/auth/login", headers=headers).headers

    for method in ("OPTIONS", "POST"):
        assert asked(FRONTEND, method)["access-control-allow-origin"] == FRONTEND
        assert "access-control-allow-origin" not in asked("http://evil.test", method)
    assert "access-control-allow-credentials" not in asked(FRONTEND, "OPTIONS")


def test_the_page_of_frontend_url_may_connect_and_one_of_elsewhere_may_not(with_frontend: Stage) -> None:
    auth = {"token": with_frontend.sign_in("ana").token}

    for origin in (FRONTEND, with_frontend.address):
        assert with_frontend.open(auth, headers={"Origin": origin}).sid
    with pytest.raises(InvalidStatus):
        with_frontend.open(auth, headers={"Origin": "http://evil.test"})


def test_polling_tells_a_browser_once_whose_pages_may_read_it(with_frontend: Stage) -> None:
    path = "/socket.io/?EIO=4&transport=polling"

    answer = with_frontend.client.get(path, headers={"Origin": FRONTEND})

    assert answer.headers.get_list("access-control-allow-origin") == [FRONTEND]
    assert with_frontend.client.get(path, headers={"Origin": "http://evil.test"}).status_code == 400


def test_without_frontend_url_only_the_own_page_may_ask(stage: Stage, ana: Someone) -> None:
    assert "access-control-allow-origin" not in stage.client.get("/health", headers={"Origin": FRONTEND}).headers
    with pytest.raises(InvalidStatus):
        stage.open({"token": ana.token}, headers={"Origin": FRONTEND})


# -- floods ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "event", "sent"),
    [
        ("send_message", "send_message", {"receiverId": "{doe}", "content": "Hello"}),
        ("typing", "typing_start", {"receiverId": "{doe}"}),
        ("typing", "typing_stop", {"receiverId": "{doe}"}),
        ("mark_read", "mark_read", {"senderId": "{doe}"}),
        ("set_status", "set_status", {"status": "busy"}),
    ],
)
def test_events_of_a_socket_are_limited_for_each_user(
    make_stage: Callable[..., Stage], limit: str, event: str, sent: dict[str, str]
) -> None:
    stage = make_stage(rates={limit: "2/minute"})
    ana, doe, ben = stage.sign_in("ana"), stage.sign_in("doe"), stage.sign_in("ben")
    sent = {key: doe.id if value == "{doe}" else value for key, value in sent.items()}
    first, second, at_ben = ana.open(), ana.open(), ben.open()

    assert first.emit(event, sent)["success"]
    assert second.emit(event, sent)["success"]
    assert first.emit(event, sent)["message"].startswith("Too many requests: try again in ")
    assert first.next("error")["message"].startswith("Too many requests")
    assert at_ben.emit(event, sent)["success"]


def test_requests_are_limited_and_told_when_to_come_again(make_stage: Callable[..., Stage]) -> None:
    ana = make_stage(rates={"request": "2/minute"}).sign_in("ana")

    answers = [ana.get("/chat/unread-count") for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].json()["success"] is False
    assert 0 < int(answers[2].headers["Retry-After"]) <= 60


@pytest.mark.parametrize("limit", ["send_message", "mark_read"])
def test_what_is_done_over_http_counts_with_what_is_done_on_sockets(
    make_stage: Callable[..., Stage], limit: str
) -> None:
    stage = make_stage(rates={limit: "2/minute"})
    ana, doe = stage.sign_in("ana"), stage.sign_in("doe")

    def over_http(user: Someone, other: Someone) -> int:
        if limit == "mark_read":
            return user.put(f"/chat/conversations/{other.id}/read").status_code
        if user is ana:
            return user.post("/users/send-message", {"doctorId": other.id, "content": "Hello"}).status_code
        return user.post(f"/doctors/patients/{other.id}/messages", {"message": "Hello"}).status_code

    assert ana.open().emit(limit, {"receiverId": doe.id, "content": "x"} if "send" in limit else {"senderId": doe.id})
    assert over_http(ana, doe) < 300
    assert over_http(ana, doe) == 429
    assert [over_http(doe, ana) < 300 for _ in range(3)] == [True, True, False]


def test_uploads_are_limited(make_stage: Callable[..., Stage]) -> None:
    ana = make_stage(rates={"upload": "1/minute"}).sign_in("ana")

    assert [ana.upload().status_code for _ in range(2)] == [201, 429]


def test_connections_are_limited(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(rates={"connect": "1/minute"})
    ana = stage.sign_in("ana")
    ana.open()

    with pytest.raises(Refused, match="Too many requests"):
        stage.open({"token": ana.token})


def test_guessing_passwords_is_limited(make_stage: Callable[..., Stage]) -> None:
    stranger = make_stage(rates={"sign in": "3/minute"}).stranger()

    def guess(email: str) -> int:
        return stranger.post("/auth/login", {"email": email, "password": "guess"}).status_code

    assert [guess("ana@example.com") for _ in range(4)] == [401, 401, 401, 429]


def test_registering_is_limited(make_stage: Callable[..., Stage]) -> None:
    stranger = make_stage(rates={"register": "1/minute"}).stranger()

    def register(name: str) -> int:
        form = {"fullname": name, "email": f"{name}@example.com", "password": "a long password"}
        return stranger.post("/auth/register", form).status_code

    assert [register("dana"), register("erik")] == [201, 429]


# -- what is told of it ------------------------------------------------------------------------------------------------


def test_neither_messages_nor_tokens_nor_passwords_are_logged(
    make_stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for name in ("patient_chat", "broadcastkit", "sqlalchemy", "aiosqlite", "socketio", "engineio"):
        caplog.set_level(logging.DEBUG, name)
    stage = make_stage()
    ana, doe = stage.sign_in("ana"), stage.sign_in("doe")
    at_ana, at_doe = ana.open(), doe.open()
    at_ana.emit("send_message", {"receiverId": doe.id, "content": "of my health"})
    at_ana.emit("send_message", {"receiverId": doe.id, "content": "of my health", "extra": "of my health"})
    at_doe.next("new_message")
    stage.break_database()
    assert at_ana.emit("send_message", {"receiverId": doe.id, "content": "of my health"})["message"] == (
        "Something went wrong here: try again later"
    )
    answer = ana.post("/users/send-message", {"doctorId": doe.id, "content": "of my health"})
    assert (answer.status_code, answer.json()["message"]) == (500, "Something went wrong here: try again later")

    told = caplog.text
    assert f"connected: user {ana.id}" in told
    assert "send_message failed: OperationalError" in told
    for secret in ("of my health", SECRET, str(ana.token), "patient-chat-demo"):
        assert secret not in told


def test_settings_show_no_secret(make_stage: Callable[..., Stage]) -> None:
    settings = make_stage().services.settings

    assert SECRET not in repr(settings)
    assert "chat.db" not in repr(settings)


def test_a_tab_that_is_gone_is_no_trouble(stage: Stage, ana: Someone, doe: Someone) -> None:
    tab: Tab = ana.open()
    tab.tell("send_message", {"receiverId": doe.id, "content": "and gone"})
    tab.close()

    assert doe.open().heard_until_now() is not None


def test_a_connection_that_fails_is_answered_and_leaves_nothing_behind(
    make_stage: Callable[..., Stage],
) -> None:
    stage = make_stage()
    ana, doe = stage.sign_in("ana"), stage.sign_in("doe")
    stage.break_database()

    with pytest.raises(Refused, match=r"^Something went wrong here: try again later$"):
        ana.open()

    assert doe.post("/chat/online-status", {"userIds": [ana.id]}).json()["data"][0]["isOnline"] is False
