"""Signing in, registering, signing out, and what a token is good for."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from dirty_equals import IsStr

from tests.examples.patient_chat.conftest import PASSWORD, SECRET, Refused, Someone, Stage

NEW = {"fullname": "Dana Novak", "email": "Dana@Example.com", "password": "a long password"}


def test_signing_in_answers_with_a_token_and_who_one_is(stage: Stage, ana: Someone) -> None:
    answer = stage.client.post("/auth/login", json={"email": " ANA@example.com ", "password": PASSWORD})

    assert answer.status_code == 200
    user = {"_id": ana.id, "fullname": "Ana Lima", "email": "ana@example.com", "role": "patient"}
    assert answer.json() == {
        "success": True,
        "data": {"token": IsStr(), "expiresAt": IsStr(), "user": user | {"status": "available"}},
    }
    claims = jwt.decode(answer.json()["data"]["token"], SECRET, ["HS256"])
    assert claims.keys() == {"sub", "jti", "iat", "exp"}
    assert claims["sub"] == ana.id
    assert ana.data("/auth/me") == user | {"status": "available"}


@pytest.mark.parametrize("email", ["ana@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(stranger: Someone, email: str) -> None:
    answer = stranger.post("/auth/login", {"email": email, "password": "wrong password"})

    assert answer.status_code == 401
    assert answer.json() == {"success": False, "message": "Wrong email address or password"}


def test_who_registers_is_a_patient_and_signed_in(stage: Stage, stranger: Someone) -> None:
    answer = stranger.post("/auth/register", NEW)

    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data["user"] == {
        "_id": IsStr(regex=r"[0-9a-f]{24}"),
        "fullname": "Dana Novak",
        "email": "dana@example.com",
        "role": "patient",
        "status": "available",
    }
    dana = Someone(stage, data["token"], data["user"]["_id"])
    assert dana.data("/users/conversations") == []
    assert dana.data("/chat/contacts") == []


def test_an_address_registers_once(stranger: Someone) -> None:
    assert stranger.post("/auth/register", NEW).status_code == 201

    answer = stranger.post("/auth/register", NEW)

    assert (answer.status_code, answer.json()["message"]) == (
        409,
        "There is an account with this email address already",
    )


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"role": "doctor"}, "role"),
        ({"status": "busy"}, "status"),
        ({"id": "0" * 24}, "id"),
        ({"password": "short"}, "password"),
        ({"email": "no address"}, "email"),
        ({"fullname": " "}, "fullname"),
    ],
)
def test_nobody_registers_as_something_else(stranger: Someone, wrong: dict[str, Any], field: str) -> None:
    answer = stranger.post("/auth/register", NEW | wrong)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_passwords_are_kept_as_argon2_hashes(stage: Stage, stranger: Someone) -> None:
    stranger.post("/auth/register", NEW)

    kept = b"".join(file.read_bytes() for file in stage.folder.glob("chat.db*"))
    assert b"$argon2id$" in kept
    assert NEW["password"].encode() not in kept


def claims(user: Someone, **changed: Any) -> dict[str, Any]:
    moment = int(time.time())
    return {"sub": user.id, "jti": "00" * 16, "iat": moment, "exp": moment + 60} | changed


def tokens(user: Someone) -> dict[str, str | None]:
    without = {name: value for name, value in claims(user).items() if name != "exp"}
    return {
        "none": None,
        "nonsense": "nonsense",
        "another secret": jwt.encode(claims(user), SECRET[::-1], "HS256"),
        "no algorithm": jwt.encode(claims(user), "", "none"),
        "another algorithm": jwt.encode(claims(user), SECRET * 2, "HS512"),
        "expired": jwt.encode(claims(user, exp=int(time.time()) - 1), SECRET, "HS256"),
        "for ever": jwt.encode(without, SECRET, "HS256"),
        "of nobody": jwt.encode(claims(user, sub="0" * 24), SECRET, "HS256"),
    }


@pytest.mark.parametrize(
    "which",
    ["none", "nonsense", "another secret", "no algorithm", "another algorithm", "expired", "for ever", "of nobody"],
)
def test_a_token_that_is_not_good_opens_neither_api_nor_socket(stage: Stage, ana: Someone, which: str) -> None:
    token = tokens(ana)[which]

    answer = Someone(stage, token).get("/chat/conversations")

    assert (answer.status_code, answer.json()["success"]) == (401, False)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    with pytest.raises(Refused, match=r"^Authentication error: "):
        stage.open({"token": token})


def test_an_expired_token_is_said_to_be_one(stage: Stage, ana: Someone) -> None:
    expired = tokens(ana)["expired"]

    assert Someone(stage, expired).get("/auth/me").json()["message"] == "Token expired: sign in again"
    with pytest.raises(Refused, match="Token expired"):
        stage.open({"token": expired})


@pytest.mark.parametrize("auth", [None, {}, {"token": 7}, {"token": ""}, [], "text", {"user": "ana"}])
def test_a_socket_without_a_token_is_refused(stage: Stage, auth: Any) -> None:
    with pytest.raises(Refused, match="Sign in first"):
        stage.open(auth)


def test_who_signs_out_is_out_on_the_api_and_on_every_socket_of_that_token(stage: Stage, ana: Someone) -> None:
    elsewhere = stage.sign_in("ana")
    here, also_here, there = ana.open(), ana.open(), elsewhere.open(quiet=False)

    assert ana.post("/auth/logout").json() == {"success": True, "data": None}

    here.until_ended()
    also_here.until_ended()
    assert ana.get("/auth/me").status_code == 401
    with pytest.raises(Refused, match="Invalid token"):
        stage.open({"token": ana.token})
    # another token of the same user is another session
    assert elsewhere.get("/auth/me").status_code == 200
    assert there.heard_until_now() == []


def test_a_connection_ends_when_its_token_does(stage: Stage, doe: Someone, ana: Someone) -> None:
    at_doe = doe.open()
    ends = int(time.time()) + 2
    token = jwt.encode(claims(ana, exp=ends), SECRET, "HS256")

    tab = stage.open({"token": token})

    assert tab.next("error") == {"message": "Token expired: sign in again"}
    tab.until_ended()
    assert time.time() >= ends
    assert [at_doe.next("user_status_change")["isOnline"] for _ in range(2)] == [True, False]


def test_the_demo_names_its_people(stranger: Someone) -> None:
    data = stranger.data("/auth/demo-accounts")

    assert data["password"] == PASSWORD
    assert [one["email"] for one in data["accounts"]] == [
        f"{name}@example.com" for name in ("ana", "ben", "chiara", "doe", "smith")
    ]


def test_nothing_else_names_anybody(make_stage: Any) -> None:
    stage = make_stage(demo=False)

    assert stage.stranger().data("/auth/demo-accounts") is None
    assert stage.client.post("/auth/login", json={"email": "ana@example.com", "password": PASSWORD}).status_code == 401
