"""One connection's state machine: frames in, effects out."""

from __future__ import annotations

import json

import pytest

from broadcastkit.server import App, Limits
from broadcastkit.server import frames as written
from broadcastkit.server.connection import Connection, Member, User
from broadcastkit.server.effects import ClientEvent, Close, Effect, Reply, SignIn, Subscribe, Unsubscribe
from broadcastkit.server.protocol import PusherProtocol
from tests.server.tools import APP, auth, frame, member, read, sign, sign_in, subscribe

SOCKET_ID = "123.456"


class Client:
    def __init__(self, limits: Limits | None = None, app: App = APP) -> None:
        self.connection = Connection(SOCKET_ID)
        self.protocol = PusherProtocol(app, limits or Limits(), self.connection, now=0.0)

    def send(self, text: str, now: float = 1.0) -> Effect | None:
        return self.protocol.receive(text, now)

    def error(self, text: str, now: float = 1.0) -> dict[str, object]:
        """Send what must be answered with `pusher:error`, and return that."""
        effect = self.send(text, now)
        assert isinstance(effect, Reply)
        answer = read(effect.frame)
        assert answer["event"] == "pusher:error"
        data: dict[str, object] = answer["data"]
        return data

    def refusal(self, text: str) -> dict[str, object]:
        """Send what must be answered with `pusher:subscription_error`, and return that."""
        effect = self.send(text)
        assert isinstance(effect, Reply)
        answer = read(effect.frame)
        assert answer["event"] == "pusher:subscription_error"
        data: dict[str, object] = answer["data"]
        return {"channel": answer["channel"], **data}


def test_greets_with_data_encoded_twice() -> None:
    greeting = json.loads(Client(Limits(activity_timeout=30.5)).protocol.greet())
    assert greeting["event"] == "pusher:connection_established"
    assert json.loads(greeting["data"]) == {"socket_id": SOCKET_ID, "activity_timeout": 30}


def test_tells_clients_at_least_a_second() -> None:
    # pusher-js takes 0 for a handshake without a timeout, and fails
    greeting = read(Client(Limits(activity_timeout=0.2)).protocol.greet())
    assert greeting["data"]["activity_timeout"] == 1


# -- subscriptions


@pytest.mark.parametrize("channel", ["orders", "cache-orders", "presence", "a=b@c,d.e;f_g-H"])
def test_anyone_may_subscribe_to_a_public_channel(channel: str) -> None:
    assert Client().send(subscribe(SOCKET_ID, channel)) == Subscribe(channel, None)


@pytest.mark.parametrize(
    "channel", ["private-x", "private-cache-x", "private-encrypted-x", "private-encrypted-cache-x"]
)
def test_a_signature_opens_a_private_channel(channel: str) -> None:
    assert Client().send(subscribe(SOCKET_ID, channel)) == Subscribe(channel, None)


@pytest.mark.parametrize(
    ("channel_data", "who"),
    [
        (member("7", name="Ada ✓"), Member("7", '{"name":"Ada ✓"}')),
        (member(7), Member("7", None)),
        ('{"user_id":"7","user_info":null}', Member("7", "null")),
        ('{"user_id":"7","user_info":1e999}', Member("7", "null")),
        ('{"user_id":"no channel name: ✓"}', Member("no channel name: ✓", None)),
    ],
)
def test_a_signed_member_opens_a_presence_channel(channel_data: str, who: Member) -> None:
    effect = Client().send(subscribe(SOCKET_ID, "presence-room", channel_data))
    assert effect == Subscribe("presence-room", who)


@pytest.mark.parametrize("channel", ["private-x", "presence-x", "private-encrypted-x", "presence-cache-x"])
@pytest.mark.parametrize(
    "wrong",
    [
        None,
        7,
        "",
        "app-key",
        "app-key:",
        "app-key:ünïcode",
        auth(SOCKET_ID, "private-other"),
        auth("1.1", "private-x"),
        auth(SOCKET_ID, "private-x", app=App("app-id", "app-key", "another secret")),
        auth(SOCKET_ID, "private-x", app=App("app-id", "another-key", "app-secret")),
        auth(SOCKET_ID, "private-x").upper(),
        sign(f"{SOCKET_ID}:private-x"),
    ],
)
def test_without_a_signature_that_fits_nothing_opens(channel: str, wrong: object) -> None:
    data = {"channel": channel, "auth": wrong, "channel_data": member("1")}
    assert Client().refusal(frame("pusher:subscribe", data)) == {
        "channel": channel,
        "type": "AuthError",
        "error": "The connection is unauthorized",
        "status": 401,
    }


def test_a_signature_covers_the_member() -> None:
    data = {
        "channel": "presence-x",
        "auth": auth(SOCKET_ID, "presence-x", member("1")),
        "channel_data": member("2"),
    }
    assert Client().refusal(frame("pusher:subscribe", data))["status"] == 401


