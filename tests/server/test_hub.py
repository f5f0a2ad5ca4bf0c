"""Who hears what, and who is told of whom."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broadcastkit.core.message import Message
from broadcastkit.server import Limits
from broadcastkit.server.connection import Connection, Member, User
from broadcastkit.server.hub import Delivery, Hub
from tests.server.tools import read

Told = list[tuple[str, dict[str, Any]]]


def told(deliveries: list[Delivery[Connection]]) -> Told:
    """Who is told what, in order: socket id and frame."""
    return [(connection.socket_id, read(frame)) for frame, to in deliveries for connection in to]


class House:
    """A hub with connections that have short names."""

    def __init__(self, *names: str, limits: Limits | None = None) -> None:
        self.hub = Hub[Connection](limits or Limits())
        self.connections = {name: Connection(name) for name in names}
        for connection in self.connections.values():
            self.hub.connect(connection)

    def subscribe(self, name: str, channel: str, user: str | None = None, info: str | None = None) -> Told:
        who = None if user is None else Member(user, info)
        return told(self.hub.subscribe(self.connections[name], channel, who, 0.0))

    def unsubscribe(self, name: str, channel: str) -> Told:
        return told(self.hub.unsubscribe(self.connections[name], channel))

    def publish(self, *channels: str, exclude: str | None = None, now: float = 0.0) -> Told:
        return told(self.hub.publish(Message("ev", channels, '{"a":1}', exclude), now))


def event(channel: str) -> dict[str, Any]:
    return {"event": "ev", "channel": channel, "data": {"a": 1}}


def test_confirms_a_subscription() -> None:
    confirmation = {"event": "pusher_internal:subscription_succeeded", "channel": "x", "data": {}}
    house = House("a")
    assert house.subscribe("a", "x") == [("a", confirmation)]
    assert house.subscribe("a", "x") == [("a", confirmation)]
    assert house.hub.subscription_count("x") == 1


def test_publishes_to_subscribers_in_order_of_arrival() -> None:
    house = House("a", "b", "c")
    for name in "cab":
        house.subscribe(name, "x")
    house.subscribe("a", "y")
    assert house.publish("x", "y", "z") == [
        ("c", event("x")),
        ("a", event("x")),
        ("b", event("x")),
        ("a", event("y")),
    ]


def test_writes_a_frame_once_for_all() -> None:
    house = House("a", "b")
    house.subscribe("a", "x")
    house.subscribe("b", "x")
    (delivery,) = house.hub.publish(Message('"quoted"', ("x",), 'text: "no JSON" \\ \n ✓'), 0.0)
    assert [connection.socket_id for connection in delivery.to] == ["a", "b"]
    assert json.loads(delivery.frame) == {"event": '"quoted"', "channel": "x", "data": 'text: "no JSON" \\ \n ✓'}


def test_excludes_one_connection() -> None:
    house = House("a", "b")
    house.subscribe("a", "x")
    house.subscribe("b", "x")
    assert house.publish("x", exclude="a") == [("b", event("x"))]
    assert len(house.publish("x", exclude="1.1")) == 2


def test_the_recipients_are_those_of_the_moment() -> None:
    house = House("a")
    house.subscribe("a", "x")
    (delivery,) = house.hub.publish(Message("ev", ("x",), ""), 0.0)
    house.unsubscribe("a", "x")
    assert len(delivery.to) == 1
    assert house.publish("x") == []


def test_relays_to_the_others() -> None:
    house = House("a", "b", "c")
    for name in "abc":
        house.subscribe(name, "private-x")
    told_by_a = told(house.hub.relay(house.connections["a"], "private-x", '{"event":"client-x"}'))
    assert [name for name, _ in told_by_a] == ["b", "c"]
    assert house.hub.relay(house.connections["a"], "private-gone", "{}") == []


# -- presence


def test_announces_a_member_to_the_others_and_the_roster_to_the_member() -> None:
    house = House("a", "b")
    assert house.subscribe("a", "presence-x", "1", '{"name":"Ada \\"A\\""}')[0][1]["data"] == {
        "presence": {"count": 1, "ids": ["1"], "hash": {"1": {"name": 'Ada "A"'}}}
    }
    added, confirmed = house.subscribe("b", "presence-x", "2")
    assert added == ("a", {"event": "pusher_internal:member_added", "channel": "presence-x", "data": {"user_id": "2"}})
    assert confirmed[0] == "b"
    assert confirmed[1]["data"]["presence"] == {
        "count": 2,
        "ids": ["1", "2"],
        "hash": {"1": {"name": 'Ada "A"'}, "2": None},
    }


def test_a_user_on_two_connections_is_one_member() -> None:
    house = House("watch", "a", "b")
    house.subscribe("watch", "presence-x", "w")
    assert [name for name, _ in house.subscribe("a", "presence-x", "1", '{"n":1}')] == ["watch", "a"]
    ((name, confirmation),) = house.subscribe("b", "presence-x", "1", '{"n":2}')
    assert name == "b"
    assert confirmation["data"]["presence"]["hash"] == {"w": None, "1": {"n": 1}}
    assert house.hub.user_count("presence-x") == 2
    assert house.hub.subscription_count("presence-x") == 3
    assert house.unsubscribe("a", "presence-x") == []
    removed = {"event": "pusher_internal:member_removed", "channel": "presence-x", "data": {"user_id": "1"}}
    assert house.unsubscribe("b", "presence-x") == [("watch", removed)]


def test_a_connection_stays_who_it_was_when_it_subscribes_again() -> None:
    house = House("a", "b")
    house.subscribe("b", "presence-x", "2")
    house.subscribe("a", "presence-x", "1")
    ((name, confirmation),) = house.subscribe("a", "presence-x", "3")
    assert name == "a"
    assert confirmation["data"]["presence"]["ids"] == ["2", "1"]
    assert [name for name, _ in house.unsubscribe("a", "presence-x")] == ["b"]
    assert house.hub.users("presence-x") == ["2"]


def test_a_full_presence_channel_takes_only_those_who_are_in_it() -> None:
    house = House("a", "b", "c", limits=Limits(presence_members=1))
    house.subscribe("a", "presence-x", "1")
    ((name, refusal),) = house.subscribe("b", "presence-x", "2")
    assert name == "b"
    assert refusal["data"]["type"] == "LimitReached"
    assert "presence-x" not in house.connections["b"].channels
    assert house.subscribe("c", "presence-x", "1")[0][1]["event"] == "pusher_internal:subscription_succeeded"


def test_an_app_has_only_so_many_channels() -> None:
    house = House("a", limits=Limits(channels=1))
    house.subscribe("a", "x")
    assert house.subscribe("a", "y")[0][1]["data"]["type"] == "LimitReached"
    house.unsubscribe("a", "x")
    assert house.subscribe("a", "y")[0][1]["event"] == "pusher_internal:subscription_succeeded"


def test_a_connection_shows_its_socket_id() -> None:
    assert repr(Connection("1.2")) == "<Connection 1.2>"


def test_leaving_what_one_is_not_in() -> None:
    house = House("a")
    assert house.unsubscribe("a", "x") == []
    assert house.unsubscribe("a", "presence-x") == []


# -- users


def test_what_is_sent_to_a_user_reaches_each_of_their_connections() -> None:
    house = House("a", "b", "c")
    for name in "ab":
        house.hub.sign_in(house.connections[name], User("7", None), '{"id":"7"}')
    channel = "#server-to-user-7"
    assert [name for name, _ in house.publish(channel)] == ["a", "b"]
    assert [name for name, _ in house.publish(channel, exclude="a")] == ["b"]
    assert house.hub.subscription_count(channel) == 2
    assert house.hub.connections_of("7") == [house.connections["a"], house.connections["b"]]
    house.hub.disconnect(house.connections["a"])
    assert [name for name, _ in house.publish(channel)] == ["b"]


def test_confirms_a_sign_in_with_the_signed_text() -> None:
    house = House("a")
    user_data = '{"id": "7", "name": "Ada \\"A\\""}'
    ((_, confirmation),) = told(house.hub.sign_in(house.connections["a"], User("7", None), user_data))
    assert confirmation == {"event": "pusher:signin_success", "data": {"user_data": user_data}}


# -- leaving


def test_a_connection_that_leaves_is_forgotten_everywhere() -> None:
    house = House("a", "b")
    connection = house.connections["a"]
    for name in "ab":
        house.subscribe(name, "x")
        house.subscribe(name, "presence-x", name)
    house.hub.sign_in(connection, User("7", None), "{}")
    assert [(name, frame["data"]) for name, frame in told(house.hub.disconnect(connection))] == [
        ("b", {"user_id": "a"})
    ]
    assert house.hub.disconnect(connection) == []
    assert not house.hub.knows("a")
    assert house.hub.connection_count == 1
    assert house.hub.connections_of("7") == []
    assert list(house.hub.channels()) == ["x", "presence-x"]


def test_an_empty_house_holds_nothing() -> None:
    house = House("a")
    house.subscribe("a", "x")
    house.subscribe("a", "presence-x", "1")
    house.hub.sign_in(house.connections["a"], User("7", None), "{}")
    house.hub.disconnect(house.connections["a"])
    kept = {name: value for name, value in vars(house.hub).items() if isinstance(value, dict) and value}
    assert kept == {}


# -- cache channels


def test_a_cache_channel_keeps_its_last_event() -> None:
    house = House("a", "b")
    miss = {"event": "pusher:cache_miss", "channel": "cache-x", "data": {}}
    assert house.subscribe("a", "cache-x")[1] == ("a", miss)
    house.publish("cache-x")
    assert house.subscribe("b", "cache-x")[1] == ("b", event("cache-x"))


def test_an_event_is_kept_though_nobody_listens() -> None:
    house = House("a", limits=Limits(cache_ttl=10))
    assert house.publish("presence-cache-x", "private-x", now=0.0) == []
    cached = house.hub.cached("presence-cache-x", 9.9)
    assert cached is not None
    assert cached.data == '{"a":1}'
    assert house.hub.cached("presence-cache-x", 10.0) is None
    assert house.hub.cached("private-x", 0.0) is None


def test_client_events_are_not_kept() -> None:
    house = House("a", "b")
    house.subscribe("a", "private-cache-x")
    house.hub.relay(house.connections["b"], "private-cache-x", "{}")
    assert house.hub.cached("private-cache-x", 0.0) is None


# -- against a model


NAMES = st.sampled_from("abcd")
CHANNELS = st.sampled_from(["x", "private-x", "presence-x", "presence-y"])


class Presence(RuleBasedStateMachine):
    """What pusher-js makes of the frames must be what the hub says, for every member, at every moment."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub[Connection](Limits())
        self.connections: dict[str, Connection] = {}
        self.model: dict[str, dict[str, str | None]] = {}
        self.rosters: dict[tuple[str, str], set[str]] = {}

    def see(self, deliveries: list[Delivery[Connection]]) -> None:
        """Keep for each connection the roster that a client would keep."""
        for name, frame in told(deliveries):
            roster = self.rosters.setdefault((name, frame["channel"]), set())
            match frame["event"]:
                case "pusher_internal:subscription_succeeded" if "presence" in frame["data"]:
                    self.rosters[name, frame["channel"]] = set(frame["data"]["presence"]["ids"])
                case "pusher_internal:member_added":
                    assert frame["data"]["user_id"] not in roster
                    roster.add(frame["data"]["user_id"])
                case "pusher_internal:member_removed":
                    roster.remove(frame["data"]["user_id"])

    @rule(name=NAMES)
    def connect(self, name: str) -> None:
        if name not in self.connections:
            self.connections[name] = Connection(name)
            self.model[name] = {}
            self.hub.connect(self.connections[name])

    @rule(name=NAMES, channel=CHANNELS, user=st.sampled_from("12"))
    def subscribe(self, name: str, channel: str, user: str) -> None:
        if name in self.connections:
            who = Member(user, None) if channel.startswith("presence-") else None
            self.see(self.hub.subscribe(self.connections[name], channel, who, 0.0))
            self.model[name].setdefault(channel, who and who.user_id)

    @rule(name=NAMES, channel=CHANNELS)
    def unsubscribe(self, name: str, channel: str) -> None:
        if name in self.connections:
            self.see(self.hub.unsubscribe(self.connections[name], channel))
            self.model[name].pop(channel, None)

    @rule(name=NAMES)
    def disconnect(self, name: str) -> None:
        if name in self.connections:
            self.see(self.hub.disconnect(self.connections.pop(name)))
            del self.model[name]

    @invariant()
    def agrees_with_the_model(self) -> None:
        counts = Counter(channel for channels in self.model.values() for channel in channels)
        assert {channel: self.hub.subscription_count(channel) for channel in self.hub.channels()} == counts
        for channel in ("presence-x", "presence-y"):
            users = {channels[channel] for channels in self.model.values() if channel in channels}
            assert set(self.hub.users(channel)) == users
            for name, channels in self.model.items():
                if channel in channels:
                    assert self.rosters[name, channel] == users

    @invariant()
    def reaches_exactly_the_subscribers(self) -> None:
        for channel in ("x", "presence-x"):
            heard = [name for name, _ in told(self.hub.publish(Message("ev", (channel,), ""), 0.0))]
            assert sorted(heard) == sorted(name for name, channels in self.model.items() if channel in channels)


TestPresence = Presence.TestCase
