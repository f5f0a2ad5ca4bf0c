"""Payload text: what becomes JSON, how long it is, and what an error says of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr, field_serializer

from broadcastkit.core.payload import byte_length, check_size, encode, largest_fields
from broadcastkit.errors import InvalidPayloadError, PayloadTooLargeError

SECRET = "hunter2"


class Color(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int


class Model(BaseModel):
    shown: int = 1
    hidden: str = Field(default=SECRET, exclude=True)
    password: SecretStr = SecretStr(SECRET)


class Refusing(BaseModel):
    value: str

    @field_serializer("value")
    def refuse(self, value: str) -> str:
        raise ValueError(f"cannot take {value}")


# -- encode ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ("Grüße 🎈", '"Grüße 🎈"'),
        ('"\\\n\u2028', '"\\"\\\\\\n\u2028"'),
        ({"a": [1, 1.5, True, None]}, '{"a":[1,1.5,true,null]}'),
        (float("nan"), "null"),
        ([float("inf"), float("-inf")], "[null,null]"),
        (2**70, "1180591620717411303424"),
        (Decimal("1.50"), '"1.50"'),
        (datetime(2025, 10, 2, 12, 0, tzinfo=UTC), '"2025-10-02T12:00:00Z"'),
        (date(2026, 1, 31), '"2026-01-31"'),
        (UUID("0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162"), '"0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162"'),
        (Color.RED, '"red"'),
        (Point(1, 2), '{"x":1,"y":2}'),
        (Model(), '{"shown":1,"password":"**********"}'),
        (MappingProxyType({"a": MappingProxyType({"b": 1})}), '{"a":{"b":1}}'),
        ((1, 2), "[1,2]"),
        (b"abc", '"abc"'),
    ],
    ids=repr,
)
def test_values_become_json(value: object, text: str) -> None:
    assert encode(value, "the payload") == text


def test_a_database_row_becomes_json() -> None:
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        row = connection.execute(sqlalchemy.text("SELECT 7 AS id, 'Ann' AS name")).mappings().one()

    assert encode({"user": row}, "the payload") == '{"user":{"id":7,"name":"Ann"}}'


class Unknown:
    def __repr__(self) -> str:
        return SECRET


ITSELF: list[Any] = [SECRET]
ITSELF.append(ITSELF)


def nested(depth: int) -> list[Any]:
    value: list[Any] = [SECRET]
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({SECRET: Unknown()}, f"Unable to serialize unknown type: <class '{__name__}.Unknown'>"),
        ([SECRET, Color], "Unable to serialize unknown type: <class 'enum.EnumType'>"),
        (ITSELF, "Circular reference detected"),
        (nested(10_000), "Maximum serialization depth exceeded"),
        (f"{SECRET}\ud800", "surrogates not allowed"),
        ({f"{SECRET}\ud800": 1}, "surrogates not allowed"),
        ([SECRET, b"\xff"], "invalid utf-8 sequence"),
        (Refusing(value=SECRET), "a serializer failed"),
    ],
    ids=["unknown", "class", "circular", "deep", "surrogate", "key", "bytes", "serializer"],
)
def test_the_error_names_what_and_why_and_no_value(value: object, reason: str) -> None:
    with pytest.raises(
        InvalidPayloadError, match=f"^the payload cannot be written as JSON: {re.escape(reason)}$"
    ) as caught:
        encode(value, "the payload")

    # no traceback shows it either
    assert caught.value.__suppress_context__


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_json_values_survive(value: Any) -> None:
    try:
        text = encode(value, "the payload")
    except InvalidPayloadError:
        assert not is_unicode(value)
    else:
        assert json.loads(text) == value


def is_unicode(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


# -- size ------------------------------------------------------------------------------------------------------------


@given(st.text(st.characters(codec="utf-8")))
def test_byte_length_is_the_length_of_the_bytes(text: str) -> None:
    assert byte_length(text) == len(text.encode())


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.integers(0, 130))
def test_a_payload_is_refused_exactly_when_its_bytes_are_over_the_limit(text: str, limit: int) -> None:
    payload = json.dumps(text, ensure_ascii=False)
    size = len(payload.encode())
    if size <= limit:
        check_size("ping", payload, limit)
        return
    with pytest.raises(PayloadTooLargeError) as caught:
        check_size("ping", payload, limit)
    assert (caught.value.size, caught.value.limit) == (size, limit)


def test_the_error_names_event_size_limit_and_largest_fields() -> None:
    text = '{"id":7,"content":"ÄÄ","tags":[1,2,3],"note":"xxxxxxxx"}'

    with pytest.raises(PayloadTooLargeError) as caught:
        check_size("message.sent", text, 40)

    error = caught.value
    assert str(error) == (
        "event 'message.sent': the payload has 58 bytes, the service takes 40; largest fields: note (10 B), "
        "tags (7 B), content (6 B). Send an id and let the client fetch the rest, or raise the limit if your service "
        "allows more."
    )
    assert (error.event, error.size, error.limit) == ("message.sent", 58, 40)
    assert error.largest == (("note", 10), ("tags", 7), ("content", 6))


def test_the_fields_of_an_encrypted_payload_are_named_from_the_plain_one() -> None:
    with pytest.raises(PayloadTooLargeError, match=r"has 50 bytes, the service takes 40; largest fields: a \(3 B\)\. "):
        check_size("x", "c" * 50, 40, plain='{"a":"b"}')


def test_a_payload_that_is_no_object_has_no_fields() -> None:
    with pytest.raises(PayloadTooLargeError, match="; largest fields: not an object\\. ") as caught:
        check_size("x", '["hunter2"]', 5)

    assert caught.value.largest == ()
    assert SECRET not in str(caught.value)


def test_what_is_no_json_has_no_fields() -> None:
    assert largest_fields("{not json") == ()


def test_no_more_than_three_fields_are_named() -> None:
    assert largest_fields('{"a":1,"b":22,"c":333,"d":4444,"e":0}') == (("d", 4), ("c", 3), ("b", 2))
