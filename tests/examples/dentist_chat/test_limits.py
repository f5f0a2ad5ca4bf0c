"""How much somebody may ask for."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from examples.dentist_chat.app import create_app
from tests.examples.dentist_chat.conftest import (
    PNG,
    Someone,
    email_of,
    form_token,
    sign_in,
)


def test_a_request_has_a_size(client: TestClient, maya: Someone) -> None:
    assert maya.write(1, "x" * 6_000_000).status_code == 413
    # a file may be long; a text, of which each character is looked at, may not
    assert maya.write(1, "x" * 70_000).status_code == 413
    assert maya.attach(1, PNG, message="x" * 70_000).status_code == 400
    assert maya.attach(1, PNG + bytes(70_000)).status_code == 201
    too_long = {"email": "maya@ask-dentist.example", "password": "x" * 70_000}
    assert client.post("/api/v2/login", json=too_long).status_code == 413


def test_a_body_that_is_nested_too_deep_is_refused(client: TestClient, maya: Someone) -> None:
    headers = maya.headers | {"Content-Type": "application/json"}
    for start in (b"[", b'{"message": ' + b"["):
        for path in ("/chat/conversation/1/message", "/chat/conversation/1/read", "/api/v2/login"):
            assert client.post(path, content=start + b"[" * 60_000, headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("variable", "path", "body"),
    [
        ("RATE_WRITE", "/chat/conversation/1/message", {"message": "Hello"}),
        ("RATE_TYPING", "/chat/conversation/1/typing", {"typing": True}),
        ("RATE_READ", "/chat/conversation/1/read", {}),
        ("RATE_LOGIN", "/api/v2/login", {"email": "maya@ask-dentist.example", "password": "wrong"}),
    ],
)
def test_who_asks_too_often_has_to_wait(
    environ: dict[str, str], variable: str, path: str, body: dict[str, object]
) -> None:
    with TestClient(create_app(environ | {variable: "3/minute"})) as client:
        maya = sign_in(client, "maya")
        answers = [maya.post(path, body) for _ in range(4)]
        assert answers[3].status_code == 429
        assert 0 < int(answers[3].headers["Retry-After"]) <= 60
        if variable != "RATE_LOGIN":
            # of each user's
            assert 429 not in {answer.status_code for answer in answers[:3]}
            assert sign_in(client, "ruiz").post(path, body).status_code != 429


def test_an_account_is_guessed_at_from_many_addresses_no_oftener(environ: dict[str, str]) -> None:
    app = create_app(environ | {"RATE_LOGIN": "3/minute"})
    with TestClient(app) as client:
        guess = {"email": email_of("maya"), "password": "wrong"}
        elsewhere = [TestClient(app, client=(f"10.0.0.{number}", 50_000)) for number in range(4)]
        assert [one.post("/api/v2/login", json=guess).status_code for one in elsewhere] == [401, 401, 401, 429]
        shouted = guess | {"email": email_of("maya").upper()}
        assert TestClient(app, client=("10.0.0.9", 50_000)).post("/api/v2/login", json=shouted).status_code == 429
        assert sign_in(client, "ruiz").get("/api/v2/me").status_code == 200


def test_who_tries_to_sign_in_too_often_can_read_that(environ: dict[str, str]) -> None:
    with TestClient(create_app(environ | {"RATE_LOGIN": "1/minute"})) as client:
        form = {"_token": form_token(client), "email": email_of("maya"), "password": "wrong"}
        answers = [client.post("/login", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 429]
    assert "tried too often" in answers[1].text
    assert 0 < int(answers[1].headers["Retry-After"]) <= 60


def test_who_asks_for_channels_too_often_has_to_wait(environ: dict[str, str]) -> None:
    with TestClient(create_app(environ | {"RATE_READ": "3/minute"})) as client:
        maya = sign_in(client, "maya")
        assert [maya.subscribe("private-user.1").status_code for _ in range(4)] == [200, 200, 200, 429]
