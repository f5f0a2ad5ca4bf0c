"""The Pusher driver against what other SDKs send, expect and refuse.

Requests are caught where they would leave: the driver's public `client` takes any client of httpx's shape.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest

from broadcastkit.core.encryption import parse_master_key
from broadcastkit.core.message import Message
from broadcastkit.core.payload import check_size, encode
from broadcastkit.drivers.base import ChannelInfo, Sent, UserInfo
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.drivers.pusher.endpoint import Endpoint, settings_from_url
from broadcastkit.drivers.pusher.profiles import profile_named
from broadcastkit.drivers.pusher.replies import read
from broadcastkit.drivers.pusher.wire import HttpReply
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConfigurationError,
    PayloadTooLargeError,
    RefusedError,
    ServiceFailedError,
    UnknownAppError,
)
from broadcastkit.signing import body_md5
from tests.vectors import vectors

if TYPE_CHECKING:
    from broadcastkit.drivers.base import Outcome
    from tests.vectors import Vector

MASTER_KEY = "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU="


class Wire:
    """A driver, what it sent, and what it is answered."""

    def __init__(self, *, app_id: str = "1234", answer: str = "{}") -> None:
        self.requests: list[httpx.Request] = []
        self.driver = PusherDriver(
            app_id=app_id,
            key="key",
            secret="secret",
            encryption_master_key=MASTER_KEY,
            client=httpx.Client(transport=httpx.MockTransport(self._answer)),
        )
        self._text = answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, text=self._text)

    def send(self, *messages: Message) -> list[Outcome]:
        return self.driver.send(messages)

    @property
    def only(self) -> httpx.Request:
        (request,) = self.requests
        return request

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event sent, batched or not."""
        bodies = [json.loads(request.content) for request in self.requests]
        return [event for body in bodies for event in body.get("batch", [body])]


# -- settings --------------------------------------------------------------------------------------------------------


@vectors("config_url", without=lambda one: "error" in one.expected)
def test_url_is_read_as_others_do(given: Any, expected: Any) -> None:
    settings = settings_from_url(given["url"])

    assert {name: settings[name] for name in expected} == expected
    assert ("port" in settings) is ("port" in expected)
    assert settings["path"] == ""


@vectors("config_url", only=lambda one: "error" in one.expected)
def test_url_without_a_part_is_refused_and_never_shown(given: Any, expected: Any) -> None:
    assert expected == {"error": True}
    with pytest.raises(ConfigurationError, match=r"^url (needs|must|cannot) ") as caught:
        settings_from_url(given["url"])

    assert "api.example.com" not in str(caught.value)


@vectors("config_host")
def test_cluster_names_the_host(given: Any, expected: Any) -> None:
    endpoint = Endpoint.make(
        app_id="1",
        cluster=given["options"]["cluster"],
        host=None,
        port=None,
        scheme="https",
        path="",
        profile=profile_named("pusher"),
    )

    assert (endpoint.host, endpoint.origin) == (expected["host"], f"https://{expected['host']}:443")


# -- events ----------------------------------------------------------------------------------------------------------


def messages_of(given: Any) -> list[Message]:
    """Return the messages that should lead to a vector's body."""
    if given.get("op") == "send_to_user":
        return [Message(given["event"], (f"#server-to-user-{given['user_id']}",), encode(given["data"], "data"))]
    if "event" in given:
        return [Message(given["event"], tuple(given["channels"]), given["data_json"])]
    body = given["body_object"]
    return [
        Message(
            part["name"],
            tuple(part["channels"]) if "channels" in part else (part["channel"],),
            part["data"],
            part.get("socket_id"),
            (part["info"],) if "info" in part else (),
        )
        for part in body.get("batch", [body])
    ]


def as_sent(expected: Any) -> Any:
    """Return a vector's body; Python, node and Go send one channel as a list, PHP and we as `channel`."""
    body = json.loads(expected["raw_body"]) if "raw_body" in expected else dict(expected["body"])
    if len(body.get("channels", ())) == 1:
        (body["channel"],) = body.pop("channels")
    return body


