"""How messages become requests: splitting, batching, encryption."""

from __future__ import annotations

import json

import pytest

from broadcastkit.core.encryption import parse_master_key
from broadcastkit.drivers.base import ChannelInfo, Sent
from broadcastkit.drivers.pusher import Profile
from broadcastkit.errors import (
    ConfigurationError,
    PayloadTooLargeError,
)
from tests.drivers.talk import Talk, batched, each, many, message, reply

KEY = parse_master_key("ZUhQVldIZzduRkdZVkJzS2pPRkRYV1JyaWJJUjJiMGI=")  # the key of Pusher's own test suites


# -- one message -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2])
def test_a_socket_of_another_protocol_is_left_out_because_nobody_here_has_it(count: int) -> None:
    talk = Talk()

    talk.send(*[message(exclude="of-another/protocol")] * count)
    talk.send(*[message(exclude="1.2")] * count)

    strange, known = ([asked.body] if count == 1 else asked.body["batch"] for asked in talk.asked)
    assert ["socket_id" in entry for entry in strange] == [False] * count
    assert [entry["socket_id"] for entry in known] == ["1.2"] * count


@pytest.mark.parametrize(
    ("channels", "parts"), [(1, [1]), (2, [2]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])]
)
def test_more_than_a_hundred_channels_are_split(channels: int, parts: list[int]) -> None:
    talk = Talk()
    names = many(channels)

    assert talk.send(message("ping", *names)) == [Sent(len(parts))]

    assert [asked.path for asked in talk.asked] == ["/apps/app-1/events"] * len(parts)
    sent = [asked.body.get("channels", [asked.body.get("channel")]) for asked in talk.asked]
    assert [len(part) for part in sent] == parts
    assert [name for part in sent for name in part] == list(names)


def test_the_number_of_channels_is_the_profiles() -> None:
    talk = Talk(profile=Profile("mine", data_limit=100, channels_limit=3, batch_limit=1))

    talk.send(message("ping", *many(7)))
    assert [len(batched(asked)) for asked in talk.asked] == [3, 3, 1]


def test_what_the_service_says_of_channels_is_merged_over_the_parts() -> None:
    names = many(101, "presence-c")
    talk = Talk(
        reply(200, {"channels": {names[0]: {"user_count": 3}, names[1]: {}}}),
        reply(200, {"channels": {names[100]: {"user_count": 5, "subscription_count": 6}}}),
    )

    (outcome,) = talk.send(message("ping", *names, info=("user_count",)))

    assert outcome == Sent(
        2,
        {
            names[0]: ChannelInfo(user_count=3),
            names[1]: ChannelInfo(),
            names[100]: ChannelInfo(user_count=5, subscription_count=6),
        },
    )
    assert all(asked.body["info"] == "user_count" for asked in talk.asked)


def test_nothing_is_asked_for_no_messages() -> None:
    talk = Talk()

    assert talk.send() == []
    assert talk.asked == []


# -- several messages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "requests"), [(2, [2]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_several_messages_go_in_batches_of_ten_at_most_in_order(count: int, requests: list[int]) -> None:
    talk = Talk()

    outcomes = talk.send(*each(count))

    assert outcomes == [Sent(1)] * count
    assert [len(batched(asked)) for asked in talk.asked] == requests
    assert [entry for asked in talk.asked for entry in batched(asked)] == [
        (f"event.{number}", f"c-{number % 3}") for number in range(count)
    ]


def test_an_entry_of_a_batch_has_one_channel_and_its_own_socket() -> None:
    talk = Talk()

    talk.send(
        message("a", "x", "y", data='{"n":1}', exclude="1.2"),
        message("b", "z"),
        message("c", "z", exclude="of-another/protocol"),
    )

    (asked,) = talk.asked
    assert asked.path == "/apps/app-1/batch_events"
    assert asked.body == {
        "batch": [
            {"name": "a", "data": '{"n":1}', "channel": "x", "socket_id": "1.2"},
            {"name": "a", "data": '{"n":1}', "channel": "y", "socket_id": "1.2"},
            {"name": "b", "data": "{}", "channel": "z"},
            {"name": "c", "data": "{}", "channel": "z"},
        ]
    }


def test_batches_are_used_only_where_they_are_fewer() -> None:
    talk = Talk()

    # 60 entries would be 6 batches
    assert talk.send(message("a", *many(30)), message("b", *many(30))) == [Sent(1), Sent(1)]
    assert [asked.path for asked in talk.asked] == ["/apps/app-1/events"] * 2