def test_a_private_signature_opens_no_presence_channel_without_a_sign_in() -> None:
    data = {"channel": "presence-x", "auth": auth(SOCKET_ID, "presence-x")}
    assert Client().refusal(frame("pusher:subscribe", data))["status"] == 401


def test_a_signed_in_user_needs_no_channel_data() -> None:
    client = Client()
    client.connection.user = User("u7", '{"name":"Ada"}')
    data = {"channel": "presence-x", "auth": auth(SOCKET_ID, "presence-x")}
    assert client.send(frame("pusher:subscribe", data)) == Subscribe("presence-x", Member("u7", '{"name":"Ada"}'))


@pytest.mark.parametrize("signature", [None, "", auth("1.1", "presence-x"), auth(SOCKET_ID, "private-x")])
def test_a_signed_in_user_needs_a_signature_all_the_same(signature: object) -> None:
    client = Client()
    client.connection.user = User("u7", None)
    data = {"channel": "presence-x", "auth": signature}
    assert client.refusal(frame("pusher:subscribe", data))["status"] == 401


@pytest.mark.parametrize(
    "channel_data",
    [
        "",
        "null",
        "[]",
        "7",
        "{",
        "{}",
        '{"user_id":null}',
        '{"user_id":""}',
        '{"user_id":true}',
        '{"user_id":1.5}',
        '{"user_id":["1"]}',
        json.dumps({"user_id": "x" * 129}),
        '{"user_id":"\\ud800"}',
    ],
)
def test_a_signed_member_without_a_usable_id_is_refused(channel_data: str) -> None:
    assert Client().refusal(subscribe(SOCKET_ID, "presence-x", channel_data))["type"] == "BadMember"


def test_the_info_of_a_member_is_limited() -> None:
    client = Client(Limits(presence_info_size=20))
    assert client.refusal(subscribe(SOCKET_ID, "presence-x", member("1", name="é" * 5)))["type"] == "LimitReached"
    assert isinstance(client.send(subscribe(SOCKET_ID, "presence-x", member("1", name="éé"))), Subscribe)


@pytest.mark.parametrize("channel", ["", "a b", "a\n", "ü", "private-", "#x", "a:b", "x" * 165, "private-a\x00"])
def test_names_that_the_protocol_does_not_allow(channel: str) -> None:
    assert Client().refusal(subscribe(SOCKET_ID, channel))["type"] == "InvalidChannel"


def test_a_refusal_does_not_repeat_an_endless_name() -> None:
    assert Client().refusal(subscribe(SOCKET_ID, "x" * 9_000))["channel"] == "x" * 200


@pytest.mark.parametrize("data", [None, [], "x", 7, {}, {"channel": None}, {"channel": ["a"]}, '"x"', '{"a"'])
def test_a_subscription_without_a_channel(data: object) -> None:
    assert Client().error(frame("pusher:subscribe", data)) == {"message": "pusher:subscribe needs a channel"}


def test_data_may_be_encoded_twice() -> None:
    assert Client().send(frame("pusher:subscribe", '{"channel":"x"}')) == Subscribe("x", None)


def test_limits_on_channels() -> None:
    client = Client(Limits(channels_per_connection=1, channel_name_length=5))
    assert client.refusal(subscribe(SOCKET_ID, "x" * 6))["error"] == "A channel name has at most 5 characters"
    assert client.send(subscribe(SOCKET_ID, "a")) == Subscribe("a", None)
    client.connection.channels["a"] = None
    assert client.refusal(subscribe(SOCKET_ID, "b"))["type"] == "LimitReached"
    assert client.send(subscribe(SOCKET_ID, "a")) == Subscribe("a", None)


@pytest.mark.parametrize("user", [None, User("other", None)])
def test_the_channel_of_a_user_is_nobody_elses(user: User | None) -> None:
    client = Client()
    client.connection.user = user
    assert client.refusal(subscribe(SOCKET_ID, "#server-to-user-u7"))["status"] == 401


def test_a_user_may_subscribe_to_their_own_channel() -> None:
    client = Client()
    client.connection.user = User("u7", None)
    effect = client.send(subscribe(SOCKET_ID, "#server-to-user-u7"))
    assert effect == Reply(written.subscription_succeeded("#server-to-user-u7"))


def test_unsubscribes() -> None:
    assert Client().send(frame("pusher:unsubscribe", {"channel": "x"})) == Unsubscribe("x")
    assert Client().error(frame("pusher:unsubscribe", {})) == {"message": "pusher:unsubscribe needs a channel"}


# -- sign-in


