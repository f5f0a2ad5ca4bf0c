"""What must not be possible."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from broadcastkit.testing import Broadcasts
from examples.dentist_chat.accounts import find_sign_in, start_sign_in
from examples.dentist_chat.app import create_app
from examples.dentist_chat.database import Database, blocking_engine
from examples.dentist_chat.models import SignIn, User, now
from examples.dentist_chat.seed import PASSWORD
from examples.dentist_chat.settings import Settings
from tests.examples.dentist_chat.conftest import (
    MAYA,
    PNG,
    RUIZ,
    TOKEN,
    TOM,
    VARIABLES,
    Seeded,
    Someone,
    email_of,
    form_token,
    sign_in,
)
from tests.interop.servers import free_port

CSRF = re.compile(r'name="csrf-token" content="([^"]+)"')


# -- other people's conversations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tom", "weber", "admin"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "message", {"message": "Hello"}),
        ("GET", "messages", None),
        ("POST", "read", {}),
        ("POST", "typing", {"typing": True}),
        ("GET", "plans", None),
    ],
)
def test_another_ones_conversation_is_not_there(
    people: dict[str, Someone], name: str, method: str, path: str, body: dict[str, object] | None
) -> None:
    someone = people[name]
    answers = [
        someone.client.request(method, f"/chat/conversation/{number}/{path}", json=body, headers=someone.headers)
        for number in (1, 99, 10**20)
    ]
    # nobody learns which ones there are
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.text for answer in answers}) == 1
    assert people["maya"].get("/chat/conversation/1/messages").json()["total"] == 4


def test_another_ones_attachment_is_not_there(people: dict[str, Someone]) -> None:
    url = people["maya"].attach(1, PNG).json()["attachments"][0]["url"]
    statuses = {name: someone.get(url).status_code for name, someone in people.items()}
    assert statuses == {"stranger": 401, "maya": 200, "ruiz": 200, "tom": 404, "weber": 404, "admin": 404}
    assert people["maya"].get("/chat/attachments/99").status_code == 404
    assert people["maya"].get(f"/chat/attachments/{10**20}").status_code == 404


# -- roles ---------------------------------------------------------------------------------------------------------


def test_only_a_doctor_submits_a_plan_and_only_in_his_consultation(people: dict[str, Someone]) -> None:
    plan = {"summary": "Remove it."}
    statuses = {name: one.post("/chat/conversation/1/plans", plan).status_code for name, one in people.items()}
    assert statuses == {"stranger": 401, "maya": 403, "ruiz": 201, "tom": 403, "weber": 404, "admin": 403}


def test_only_the_patient_accepts_a_plan(people: dict[str, Someone]) -> None:
    path = "/chat/conversation/3/plans/1/accept"
    others = {name: one.post(path).status_code for name, one in people.items() if name != "maya"}
    assert others == {"stranger": 401, "ruiz": 403, "tom": 404, "weber": 403, "admin": 403}
    # a plan of another conversation cannot be accepted through one's own
    assert people["maya"].post("/chat/conversation/1/plans/1/accept").status_code == 404
    assert people["maya"].post(path).status_code == 200


def test_of_two_who_accept_at_once_one_does(broadcasts: Broadcasts, maya: Someone) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(maya.post, ["/chat/conversation/3/plans/1/accept"] * 2))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    broadcasts.assert_broadcast("plan.accepted", times=1)


# -- forged fields -------------------------------------------------------------------------------------------------


def test_nobody_writes_in_anothers_name_or_to_himself(maya: Someone) -> None:
    forged = {
        "message": "Hello",
        "sender_id": RUIZ,
        "recipient_id": MAYA,
        "conversation_id": 2,
        "is_read": True,
        "id": 1,
        "created_at": "2000-01-01T00:00:00Z",
    }
    sent = maya.post("/chat/conversation/1/message", forged).json()
    assert (sent["sender_id"], sent["recipient_id"], sent["conversation_id"]) == (MAYA, RUIZ, 1)
    assert sent["is_read"] is False
    assert sent["id"] > 1
    assert not sent["created_at"].startswith("2000")


def test_nobody_types_in_anothers_name(broadcasts: Broadcasts, maya: Someone) -> None:
    assert maya.post("/chat/conversation/1/typing", {"typing": True, "user_id": RUIZ}).status_code == 204
    assert broadcasts.recorded[0].payload["user_id"] == MAYA


# -- passwords, tokens, sessions -----------------------------------------------------------------------------------


def test_passwords_and_tokens_are_not_in_the_database(maya: Someone, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'chat.db'}")
    with engine.connect() as connection:
        hashes = connection.execute(select(User.password_hash)).scalars().all()
        digests = connection.execute(select(SignIn.digest)).scalars().all()
    engine.dispose()
    assert all(one.startswith("$argon2id$") for one in hashes)
    assert len(set(hashes)) == 5
    assert maya.headers["Authorization"].removeprefix("Bearer ") not in digests


def test_a_token_expires(maya: Someone, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'chat.db'}")
    with engine.begin() as connection:
        connection.execute(update(SignIn).values(expires_at=now() - timedelta(seconds=1)))
    engine.dispose()
    assert maya.get("/api/v2/me").status_code == 401


async def test_what_has_expired_is_forgotten(session: AsyncSession) -> None:
    user = await session.get_one(User, MAYA)
    old = await start_sign_in(session, user, timedelta(seconds=-1), browser=False)
    digest = old.sign_in.digest
    new = await start_sign_in(session, user, timedelta(hours=1), browser=True)
    assert digest not in (await session.scalars(select(SignIn.digest))).all()
    assert await find_sign_in(session, old.value, browser=False) is None
    # a cookie is no bearer token, and the other way round
    assert await find_sign_in(session, new.value, browser=False) is None
    assert await find_sign_in(session, new.value, browser=True) is new.sign_in
    assert new.value not in repr(new)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer wrong", "Basic bWF5YTpvcGVuLXdpZGU=", "wrong", "Bearer ä"]
)
def test_a_token_that_is_none(client: TestClient, header: str) -> None:
    assert client.get("/api/v2/me", headers={b"Authorization": header.encode()}).status_code == 401


def test_an_error_does_not_repeat_what_was_given(client: TestClient) -> None:
    answer = client.post("/api/v2/login", json={"email": "no address", "password": "s3cret" * 50})
    assert answer.status_code == 422
    assert "s3cret" not in answer.text
    assert [one["field"] for one in answer.json()["detail"]] == ["body.email", "body.password"]


def test_errors_of_the_database_do_not_say_what_was_written(environ: dict[str, str]) -> None:
    settings = Settings.from_env(environ)
    database = Database(settings.database)
    for engine in (database.engine.sync_engine, blocking_engine(settings.blocking_database)):
        assert engine.hide_parameters


# -- connections ---------------------------------------------------------------------------------------------------


@contextmanager
def listening(someone: Someone) -> Iterator[WebSocketTestSession]:
    """A connection on which somebody has signed in and listens to what is sent to him, as pusher-js does it."""
    with someone.client.websocket_connect("/app/ask-dentist-key?protocol=7") as socket:
        socket_id = json.loads(socket.receive_json()["data"])["socket_id"]
        signed = someone.client.post("/broadcasting/user-auth", data={"socket_id": socket_id}, headers=someone.headers)
        socket.send_json({"event": "pusher:signin", "data": signed.json()})
        assert socket.receive_json()["event"] == "pusher:signin_success"
        channel = f"private-user.{someone.get('/api/v2/me').json()['id']}"
        granted = someone.subscribe(channel, socket_id).json()
        socket.send_json({"event": "pusher:subscribe", "data": {"channel": channel, **granted}})
        assert socket.receive_json()["event"] == "pusher_internal:subscription_succeeded"
        yield socket


def is_ended(socket: WebSocketTestSession) -> bool:
    assert socket.receive_json()["event"] == "pusher:error"
    with pytest.raises(WebSocketDisconnect) as ended:
        socket.receive_json()
    # with this one a client does not come back unasked
    return ended.value.code == 4009


def test_who_signs_out_hears_no_more(client: TestClient, maya: Someone, ruiz: Someone) -> None:
    phone = sign_in(client, "maya")
    with listening(maya) as first, listening(phone) as second, listening(ruiz) as hers:
        assert maya.post("/api/v2/logout").status_code == 204
        assert is_ended(first)
        assert is_ended(second)
        # who is signed in still comes back, and nobody else noticed anything
        with listening(phone) as again:
            ruiz.write(1, "At four")
            assert again.receive_json()["event"] == "message.sent"
            phone.write(1, "Thank you")
            assert hers.receive_json()["event"] == "message.sent"
    assert maya.subscribe("private-user.1").status_code == 401


def test_a_service_that_does_not_answer_keeps_nobody_signed_in(
    environ: dict[str, str], seeded: Seeded, caplog: pytest.LogCaptureFixture
) -> None:
    gone = VARIABLES | {"PUSHER_HOST": "127.0.0.1", "PUSHER_PORT": str(free_port()), "QUEUE_CONNECTION": "sync"}
    with TestClient(create_app(environ | gone)) as client, caplog.at_level(logging.WARNING, "ask_dentist"):
        maya = Someone(client, {"Authorization": seeded.tokens["maya"]})
        assert maya.post("/api/v2/logout").status_code == 204
        assert maya.get("/api/v2/me").status_code == 401
    assert "the connections of user 1 were not ended" in caplog.text


# -- browsers ------------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(client: TestClient) -> TestClient:
    """A browser in which Maya has signed in."""
    form = {"_token": form_token(client), "email": email_of("maya"), "password": PASSWORD}
    assert client.post("/login", data=form).url.path == "/chat"
    return client


def csrf_token(browser: TestClient) -> str:
    found = CSRF.search(browser.get("/chat").text)
    assert found
    return found[1]


def test_a_browser_signs_in_and_out(browser: TestClient) -> None:
    page = browser.get("/chat")
    assert "Maya Lindqvist" in page.text
    assert browser.get("/login", follow_redirects=False).headers["Location"] == "/chat"
    # without the token nobody signs anybody out
    assert browser.post("/logout").status_code == 403
    session = browser.cookies["ask_dentist_session"]
    answer = browser.post("/logout", data={"_token": csrf_token(browser)})
    assert answer.url.path == "/login"
    browser.cookies.set("ask_dentist_session", session)
    assert browser.get("/chat").url.path == "/login"


def test_a_browser_that_signs_out_hears_no_more(browser: TestClient) -> None:
    tab = Someone(browser, {"X-CSRF-TOKEN": csrf_token(browser)})
    with listening(tab) as socket:
        assert browser.post("/logout", data={"_token": tab.headers["X-CSRF-TOKEN"]}).url.path == "/login"
        assert is_ended(socket)
        assert tab.subscribe("private-user.1").status_code == 401


def test_all_pages_of_a_session_that_ends_have_one_form(browser: TestClient) -> None:
    left = browser.post("/logout", data={"_token": csrf_token(browser)}, follow_redirects=False)
    assert left.headers["Location"] == "/login"
    assert form_token(browser) == form_token(browser) == left.cookies["ask_dentist_form"]


def test_cookies_are_kept_from_scripts_and_other_sites(client: TestClient) -> None:
    form = {"_token": form_token(client), "email": email_of("maya"), "password": PASSWORD}
    answer = client.post("/login", data=form, follow_redirects=False)
    [session] = [one for one in answer.headers.get_list("Set-Cookie") if one.startswith("ask_dentist_session=")]
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "Secure" not in session


def test_cookies_are_secure_where_the_application_is(environ: dict[str, str]) -> None:
    with TestClient(create_app(environ | {"APP_URL": "https://chat.example"})) as client:
        assert "Secure" in client.get("/login").headers["Set-Cookie"]


@pytest.mark.parametrize("token", [None, "", "wrong", "ä"])
def test_a_session_changes_nothing_without_its_csrf_token(browser: TestClient, token: str | None) -> None:
    headers = {} if token is None else {b"X-CSRF-TOKEN": token.encode()}
    message = {"message": "Hello"}
    assert browser.post("/chat/conversation/1/message", json=message, headers=headers).status_code == 403
    fields = {"socket_id": "1.2", "channel_name": "private-user.1"}
    assert browser.post("/broadcasting/auth", data=fields, headers=headers).status_code == 403
    right = {"X-CSRF-TOKEN": csrf_token(browser)}
    assert browser.post("/chat/conversation/1/message", json=message, headers=right).status_code == 201
    assert browser.post("/broadcasting/auth", data=fields, headers=right).status_code == 200


def test_the_sign_in_form_needs_its_token(client: TestClient) -> None:
    form = {"email": email_of("maya"), "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 403
    late = client.post("/login", data=form | {"_token": "wrong"})
    assert late.status_code == 403
    # a person can go on from there
    assert "open for too long" in late.text
    right = {"_token": str(TOKEN.findall(late.text)[0])}
    assert client.post("/login", data=form | right, follow_redirects=False).headers["Location"] == "/chat"


def test_a_form_that_is_wrong_says_so_and_no_more(client: TestClient) -> None:
    for email, password in ((email_of("maya"), "wrong"), ("no address", PASSWORD)):
        form = {"_token": form_token(client), "email": email, "password": password}
        answer = client.post("/login", data=form)
        assert answer.status_code == 401
        assert "do not belong together" in answer.text


def test_another_ones_conversation_has_no_page(browser: TestClient) -> None:
    assert browser.get("/chat/conversation/1").status_code == 200
    others, nobodys = browser.get("/chat/conversation/2"), browser.get("/chat/conversation/99")
    assert (others.status_code, nobodys.status_code) == (404, 404)
    assert others.text == nobodys.text
    assert "You have no such consultation." in others.text


def test_the_pages_run_no_script_but_their_own(browser: TestClient) -> None:
    policy = browser.get("/chat").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "connect-src 'self';" in policy


def test_what_people_write_is_no_markup_in_the_page(browser: TestClient) -> None:
    headers = {"X-CSRF-TOKEN": csrf_token(browser)}
    hostile = "</script><script>alert(1)</script>"
    browser.post("/chat/conversation/1/message", json={"message": hostile}, headers=headers)
    assert hostile not in browser.get("/chat").text


def test_the_accounts_are_shown_in_the_demo_only(client: TestClient, environ: dict[str, str]) -> None:
    assert PASSWORD not in client.get("/login").text
    with TestClient(create_app(environ | {"APP_DEMO": "true"})) as demo:
        assert PASSWORD in demo.get("/login").text


def test_no_page_of_another_origin_is_let_in(client: TestClient) -> None:
    answer = client.options(
        "/chat/conversation/1/message",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert "Access-Control-Allow-Origin" not in answer.headers


# -- phones --------------------------------------------------------------------------------------------------------


def test_nobody_removes_anothers_phone_and_one_that_changes_hands_changes_owner(
    maya: Someone, tom: Someone, tmp_path: Path
) -> None:
    maya.post("/api/v2/devices", {"token": "phone"})
    assert tom.delete("/api/v2/devices/phone").status_code == 204
    engine = create_engine(f"sqlite:///{tmp_path / 'chat.db'}")
    with engine.connect() as connection:
        owner = text("SELECT user_id FROM devices")
        assert connection.execute(owner).scalars().all() == [MAYA]
        connection.rollback()
        tom.post("/api/v2/devices", {"token": "phone"})
        assert connection.execute(owner).scalars().all() == [TOM]
    engine.dispose()


def test_nobody_has_any_number_of_phones(maya: Someone, ruiz: Someone, tmp_path: Path) -> None:
    ruiz.post("/api/v2/devices", {"token": "hers"})
    for number in range(12):
        assert maya.post("/api/v2/devices", {"token": f"phone-{number}"}).status_code == 204
    engine = create_engine(f"sqlite:///{tmp_path / 'chat.db'}")
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT token FROM devices ORDER BY id")).scalars().all()
    engine.dispose()
    assert kept == ["hers", *(f"phone-{number}" for number in range(2, 12))]
