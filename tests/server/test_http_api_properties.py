"""Whatever a stranger sends to the HTTP API: never a 500, and nothing is published without a signature that fits."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

from hypothesis import example, given
from hypothesis import strategies as st

from broadcastkit.server import Limits
from broadcastkit.server.connection import Connection
from broadcastkit.server.http_api import Answer, HttpApi, Request
from broadcastkit.server.hub import Hub
from tests.server.tools import APP, NOW, make_server, request, signed_query

TEXT = st.text(st.characters(), max_size=20)
METHODS = st.sampled_from(["GET", "POST", "PUT", "HEAD", "", "get"]) | TEXT
PATHS = st.sampled_from(
    [
        "/events",
        "/batch_events",
        "/channels",
        "/channels/x",
        "/channels/presence-x/users",
        "/channels/cache-x",
        "/users/7/terminate_connections",
        "/users//terminate_connections",
        "",
        "/",
        "/channels/%00",
        "/channels/",
    ]
).map(lambda path: f"/apps/app-id{path}")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
CHANNELS = st.sampled_from(
    ["x", "private-x", "presence-x", "private-encrypted-x", "cache-x", "#server-to-user-7", "a b"]
)
EVENT = st.fixed_dictionaries(
    {"name": st.just("ev") | JSON, "data": st.just("{}") | JSON},
    optional={
        "channel": CHANNELS | JSON,
        "channels": st.lists(CHANNELS, max_size=3) | JSON,
        "socket_id": st.just("1.2") | JSON,
        "info": st.sampled_from(["user_count", "subscription_count,user_count", "", ",", "cache"]) | JSON,
    },
)
BODIES = (EVENT | st.fixed_dictionaries({"batch": st.lists(EVENT, max_size=3) | JSON}) | JSON).map(
    lambda value: json.dumps(value).encode()
)
PARAMS = st.dictionaries(
    st.sampled_from(["filter_by_prefix", "info", "x"]) | st.text(st.characters(codec="utf-8"), min_size=1, max_size=5),
    st.sampled_from(["presence-", "user_count", "cache", ""]) | st.text(st.characters(codec="utf-8"), max_size=10),
    max_size=3,
).filter(lambda params: not any(name.startswith(("auth_", "body_")) for name in params))


def handle(method: str, path: str, query: str, body: bytes) -> Answer:
    api = HttpApi(APP, Limits(), Hub[Connection](Limits()), now=NOW)
    answer = api.handle(Request(method, path, query, body, [path]), now=NOW)
    assert 200 <= answer.response.status < 500
    if answer.response.content_type == "application/json":
        assert isinstance(json.loads(answer.response.body), dict)
    if answer.messages or answer.terminate_user is not None:
        assert answer.response.status == 200
    return answer


def signed_rightly(method: str, path: str, query: str, body: bytes) -> bool:
    """Check a request as the API's reference says, with no help from the code under test."""
    params = dict(parse_qsl(query, keep_blank_values=True))
    signature = params.pop("auth_signature", "")
    text = f"{method}\n{path}\n" + "&".join(f"{key}={params[key]}" for key in sorted(params))
    expected = hmac.new(b"app-secret", text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    return (
        signature == expected
        and abs(int(params["auth_timestamp"]) - NOW) <= 600
        and (not body or params.get("body_md5") == hashlib.md5(body, usedforsecurity=False).hexdigest())
    )


@given(METHODS, PATHS | TEXT, TEXT, st.binary(max_size=100))
@example("POST", "/apps/app-id/events", "auth_key=app-key&auth_timestamp=" + "9" * 5_000, b"")
@example("POST", "/apps/app-id/events", "auth_key=app-key&auth_timestamp=%D9%A1", b"")
@example("POST", "/apps/app-id/events", "auth_key=app-key&auth_timestamp=1700000000&body_md5=%C3%BC", b"x")
@example("POST", "/apps/app-id/events", "\ud800", b"")
def test_any_request(method: str, path: str, query: str, body: bytes) -> None:
    answer = handle(method, path, query, body)
    assert answer.response.status != 200


@given(METHODS, PATHS, BODIES, PARAMS)
def test_any_signed_request(method: str, path: str, body: bytes, params: dict[str, str]) -> None:
    handle(method, path, signed_query(method, path, body, params), body)


@given(PATHS, BODIES, st.data())
def test_a_signed_request_with_something_changed(path: str, body: bytes, data: st.DataObject) -> None:
    method = "POST"
    query = signed_query(method, path, body)
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(query)))
        query = query[:at] + data.draw(st.characters(codec="utf-8")) + query[at + 1 :]
    else:
        params = dict(parse_qsl(query))
        params[data.draw(st.sampled_from(sorted(params)))] = data.draw(st.text(st.characters(codec="utf-8")))
        query = urlencode(params)
    answer = handle(method, path, query, body)
    if answer.response.status == 200:
        assert signed_rightly(method, path, query, body)


@given(TEXT, TEXT, st.binary(max_size=50), st.lists(st.tuples(st.binary(), st.binary()), max_size=5))
async def test_any_request_through_asgi(
    method: str, path: str, body: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    for prefix in ("", "/apps/app-id/", "/app"):
        answer = await request(make_server(), method, f"{prefix}{path}", body, raw_headers=headers, query="x")
        assert answer is None or 200 <= answer.status < 500
        raw = [(b"content-length", b"\xb2"), *headers]
        scope: dict[str, Any] = {"raw_path": None, "query_string": b"\xff=%ff"}
        answer = await request(make_server(), method, f"{prefix}{path}", body, raw_headers=raw, **scope)
        assert answer is None or 200 <= answer.status < 500