def test_signs_in() -> None:
    effect = Client().send(sign_in(SOCKET_ID, {"id": "u7", "user_info": {"name": "Ada"}, "watchlist": []}))
    assert isinstance(effect, SignIn)
    assert effect.user == User("u7", '{"name":"Ada"}')
    assert json.loads(effect.user_data)["id"] == "u7"


def test_signs_in_again_as_the_same_user_only() -> None:
    client = Client()
    client.connection.user = User("u7", None)
    assert isinstance(client.send(sign_in(SOCKET_ID, {"id": "u7"})), SignIn)
    effect = client.send(sign_in(SOCKET_ID, {"id": "u8"}))
    assert isinstance(effect, Close)
    assert effect.code == 4009


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"auth": "app-key:x"},
        {"auth": 7, "user_data": "{}"},
        {"auth": "app-key:x", "user_data": '{"id":"1"}'},
        {"auth": auth(SOCKET_ID, "private-x"), "user_data": '{"id":"1"}'},
        json.loads(sign_in("1.1", {"id": "1"}))["data"],
    ],
)
def test_a_sign_in_that_was_not_signed_ends_the_connection(data: object) -> None:
    effect = Client().send(frame("pusher:signin", data))
    assert isinstance(effect, Close)
    assert effect.code == 4009


@pytest.mark.parametrize("user", [{}, {"id": ""}, {"id": None}, {"id": "a b"}, {"id": "x" * 129}, {"id": 10**200}])
def test_a_signed_user_without_a_usable_id(user: dict[str, object]) -> None:
    effect = Client().send(sign_in(SOCKET_ID, user))
    assert isinstance(effect, Close)
    assert effect.code == 4009
    assert len(effect.reason.encode()) <= 123  # what a close frame holds


def test_the_length_of_a_users_id() -> None:
    client = Client(Limits(user_id_length=2))
    assert isinstance(client.send(sign_in(SOCKET_ID, {"id": "ab"})), SignIn)
    assert isinstance(client.send(sign_in(SOCKET_ID, {"id": "abc"})), Close)


def test_a_sign_in_is_no_subscription() -> None:
    # both strings are joined by colons: what was signed for one must not pass for the other
    user_data = '{"id":"1"}'
    data = {"channel": f":user::{user_data}", "auth": f"app-key:{sign(f'{SOCKET_ID}::user::{user_data}')}"}
    assert Client().refusal(frame("pusher:subscribe", data))["type"] == "InvalidChannel"


# -- client events


def typing(channel: str, data: object = "x", event: str = "client-typing") -> str:
    return json.dumps({"event": event, "channel": channel, "data": data})


def subscribed(channel: str, who: Member | None = None, limits: Limits | None = None, app: App = APP) -> Client:
    client = Client(limits, app)
    client.connection.channels[channel] = who
    return client


def test_a_subscriber_sends_to_the_others() -> None:
    effect = subscribed("private-x").send(typing("private-x", {"a": [1, "é"]}))
    assert isinstance(effect, ClientEvent)
    assert effect.channel == "private-x"
    assert json.loads(effect.frame) == {
        "event": "client-typing",
        "channel": "private-x",
        "data": '{"a":[1,"é"]}',
    }


def test_a_client_event_on_a_presence_channel_names_its_sender() -> None:
    effect = subscribed("presence-x", Member("u7", None)).send(typing("presence-x", "plain text"))
    assert isinstance(effect, ClientEvent)
    assert json.loads(effect.frame)["user_id"] == "u7"
    assert json.loads(effect.frame)["data"] == "plain text"


def test_a_client_event_cannot_name_another_sender() -> None:
    text = json.dumps({"event": "client-x", "channel": "private-x", "data": "", "user_id": "admin"})
    effect = subscribed("private-x").send(text)
    assert isinstance(effect, ClientEvent)
    assert "user_id" not in json.loads(effect.frame)


def test_a_client_event_without_data() -> None:
    effect = subscribed("private-x").send('{"event":"client-x","channel":"private-x"}')
    assert isinstance(effect, ClientEvent)
    assert json.loads(effect.frame) == {"event": "client-x", "channel": "private-x"}


@pytest.mark.parametrize("channel", ["orders", "private-encrypted-x", "cache-x", "private-encrypted-cache-x"])
def test_no_client_events_on_public_and_encrypted_channels(channel: str) -> None:
    assert subscribed(channel).error(typing(channel))["code"] == 4301


@pytest.mark.parametrize("channel", ["private-y", None, 7, ["private-x"]])
def test_no_client_events_from_outside(channel: object) -> None:
    text = json.dumps({"event": "client-x", "channel": channel, "data": "x"})
    assert subscribed("private-x").error(text)["code"] == 4301


@pytest.mark.parametrize("event", ["client-" + "x" * 194, "client-\n", "client-\x7f"])
def test_names_of_client_events(event: str) -> None:
    assert subscribed("private-x").error(typing("private-x", event=event))["code"] == 4301


