"""Signing a user in: what is sent of a user, and who is none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from broadcastkit.authorization import PresenceMember, UserGrant, grant_user
from broadcastkit.errors import DeniedError, InvalidPayloadError, InvalidSocketIdError, InvalidUserError
from tests.authorization.models import ANN, SOCKET
from tests.vectors import vectors

if TYPE_CHECKING:
    from tests.vectors import Vector


class Account(BaseModel):
    id: str
    password: str = "hunter2"


@dataclass
class Row:
    id: Any
    password: str = "hunter2"


@pytest.mark.parametrize(
    ("user", "user_data"),
    [
        (ANN, '{"id":"3"}'),
        (Account(id="ann"), '{"id":"ann"}'),
        (Row(7), '{"id":"7"}'),
        ({"id": 7, "password": "hunter2"}, '{"id":"7"}'),
        ({"id": "7", "user_info": None, "watchlist": None}, '{"id":"7"}'),
        ({"id": 7, "user_info": {"name": "Zoë"}}, '{"id":"7","user_info":{"name":"Zoë"}}'),
        ({"id": 7, "watchlist": [1, "bo"]}, '{"id":"7","watchlist":["1","bo"]}'),
        (MappingProxyType({"id": 7, "watchlist": ()}), '{"id":"7","watchlist":[]}'),
        (PresenceMember(7), '{"id":"7"}'),
        (PresenceMember(7, {"name": "Ann"}), '{"id":"7","user_info":{"name":"Ann"}}'),
    ],
    ids=[
        "object",
        "model",
        "row",
        "mapping",
        "nothing more",
        "info",
        "watchlist",
        "empty",
        "member",
        "member with info",
    ],
)
def test_of_a_user_the_id_is_sent_and_what_was_said_to_be(user: object, user_data: str) -> None:
    assert grant_user(socket_id=SOCKET, user=user) == UserGrant(SOCKET, user_data)


def has_an_int_id(vector: Vector) -> bool:
    data = vector.given["user_data"]
    return isinstance(data, dict) and isinstance(data.get("id"), int)


@vectors("user_data_validity", without=has_an_int_id)
def test_user_data_validity(given: Any, expected: Any) -> None:
    assert expected == {"valid": False}
    with pytest.raises(InvalidUserError):
        grant_user(socket_id=SOCKET, user=given["user_data"])


# Node and Go refuse an int, since pusher-js wants a non-empty str; ids of databases are ints, so we write the str.
@vectors("user_data_validity", only=has_an_int_id)
def test_an_int_becomes_a_str_though_others_refuse_it(given: Any, expected: Any) -> None:
    assert expected == {"valid": False}
    grant = grant_user(socket_id=SOCKET, user=given["user_data"])

    assert json.loads(grant.user_data) == {"id": str(given["user_data"]["id"])}


def test_no_user_is_denied() -> None:
    with pytest.raises(DeniedError, match=r"^no user$"):
        grant_user(socket_id=SOCKET, user=None)


@pytest.mark.parametrize("user", [object(), {}, {"name": "Ann"}, Row(None), Row(""), Row("a b"), Row(True), {"id": []}])
def test_a_user_without_a_usable_id_is_refused(user: object) -> None:
    with pytest.raises(InvalidUserError, match=r"^a user id is a str, int or UUID of 1 to 128 ASCII letters") as caught:
        grant_user(socket_id=SOCKET, user=user)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("socket_id", ["", "1.1\n", "1.1:private-a", "fake-socket-id", None])
def test_a_malformed_socket_id_is_refused_first(socket_id: Any) -> None:
    with pytest.raises(InvalidSocketIdError):
        grant_user(socket_id=socket_id, user=None)


def test_a_watchlist_holds_a_hundred() -> None:
    everyone = list(range(101))

    grant = grant_user(socket_id=SOCKET, user={"id": 1, "watchlist": everyone[:100]})

    assert len(json.loads(grant.user_data)["watchlist"]) == 100
    with pytest.raises(InvalidUserError, match=r"^a watchlist holds at most 100 user ids$"):
        grant_user(socket_id=SOCKET, user={"id": 1, "watchlist": everyone})


@pytest.mark.parametrize("watchlist", [[None], ["a b"], [True]])
def test_a_watchlist_holds_user_ids(watchlist: list[Any]) -> None:
    with pytest.raises(InvalidUserError, match=r"^a user id is a str, int or UUID of 1 to 128"):
        grant_user(socket_id=SOCKET, user={"id": 1, "watchlist": watchlist})


@pytest.mark.parametrize("watchlist", ["bob", b"ann", 7, {"bob": True}])
def test_a_watchlist_is_a_list(watchlist: object) -> None:
    with pytest.raises(InvalidUserError, match=r"^a watchlist is a list of user ids, not one \w+$"):
        grant_user(socket_id=SOCKET, user={"id": 1, "watchlist": watchlist})


def test_info_that_cannot_be_written_is_named_without_its_values() -> None:
    with pytest.raises(InvalidPayloadError, match=r"^the user data of a sign-in cannot be written as JSON: ") as caught:
        grant_user(socket_id=SOCKET, user={"id": 1, "user_info": {"secret": "hunter2", "x": object()}})

    assert "hunter2" not in str(caught.value)
