"""Whatever a stranger sends: nothing raises, and no guarded channel opens without a signature that fits."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from broadcastkit.server import Limits
from broadcastkit.server.connection import Connection, Member, User
from broadcastkit.server.effects import ClientEvent, Close, Effect, Reply, SignIn, Subscribe
from broadcastkit.server.protocol import PusherProtocol
from tests.server.tools import APP, auth, member, sign, subscribe

SOCKET_ID = "123.456"

TEXT = st.text(st.characters(), max_size=30)
NAMES = st.sampled_from(
    ["x", "private-x", "presence-x", "private-encrypted-x", "presence-cache-x", "#server-to-user-1", "private-", ""]
)
EVENTS = st.sampled_from(
    ["pusher:subscribe", "pusher:unsubscribe", "pusher:signin", "pusher:ping", "pusher:pong", "client-x", "other"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
# Parts that are right by themselves, to be put together wrongly.
SIGNED = st.sampled_from(
    [
        auth(SOCKET_ID, "private-x"),
        auth("1.1", "private-x"),
        auth(SOCKET_ID, "presence-x", member("1")),
        auth(SOCKET_ID, "presence-x"),
        f"app-key:{sign(SOCKET_ID + '::user::' + json.dumps({'id': '1'}))}",
        "app-key:",
    ]
)
MEMBERS = st.sampled_from([member("1"), member("2"), json.dumps({"id": "1"}), "{}", ""])
DATA = st.fixed_dictionaries(
    {},
    optional={
        "channel": NAMES | JSON,
        "auth": SIGNED | JSON,
        "channel_data": MEMBERS | JSON,
        "user_data": MEMBERS | JSON,
    },
)
# Mostly right, so that what is wrong is the signature.
SUBSCRIPTIONS = st.fixed_dictionaries(
    {"channel": st.sampled_from(["private-x", "presence-x", "private-encrypted-x"]), "auth": SIGNED | TEXT},
    optional={"channel_data": MEMBERS},
).map(lambda data: json.dumps({"event": "pusher:subscribe", "data": data}))
FRAMES = st.fixed_dictionaries(
    {"event": EVENTS | JSON}, optional={"data": DATA | DATA.map(json.dumps) | JSON, "channel": NAMES | JSON}
).map(json.dumps)


def connection(*, signed_in: bool) -> Connection:
    made = Connection(SOCKET_ID)
    made.channels = {"private-x": None, "presence-y": Member("1", None)}
    made.user = User("1", None) if signed_in else None
    return made


def handle(text: str, *, signed_in: bool = False) -> Effect | None:
    made = connection(signed_in=signed_in)
    effect = PusherProtocol(APP, Limits(), made, now=0.0).receive(text, 1.0)
    check(effect, text, made)
    return effect


def check(effect: Effect | None, text: str, made: Connection) -> None:
    """Hold an effect against the frame, with no help from the code under test."""
    match effect:
        case Reply(frame):
            assert isinstance(json.loads(frame.encode()), dict)
        case Close(code, reason):
            assert code in {1009, 4009, 4100}
            assert len(reason.encode()) <= 123
        case Subscribe(channel, who):
            assert opened_rightly(channel, who, data_of(text), made), text
        case ClientEvent(channel, frame):
            assert channel in made.channels
            assert json.loads(frame.encode())["channel"] == channel
        case SignIn(user, user_data):
            assert data_of(text)["auth"] == f"app-key:{digest(f'{SOCKET_ID}::user::{user_data}')}"
            assert str(json.loads(user_data)["id"]) == user.id


def opened_rightly(channel: str, who: Member | None, data: dict[str, Any], made: Connection) -> bool:
    if not channel.startswith(("private-", "presence-")):
        return who is None
    parts = [SOCKET_ID, channel]
    if channel.startswith("presence-"):
        assert who is not None
        if isinstance(data.get("channel_data"), str):
            parts.append(data["channel_data"])
            assert str(json.loads(data["channel_data"])["user_id"]) == who.user_id
        else:
            assert made.user is not None
            assert made.user.id == who.user_id
    return bool(data["auth"] == f"app-key:{digest(':'.join(parts))}")


def digest(text: str) -> str:
    return hmac.new(b"app-secret", text.encode(), hashlib.sha256).hexdigest()


def data_of(text: str) -> dict[str, Any]:
    data = json.loads(text)["data"]
    decoded: dict[str, Any] = json.loads(data) if isinstance(data, str) else data
    return decoded


@given(st.text(st.characters(), max_size=200))
@example("\ud800")
@example('{"event":"pusher:subscribe","data":{"channel":"private-x","auth":"\ud800"}}')
def test_any_text(text: str) -> None:
    handle(text)


@given(st.binary(max_size=200))
def test_any_bytes_that_a_server_takes_for_text(data: bytes) -> None:
    handle(data.decode("latin-1"))
    handle(data.decode("utf-8", "surrogateescape"))


@given(JSON.map(json.dumps))
def test_any_json(text: str) -> None:
    handle(text)


@given(FRAMES | SUBSCRIPTIONS, st.booleans())
def test_any_frame(text: str, signed_in: bool) -> None:
    handle(text, signed_in=signed_in)


@given(st.data())
def test_a_frame_with_one_byte_changed(data: st.DataObject) -> None:
    text = data.draw(
        st.sampled_from([subscribe(SOCKET_ID, "private-x"), subscribe(SOCKET_ID, "presence-x", member("1", name="A"))])
    )
    at = data.draw(st.integers(0, len(text) - 1))
    handle(text[:at] + data.draw(st.characters()) + text[at + 1 :])


@given(st.lists(FRAMES | TEXT, max_size=20), st.lists(st.floats(0, 400), max_size=20))
def test_any_conversation(texts: list[str], times: list[float]) -> None:
    made = connection(signed_in=False)
    protocol = PusherProtocol(APP, Limits(authorization_timeout=50, frames_per_second=1), made, now=0.0)
    for text, now in zip(texts, sorted(times), strict=False):
        protocol.timeout(now)
        check(protocol.receive(text, now), text, made)
        assert protocol.deadline >= 50
