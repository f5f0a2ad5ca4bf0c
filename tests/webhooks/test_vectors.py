"""What other makers' suites say of webhooks: which they accept, and what they read in them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from broadcastkit.webhooks import UnknownEvent, WebhookError, WebhookRefusal, parse_webhook, verify_webhook
from tests.vectors import Vector, vectors
from tests.webhooks.tools import headers_for

# Where a vector says why, the word we have for it; Ruby's says nothing: there it is another secret.
REASONS = {
    "unknown key": WebhookRefusal.UNKNOWN_KEY,
    "bad signature": WebhookRefusal.BAD_SIGNATURE,
    "missing signature header": WebhookRefusal.MISSING_HEADER,
    "empty signature": WebhookRefusal.MISSING_HEADER,
    None: WebhookRefusal.BAD_SIGNATURE,
}


def arguments(given: Any) -> tuple[dict[str, str], bytes, list[tuple[str, str]]]:
    return given["headers"], given["body"].encode(), [(token["key"], token["secret"]) for token in given["tokens"]]


def is_no_json(vector: Vector) -> bool:
    return "not JSON" in vector.expected.get("reason", "")


@vectors("webhook", only=lambda vector: vector.expected["valid"])
def test_a_webhook_that_others_accept(given: Any, expected: Any) -> None:
    headers, body, keys = arguments(given)

    assert verify_webhook(headers, body, keys=keys) == headers["X-Pusher-Key"]
    if "time_ms" not in json.loads(body):  # of some suites the body is any JSON
        with pytest.raises(WebhookError) as caught:
            parse_webhook(headers, body, keys=keys)
        assert caught.value.reason is WebhookRefusal.MALFORMED_BODY
        return
    webhook = parse_webhook(headers, body, keys=keys)
    sent = json.loads(body)
    assert webhook.time.timestamp() * 1000 == pytest.approx(sent["time_ms"], abs=0.5)
    assert [event.name for event in webhook.events] == [event["name"] for event in sent["events"]]
    for wanted in expected.get("parsed", {}).get("events", ()):
        (event,) = webhook.events
        assert isinstance(event, UnknownEvent)
        assert event.fields == wanted


@vectors("webhook", only=lambda vector: not vector.expected["valid"], without=is_no_json)
def test_a_webhook_that_others_refuse(given: Any, expected: Any) -> None:
    headers, body, keys = arguments(given)

    for check in (verify_webhook, parse_webhook):
        with pytest.raises(WebhookError) as caught:
            check(headers, body, keys=keys)
        assert caught.value.reason is REASONS[expected.get("reason")]


@vectors("webhook", only=is_no_json)
def test_a_signed_body_that_is_no_json(given: Any, expected: Any) -> None:
    headers, body, keys = arguments(given)
    verify_webhook(headers, body, keys=keys)

    with pytest.raises(WebhookError) as caught:
        parse_webhook(headers, body, keys=keys)

    assert caught.value.reason is WebhookRefusal.MALFORMED_BODY


@vectors("webhook_parse")
def test_the_time_of_a_webhook(given: Any, expected: Any) -> None:
    body = given["body"].encode()
    webhook = parse_webhook(headers_for(body, "k", "s"), body, keys=("k", "s"))

    assert webhook.time == datetime.fromisoformat(expected["time_utc"])
    assert webhook.time.tzinfo is not None