def test_the_size_of_a_batch_is_the_profiles() -> None:
    talk = Talk(profile=Profile("mine", data_limit=100, batch_limit=4))

    talk.send(*each(9))
    assert [len(batched(asked)) for asked in talk.asked] == [4, 4, 1]


def test_a_batch_is_no_larger_than_the_request_that_the_service_takes() -> None:
    # Reverb: 10,000 bytes for the whole request
    talk = Talk(profile="reverb")
    data = json.dumps("x" * 3_000)

    assert talk.send(*(message(f"event.{n}", data=data) for n in range(8))) == [Sent(1)] * 8
    assert [len(batched(asked)) for asked in talk.asked] == [3, 3, 2]
    assert all(len(asked.raw) < 9_500 for asked in talk.asked)


def test_what_the_service_says_of_a_batch_belongs_to_its_entries_by_position() -> None:
    talk = Talk(reply(200, {"batch": [{"user_count": 1}, {}, {"subscription_count": 3}]}))

    outcomes = talk.send(
        message("a", "presence-x", "y", info=("user_count",)), message("b", "z", info=("subscription_count",))
    )

    assert outcomes == [
        Sent(1, {"presence-x": ChannelInfo(user_count=1)}),
        Sent(1, {"z": ChannelInfo(subscription_count=3)}),
    ]


@pytest.mark.parametrize("said", [{}, {"batch": {}}, {"batch": []}, {"batch": [{}]}, {"batch": None}, {"ok": True}])
def test_a_batch_that_the_service_says_nothing_of_was_sent_all_the_same(said: object) -> None:
    assert Talk(reply(200, said)).send(*each(3)) == [Sent(1)] * 3


# -- encrypted channels ------------------------------------------------------------------------------------------------


def test_each_encrypted_channel_is_encrypted_for_itself() -> None:
    talk = Talk(key=KEY)
    data = '{"note":"naïve ✓"}'

    (outcome,) = talk.send(message("ping", "private-encrypted-a", "news", "private-encrypted-cache-b", data=data))

    assert outcome == Sent(1)
    entries = talk.asked[0].body["batch"]
    assert {entry["channel"] for entry in entries} == {"private-encrypted-a", "news", "private-encrypted-cache-b"}
    sealed = {entry["channel"]: entry["data"] for entry in entries}
    assert sealed["news"] == data
    for name in ("private-encrypted-a", "private-encrypted-cache-b"):
        assert set(json.loads(sealed[name])) == {"nonce", "ciphertext"}
        assert KEY.decrypt(name, sealed[name]) == data
    assert (
        json.loads(sealed["private-encrypted-a"])["nonce"] != json.loads(sealed["private-encrypted-cache-b"])["nonce"]
    )
    with pytest.raises(ValueError, match="does not open"):
        KEY.decrypt("private-encrypted-a", sealed["private-encrypted-cache-b"])


def test_one_encrypted_channel_goes_as_a_single_event() -> None:
    talk = Talk(key=KEY)

    talk.send(message("ping", "private-encrypted-a"))
    assert talk.asked[0].path == "/apps/app-1/events"
    assert talk.asked[0].body["channel"] == "private-encrypted-a"


def test_the_size_of_an_encrypted_payload_is_the_one_after_encryption() -> None:
    # 7,619 bytes is the most that fits 10,240 (research/peers.md §2.4)
    fits, too_large = (message("p", "private-encrypted-a", data=json.dumps("x" * count)) for count in (7_617, 7_618))
    talk = Talk(key=KEY)

    assert talk.send(fits) == [Sent(1)]
    assert len(talk.asked[0].body["data"]) == 10_240
    (outcome,) = talk.send(message("p", "private-encrypted-a", data=json.dumps({"note": "x" * 7_620})))
    assert isinstance(outcome, PayloadTooLargeError)
    assert outcome.limit == 10_240
    assert outcome.largest == (("note", 7_622),)
    assert talk.send(too_large) != [Sent(1)]


def test_without_a_key_an_encrypted_channel_is_a_wrong_setting_and_others_are_sent() -> None:
    talk = Talk()

    first, second = talk.send(message("a", "news", "private-encrypted-a"), message("b"))

    assert isinstance(first, ConfigurationError)
    assert "encryption_master_key" in str(first)
    assert second == Sent(1)
    assert [batched(asked) for asked in talk.asked] == [[("b", "news")]]
