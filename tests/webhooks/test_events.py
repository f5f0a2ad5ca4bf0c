"""What webhooks tell of: each event as Pusher's documentation has it, and what clients make of theirs."""

from __future__ import annotations

import json
from typing import Any, assert_never, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from broadcastkit.errors import InvalidPayloadError
from broadcastkit.webhooks import (
    AnyWebhookEvent,
    CacheMissed,
    ChannelOccupied,
    ChannelVacated,
    ClientEventReceived,
    MemberAdded,
    MemberRemoved,
    SubscriptionCount,
    UnknownEvent,
    WebhookEvent,
)
from broadcastkit.webhooks.events import read_event

SENT = {"name": "client_event", "channel": "presence-room", "event": "client-typing"}


# As in "Webhooks" of Pusher's documentation; user_id as a number is what soketi passes on from other makers' endpoints.
@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"name": "channel_occupied", "channel": "test_channel"}, ChannelOccupied(channel="test_channel")),
        ({"name": "channel_vacated", "channel": "test_channel"}, ChannelVacated(channel="test_channel")),
        ({"name": "cache_miss", "channel": "cache-x"}, CacheMissed(channel="cache-x")),
        (
            {"name": "member_added", "channel": "presence-x", "user_id": "a_user_id"},
            MemberAdded(channel="presence-x", user_id="a_user_id"),
        ),
        (
            {"name": "member_removed", "channel": "presence-x", "user_id": 7},
            MemberRemoved(channel="presence-x", user_id="7"),
        ),
        (
            {"name": "subscription_count", "channel": "x", "subscription_count": 123},
            SubscriptionCount(channel="x", subscription_count=123),
        ),
        (
            {**SENT, "data": '{"a":1}', "socket_id": "123.456", "user_id": "7"},
            ClientEventReceived(
                channel="presence-room", event="client-typing", data='{"a":1}', socket_id="123.456", user_id="7"
            ),
        ),
        (SENT, ClientEventReceived(channel="presence-room", event="client-typing")),
    ],
    ids=["occupied", "vacated", "cache", "added", "removed", "count", "client", "client without data"],
)
def test_each_event_has_a_class(fields: dict[str, Any], event: WebhookEvent) -> None:
    assert read_event(fields) == event
    assert read_event({**fields, "brand_new": [1]}) == event  # a field that Pusher may add


def test_every_class_is_in_the_union() -> None:
    assert set(get_args(AnyWebhookEvent)) == {
        ChannelOccupied,
        ChannelVacated,
        MemberAdded,
        MemberRemoved,
        ClientEventReceived,
        CacheMissed,
        SubscriptionCount,
        UnknownEvent,
    }


EACH: list[AnyWebhookEvent] = [
    ChannelOccupied(channel="x"),
    ChannelVacated(channel="x"),
    CacheMissed(channel="cache-x"),
    MemberAdded(channel="presence-x", user_id="1"),
    MemberRemoved(channel="presence-x", user_id="1"),
    SubscriptionCount(channel="x", subscription_count=2),
    ClientEventReceived(channel="private-x", event="client-x", data="{}"),
    UnknownEvent(name="brand_new", channel="x", fields={"name": "brand_new", "channel": "x", "a": 1}),
    UnknownEvent(name="member_added", channel="x", fields={"name": "member_added", "channel": "x"}),
]


@pytest.mark.parametrize("event", EACH, ids=lambda event: type(event).__name__ + event.name)
def test_the_union_reads_what_it_has_written(event: AnyWebhookEvent) -> None:
    """A handler may leave the work to a queue."""
    union: TypeAdapter[AnyWebhookEvent] = TypeAdapter(AnyWebhookEvent)

    assert union.validate_json(event.model_dump_json()) == event


def told(event: AnyWebhookEvent) -> str:
    """A type checker sees that no class was forgotten, and what each has."""
    match event:
        case ChannelOccupied() | ChannelVacated() | CacheMissed():
            return event.channel
        case MemberAdded(user_id=user_id) | MemberRemoved(user_id=user_id):
            return user_id.upper()
        case SubscriptionCount(subscription_count=count):
            return "x" * count
        case ClientEventReceived():
            return event.event
        case UnknownEvent():
            return event.name
        case _:
            assert_never(event)


