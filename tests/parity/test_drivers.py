"""What Laravel's drivers send, and what comes of it when the service says no."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from typing import Any

import pytest

from broadcastkit import AnonymousEvent, Broadcaster, EncryptedChannel
from broadcastkit.core.message import Message
from broadcastkit.drivers.log import LogDriver
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.drivers.redis.payload import message_text
from broadcastkit.errors import BadCredentialsError, RateLimitedError, RefusedError, TooLargeForServiceError
from tests.parity.tools import OrderShipped, Service


def test_pusher_driver(service: Service) -> None:
    where = ["private-orders.1", "presence-room.2", "pub"]
    service.broadcaster.broadcast(AnonymousEvent(r"App\Events\OrderShipped", {"id": 5}, on=where)).to_others("123.456")

    assert list(service.bodies[0].items()) == [
        ("name", r"App\Events\OrderShipped"),
        ("data", '{"id":5}'),
        ("channels", where),
        ("socket_id", "123.456"),
    ]
    assert str(service.requests[0].url).partition("?")[0].endswith("/apps/1/events")


def test_many_channels(service: Service) -> None:
    """201 channels are 100, 100 and 1, as in Laravel; the receipt says which arrived."""
    receipt = service.broadcaster.broadcast(
        AnonymousEvent("ping", on=[f"orders.{number}" for number in range(201)])
    ).to_everyone()

    assert [len(body.get("channels", [body.get("channel")])) for body in service.bodies] == [100, 100, 1]
    assert len(receipt.channels) == 201


def test_encrypted_channels(service: Service) -> None:
    """Each with the key of its own; pusher-http-php takes that of the first for all of them."""
    from nacl.secret import SecretBox

    where = [EncryptedChannel("a"), EncryptedChannel("b")]
    service.broadcaster.broadcast(AnonymousEvent("ping", {"id": 5}, on=where)).to_everyone()

    entries = [entry for body in service.bodies for entry in body.get("batch", [body])]
    assert [entry["channel"] for entry in entries] == ["private-encrypted-a", "private-encrypted-b"]
    for entry in entries:
        sealed = json.loads(entry["data"])
        box = SecretBox(hashlib.sha256(entry["channel"].encode() + b"k" * 32).digest())
        opened = box.decrypt(base64.b64decode(sealed["ciphertext"]), base64.b64decode(sealed["nonce"]))
        assert json.loads(opened) == {"id": 5}


@pytest.mark.parametrize(("exclude", "socket"), [("123.456", "123.456"), (None, None)])
def test_redis_driver(exclude: str | None, socket: str | None) -> None:
    """Laravel's keys in Laravel's order. Its `data` has a second `socket`, which nothing reads."""
    text = message_text(Message(r"App\Events\OrderShipped", ("private-orders.1",), '{"id":5}', exclude))

    assert list(json.loads(text).items()) == [
        ("event", r"App\Events\OrderShipped"),
        ("data", {"id": 5}),
        ("socket", socket),
    ]


def test_log_driver(caplog: pytest.LogCaptureFixture) -> None:
    """One line; the payload, which Laravel writes into it, is about people and needs DEBUG."""
    with caplog.at_level(logging.DEBUG, logger="broadcastkit.log"):
        Broadcaster(LogDriver()).broadcast(AnonymousEvent("order.shipped", {"id": 5}, on=["a", "b"])).to_everyone()

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "broadcast order.shipped on a, b (8 bytes)"),
        ("DEBUG", 'payload of order.shipped: {"id":5}'),
    ]


@pytest.mark.parametrize("driver", [LogDriver(), NullDriver()])
def test_null_driver(driver: Any) -> None:
    """Laravel answers a subscription with nothing at all, which pusher-js cannot read."""
    broadcaster = Broadcaster(driver)
    broadcaster.channels.authorize("private-orders")(lambda user: True)

    assert broadcaster.broadcast(OrderShipped(id=7)).to_everyone().delivered
    assert broadcaster.authorize_channel(socket_id="1.2", channel_name="private-orders", user=7).as_dict() == {
        "auth": ""
    }


def test_ably_driver() -> None:
    """Ably's own adapter of this protocol, as Laravel uses it: the two halves of a key, `appId.keyId:keySecret`."""
    driver = PusherDriver(app_id="appId", key="appId.keyId", secret="keysecret", profile="ably")
    broadcaster = Broadcaster(driver)
    broadcaster.channels.authorize("private-true")(lambda user: True)

    answer = broadcaster.authorize_channel(socket_id="1.2", channel_name="private-true", user=7)

    assert answer.auth == "appId.keyId:26e1e57915ab50b1e30d9e7bdcca95dc72afe8c499661a5c88f1dad5de976b0a"


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        # Reverb's and soketi's own words
        (401, "Authentication signature invalid.", BadCredentialsError),
        (413, "Payload too large.", TooLargeForServiceError),
        (429, '{"error":"Too many requests","code":429}', RateLimitedError),
        (404, "No matching application for ID [1].", RefusedError),
    ],
)
def test_broadcast_exception(status: int, text: str, kind: type[RefusedError]) -> None:
    """One tree of errors, by who must act, with the status that Laravel's `BroadcastException` loses."""
    with pytest.raises(kind) as raised:
        Service(status, text).broadcaster.broadcast(OrderShipped(id=7)).to_everyone()

    assert raised.value.status == status


def test_typed_payloads() -> None:
    """What `interface Events` of Echo can be generated from: the JSON Schema of what is sent, and of nothing else."""
    schema = OrderShipped.model_json_schema(mode="serialization")

    assert schema["properties"] == {"id": {"title": "Id", "type": "integer"}}
    assert (schema["required"], schema["additionalProperties"]) == (["id"], False)
