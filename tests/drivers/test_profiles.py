"""What each service does not offer is refused before anything is sent, and no other message is touched."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit.authorization import SubscriptionGrant, UserGrant
from broadcastkit.core.encryption import parse_master_key
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Sent, UserInfo
from broadcastkit.drivers.pusher import AsyncPusherDriver, Feature, PusherDriver
from broadcastkit.drivers.pusher.profiles import PROFILES
from broadcastkit.errors import ConfigurationError, PayloadTooLargeError
from tests.drivers.scripted import ScriptedServer, answer
from tests.drivers.talk import Talk, batched, many, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drivers.colours import Colour

    Scripted = Callable[..., ScriptedServer]

MASTER_KEY = "ZUhQVldIZzduRkdZVkJzS2pPRkRYV1JyaWJJUjJiMGI="
KEY = parse_master_key(MASTER_KEY)

# From the documentation and the sources that profiles.py names.
LACKS: dict[str, set[str]] = {
    "pusher": set(),
    "soketi": set(),
    "reverb": {"sign in", "to a user", "encrypted cache"},
    "anycable": {
        "channels", "channel", "terminate", "sign in", "to a user", "encrypted", "cache", "private cache",
        "encrypted cache", "subscribe encrypted",
    },
    "ably": {
        "terminate", "sign in", "to a user", "encrypted", "cache", "private cache", "encrypted cache",
        "subscribe encrypted",
    },
}  # fmt: skip
QUESTIONS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "channels": ("channels_info", ()),
    "channel": ("channel_info", ("presence-room",)),
    "users": ("users_info", ("presence-room",)),
    "terminate": ("terminate_user_connections", ("7",)),
}
MESSAGES = {
    "public": "news",
    "private": "private-a",
    "presence": "presence-a",
    "to a user": "#server-to-user-7",
    "encrypted": "private-encrypted-a",
    "cache": "cache-a",
    "private cache": "private-cache-a",
    "encrypted cache": "private-encrypted-cache-a",
}
SIGNED: dict[str, Callable[[Any], object]] = {
    "sign in": lambda driver: driver.answer_user(UserGrant("1.2", '{"id":"7"}')),
    "subscribe": lambda driver: driver.answer_subscription(SubscriptionGrant("1.2", "private-a")),
    "subscribe encrypted": lambda driver: driver.answer_subscription(SubscriptionGrant("1.2", "private-encrypted-a")),
}


def test_every_profile_is_looked_at() -> None:
    assert set(LACKS) == set(PROFILES)


@pytest.mark.parametrize("profile", LACKS)
@pytest.mark.parametrize("what", QUESTIONS)
def test_a_question_that_the_service_cannot_answer(colour: Colour, scripted: Scripted, profile: str, what: str) -> None:
    server = scripted()
    driver = colour.driver(server.url, profile=profile)
    method, arguments = QUESTIONS[what]

    if what not in LACKS[profile]:
        colour.call(driver, method, *arguments)
        assert len(server.heard) == 1
        return
    with pytest.raises(ConfigurationError, match=rf"behind this connection \({profile}\) does not offer {method}\(\)"):
        colour.call(driver, method, *arguments)
    assert server.heard == []


@pytest.mark.parametrize("profile", LACKS)
@pytest.mark.parametrize("what", MESSAGES)
def test_a_channel_of_a_kind_that_the_service_does_not_have(
    colour: Colour, scripted: Scripted, profile: str, what: str
) -> None:
    server = scripted()
    driver = colour.driver(server.url, profile=profile, encryption_master_key=MASTER_KEY)
    channel = MESSAGES[what]

    before, outcome, after = colour.call(
        driver, "send", [message("before"), message("told", "news", channel), message("after")]
    )

    assert (type(before), type(after)) == (Sent, Sent)
    sent = [name for heard in server.heard for event, name in batched(heard.asked) if event == "told"]
    if what not in LACKS[profile]:
        assert isinstance(outcome, Sent)
        assert sorted(sent) == sorted(["news", channel])
        return
    assert isinstance(outcome, ConfigurationError)
    assert re.search(rf"\({profile}\) does not offer .*: '{channel}' needs that$", str(outcome))
    assert sent == [], "nor is the part sent that the service could take"


@pytest.mark.parametrize("make", [PusherDriver, AsyncPusherDriver])
@pytest.mark.parametrize("profile", LACKS)
@pytest.mark.parametrize("what", SIGNED)
def test_what_the_service_would_not_understand_is_not_signed(make: Any, profile: str, what: str) -> None:
    driver = make(app_id="1", key="k", secret="s", host="127.0.0.1", profile=profile, encryption_master_key=MASTER_KEY)

    if what not in LACKS[profile]:
        SIGNED[what](driver)
        return
    with pytest.raises(ConfigurationError, match=rf"\({profile}\) does not offer"):
        SIGNED[what](driver)


@pytest.mark.parametrize("profile", ["anycable", "ably"])
def test_no_batch_is_sent_to_a_service_that_takes_none(profile: str) -> None:
    """AnyCable answers one with 200 and drops it."""
    talk = Talk(profile=profile)
    several = [message(f"event.{number}", *many(number + 1)) for number in range(12)]

    assert talk.send(*several) == [Sent(1)] * 12
    assert [asked.path for asked in talk.asked] == ["/apps/app-1/events"] * 12
    assert [batched(asked) for asked in talk.asked] == [
        [(sent.event, name) for name in sent.channels] for sent in several
    ]


@pytest.mark.parametrize(
    ("profile", "asks"), [("pusher", 1), ("reverb", 1), ("soketi", 0), ("anycable", 0), ("ably", 0)]
)
def test_counts_with_a_broadcast_are_a_wish_and_asked_where_they_are_told(profile: str, asks: int) -> None:
    talk = Talk(profile=profile)

    assert talk.send(Message("told", ("presence-a",), "{}", info=("user_count",))) == [Sent(1)]
    assert [asked.body.get("info") for asked in talk.asked] == ["user_count" if asks else None]


def test_a_profile_of_ones_own_can_allow_more() -> None:
    allowed = PROFILES["anycable"].unsupported - {Feature.ENCRYPTED}
    talk = Talk(profile=dataclasses.replace(PROFILES["anycable"], unsupported=allowed), key=KEY)

    encrypted, cached = talk.send(message("told", "private-encrypted-a"), message("told", "cache-a"))

    assert encrypted == Sent(1)
    assert isinstance(cached, ConfigurationError)


# -- AnyCable ----------------------------------------------------------------------------------------------------------


def anycable_string_to_sign(heard: Any) -> str:
    """What pusher/http.go of AnyCable 1.6 rebuilds of a request: these parameters in this order, and no others."""
    query = heard.asked.query
    text = f"{heard.method}\n{heard.asked.path}\nauth_key={query['auth_key']}&auth_timestamp={query['auth_timestamp']}"
    text += f"&auth_version={query['auth_version']}"
    return f"{text}&body_md5={query['body_md5']}" if heard.method == "POST" else text


def test_anycable_would_take_each_request_that_is_made_of_it(colour: Colour, scripted: Scripted) -> None:
    server = scripted(answer(), answer(body=b'{"users":[{"id":"7"}]}'))
    driver = colour.driver(server.url, profile="anycable")

    assert colour.call(driver, "send", [message("told", "a", "b", exclude="1.2")]) == [Sent(1)]
    assert colour.call(driver, "users_info", "presence-a") == (UserInfo("7"),)

    for heard in server.heard:
        names = [part.split("=")[0] for part in heard.target.partition("?")[2].split("&")]
        assert anycable_string_to_sign(heard).count("=") == len(names) - 1, (
            "every parameter but the signature is signed"
        )
        assert heard.asked.signed_as(heard.asked.path)
    # PusherEvent in the same file: all are strings, or a list of them
    assert server.heard[0].asked.body == {"name": "told", "data": "{}", "channels": ["a", "b"], "socket_id": "1.2"}


def test_anycable_takes_a_megabyte_of_body() -> None:
    talk = Talk(profile="anycable")

    # escaped twice over: the body is larger than the data
    (fits,) = talk.send(message(data=json.dumps("x" * 1_000_000)))
    (refused,) = talk.send(message(data=json.dumps('"' * 500_000)))

    assert fits == Sent(1)
    assert isinstance(refused, PayloadTooLargeError)
    assert "anycable takes 1048576" in str(refused)


# -- Ably --------------------------------------------------------------------------------------------------------------


def test_an_ably_key_in_its_two_parts() -> None:
    """As Ably's own example has it: the app's id, the part before the colon, the part behind it."""
    driver = PusherDriver.from_url("pusher://appid.keyid:keysecret@/appid?profile=ably")

    assert repr(driver) == "PusherDriver('appid' at https://rest-pusher.ably.io:443)"
    assert driver.answer_subscription(SubscriptionGrant("1.2", "private-a")).auth.startswith("appid.keyid:")


@pytest.mark.parametrize(("size", "fits"), [(65_536, True), (65_537, False)])
def test_ably_takes_64_kib(size: int, fits: bool) -> None:
    (outcome,) = Talk(profile="ably").send(message(data=json.dumps("x" * (size - 2))))

    assert isinstance(outcome, Sent if fits else PayloadTooLargeError)