def test_a_match_is_complete() -> None:
    assert [told(event) for event in EACH] == [
        "x",
        "x",
        "cache-x",
        "1",
        "1",
        "xx",
        "client-x",
        "brand_new",
        "member_added",
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "channel_exploded", "channel": "x", "loudness": 11},
        {"name": "channel_occupied", "channel": 7},
        {"name": "member_added", "channel": "presence-x", "user_id": None},
        {"name": "member_added", "channel": "presence-x", "user_id": True},
        {"name": "subscription_count", "channel": "x", "subscription_count": -1},
        {**SENT, "data": "\ud800"},
    ],
)
def test_what_is_not_known_is_kept(fields: dict[str, Any]) -> None:
    event = read_event(fields)

    assert isinstance(event, UnknownEvent)
    assert event.name == fields["name"]
    assert event.channel == (fields["channel"] if isinstance(fields["channel"], str) else None)
    assert event.fields == fields


@pytest.mark.parametrize("channel", [None, 7, {}, "\ud800"])
def test_an_unknown_event_has_a_channel_only_if_it_is_text(channel: object) -> None:
    assert read_event({"name": "new", "channel": channel}) == UnknownEvent(
        name="new", fields={"name": "new", "channel": channel}
    )


@pytest.mark.parametrize("fields", [{}, {"name": None}, {"name": ["x"]}, {"name": {}}, {"name": "\ud800"}])
def test_what_has_no_name_is_no_event(fields: dict[str, Any]) -> None:
    assert read_event(fields) is None


# Pusher makes a text of the data, soketi leaves it as the client wrote it.
@pytest.mark.parametrize("data", ['{"a":[1,"ä"]}', {"a": [1, "ä"]}])
def test_the_data_of_a_client_event_is_the_text_from_either_service(data: object) -> None:
    event = read_event({**SENT, "data": data})

    assert isinstance(event, ClientEventReceived)
    assert event.data is not None
    assert json.loads(event.data) == event.payload == {"a": [1, "ä"]}


@pytest.mark.parametrize(
    ("data", "payload"),
    [(None, None), ("just text", "just text"), ('"quoted"', "quoted"), ("[" * 100_000, "[" * 100_000)],
)
def test_data_that_is_no_json_is_itself_the_payload(data: str | None, payload: object) -> None:
    assert ClientEventReceived(channel="x", event="client-x", data=data).payload == payload


def test_data_that_is_nested_too_deep_to_be_written_is_kept_as_it_is() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    assert isinstance(read_event({**SENT, "data": deep}), UnknownEvent)
    while deep:  # taken down by hand: the interpreter would do it by recursion
        deep = deep.pop()


def test_what_is_sealed_has_no_payload() -> None:
    event = ClientEventReceived(channel="private-encrypted-x", event="client-x", data='{"nonce":""}', sealed=True)

    with pytest.raises(InvalidPayloadError, match=r"^a client event on 'private-encrypted-x' is sealed"):
        _ = event.payload


def test_only_we_say_what_is_sealed() -> None:
    event = read_event({**SENT, "sealed": True})

    assert isinstance(event, ClientEventReceived)
    assert not event.sealed


def test_no_repr_shows_what_a_client_sent() -> None:
    event = read_event({**SENT, "data": "hunter2"})
    unknown = read_event({"name": "new", "data": "hunter2"})

    assert "hunter2" not in repr((event, unknown)) + str((event, unknown))


def test_no_error_shows_what_did_not_fit() -> None:
    with pytest.raises(ValidationError) as caught:
        MemberAdded(channel="x", user_id={"hunter2": 1})  # type: ignore[arg-type]

    assert "hunter2" not in str(caught.value)


def test_events_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        MemberAdded(channel="x", user_id="1").user_id = "2"  # type: ignore[misc]
