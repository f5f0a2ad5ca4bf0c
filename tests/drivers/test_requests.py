"""What goes out: bodies, targets, and the signature as the API's documentation prescribes it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.drivers.pusher.endpoint import Endpoint
from broadcastkit.drivers.pusher.profiles import profile_named
from broadcastkit.drivers.pusher.requests import Entry, RequestBuilder, batch_body, trigger_body
from broadcastkit.drivers.pusher.wire import HttpRequest
from broadcastkit.signing import Signer
from tests.drivers.talk import KEY, SECRET, Asked, ask

NOW = 1_700_000_000


def builder(*, path: str = "", profile: str = "pusher", key: str = KEY) -> RequestBuilder:
    endpoint = Endpoint.make(
        app_id="app-1",
        cluster="mt1",
        host="service.test",
        port=None,
        scheme="https",
        path=path,
        profile=profile_named(profile),
    )
    return RequestBuilder(endpoint, Signer(key, SECRET))


def entry(event: str = "ping", *channels: str, data: str = "{}", **fields: Any) -> Entry:
    return Entry(0, event, channels or ("news",), data, fields.get("exclude"), fields.get("info", ()))


def posted(path: str = "", profile: str = "pusher") -> Asked:
    return ask(builder(path=path, profile=profile).post_events("/events", trigger_body(entry()), timestamp=NOW))


def asked(params: dict[str, str], path: str = "", profile: str = "pusher") -> Asked:
    return ask(builder(path=path, profile=profile).request("GET", "/channels", params, timestamp=NOW))


# -- bodies ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_entry", "body"),
    [
        (entry(), {"name": "ping", "data": "{}", "channel": "news"}),
        (entry("ping", "a", "b"), {"name": "ping", "data": "{}", "channels": ["a", "b"]}),
        (entry(exclude="1.2"), {"name": "ping", "data": "{}", "channel": "news", "socket_id": "1.2"}),
        (
            entry(info=("user_count", "subscription_count")),
            {"name": "ping", "data": "{}", "channel": "news", "info": "user_count,subscription_count"},
        ),
        (
            entry("a", "x", "y", data='"text"', exclude="1.2", info=("user_count",)),
            {"name": "a", "data": '"text"', "channels": ["x", "y"], "info": "user_count", "socket_id": "1.2"},
        ),
    ],
)
def test_an_event(given_entry: Entry, body: dict[str, Any]) -> None:
    assert json.loads(trigger_body(given_entry)) == body
    assert b"null" not in trigger_body(given_entry)


@given(st.text(), st.text())
def test_every_text_is_written_as_json(event: str, data: str) -> None:
    text = f'{event}\u2028\x00\x7f\\"'
    given_entry = entry(text.encode(errors="ignore").decode(), data=data.encode(errors="ignore").decode())

    read = json.loads(trigger_body(given_entry))

    assert (read["name"], read["data"]) == (given_entry.event, given_entry.data)
    assert json.loads(batch_body([given_entry, given_entry])) == {"batch": [read, read]}


def test_the_data_is_a_string_that_was_encoded_once() -> None:
    body = json.loads(trigger_body(entry(data='{"note":"naïve ✓"}')))

    assert body["data"] == '{"note":"naïve ✓"}'
    assert "naïve ✓".encode() in trigger_body(entry(data='{"note":"naïve ✓"}'))


# -- signatures --------------------------------------------------------------------------------------------------------


def test_a_post_is_signed_with_the_digest_of_its_body() -> None:
    found = posted()

    assert found.method == "POST"
    assert found.path == "/apps/app-1/events"
    assert set(found.query) == {"auth_key", "auth_timestamp", "auth_version", "body_md5", "auth_signature"}
    assert found.query["auth_key"] == KEY
    assert found.query["auth_timestamp"] == str(NOW)
    assert found.query["auth_version"] == "1.0"
    assert found.query["body_md5"] == hashlib.md5(found.raw, usedforsecurity=False).hexdigest()
    assert found.signed_as("/apps/app-1/events")


def test_a_get_has_no_digest_of_a_body() -> None:
    found = asked({"filter_by_prefix": "presence-", "info": "user_count"})

    assert found.method == "GET"
    assert found.raw == b""
    assert set(found.query) == {
        "auth_key",
        "auth_timestamp",
        "auth_version",
        "auth_signature",
        "filter_by_prefix",
        "info",
    }
    assert found.signed_as("/apps/app-1/channels")


def test_values_are_escaped_in_the_target_and_not_in_what_is_signed() -> None:
    request = builder().request("GET", "/channels", {"info": "a,b c&d=é"}, timestamp=NOW)

    assert "info=a%2Cb%20c%26d%3D%C3%A9" in request.target
    assert ask(request).query["info"] == "a,b c&d=é"
    assert ask(request).signed_as("/apps/app-1/channels")


def test_a_key_that_needs_escaping_in_a_query_is_escaped() -> None:
    request = builder(key="k+e%y/1").post_events("/events", b"{}", timestamp=NOW)

    assert "auth_key=k%2Be%25y%2F1&" in request.target
    assert ask(request).signed_as("/apps/app-1/events")


@pytest.mark.parametrize(
    ("profile", "signed"), [("soketi", "/ws/apps/app-1"), ("reverb", "/apps/app-1"), ("pusher", "/apps/app-1")]
)
def test_a_path_prefix_is_signed_for_soketi_and_for_nobody_else(profile: str, signed: str) -> None:
    post, get = posted("/ws", profile), asked({}, "/ws", profile)

    assert post.path == "/ws/apps/app-1/events"
    assert post.signed_as(f"{signed}/events")
    assert get.path == "/ws/apps/app-1/channels"
    assert get.signed_as(f"{signed}/channels")


def test_a_request_shows_neither_its_signature_nor_its_body() -> None:
    request = builder().post_events("/events", trigger_body(entry(data='"private"')), timestamp=NOW)

    assert repr(request) == f"<POST /apps/app-1/events, {len(request.body)} bytes>"
    assert repr(HttpRequest("GET", "/apps/app-1/channels?auth_signature=abc")) == "<GET /apps/app-1/channels, 0 bytes>"
