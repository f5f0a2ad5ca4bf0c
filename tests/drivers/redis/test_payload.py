"""The text that Laravel publishes, and what may not go out this way."""

from __future__ import annotations

import json

import pytest

from broadcastkit.core.message import Message
from broadcastkit.drivers.redis.payload import check_carried, message_text, without_prefix
from broadcastkit.errors import ConfigurationError


def test_it_is_laravels() -> None:
    """As `RedisBroadcaster::broadcast` encodes it, without the second `socket` in the data."""
    message = Message(r"App\Events\OrderShipped", ("private-orders.1",), '{"id":5}', "123.456")

    assert message_text(message) == r'{"event":"App\\Events\\OrderShipped","data":{"id":5},"socket":"123.456"}'


def test_nobody_is_excluded_by_null() -> None:
    assert message_text(Message("a", ("b",), "[1]")) == '{"event":"a","data":[1],"socket":null}'


@pytest.mark.parametrize("socket_id", ["h3nAdb134tbvqwrgAAAB", "/chat#h3nA-_dAAAB", "1.2"])
def test_socket_ids_of_socket_io_pass_through(socket_id: str) -> None:
    assert json.loads(message_text(Message("a", ("b",), "{}", socket_id)))["socket"] == socket_id


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "Größe ✓", "line\u2028"])
def test_names_are_json(name: str) -> None:
    assert json.loads(message_text(Message(name, ("b",), "{}", name))) == {"event": name, "data": {}, "socket": name}


@pytest.mark.parametrize("name", ["news", "private-a", "presence-a", "cache-a", "private-cache-a", "encrypted"])
def test_what_is_carried(name: str) -> None:
    check_carried(name)


@pytest.mark.parametrize(
    ("name", "why"), [("private-encrypted-a", "encrypted, and"), ("#server-to-user-3", "a signed-in user's")]
)
def test_what_would_be_readable_or_lost_is_refused(name: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot carry '{name}': it is {why}"):
        check_carried(name)


def test_one_prefix_is_taken_away() -> None:
    assert without_prefix("app_private-app_1", "app_") == "private-app_1"
    assert without_prefix("private-app_1", "app_") == "private-app_1"
    assert without_prefix("private-1", "") == "private-1"
