"""What the Pusher driver answers to clients that may subscribe or sign in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from broadcastkit.authorization import SubscriptionGrant, UserGrant
from broadcastkit.drivers.pusher import AsyncPusherDriver, Profile, PusherDriver
from broadcastkit.errors import ConfigurationError, InvalidUserError

KEY, SECRET = "key-1", "secret-1"
MASTER = bytes(range(32))
APP: dict[str, Any] = {"app_id": "app-1", "key": KEY, "secret": SECRET, "host": "service.test"}


def signature(text: str) -> str:
    """Sign as the documentation prescribes."""
    return f"{KEY}:{hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256).hex()}"


@pytest.fixture(params=[PusherDriver, AsyncPusherDriver])
def make(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_a_private_channel(make: Any) -> None:
    answer = make(**APP).answer_subscription(SubscriptionGrant("1.2", "private-orders.7"))

    assert answer.as_dict() == {"auth": signature("1.2:private-orders.7")}
    assert json.loads(answer.to_json()) == answer.as_dict()


def test_a_presence_channel_returns_the_text_that_was_signed(make: Any) -> None:
    member = '{"user_id": "7", "user_info":{"name":"Zoë \\"Z\\" \\u2713"}}'

    answer = make(**APP).answer_subscription(SubscriptionGrant("1.2", "presence-room-1", member))

    assert answer.as_dict() == {"auth": signature(f"1.2:presence-room-1:{member}"), "channel_data": member}
    assert json.loads(answer.to_json()) == answer.as_dict()


@pytest.mark.parametrize("name", ["private-encrypted-a", "private-encrypted-cache-a"])
def test_an_encrypted_channel_gets_its_key(make: Any, name: str) -> None:
    driver = make(**APP, encryption_master_key=base64.b64encode(MASTER).decode())

    answer = driver.answer_subscription(SubscriptionGrant("1.2", name))

    shared = base64.b64encode(hashlib.sha256(name.encode() + MASTER).digest()).decode()
    assert answer.as_dict() == {"auth": signature(f"1.2:{name}"), "shared_secret": shared}
    assert json.loads(answer.to_json()) == answer.as_dict()
    assert shared not in repr(answer)


def test_an_encrypted_channel_needs_a_key(make: Any) -> None:
    with pytest.raises(ConfigurationError, match="encrypted channels need encryption_master_key"):
        make(**APP).answer_subscription(SubscriptionGrant("1.2", "private-encrypted-a"))


def test_a_sign_in(make: Any) -> None:
    data = '{"id":"7","user_info":{"name":"Zoë"}}'

    answer = make(**APP).answer_user(UserGrant("1.2", data))

    assert answer.as_dict() == {"auth": signature(f"1.2::user::{data}"), "user_data": data}
    assert json.loads(answer.to_json()) == answer.as_dict()
    assert SECRET not in repr(answer)
    assert answer.auth not in repr(answer)


@pytest.mark.parametrize(
    ("profile", "limit"),
    [("pusher", 1024), ("soketi", 2048), ("reverb", 10_000), (Profile("mine", 1, member_limit=50), 50)],
)
def test_a_member_that_the_service_would_refuse_is_refused(make: Any, profile: Any, limit: int) -> None:
    driver = make(**APP, profile=profile)
    # two bytes a letter: what counts is bytes
    fits = '{"user_id":"7"}' + " " * (limit - 17) + "ü"
    assert len(fits.encode()) == limit

    driver.answer_subscription(SubscriptionGrant("1.2", "presence-a", fits))
    with pytest.raises(InvalidUserError, match=f"the presence member has {limit + 1} bytes"):
        driver.answer_subscription(SubscriptionGrant("1.2", "presence-a", fits + " "))
