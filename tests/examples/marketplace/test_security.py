"""What nobody can do: read what others say, speak in another's name, take a role, inject markup, flood."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import create_engine, text

from broadcastkit.testing import Broadcasts
from examples.marketplace.app import LARGEST_BODY, create_app
from examples.marketplace.database import connect
from examples.marketplace.routes import page as page_module
from examples.marketplace.settings import Settings
from tests.examples.marketplace.conftest import IDS, Someone, sign_in, signed_in, token_of

# -- who is asking ---------------------------------------------------------------------------------------------------

FOR_PEOPLE_ONLY = [
    ("GET", "/api/user"),
    ("POST", "/api/logout"),
    ("GET", "/api/listings"),
    ("GET", "/api/listings/1"),
    ("POST", "/api/listings"),
    ("GET", "/api/conversations"),
    ("POST", "/api/conversations"),
    ("GET", "/api/conversations/1"),
    ("GET", "/api/conversations/1/messages"),
    ("POST", "/api/conversations/1/messages"),
    ("POST", "/api/conversations/1/typing"),
    ("POST", "/api/conversations/1/read"),
    ("POST", "/broadcasting/auth"),
    ("POST", "/broadcasting/user-auth"),
    ("GET", "/laravel-websockets/statistics"),
    ("GET", "/metrics"),
]
FORGED = [None, "Bearer ", "Bearer guessed", "Bearer 1|guessed", "Bearer 1|", f"Bearer {10**30}|x", "Basic YmVuOng="]


@pytest.mark.parametrize(("method", "path"), FOR_PEOPLE_ONLY)
def test_strangers_are_told_to_sign_in(client: TestClient[Litestar], ben: Someone, method: str, path: str) -> None:
    for authorization in FORGED:
        headers = {"Authorization": authorization} if authorization else {}
        answer = client.request(method, path, headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), authorization


def test_a_token_that_has_expired_is_refused_and_says_so(client: TestClient[Litestar], database_url: str) -> None:
    token = token_of(database_url, "ben", timedelta(seconds=-1))
    late = Someone(client, {"Authorization": f"Bearer {token}"})
    for answer in (late.get("/api/user"), late.subscribe("private-conversation.1")):
        assert (answer.status_code, answer.json()["detail"]) == (401, "Your session has ended: sign in again.")


def test_the_lifetime_of_a_token_is_a_setting(environ: dict[str, str]) -> None:
    with TestClient(create_app({**environ, "SANCTUM_EXPIRATION": "1"})) as client:
        session = sign_in(client, "ben@envisage.test").json()
    with TestClient(create_app({**environ, "SANCTUM_EXPIRATION": "1000"})) as client:
        assert session["expires_at"] < sign_in(client, "ben@envisage.test").json()["expires_at"]


def test_tokens_that_have_expired_are_forgotten(client: TestClient[Litestar], database_url: str) -> None:
    token_of(database_url, "ben", timedelta(seconds=-1))
    token_of(database_url, "ada", timedelta(seconds=-1))
    token_of(database_url, "ben")
    sign_in(client, "ben@envisage.test")
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        owners = connection.execute(text("select user_id from personal_access_tokens order by id")).scalars().all()
    engine.dispose()
    assert owners == [IDS["ada"], IDS["ben"], IDS["ben"]]


def test_the_database_has_neither_tokens_nor_passwords(client: TestClient[Litestar], database_url: str) -> None:
    token = sign_in(client, "ben@envisage.test").json()["token"]
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        rows = [*connection.execute(text("select * from users"))]
        rows += [*connection.execute(text("select * from personal_access_tokens"))]
    engine.dispose()
    written = " ".join(str(row) for row in rows)
    assert token.partition("|")[2] not in written
    assert "envisage-demo" not in written
    assert "$argon2id$" in written


# -- other people's --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("conversation", ["1", "0", "99", str(10**30)])
@pytest.mark.parametrize("name", ["cleo", "dev", "root"])
def test_other_peoples_conversations_are_as_if_they_were_not_there(
    client: TestClient[Litestar], database_url: str, broadcasts: Broadcasts, conversation: str, name: str
) -> None:
    other = signed_in(client, database_url, name)
    path = f"/api/conversations/{conversation}"
    answers = [
        other.get(path),
        other.get(f"{path}/messages"),
        other.post(f"{path}/messages", {"content": "May I join?"}),
        other.post(f"{path}/typing"),
        other.post(f"{path}/read"),
    ]
    assert {(answer.status_code, answer.json()["detail"]) for answer in answers} == {
        (404, "You have no such conversation.")
    }
    broadcasts.assert_nothing_broadcast()


@pytest.mark.parametrize("name", IDS)
def test_only_sellers_sell_and_only_administrators_watch(
    client: TestClient[Litestar], database_url: str, name: str
) -> None:
    one = signed_in(client, database_url, name)
    draft = {"title": "Globe", "category": "Lighting", "description": "Hangs.", "price_cents": 1}
    assert one.post("/api/listings", draft).status_code == (201 if name in {"ada", "dev"} else 403)
    for path in ("/laravel-websockets/statistics", "/metrics"):
        assert one.get(path).status_code == (200 if name == "root" else 403)


def test_administrators_begin_no_conversation(root: Someone, broadcasts: Broadcasts) -> None:
    assert root.post("/api/conversations", {"listing_id": 1, "content": "Hello"}).status_code == 403
    broadcasts.assert_nothing_broadcast()


# -- in another's name -----------------------------------------------------------------------------------------------

FORGERIES: list[tuple[str, dict[str, Any]]] = [
    ("/api/conversations/1/messages", {"content": "I am Ada", "sender_id": 1}),
    ("/api/conversations/1/messages", {"content": "Later", "created_at": "2030-01-01T00:00:00Z"}),
    ("/api/conversations/1/messages", {"content": "Elsewhere", "conversation_id": 3}),
    ("/api/conversations", {"listing_id": 3, "content": "Hi", "buyer_id": 3}),
    ("/api/login", {"email": "ben@envisage.test", "password": "envisage-demo", "role": "admin"}),
]


@pytest.mark.parametrize(("path", "body"), FORGERIES)
def test_what_is_not_ones_to_say_is_refused(
    ben: Someone, broadcasts: Broadcasts, path: str, body: dict[str, Any]
) -> None:
    assert ben.post(path, body).status_code == 400
    assert ben.get("/api/user").json()["role"] == "buyer"
    broadcasts.assert_nothing_broadcast()


def test_a_seller_cannot_sell_in_anothers_name(ada: Someone) -> None:
    draft = {"title": "x", "category": "x", "description": "x", "price_cents": 1, "seller_id": 4}
    assert ada.post("/api/listings", draft).status_code == 400


# -- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", " \n\t ", "x" * 2001, "\x00\x1b", "\u202e", None, 7, ["a"], {}])
def test_what_is_no_message_is_refused(ben: Someone, broadcasts: Broadcasts, content: object) -> None:
    before = ben.read(1)
    assert ben.write(1, content).status_code == 400
    assert ben.read(1) == before
    broadcasts.assert_nothing_broadcast()


@pytest.mark.parametrize(
    ("content", "stored"),
    [
        ("  two\n\tlines  ", "two\n\tlines"),
        ("bell\a and null\0", "bell and null"),
        ("turned \u202earound", "turned around"),
        ("👩‍👩‍👧 עברית ﷽ é", "👩‍👩‍👧 עברית ﷽ é"),
        ('</script><img src=x onerror="alert(1)">', '</script><img src=x onerror="alert(1)">'),
    ],
)
def test_a_message_is_plain_text(ben: Someone, broadcasts: Broadcasts, content: str, stored: str) -> None:
    answer = ben.write(1, content)
    assert (answer.status_code, answer.headers["Content-Type"]) == (201, "application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.json()["content"] == broadcasts.recorded[0].payload["content"] == ben.read(1)[-1] == stored


@pytest.mark.parametrize("character", ['"', "\\", "é", "漢", "😊"])
def test_the_longest_message_can_be_broadcast(ben: Someone, broadcasts: Broadcasts, character: str) -> None:
    # the fake has the limits of Pusher
    assert ben.write(1, character * 2_000).status_code == 201
    broadcasts.assert_broadcast("message.sent", times=1)


def test_a_body_has_an_end(ben: Someone, broadcasts: Broadcasts) -> None:
    body = json.dumps({"content": "x" * LARGEST_BODY})
    headers = ben.headers | {"Content-Type": "application/json"}
    assert ben.client.post("/api/conversations/1/messages", content=body, headers=headers).status_code == 413
    broadcasts.assert_nothing_broadcast()


@pytest.mark.parametrize(
    "body",
    [b"[" * 60_000, b'{"content": ' + b"[" * 60_000, b'{"content": "\xff"}', rb'{"content": "\ud83e"}', b"{", b""],
    ids=["deep", "deep within", "no UTF-8", "half a pair", "half a body", "no body"],
)
@pytest.mark.parametrize("path", ["/api/conversations/1/messages", "/api/login"])
def test_a_body_that_cannot_be_read_is_refused(ben: Someone, path: str, body: bytes) -> None:
    headers = ben.headers | {"Content-Type": "application/json"}
    assert ben.client.post(path, content=body, headers=headers).status_code == 400


def test_what_goes_wrong_is_logged_and_not_answered(
    environ: dict[str, str], database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise RuntimeError("s3cret of the process")

    monkeypatch.setattr("examples.marketplace.routes.conversations.views_of", fails)
    app = create_app({**environ, "APP_DEBUG": "true"})
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = signed_in(client, database_url, "ben").get("/api/conversations")
    assert (answer.status_code, answer.json()["detail"]) == (500, "Internal Server Error")
    assert "GET /api/conversations failed" in caplog.text
    assert "s3cret of the process" in caplog.text


def test_errors_of_the_database_do_not_say_what_was_written(database_url: str) -> None:
    assert connect(database_url).sync_engine.hide_parameters


def test_settings_show_no_secrets() -> None:
    url = "postgresql+psycopg://market:s3cret@127.0.0.1/market"
    settings = Settings.from_env({"DATABASE_URL": url, "METRICS_TOKEN": "s3cret"})
    assert "s3cret" not in repr(settings)


def test_the_page_runs_only_what_came_with_it(
    client: TestClient[Litestar], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # as Vite writes it; test_browser.py sees the one that was built
    source = Path(page_module.__file__).parents[1] / "page" / "index.html"
    (tmp_path / "index.html").write_text(source.read_text())
    monkeypatch.setattr(page_module, "BUNDLE", tmp_path)
    for path in ("/", "/laravel-websockets"):
        page = client.get(path)
        assert page.headers["Content-Type"].startswith("text/html")
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'; connect-src 'self'; ")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert " style=" not in page.text
        assert page.text.count("<script") == page.text.count('<script type="module" src="') == 1


# -- too often -------------------------------------------------------------------------------------------------------


def test_signing_in_is_counted_by_address_and_account(client: TestClient[Litestar]) -> None:
    answers = [sign_in(client, "ben@envisage.test", "wrong").status_code for _ in range(10)]
    assert answers == [401] * 10
    late = sign_in(client, "ben@envisage.test")
    assert late.status_code == 429
    assert 0 < int(late.headers["Retry-After"]) <= 60


def test_nobody_floods_a_conversation(ben: Someone, ada: Someone) -> None:
    answers = [ben.write(1, str(number)).status_code for number in range(31)]
    assert answers == [201] * 30 + [429]
    assert ada.write(1, "I may").status_code == 201


def test_typing_is_counted(ben: Someone) -> None:
    answers = [ben.post("/api/conversations/1/typing").status_code for _ in range(61)]
    assert answers == [204] * 60 + [429]


def test_reading_is_counted(ben: Someone) -> None:
    answers = [ben.post("/api/conversations/1/read").status_code for _ in range(121)]
    assert answers == [204] * 120 + [429]


def test_the_broadcasting_endpoints_are_counted(ben: Someone, ada: Someone) -> None:
    answers = [ben.subscribe("private-conversation.1").status_code for _ in range(121)]
    assert answers == [200] * 120 + [429]
    assert ada.subscribe("private-conversation.1").status_code == 200


# -- the demo --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("environ_more", "shown"), [({}, 0), ({"DEMO_ACCOUNTS": "true"}, 5)])
def test_accounts_are_shown_by_the_demo_only(
    environ: Mapping[str, str], environ_more: dict[str, str], shown: int
) -> None:
    with TestClient(create_app({**environ, **environ_more})) as client:
        assert len(client.get("/api/start").json()["accounts"]) == shown
