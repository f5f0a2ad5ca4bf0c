"""The client's side of the protocol, frame by frame. Signatures come from `hmac` here, or Pusher's own documents."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.cli.listening import Heard, Listener, Step
from broadcastkit.core.encryption import master_keys, parse_master_key
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import (
    BadCredentialsError,
    ConfigurationError,
    InvalidChannelError,
    InvalidUserError,
    RefusedError,
    ServiceFailedError,
    UnknownAppError,
)
from tests.server.tools import APP, auth, frame, sign
from tests.webhooks.tools import MASTER_KEY

SOCKET_ID = "1234.1234"


def driver(**options: Any) -> PusherDriver:
    return PusherDriver(**{"app_id": APP.id, "key": APP.key, "secret": APP.secret, **options})


def established(**data: object) -> str:
    """The greeting, with its data as JSON text, as servers send it."""
    return frame("pusher:connection_established", json.dumps({"socket_id": SOCKET_ID, "activity_timeout": 30, **data}))


def listener(*channels: str, **options: Any) -> Listener:
    """One that was greeted."""
    made = Listener(channels, driver(**options), user_id="me")
    made.read(established())
    return made


def asked(*channels: str, **options: Any) -> list[dict[str, Any]]:
    """What is sent when the server has greeted."""
    made = Listener(channels, driver(**options), user_id="me")
    return [json.loads(text) for text in made.read(established()).send]


# -- asking


def test_a_public_channel_is_asked_for_by_name() -> None:
    assert asked("news", "news") == [{"event": "pusher:subscribe", "data": {"channel": "news"}}]


def test_a_private_channel_is_signed_for() -> None:
    # the example of Pusher's "Auth signatures"
    options = {"key": "278d425bdf160c739803", "secret": "7ad3773142a6692b25b8"}
    assert asked("private-foobar", **options)[0]["data"] == {
        "channel": "private-foobar",
        "auth": "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
    }


def test_a_presence_channel_is_asked_for_as_a_member() -> None:
    data = asked("presence-room")[0]["data"]
    assert json.loads(data["channel_data"])["user_id"] == "me"
    assert data["auth"] == auth(SOCKET_ID, "presence-room", data["channel_data"])


def test_the_key_of_an_encrypted_channel_stays_here() -> None:
    data = asked("private-encrypted-x", encryption_master_key=MASTER_KEY)[0]["data"]
    assert data == {"channel": "private-encrypted-x", "auth": auth(SOCKET_ID, "private-encrypted-x")}


def test_the_channel_of_a_user_means_to_sign_in() -> None:
    (sent,) = asked("#server-to-user-7")
    assert sent["event"] == "pusher:signin"
    user_data = sent["data"]["user_data"]
    assert json.loads(user_data)["id"] == "7"
    assert sent["data"]["auth"] == f"{APP.key}:{sign(f'{SOCKET_ID}::user::{user_data}')}"


def test_what_cannot_be_asked_for() -> None:
    with pytest.raises(InvalidChannelError):
        Listener(["a b"], NullDriver(), user_id="me")
    with pytest.raises(InvalidUserError):
        Listener(["news"], NullDriver(), user_id="a b")
    with pytest.raises(ConfigurationError, match="a connection is one user's"):
        Listener(["#server-to-user-1", "#server-to-user-2"], NullDriver(), user_id="me")
    with pytest.raises(ConfigurationError, match="encryption_master_key"):
        listener("private-encrypted-x")


@pytest.mark.parametrize("socket_id", [None, 7, "", "1.2::user::{}", "1.2\n", "\u0661.\u0662", "a"])
def test_nothing_is_signed_for_what_is_no_socket_id(socket_id: object) -> None:
    with pytest.raises(ServiceFailedError, match="socket id"):
        Listener(["private-x"], driver(), user_id="me").read(established(socket_id=socket_id))


def test_it_asks_once() -> None:
    assert listener("news").read(established(socket_id="5.5")) == Step()


# -- what the server says


def test_it_waits_until_every_channel_is_heard() -> None:
    made = listener("news", "#server-to-user-7", "private-x")
    assert made.waiting == {"news", "#server-to-user-7", "private-x"}
    made.read(frame("pusher_internal:subscription_succeeded", "{}", channel="news"))
    made.read(frame("pusher:signin_success", {"user_data": "{}"}))
    assert made.waiting == {"private-x"}
    made.read(frame("pusher_internal:subscription_succeeded", "{}", channel="private-x"))
    assert made.waiting == set()


def test_a_ping_is_answered() -> None:
    (answer,) = listener("news").read(frame("pusher:ping", {})).send
    assert json.loads(answer)["event"] == "pusher:pong"
    assert listener("news").read(frame("pusher:pong", {})) == Step()


@pytest.mark.parametrize(
    ("timeout", "taken"), [(30, 30.0), (0, 120.0), (-5, 120.0), (1e9, 120.0), ("x", 120.0), (None, 120.0)]
)
def test_the_silence_after_which_to_ping(timeout: object, taken: float) -> None:
    made = Listener(["news"], driver(), user_id="me")
    made.read(established(activity_timeout=timeout))
    assert made.activity_timeout == taken


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (frame("pusher:error", {"code": 4001, "message": "no such app"}), UnknownAppError, "no such app"),
        (frame("pusher:error", {"code": 4009, "message": "unauthorized"}), BadCredentialsError, "4009"),
        (frame("pusher:error", '{"code":4004,"message":"full"}'), RefusedError, "4004; it said: full"),
        (frame("pusher:error"), RefusedError, "None"),
        (
            frame("pusher:subscription_error", {"status": 401, "error": "no"}, channel="private-x"),
            BadCredentialsError,
            r"private-x: 401 \(check the secret\); it said: no",
        ),
        (
            frame("pusher:subscription_error", {"status": 500, "error": "busy"}, channel="x"),
            RefusedError,
            "x: 500; it said: busy",
        ),
    ],
)
def test_a_refusal(text: str, error: type[RefusedError], said: str) -> None:
    with pytest.raises(error, match=said):
        listener("news").read(text)


# -- what is heard


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ('{"a":1}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ("plain text", "plain text"),
        ('"text"', "text"),
        ("1e999", None),
        ("NaN", "NaN"),
        ('{"a":1},{"b":2}', '{"a":1},{"b":2}'),
        ('{"a":"\\ud800"}', '{"a":"\\ud800"}'),
        ("[" * 5000, "[" * 5000),
        ("9" * 5000, "9" * 5000),
        (None, None),
    ],
)
def test_the_value_of_an_event(data: object, value: object) -> None:
    assert listener("news").read(frame("hello", data, channel="news")).heard == Heard("hello", "news", value)


def test_who_sent_a_client_event() -> None:
    heard = listener("presence-x").read(frame("client-typing", "{}", channel="presence-x", user_id="7")).heard
    assert heard == Heard("client-typing", "presence-x", {}, "7")
    assert heard is not None
    assert not heard.of_protocol


def test_members_that_come_are_of_the_protocol() -> None:
    heard = listener("presence-x").read(frame("pusher_internal:member_added", '{"user_id":"1"}', channel="presence-x"))
    assert heard.heard
    assert heard.heard.of_protocol


def test_an_encrypted_event_is_opened() -> None:
    key = parse_master_key(MASTER_KEY)
    sealed = key.encrypt("private-encrypted-x", '{"a":1}', nonce=bytes(24))
    made = Listener(["private-encrypted-x"], driver(encryption_master_key=MASTER_KEY), user_id="me", master_keys=(key,))
    made.read(established())
    heard = made.read(frame("hello", sealed, channel="private-encrypted-x")).heard
    assert heard == Heard("hello", "private-encrypted-x", {"a": 1})
    # one server sends the object itself
    assert made.read(frame("hello", json.loads(sealed), channel="private-encrypted-x")).heard == heard


@pytest.mark.parametrize("key", [None, MASTER_KEY])
def test_what_no_key_opens_stays_sealed(key: str | None) -> None:
    made = Listener(["news"], driver(), user_id="me", master_keys=master_keys(key))
    made.read(established())
    heard = made.read(frame("hello", '{"nonce":"x"}', channel="private-encrypted-x")).heard
    assert heard == Heard("hello", "private-encrypted-x", {"nonce": "x"}, sealed=True)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '{"event":7}', '{"event":"\\ud800"}', "[" * 100_000])
def test_what_is_no_frame(text: str) -> None:
    with pytest.raises(ServiceFailedError, match="does not speak the Pusher protocol"):
        Listener(["news"], driver(), user_id="me").read(text)
    assert listener("news").read(text).note != ""


def test_an_event_without_a_channel_is_nothing() -> None:
    assert listener("news").read(frame("hello", {}, channel=7)) == Step()


@given(st.text())
def test_no_frame_makes_it_stumble(text: str) -> None:
    made = listener("news")
    for one in (text, json.dumps({"event": text, "channel": text, "data": text})):
        with contextlib.suppress(RefusedError):
            made.read(one)


def test_a_greeting_is_looked_for() -> None:
    made = Listener([], driver(), user_id="me")
    made.read(frame("pusher:ping", {}))
    with pytest.raises(ServiceFailedError):
        made.check_greeted()
    made.read(established())
    made.check_greeted()