def test_the_size_of_a_client_event_is_that_of_its_data() -> None:
    client = subscribed("private-x", limits=Limits(event_data_size=10))
    assert isinstance(client.send(typing("private-x", "ééééé")), ClientEvent)
    assert client.error(typing("private-x", "éééééé"))["code"] == 4301
    assert client.error(typing("private-x", {"a": "bcdef"}))["code"] == 4301


def test_an_app_without_client_events() -> None:
    app = App("app-id", "app-key", "app-secret", client_events="none")
    assert subscribed("private-x", app=app).error(typing("private-x"))["code"] == 4301


def test_the_rate_of_client_events() -> None:
    client = subscribed("private-x", limits=Limits(client_events_per_second=2))
    assert isinstance(client.send(typing("private-x"), 10.0), ClientEvent)
    assert isinstance(client.send(typing("private-x"), 10.0), ClientEvent)
    assert client.error(typing("private-x"), 10.0)["code"] == 4301
    assert isinstance(client.send(typing("private-x"), 10.5), ClientEvent)


# -- everything else


@pytest.mark.parametrize("data", [{}, "{}", None])
def test_answers_a_ping(data: object) -> None:
    effect = Client().send(frame("pusher:ping", data))
    assert isinstance(effect, Reply)
    assert read(effect.frame) == {"event": "pusher:pong", "data": {}}


def test_takes_a_pong_in_silence() -> None:
    assert Client().send(frame("pusher:pong", {})) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "null",
        "[]",
        "7",
        '"x"',
        "{}",
        '{"event":null}',
        '{"event":7}',
        "{",
        '{"event":"\\ud800"}',
        "[" * 5000,
        '{"event":NaN}',
        "\x00",
        '{"event":"pusher:ping"} '[:-2],
        "1" * 5000,
    ],
)
def test_what_is_no_frame(text: str) -> None:
    assert Client().error(text) == {"message": "A message is a JSON object with an event"}


@pytest.mark.parametrize(
    "event", ["", "hello", "pusher:error", "pusher:connection_established", "pusher_internal:member_added", "Client-x"]
)
def test_events_that_are_not_a_clients(event: str) -> None:
    assert "Unknown event" in str(Client().error(frame(event))["message"])


def test_the_size_of_a_frame() -> None:
    client = Client(Limits(frame_size=60))
    fits, over = (frame("pusher:ping", "é" * count).replace("\\u00e9", "é") for count in (12, 13))
    assert len(fits.encode()) <= 60 < len(over.encode())
    assert isinstance(client.send(fits), Reply)
    effect = client.send(over)
    assert isinstance(effect, Close)
    assert effect.code == 1009


def test_a_flood_of_frames_ends_the_connection() -> None:
    client = Client(Limits(frames_per_second=1, channels_per_connection=1))
    effects = [client.send(frame("pusher:ping"), 5.0) for _ in range(4)]
    assert [type(effect) for effect in effects] == [Reply, Reply, Reply, Close]
    assert effects[-1] == Close(4100, "Too many messages")


# -- time


def test_a_silent_client_is_pinged_and_then_closed() -> None:
    protocol = Client(Limits(activity_timeout=120, pong_timeout=30)).protocol
    assert protocol.deadline == 120
    assert protocol.timeout(119.9) is None
    assert protocol.timeout(120.0) == Reply(written.PING)
    assert protocol.deadline == 150
    assert protocol.timeout(149.9) is None
    assert protocol.timeout(150.0) == Close(4201, "Pong reply not received in time")


def test_any_frame_is_a_sign_of_life() -> None:
    client = Client()
    assert client.protocol.timeout(120.0) == Reply(written.PING)
    client.send("nonsense", 149.0)
    assert client.protocol.deadline == 269
    assert client.protocol.timeout(150.0) is None


def test_a_connection_may_have_to_show_who_it_is() -> None:
    limits = Limits(authorization_timeout=30)
    protocol = Client(limits).protocol
    assert protocol.deadline == 30
    assert protocol.timeout(30.0) == Close(4009, "Connection not authorized within timeout")
    for shown in (subscribe(SOCKET_ID, "private-x"), sign_in(SOCKET_ID, {"id": "1"})):
        client = Client(limits)
        client.send(shown)
        assert client.protocol.timeout(30.0) is None


@pytest.mark.parametrize("channel", ["orders", "private-x"])
def test_neither_public_channels_nor_refusals_show_who_it_is(channel: str) -> None:
    client = Client(Limits(authorization_timeout=30))
    client.send(frame("pusher:subscribe", {"channel": channel, "auth": "x"}))
    assert isinstance(client.protocol.timeout(30.0), Close)