@vectors("trigger_request")
def test_event_is_sent_as_others_do(given: Any, expected: Any) -> None:
    wire = Wire(app_id=given.get("app_id", "1234"))

    wire.send(*messages_of(given))

    assert wire.only.method == "POST"
    assert wire.only.url.path == expected["path"]
    assert json.loads(wire.only.content) == as_sent(expected)


def has_parts_in_our_order(vector: Vector) -> bool:
    """Several channels, or PHP's one, in an event by itself: the other SDKs write one channel in another place."""
    return vector.given.get("op") == "send_to_user" or len(vector.given.get("body_object", {}).get("channels", ())) > 1


# Where the parts come in the same order, even the bytes and their digest are the same.
@vectors("trigger_request", only=has_parts_in_our_order)
def test_event_is_sent_in_the_same_bytes(given: Any, expected: Any) -> None:
    wire = Wire(app_id=given.get("app_id", "1234"))

    wire.send(*messages_of(given))

    assert wire.only.content.decode() == expected["raw_body"]
    digest = expected.get("body_md5", body_md5(expected["raw_body"].encode()))
    assert parse_qs(wire.only.url.query.decode())["body_md5"] == [digest]


@vectors("send_to_user_channel")
def test_event_to_a_user_goes_to_the_users_own_channel(given: Any, expected: Any) -> None:
    wire = Wire()

    wire.send(Message("x", (f"#server-to-user-{given['user_id']}",), "{}"))

    assert [event["channel"] for event in wire.events] == [expected]


# PHP encrypts for several encrypted channels with the first one's key, so that nobody on the others can read it. We
# send one event for each, encrypted for itself; plain channels in the same message are served beside them.
@vectors("has_mixed_channels")
def test_each_encrypted_channel_is_encrypted_for_itself(given: Any, expected: Any) -> None:
    assert expected is False
    wire, master_key = Wire(), parse_master_key(MASTER_KEY)
    secret = [name for name in given["channels"] if name.startswith("private-encrypted-")]

    outcomes = wire.send(Message("x", (*given["channels"], "plain"), '{"a":1}'))

    assert isinstance(outcomes[0], Sent)
    sent = {name: event["data"] for event in wire.events for name in event.get("channels", [event.get("channel")])}
    assert sent.keys() == {*given["channels"], "plain"}
    opened = {name: master_key.decrypt(name, data) if name in secret else data for name, data in sent.items()}
    assert set(opened.values()) == {'{"a":1}'}


# Go refuses more than 100 channels; we split them.
@vectors("limit", only=lambda one: "channels" in one.given)
def test_more_channels_than_the_service_takes_are_split(given: Any, expected: Any) -> None:
    assert expected == {"valid": False}
    wire = Wire()
    names = tuple(f"c{number}" for number in range(given["channels"]))

    outcomes = wire.send(Message("x", names, "{}"))

    assert isinstance(outcomes[0], Sent)
    assert [len(event.get("channels", [event.get("channel")])) for event in wire.events] == [100, 1]
    assert [name for event in wire.events for name in event.get("channels", [event.get("channel")])] == list(names)


@vectors("limit", only=lambda one: "event_data_bytes" in one.given)
def test_payload_limit_is_in_bytes_and_inclusive(given: Any, expected: Any) -> None:
    size, limit = given["event_data_bytes"], given["max_kb"] * 1024
    text = '"' + "x" * (size - 2) + '"'

    if expected["valid"]:
        check_size("x", text, limit)
    else:
        with pytest.raises(PayloadTooLargeError) as caught:
            check_size("x", text, limit)
        assert (caught.value.size, caught.value.limit) == (size, limit)


# -- other requests --------------------------------------------------------------------------------------------------


