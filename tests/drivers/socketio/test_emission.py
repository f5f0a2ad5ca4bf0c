from __future__ import annotations

import json

import pytest

from broadcastkit.core.message import Message
from broadcastkit.drivers.socketio.emission import Emission, check_carried, emission
from broadcastkit.errors import ConfigurationError, InvalidEventError, InvalidPayloadError


def test_a_message_is_an_event_with_its_payload_for_rooms_without_one_client() -> None:
    made = emission(Message("message.sent", ("private-user.7",), '{"id":5,"by":"Zoë ✓"}', "h3nAdb134tbvqwrg"))

    assert made == Emission("message.sent", {"id": 5, "by": "Zoë ✓"}, ("private-user.7",), "h3nAdb134tbvqwrg")
    assert made.room == "private-user.7"


def test_several_channels_are_a_list_of_rooms() -> None:
    """With a list, python-socketio's get_participants() has each client once; a tuple would not survive JSON."""
    assert emission(Message("a", ("x", "private-y"), "{}")).room == ["x", "private-y"]


def test_the_repr_has_no_payload() -> None:
    assert repr(emission(Message("a", ("x", "y"), '"t0psecret"'))) == "<Emission 'a' to 2 room(s)>"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("private-encrypted-a", "it is encrypted"),
        ("private-encrypted-cache-a", "it is encrypted"),
        ("#server-to-user-7", "give each user a channel, such as UserChannel"),
    ],
)
def test_what_cannot_be_kept_to_is_not_carried(name: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=f"a socketio connection cannot carry '{name}': it is .*") as caught:
        emission(Message("a", ("news", name), "{}"))
    assert why in str(caught.value)


@pytest.mark.parametrize("name", ["news", "private-a", "presence-a", "private-cache-a", "cache-a", "encrypted"])
def test_other_kinds_are(name: str) -> None:
    check_carried(name)


# socket.io's Node server refuses to emit these: RESERVED_EVENTS in packages/socket.io/lib/socket-types.ts
@pytest.mark.parametrize(
    "name", ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
)
def test_socket_ios_own_events_cannot_be_faked(name: str) -> None:
    with pytest.raises(InvalidEventError, match=f"event name '{name}' is one of Socket.IO's own"):
        emission(Message(name, ("news",), "{}"))


def test_data_that_is_no_json_is_not_quoted() -> None:
    with pytest.raises(InvalidPayloadError) as caught:
        emission(Message("a", ("news",), "t0psecret"))

    assert str(caught.value) == "event 'a': the data of the message is no JSON"


def test_the_payload_is_the_value_that_json_has() -> None:
    value: dict[str, object] = {"nested": [{"empty": {}}, None, True, -1.5, 2**53 - 1], 'quo"te': "\u2028"}

    assert emission(Message("a", ("news",), json.dumps(value))).payload == value
