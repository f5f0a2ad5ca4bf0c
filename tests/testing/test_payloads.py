"""Payloads in assertions: exact, in part, and with values that vary, as dirty-equals says them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import ANY

import pytest
from dirty_equals import Contains, HasLen, IsDatetime, IsInt, IsList, IsNow, IsPartialDict, IsPositiveInt, IsStr, IsUUID

from broadcastkit import AnonymousEvent, Event, broadcast
from broadcastkit.testing import Broadcasts, fake_broadcasts
from broadcastkit.testing.payloads import payload_differences


class MessageSent(Event):
    id: int
    content: str
    at: datetime
    tags: list[str]
    sender: dict[str, Any]

    def broadcast_on(self) -> str:
        return "private-conversation.1"


class Nothing(Event, name="nothing"):
    def broadcast_on(self) -> str:
        return "news"

    def broadcast_with(self) -> None:
        """Send null."""


SENDER = {"id": 7, "name": "Zoë", "address": {"city": "Wien", "code": "1010"}}


@pytest.fixture
def broadcasts() -> Broadcasts:
    with fake_broadcasts() as broadcasts:
        broadcast(
            MessageSent(id=3, content="hi", at=datetime.now(UTC), tags=["a", "b"], sender=SENDER),
        ).to_everyone()
        broadcast(Nothing()).to_everyone()
        broadcast(AnonymousEvent("list", [1, {"a": 2}], on="news")).to_everyone()
    return broadcasts


WHOLE: dict[str, Any] = {
    "id": IsInt(),
    "content": "hi",
    "at": IsNow(tz=UTC, iso_string=True, delta=60),
    "tags": ["a", IsStr(regex="b+")],
    "sender": SENDER,
}

FITTING: list[tuple[type[Event] | str, dict[str, Any]]] = [
    (MessageSent, {"payload": WHOLE}),
    (MessageSent, {"payload": WHOLE | {"id": IsInt, "tags": HasLen(2), "sender": IsPartialDict(id=7)}}),
    (MessageSent, {"payload": WHOLE | {"id": IsPositiveInt & ~IsInt(gt=3), "tags": Contains("b")}}),
    (MessageSent, {"payload": IsPartialDict(id=3, sender=SENDER)}),
    (MessageSent, {"payload": ANY}),
    (MessageSent, {"payload_contains": {}}),
    (MessageSent, {"payload_contains": {"id": 3}}),
    (
        MessageSent,
        {"payload_contains": {"at": IsDatetime(iso_string=True), "tags": IsList("b", "a", check_order=False)}},
    ),
    (MessageSent, {"payload_contains": {"sender": {"address": {"city": IsStr()}}}}),
    (MessageSent, {"payload": WHOLE, "payload_contains": {"id": 3}, "where": lambda event: event.id == 3}),
    ("nothing", {"payload": None}),
    ("list", {"payload": [1, {"a": IsInt()}]}),
    ("list", {"payload": IsList(length=2)}),
]


@pytest.mark.parametrize(("event", "filters"), FITTING)
def test_what_fits(broadcasts: Broadcasts, event: type[Event] | str, filters: dict[str, Any]) -> None:
    broadcasts.assert_broadcast(event, times=1, **filters)
    with pytest.raises(AssertionError, match="expected no broadcast of"):
        broadcasts.assert_not_broadcast(event, **filters)


DIFFERING: list[tuple[type[Event] | str, dict[str, Any], list[str]]] = [
    (MessageSent, {"payload": WHOLE | {"content": "Hello"}}, ["payload['content'] is 'hi', not 'Hello'"]),
    (MessageSent, {"payload": WHOLE | {"id": IsInt(gt=3)}}, ["payload['id'] is 3, not IsInt(gt=3)"]),
    (MessageSent, {"payload": WHOLE | {"room": IsUUID(4)}}, ["payload['room'] is missing, and should be IsUUID(4)"]),
    (
        MessageSent,
        {"payload": {key: value for key, value in WHOLE.items() if key != "content"}},
        ["payload['content'] is 'hi', and should not be there"],
    ),
    (MessageSent, {"payload": WHOLE | {"tags": ["a"]}}, ["payload['tags'] has 2 items, not 1"]),
    (MessageSent, {"payload": WHOLE | {"tags": ["a", "c"]}}, ["payload['tags'][1] is 'b', not 'c'"]),
    (
        MessageSent,
        {"payload": WHOLE | {"id": 4, "sender": SENDER | {"name": "Zoe"}}},
        ["payload['id'] is 3, not 4", "payload['sender']['name'] is 'Zoë', not 'Zoe'"],
    ),
    (MessageSent, {"payload": None}, ["payload is {'id': 3, 'content': 'hi'"]),
    (MessageSent, {"payload_contains": {"sender": {"address": {"city": "Graz"}}}}, ["['city'] is 'Wien', not 'Graz'"]),
    (MessageSent, {"payload_contains": {"sender": {"age": 3}}}, ["payload['sender']['age'] is missing"]),
    (MessageSent, {"payload_contains": {"tags": ["a"]}}, ["payload['tags'] has 2 items, not 1"]),
    ("nothing", {"payload": {}}, ["payload is None, not {}"]),
    ("nothing", {"payload_contains": {"id": 3}}, ["payload is None, not {'id': 3}"]),
    # a part of an object is one thing, an item of a list another
    ("list", {"payload": [1, {}]}, ["payload[1]['a'] is 2, and should not be there"]),
]


@pytest.mark.parametrize(("event", "filters", "differences"), DIFFERING)
def test_what_does_not_fit_is_told_field_by_field(
    broadcasts: Broadcasts, event: type[Event] | str, filters: dict[str, Any], differences: list[str]
) -> None:
    broadcasts.assert_not_broadcast(event, **filters)
    with pytest.raises(AssertionError, match="found none") as failed:
        broadcasts.assert_broadcast(event, **filters)

    told = [line for line in str(failed.value).splitlines() if line.startswith("     - payload")]
    assert len(told) == len(differences)
    for line, difference in zip(told, differences, strict=True):
        assert difference in line


def test_the_headline_shows_what_was_wanted_as_it_was_written() -> None:
    with fake_broadcasts() as broadcasts:
        broadcast(AnonymousEvent("ping", {"id": 3, "content": "hi"}, on="news")).to_everyone()

    with pytest.raises(AssertionError) as failed:
        broadcasts.assert_broadcast(
            "ping", payload={"id": IsInt(), "content": "hi"}, payload_contains={"id": 3}, times=2
        )

    assert str(failed.value).startswith(
        "expected 2 broadcasts of 'ping' with the payload {'id': IsInt(), 'content': 'hi'} "
        "with a payload that contains {'id': 3}, found 1\n"
    )


def test_long_values_are_cut(broadcasts: Broadcasts) -> None:
    with pytest.raises(AssertionError) as failed:
        broadcasts.assert_broadcast("nothing", payload="x" * 300)

    assert f"payload is None, not '{'x' * 99}…" in str(failed.value)


@pytest.mark.parametrize("fields", ["id", ["id"], IsPartialDict(id=3)])
def test_fields_are_a_mapping(broadcasts: Broadcasts, fields: Any) -> None:
    with pytest.raises(TypeError, match=r"payload_contains= takes a mapping of fields, not .*; or give payload="):
        broadcasts.assert_not_broadcast("nothing", payload_contains=fields)


def test_a_record_is_compared_with_the_same_means(broadcasts: Broadcasts) -> None:
    assert broadcasts.recorded[0].payload == WHOLE
    assert list(payload_differences({"a": IsInt()}, {"a": 1})) == []
