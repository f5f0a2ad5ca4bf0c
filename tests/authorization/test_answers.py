"""What a callback's answer means: a clear yes, or no."""

from __future__ import annotations

import json
import logging
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from broadcastkit.authorization import (
    ChannelRegistry,
    PresenceMember,
    SubscriptionAuth,
    SubscriptionGrant,
    UserAuth,
    UserGrant,
)
from broadcastkit.errors import DeniedError
from tests.authorization.models import ANN, OrderChannel, RoomChannel, User, answer

PRIVATE, PRESENCE, ENCRYPTED = "private-orders.7", "presence-room.7", "private-encrypted-orders.7"


def read(name: str, said: object) -> str | None:
    """Ask a rule that answers so."""
    registry = ChannelRegistry()
    registry.authorize(name)(lambda user: said)
    return answer(registry, name)


class Unclear(NamedTuple):
    id: int


class NoId(BaseModel):
    name: str = "Ann"


class Person(BaseModel):
    id: int
    name: str
    password: str = Field(default="hunter2", exclude=True)


# -- private and encrypted channels ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [PRIVATE, ENCRYPTED])
def test_true_is_yes(name: str) -> None:
    assert read(name, said=True) is None


@pytest.mark.parametrize("name", [PRIVATE, ENCRYPTED, PRESENCE])
@pytest.mark.parametrize("said", [False, None])
def test_false_and_nothing_are_no(name: str, said: object, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DeniedError, match=r"said no$"):
        read(name, said)

    assert caplog.records == []


@pytest.mark.parametrize("name", [PRIVATE, ENCRYPTED])
@pytest.mark.parametrize("said", [1, "yes", [True], {"id": 1}, PresenceMember(1), object(), ANN, ..., NotImplemented])
def test_anything_else_is_no_and_says_so_in_the_log(name: str, said: object, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DeniedError):
        read(name, said)

    (record,) = caplog.records
    assert (record.name, record.levelno) == ("broadcastkit.authorization", logging.WARNING)
    assert record.getMessage() == (
        f"read.<locals>.<lambda> ({name}) answered {type(said).__name__}, which is no clear yes: denied; return True"
    )


# -- presence channels -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (PresenceMember(3), '{"user_id":"3","user_info":{}}'),
        (PresenceMember("ann", {"name": "Zoë"}), '{"user_id":"ann","user_info":{"name":"Zoë"}}'),
        (PresenceMember(3, {}), '{"user_id":"3","user_info":{}}'),
        (PresenceMember(3, NoId()), '{"user_id":"3","user_info":{"name":"Ann"}}'),
        ({"id": 3}, '{"user_id":"3","user_info":{"id":3}}'),
        ({"id": "3", "name": "Ann"}, '{"user_id":"3","user_info":{"id":"3","name":"Ann"}}'),
        (MappingProxyType({"id": 3}), '{"user_id":"3","user_info":{"id":3}}'),
        (Person(id=3, name="Ann"), '{"user_id":"3","user_info":{"id":3,"name":"Ann"}}'),
    ],
    ids=["id", "info", "empty", "model", "mapping", "whole mapping", "read-only mapping", "model with id"],
)
def test_a_member_is_written_once(said: object, text: str) -> None:
    assert read(PRESENCE, said) == text


# Laravel sends "user_info": true, and the others then see a member without a name: DESIGN §6.6.
def test_true_alone_is_no_member(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DeniedError):
        read(PRESENCE, said=True)

    assert caplog.messages == [
        "read.<locals>.<lambda> (presence-room.7) answered bool, which is no clear yes: denied; return a PresenceMember"
    ]


# An object that merely has an id is no answer: all of a row would be shown to the others.
@pytest.mark.parametrize("said", [1, "ann", {"name": "Ann"}, {}, [], (3,), NoId(), User(3), Unclear(3), Person, User])
def test_what_is_no_member_is_no_and_says_so_in_the_log(said: object, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DeniedError):
        read(PRESENCE, said)

    (message,) = caplog.messages
    assert f"answered {type(said).__name__}, which is no clear yes: denied; return a PresenceMember" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "said",
    [
        PresenceMember(None),
        PresenceMember(""),
        PresenceMember("a b"),
        PresenceMember("x" * 129),
        PresenceMember(True),
        PresenceMember({"id": 3}),
        {"id": None},
        {"id": ""},
        {"id": False, "password": "hunter2"},
    ],
    ids=repr,
)
def test_a_member_without_a_usable_id_is_no_and_says_why_in_the_log(
    said: object, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DeniedError, match=r"gave a member that cannot be sent$") as caught:
        read(PRESENCE, said)

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "(presence-room.7): a user id is a str, int or UUID of 1 to 128 ASCII letters" in record.getMessage()
    assert "hunter2" not in record.getMessage() + repr(caught.value)


def test_info_that_cannot_be_written_is_no_and_says_why_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DeniedError, match=r"gave a member that cannot be sent$"):
        read(PRESENCE, PresenceMember(3, {"secret": "hunter2", "socket": object()}))

    (message,) = caplog.messages
    assert "the info of a presence member cannot be written as JSON: Unable to serialize unknown type" in message
    assert "hunter2" not in message


