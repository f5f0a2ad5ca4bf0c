"""What signs for a driver verifies what its service signs."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from broadcastkit import Broadcaster
from broadcastkit.drivers.guarded import Breaker, Guarded
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.errors import WebhookError
from broadcastkit.webhooks import MemberAdded, parse_webhook

BODY = b'{"time_ms":1795170000000,"events":[{"name":"member_added","channel":"presence-room-7","user_id":"3"}]}'
URL = "http://app-key:app-secret@127.0.0.1:6001/apps/1001"


def headers(secret: bytes) -> dict[str, str]:
    signature = hmac.digest(secret, BODY, hashlib.sha256).hex()
    return {"Content-Type": "application/json", "X-Pusher-Key": "app-key", "X-Pusher-Signature": signature}


@pytest.mark.parametrize("cls", [PusherDriver, AsyncPusherDriver])
def test_webhooks_are_verified_with_it(cls: type[PusherDriver | AsyncPusherDriver]) -> None:
    signer = cls.from_url(URL).signer
    webhook = parse_webhook(headers(b"app-secret"), BODY, keys=signer)
    assert webhook.events == (MemberAdded(channel="presence-room-7", user_id="3"),)
    with pytest.raises(WebhookError):
        parse_webhook(headers(b"another secret"), BODY, keys=signer)
    assert "app-secret" not in repr(signer)


def test_a_broadcasters_driver_has_it_and_what_guards_it_too() -> None:
    with Broadcaster.from_url(URL) as broadcaster:
        driver = broadcaster.driver()
        assert isinstance(driver, PusherDriver)
        assert Guarded(driver, breaker=Breaker()).signer is driver.signer