@vectors("query_request")
def test_query_is_asked_as_others_do(given: Any, expected: Any) -> None:
    wire = Wire(app_id=given["app_id"])

    if given["op"] == "channels":
        wire.driver.channels_info(info=given["attributes"])
    else:
        wire.driver.users_info(given["channel"])

    query = {name: values[0] for name, values in parse_qs(wire.only.url.query.decode()).items()}
    signature = {"auth_key", "auth_timestamp", "auth_version", "auth_signature"}
    assert (wire.only.method, wire.only.url.path) == (expected["method"], expected["path"])
    assert {name: value for name, value in query.items() if name not in signature} == expected["params"]
    assert wire.only.content == b""


# pusher-http-python leaves /apps/{id} out, and its suite asserts that: the API has no such path, and answers 404.
@vectors("terminate_request")
def test_connections_are_terminated_under_the_app_though_python_forgets_it(given: Any, expected: Any) -> None:
    wire = Wire(app_id=given["app_id"])

    wire.driver.terminate_user_connections(given["user_id"])

    assert wire.only.method == "POST"
    assert wire.only.url.path == f"/apps/{given['app_id']}{expected['path']}"


# -- replies ---------------------------------------------------------------------------------------------------------


@vectors("error_response")
def test_refusal_is_raised_by_its_status_with_what_was_said(given: Any, expected: Any) -> None:
    by_status: dict[int, type[RefusedError]] = {
        400: BadRequestError,
        401: BadCredentialsError,
        404: UnknownAppError,
        407: BadRequestError,
        500: ServiceFailedError,
    }
    body = given.get("body", "some error")
    assert expected["message"]

    with pytest.raises(RefusedError) as caught:
        read(HttpReply(given["status"], body.encode()), "event 'x' was refused", sent=b"", now=0.0)

    assert type(caught.value) is by_status[given["status"]]
    assert (caught.value.status, caught.value.response_text) == (given["status"], body)
    assert str(caught.value).startswith(f"event 'x' was refused: {given['status']}")
    assert str(caught.value).endswith(f"it said: {body}")


@vectors("response_parse", only=lambda one: one.given["op"] == "trigger")
def test_channels_of_an_event_are_read(given: Any, expected: Any) -> None:
    (outcome,) = Wire(answer=given["body"]).send(
        Message("x", ("a", "presence-b", "presence-c"), "{}", None, ("user_count",))
    )

    assert isinstance(outcome, Sent)
    assert outcome.channels == {name: ChannelInfo(**known) for name, known in expected["channels"].items()}


@vectors("response_parse", only=lambda one: one.given["op"] == "channel")
def test_a_channel_is_read(given: Any, expected: Any) -> None:
    assert Wire(answer=given["body"]).driver.channel_info("a") == ChannelInfo(**expected)


@vectors("response_parse", only=lambda one: one.given["op"] == "users")
def test_users_are_read(given: Any, expected: Any) -> None:
    users = Wire(answer=given["body"]).driver.users_info("presence-a")

    assert list(users) == [UserInfo(user["id"]) for user in expected["users"]]


@vectors("response_parse", only=lambda one: one.given["op"] == "batch")
def test_a_batch_is_read_in_its_order(given: Any, expected: Any) -> None:
    wire = Wire(answer=given["body"])
    names = [f"presence-{index}" for index in range(len(expected["batch"]))]

    outcomes = wire.send(*(Message("x", (name,), "{}", None, ("user_count",)) for name in names))

    assert wire.only.url.path == "/apps/1234/batch_events"
    assert [outcome.channels for outcome in outcomes if isinstance(outcome, Sent)] == [
        {name: ChannelInfo(**known)} for name, known in zip(names, expected["batch"], strict=True)
    ]


# -- what every request has ------------------------------------------------------------------------------------------


def test_a_key_is_encoded_on_the_wire_and_signed_as_it_is() -> None:
    wire = Wire()
    key = "a+b#c%d?e/f"
    driver = PusherDriver(
        app_id="1", key=key, secret="secret", client=httpx.Client(transport=httpx.MockTransport(wire._answer))
    )

    driver.send([Message("x", ("a",), "{}")])
    driver.channels_info()

    for request in wire.requests:
        assert parse_qs(request.url.query.decode())["auth_key"] == [key]
