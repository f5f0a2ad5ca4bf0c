"""Signatures that other implementations made, held against the server: each vector with its origin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from broadcastkit.server import App, Limits
from broadcastkit.server.connection import Connection
from broadcastkit.server.effects import Close, Effect, Reply, SignIn, Subscribe
from broadcastkit.server.http_api import HttpApi, Request
from broadcastkit.server.hub import Hub
from broadcastkit.server.protocol import PusherProtocol
from tests.server.tools import frame

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "protocol.json").read_text())


def vectors(kind: str) -> list[Any]:
    return [
        pytest.param(vector["inputs"], vector["expected"], id=f"{vector['source_repo']}:{vector['source_file']}")
        for vector in VECTORS
        if vector["kind"] == kind
    ]


# Some suites sign paths that are none of the API, or whole URLs; test_signing.py has those.
REQUESTS = [case for case in vectors("request_signature") if case.values[0]["path"].startswith("/apps/")]


def status(given: dict[str, Any], expected: dict[str, Any], *, late: int = 0) -> int:
    body = (given["body"] or "").encode()
    params = {
        "auth_key": given["key"],
        "auth_timestamp": given["auth_timestamp"],
        "auth_version": "1.0",
        **given["params"],
        "auth_signature": expected["auth_signature"],
    }
    if body:
        params["body_md5"] = expected["body_md5"]
    app, limits = App(given["path"].split("/")[2], given["key"], given["secret"]), Limits()
    now = int(given["auth_timestamp"]) + late
    api = HttpApi(app, limits, Hub[Connection](limits), now=now)
    request = Request(given["method"], given["path"], urlencode(params, quote_via=quote), body, [given["path"]])
    return api.handle(request, now=now).response.status


@pytest.mark.parametrize(("given", "expected"), REQUESTS)
def test_accepts_requests_that_others_signed(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert status(given, expected) == 200


@pytest.mark.parametrize(("given", "expected"), REQUESTS)
def test_refuses_them_when_anything_is_changed(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert status(given | {"secret": "another"}, expected) == 401
    assert status(given | {"params": {"x": "1"}}, expected) == 401
    assert status(given | {"body": "{}"}, expected | {"body_md5": "99914b932bd37a50b983c5e7c90ae93b"}) == 401


@pytest.mark.parametrize(("given", "expected"), vectors("timestamp_window"))
def test_the_window_of_timestamps(given: dict[str, Any], expected: dict[str, Any]) -> None:
    window = given["seconds"]
    request = REQUESTS[0].values
    assert (status(*request, late=window) == 200) is expected["valid"]
    assert (status(*request, late=-window) == 200) is expected["valid"]
    assert status(*request, late=window + 1) == 401
    assert status(*request, late=-window - 1) == 401


def answer(given: dict[str, Any], event: str, data: dict[str, Any]) -> Effect | None:
    app = App("1", given["key"], given["secret"])
    protocol = PusherProtocol(app, Limits(), Connection(given["socket_id"]), now=0.0)
    return protocol.receive(frame(event, data), 0.0)


def opens(given: dict[str, Any], auth: str, channel_data: str | None = None) -> bool:
    data = {"channel": given["channel"], "auth": auth, "channel_data": channel_data}
    effect = answer(given, "pusher:subscribe", data)
    assert isinstance(effect, (Subscribe, Reply))
    return isinstance(effect, Subscribe)


@pytest.mark.parametrize(("given", "expected"), vectors("channel_auth_verify"))
def test_verifies_as_others_do(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert opens(given, given["auth"]) is expected["valid"]


@pytest.mark.parametrize(("given", "expected"), vectors("channel_auth_private"))
def test_private_channels_that_others_signed(given: dict[str, Any], expected: dict[str, Any]) -> None:
    # of a name without the prefix the signature is not asked for
    assert opens(given, expected["auth"])
    if given["channel"].startswith("private-"):
        assert not opens(given, expected["auth"][:-1] + "x")
        assert not opens(given | {"socket_id": "9.9"}, expected["auth"])


@pytest.mark.parametrize(("given", "expected"), vectors("channel_auth_presence"))
def test_presence_channels_that_others_signed(given: dict[str, Any], expected: dict[str, Any]) -> None:
    if not given["channel"].startswith("presence-"):
        return  # Ruby signs members for public names too: nothing to open
    effect = answer(
        given,
        "pusher:subscribe",
        {"channel": given["channel"], "auth": expected["auth"], "channel_data": given["channel_data_json"]},
    )
    if "user_id" in given["channel_data_json"]:
        assert isinstance(effect, Subscribe)
        assert effect.member is not None
    else:  # python signs members without an id: the signature fits, and there is nobody to announce
        assert isinstance(effect, Reply)
        assert '"BadMember"' in effect.frame
    assert not opens(given, expected["auth"], given["channel_data_json"] + " ")


@pytest.mark.parametrize(("given", "expected"), vectors("user_auth"))
def test_users_that_others_signed(given: dict[str, Any], expected: dict[str, Any]) -> None:
    user_data = given["user_data_json"]
    effect = answer(given, "pusher:signin", {"auth": expected["auth"], "user_data": user_data})
    if not user_data.startswith("{"):  # Ruby signs any text
        assert effect == Close(4009, "user_data must be JSON with an id: letters, digits and - _ = @ , . ;")
        return
    assert isinstance(effect, SignIn)
    assert effect.user.id == str(json.loads(user_data)["id"])
    changed = answer(given, "pusher:signin", {"auth": expected["auth"], "user_data": f"{user_data} "})
    assert changed == Close(4009, "Connection not authorized")
