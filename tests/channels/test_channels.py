"""The kinds of channel: how they are written, compared, parsed and refused."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from broadcastkit.channels import (
    Channel,
    EncryptedChannel,
    PresenceChannel,
    PrivateChannel,
    ServerToUser,
    channel_from_name,
)
from broadcastkit.errors import InvalidChannelError, InvalidUserError
from tests.vectors import vectors

KINDS: list[type[Channel]] = [Channel, PrivateChannel, PresenceChannel, EncryptedChannel]
EVERY_KIND: list[type[Channel]] = [*KINDS, ServerToUser]

# The prefixes are those of the Pusher protocol: peers.md §2.
WRITTEN = [
    (Channel("orders.7"), "orders.7"),
    (Channel("orders.7", cache=True), "cache-orders.7"),
    (PrivateChannel("orders.7"), "private-orders.7"),
    (PrivateChannel("orders.7", cache=True), "private-cache-orders.7"),
    (PresenceChannel("room"), "presence-room"),
    (PresenceChannel("room", cache=True), "presence-cache-room"),
    (EncryptedChannel("a"), "private-encrypted-a"),
    (EncryptedChannel("a", cache=True), "private-encrypted-cache-a"),
    (ServerToUser("ann"), "#server-to-user-ann"),
    (ServerToUser(7), "#server-to-user-7"),
]


@pytest.mark.parametrize(("channel", "name"), WRITTEN, ids=str)
def test_the_name_has_the_prefix_of_the_kind(channel: Channel, name: str) -> None:
    assert channel.name == str(channel) == f"{channel}" == name
    assert type(channel.name) is str


@pytest.mark.parametrize(("channel", "name"), WRITTEN, ids=str)
def test_the_full_name_gives_the_kind_back(channel: Channel, name: str) -> None:
    for again in (channel_from_name(name), type(channel).parse(name)):
        assert again == channel
        assert type(again) is type(channel)


@pytest.mark.parametrize(("channel", "name"), WRITTEN, ids=str)
def test_a_name_is_parsed_by_its_own_kind_only(channel: Channel, name: str) -> None:
    others = {kind for kind in EVERY_KIND if kind is not type(channel)}

    assert {kind for kind in others if kind.parse(name) is not None} == set()


@vectors("send_to_user_channel")
def test_channel_of_a_user(given: Any, expected: Any) -> None:
    assert ServerToUser(given["user_id"]).name == expected


def test_the_repr_says_how_it_is_written() -> None:
    assert repr(PrivateChannel("orders.7")) == "PrivateChannel('orders.7')"
    assert repr(PresenceChannel("team", cache=True)) == "PresenceChannel('team', cache=True)"
    assert repr(ServerToUser(7)) == "ServerToUser('7')"


# -- values ----------------------------------------------------------------------------------------------------------


def test_channels_are_equal_when_their_names_are() -> None:
    assert PrivateChannel("a") == PrivateChannel("a") == channel_from_name("private-a")
    assert PrivateChannel("a") != PrivateChannel("b")
    assert PrivateChannel("a") != PresenceChannel("a")
    assert len({PrivateChannel("a"), channel_from_name("private-a"), Channel("a")}) == 2


def test_a_channel_is_no_str() -> None:
    assert Channel("a") != "a"
    assert {Channel("a"), "a"} == {"a", Channel("a")}


def test_channels_cannot_be_changed() -> None:
    channel = PrivateChannel("a")

    with pytest.raises(AttributeError, match=r"^PrivateChannel is frozen; make another one instead of setting 'name'$"):
        channel.name = "b"  # type: ignore[misc]
    with pytest.raises(AttributeError, match=r"^PrivateChannel is frozen; "):
        channel.other = 1
    with pytest.raises(AttributeError, match=r"^PrivateChannel is frozen$"):
        delattr(channel, "name")
    assert channel.name == "private-a"


@pytest.mark.parametrize("channel", [channel for channel, _ in WRITTEN], ids=str)
def test_channels_can_be_copied_and_pickled(channel: Channel) -> None:
    for again in (copy.copy(channel), copy.deepcopy(channel), pickle.loads(pickle.dumps(channel))):  # noqa: S301
        assert again == channel
        assert type(again) is type(channel)


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "better"),
    [
        (Channel, "private-a", "PrivateChannel('a')"),
        (Channel, "presence-a", "PresenceChannel('a')"),
        (Channel, "encrypted-a", "EncryptedChannel('a')"),
        (Channel, "private-encrypted-a", "EncryptedChannel('a')"),
        (Channel, "cache-a", "Channel('a', cache=True)"),
        (Channel, "private-cache-a", "PrivateChannel('a', cache=True)"),
        (PrivateChannel, "private-a", "PrivateChannel('a')"),
        (PrivateChannel, "presence-a", "PresenceChannel('a')"),
        (PrivateChannel, "encrypted-a", "EncryptedChannel('a')"),
        (PresenceChannel, "presence-a", "PresenceChannel('a')"),
        (EncryptedChannel, "private-encrypted-a", "EncryptedChannel('a')"),
        (EncryptedChannel, "encrypted-a", "EncryptedChannel('a')"),
    ],
)
def test_a_prefix_in_the_name_is_refused_with_what_to_write(kind: type[Channel], name: str, better: str) -> None:
    with pytest.raises(InvalidChannelError) as caught:
        kind(name)

    assert str(caught.value) == (
        f"{kind.__name__}({name!r}): the class adds the prefix; write {better}, or choose another name"
    )


# "#" is of the service: only ServerToUser writes it.
@pytest.mark.parametrize("name", ["#server-to-user-1", "#", "#other"])
def test_no_other_channel_reaches_a_user(name: str) -> None:
    for kind in KINDS:
        with pytest.raises(InvalidChannelError, match=rf"^{kind.__name__}\('{name}'\): .* write ServerToUser\(id\)$"):
            kind(name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["", "a b", "ä", "a:b", "a\n", "a/b", "x" * 165])
def test_a_malformed_name_is_refused(kind: type[Channel], name: str) -> None:
    with pytest.raises(InvalidChannelError):
        kind(name)
    assert kind.parse(name) is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_counts_the_prefix(kind: type[Channel]) -> None:
    room = 164 - len(kind("x").name) + 1

    assert len(kind("x" * room).name) == 164
    with pytest.raises(InvalidChannelError, match=r"has 165 characters; at most 164, prefix included$"):
        kind("x" * (room + 1))


def test_a_name_is_a_str() -> None:
    with pytest.raises(InvalidChannelError, match=r"^a channel name is a str, not int$"):
        Channel(7)  # type: ignore[arg-type]
    with pytest.raises(InvalidChannelError, match=r"^a channel name is a str, not NoneType$"):
        channel_from_name(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("user_id", ["", "a:b", "a b", "x" * 129, True, None])
def test_a_malformed_user_id_is_refused(user_id: Any) -> None:
    with pytest.raises(InvalidUserError, match=r"^a user id is a str, int or UUID of 1 to 128 ASCII letters"):
        ServerToUser(user_id)


@pytest.mark.parametrize("name", ["private-", "private-cache-", "#server-to-user-", "#server-to-user-a:b", "#x", ""])
def test_no_channel_comes_from_what_is_no_name(name: str) -> None:
    with pytest.raises(InvalidChannelError):
        channel_from_name(name)
    assert [kind for kind in EVERY_KIND if kind.parse(name) is not None] == []