def test_the_reason_is_not_for_the_client_but_names_the_rule() -> None:
    with pytest.raises(DeniedError) as caught:
        read(PRIVATE, said=False)

    assert caught.value.reason == str(caught.value) == "read.<locals>.<lambda> said no"


# -- errors of a callback are the application's ----------------------------------------------------------------------


@pytest.mark.parametrize("error", [ZeroDivisionError("bug"), DeniedError("blocked"), KeyError("id"), ValueError("bad")])
def test_an_error_in_a_callback_is_not_swallowed(error: Exception) -> None:
    def rule(user: object) -> bool:
        raise error

    registry = ChannelRegistry()
    registry.authorize("private-a")(rule)

    with pytest.raises(type(error)) as caught:
        answer(registry, "private-a")
    assert caught.value is error


async def forgotten() -> bool:
    return True


def test_an_answer_that_was_not_awaited_is_no(caplog: pytest.LogCaptureFixture) -> None:
    coroutine = forgotten()
    try:
        with pytest.raises(DeniedError):
            read(PRIVATE, coroutine)
    finally:
        coroutine.close()

    assert "answered coroutine, which is no clear yes" in caplog.text


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.binary(),
    st.lists(st.integers()),
    st.dictionaries(st.sampled_from(["id", "name"]), st.one_of(st.none(), st.integers(), st.text())),
    st.builds(PresenceMember, st.one_of(st.integers(), st.text(), st.none()), st.just({"name": "x"})),
)


@given(anything)
def test_a_private_channel_is_opened_by_true_and_nothing_else(said: object) -> None:
    try:
        assert read(PRIVATE, said) is None
        assert said is True
    except DeniedError:
        assert said is not True


@given(anything)
def test_a_presence_channel_is_opened_by_a_member_with_an_id_and_nothing_else(said: object) -> None:
    try:
        text = read(PRESENCE, said)
    except DeniedError:
        return

    member_id = said["id"] if isinstance(said, dict) else said.id  # type: ignore[attr-defined]
    data = json.loads(text or "")
    assert data["user_id"] == str(member_id) != ""
    assert isinstance(data["user_info"], dict)


# -- what the client is told -----------------------------------------------------------------------------------------

AUTH = "key:" + "0" * 64
MEMBER = '{"user_id":"3","user_info":{"name":"Zoë \\"Z\\" \\\\ \\n 🎈"}}'


@pytest.mark.parametrize(
    ("given_auth", "expected"),
    [
        (SubscriptionAuth(AUTH), {"auth": AUTH}),
        (SubscriptionAuth(AUTH, MEMBER), {"auth": AUTH, "channel_data": MEMBER}),
        (SubscriptionAuth(AUTH, None, "c2VjcmV0"), {"auth": AUTH, "shared_secret": "c2VjcmV0"}),
        (SubscriptionAuth(AUTH, MEMBER, "s"), {"auth": AUTH, "channel_data": MEMBER, "shared_secret": "s"}),
        (UserAuth(AUTH, '{"id":"Zoë"}'), {"auth": AUTH, "user_data": '{"id":"Zoë"}'}),
    ],
    ids=["private", "presence", "encrypted", "all", "user"],
)
def test_the_body_has_the_parts_that_apply(given_auth: SubscriptionAuth | UserAuth, expected: dict[str, Any]) -> None:
    assert given_auth.as_dict() == expected
    assert json.loads(given_auth.to_json()) == expected


@given(st.text(st.characters(codec="utf-8")), st.one_of(st.none(), st.text("abc+/=")))
def test_the_body_is_json_whatever_the_member(member: str, shared_secret: str | None) -> None:
    auth = SubscriptionAuth(AUTH, member, shared_secret)

    assert json.loads(auth.to_json()) == auth.as_dict()
    assert json.loads(UserAuth(AUTH, member).to_json()) == {"auth": AUTH, "user_data": member}


@pytest.mark.parametrize("given_auth", [SubscriptionAuth(AUTH, MEMBER, "c2VjcmV0"), UserAuth(AUTH, MEMBER)], ids=repr)
def test_no_repr_shows_a_signature(given_auth: SubscriptionAuth | UserAuth) -> None:
    for shown in (repr(given_auth), str(given_auth), f"{[given_auth]}"):
        assert "0000" not in shown
        assert "c2VjcmV0" not in shown
        assert "Zoë" not in shown


def test_no_repr_shows_what_is_known_of_a_person() -> None:
    member = PresenceMember(3, {"email": "ann@example.com"})

    assert repr(member) == str(member) == "PresenceMember(3)"
    assert repr(SubscriptionGrant("1.1", "presence-a", MEMBER)) == "SubscriptionGrant('1.1', 'presence-a')"
    assert repr(UserGrant("1.1", MEMBER)) == "UserGrant('1.1')"


def test_a_rules_channel_class_is_what_it_is_for() -> None:
    registry = ChannelRegistry()
    for cls in (OrderChannel, RoomChannel):
        registry.authorize(cls)(lambda user: True)

    assert [rule.presence for rule in registry.rules] == [False, True]
