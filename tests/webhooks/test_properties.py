"""Whatever a stranger sends is refused by a WebhookError; whatever the service signs is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broadcastkit.webhooks import ClientEventReceived, Webhook, WebhookError, WebhookRefusal, parse_webhook
from tests.webhooks.tools import KEY, MASTER_KEY, NOW, SECRET, headers_for, signature_of

NAMES = [
    "channel_occupied",
    "channel_vacated",
    "member_added",
    "member_removed",
    "client_event",
    "cache_miss",
    "subscription_count",
    "something_new",
]
FIELDS = ["name", "channel", "event", "data", "socket_id", "user_id", "subscription_count", "sealed"]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
channels = st.sampled_from(["x", "private-x", "presence-x", "private-encrypted-x"])
events = st.builds(
    lambda name, channel, fields: {**fields, "name": name, "channel": channel},
    st.sampled_from(NAMES) | values,
    channels | values,
    st.dictionaries(st.sampled_from(FIELDS), values),
)
deliveries = st.fixed_dictionaries(
    {"time_ms": st.integers(0, 4 * NOW * 1000) | values, "events": st.lists(events, max_size=3) | values}
)
bodies = st.binary(max_size=60) | deliveries.map(lambda value: json.dumps(value).encode())
headers = st.lists(
    st.tuples(
        st.sampled_from(["X-Pusher-Key", "x-pusher-signature", "CONTENT_TYPE", "HTTP_X_PUSHER_KEY", "x"]) | st.text(),
        st.sampled_from([KEY, "application/json", "0" * 64]) | st.text() | st.binary().map(lambda raw: raw) | st.none(),
    ),
    max_size=5,
)


def parsed(given_headers: Any, body: bytes) -> Webhook | WebhookRefusal:
    try:
        return parse_webhook(
            given_headers, body, keys=[("other", "s"), (KEY, SECRET)], master_key=MASTER_KEY, max_age=1e6, now=NOW
        )
    except WebhookError as error:
        return error.reason


@given(headers, bodies)
def test_what_a_stranger_sends_is_never_accepted(sent: Any, body: bytes) -> None:
    assert isinstance(parsed(sent, body), WebhookRefusal)


@given(st.text() | st.binary(), bodies)
def test_no_signature_but_the_right_one_will_do(offered: Any, body: bytes) -> None:
    assume(offered not in {signature_of(body), signature_of(body).encode()})

    assert parsed([("X-Pusher-Key", KEY), ("X-Pusher-Signature", offered)], body) in {
        WebhookRefusal.BAD_SIGNATURE,
        WebhookRefusal.MISSING_HEADER,
    }


@given(bodies)
def test_whatever_is_signed_is_read_or_refused_as_unreadable(body: bytes) -> None:
    answer = parsed(headers_for(body), body)

    if isinstance(answer, WebhookRefusal):
        assert answer in {WebhookRefusal.MALFORMED_BODY, WebhookRefusal.STALE}
        return
    sent = json.loads(body)["events"]
    assert [event.name for event in answer.events] == [event["name"] for event in sent]
    for event in answer.events:
        assert repr(event)
        assert not isinstance(event, ClientEventReceived) or event.sealed or json.dumps(event.payload)


@given(deliveries, st.data())
def test_any_change_of_the_body_is_seen(delivery: dict[str, Any], data: st.DataObject) -> None:
    body = json.dumps(delivery).encode()
    position = data.draw(st.integers(0, len(body) - 1))
    changed = body[:position] + data.draw(st.binary(max_size=2)) + body[position + 1 :]
    assume(changed != body)

    assert parsed(headers_for(body), changed) is WebhookRefusal.BAD_SIGNATURE


@pytest.mark.parametrize("name", NAMES)
@given(channels, st.dictionaries(st.sampled_from(FIELDS[2:]), values))
def test_no_field_of_one_event_costs_the_others(name: str, channel: str, fields: dict[str, Any]) -> None:
    odd = {**fields, "name": name, "channel": channel}
    body = json.dumps({"time_ms": NOW * 1000, "events": [odd, {"name": "cache_miss", "channel": "c"}]}).encode()

    answer = parsed(headers_for(body), body)

    assert isinstance(answer, Webhook)
    assert [event.name for event in answer.events] == [name, "cache_miss"]
