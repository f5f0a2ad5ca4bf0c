"""Messages as JSON, for queues and outboxes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.core.message import Message
from broadcastkit.core.options import EventOptions
from broadcastkit.core.retry import Retry
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.errors import InvalidPayloadError

MESSAGE = Message("message.sent", ("private-user.1", "news"), '{"text":"Grüße 🦷 \\u2028","n":1.0}', "12.34")
WRITTEN = {
    "version": 1,
    "id": "e-1",
    "connection": "main",
    "event": "message.sent",
    "channels": ["private-user.1", "news"],
    "data": '{"text":"Grüße 🦷 \\u2028","n":1.0}',
    "exclude": "12.34",
}


def test_every_part_is_written() -> None:
    assert json.loads(Envelope("main", MESSAGE, "e-1").to_json()) == WRITTEN


def test_without_a_socket_to_leave_out_there_is_none() -> None:
    assert "exclude" not in json.loads(Envelope("main", MESSAGE._replace(exclude=None), "e-1").to_json())


def test_the_events_options_travel_and_others_are_not_mentioned() -> None:
    options = EventOptions(Retry(attempts=2), "high", 5, 1.5)
    envelope = Envelope("main", MESSAGE._replace(options=options), "e-1")
    assert json.loads(envelope.to_json())["options"] == {
        "retry": {"attempts": 2, "budget": 10.0, "base": 0.1, "cap": 2.0, "after_timeout": False},
        "queue": "high",
        "tries": 5,
        "backoff": 1.5,
    }
    assert Envelope.from_json(envelope.to_json()) == envelope
    assert "options" not in json.loads(Envelope("main", MESSAGE, "e-1").to_json())


def test_what_is_pending_until_it_is_sent_travels() -> None:
    envelope = Envelope("main", MESSAGE, "e-1", ("key", "holder"))
    assert json.loads(envelope.to_json()) == WRITTEN | {"claim": ["key", "holder"]}
    assert Envelope.from_json(envelope.to_json()) == envelope


@pytest.mark.parametrize("claim", ["key", ["key"], 7])
def test_a_claim_that_is_none_is_refused(claim: object) -> None:
    with pytest.raises(InvalidPayloadError, match="not an envelope"):
        Envelope.from_json(json.dumps(WRITTEN | {"claim": claim}))


@given(data=st.text(), event=st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=200))
def test_what_is_read_is_what_was_written(data: str, event: str) -> None:
    envelope = Envelope("main", Message(event, ("room-1",), data, "1.2"), "e-1")
    assert Envelope.from_json(envelope.to_json()) == envelope


@pytest.mark.parametrize(
    "changed",
    [
        {"channels": []},
        {"channels": ["no spaces allowed"]},
        {"channels": None},
        {"event": ""},
        {"event": 3},
        {"data": {"text": "not text"}},
        {"connection": None},
        {"id": 7},
        {"options": 3},
        {"options": {"tries": 0}},
        {"options": {"retry": {"attempts": "Grüße"}}},
        {"options": {"retry": 3}},
    ],
)
def test_what_is_no_envelope_is_refused_and_not_shown(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayloadError) as error:
        Envelope.from_json(json.dumps(WRITTEN | changed))
    assert "Grüße" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{}", "{", '"text"', '{"version":1}'])
def test_neither_is_other_json(text: str) -> None:
    with pytest.raises(InvalidPayloadError, match="not an envelope"):
        Envelope.from_json(text)


def test_one_of_a_later_release_says_so() -> None:
    with pytest.raises(InvalidPayloadError, match="version 2; this release reads 1"):
        Envelope.from_json(json.dumps(WRITTEN | {"version": 2}))


def test_the_payload_is_in_no_repr() -> None:
    assert repr(Envelope("main", MESSAGE, "e-1")) == (
        "<Envelope e-1 of <Message 'message.sent' on 2 channel(s), 33 characters> for 'main'>"
    )
