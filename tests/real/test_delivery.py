"""What the drivers send is what pusher-js receives: over soketi and over the embedded server, in both colours."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from nacl.secret import SecretBox
from websockets.sync.client import connect

from broadcastkit import AnonymousEvent, Channel, EncryptedChannel
from broadcastkit.channels import ConversationChannel, UserChannel
from broadcastkit.encryption import decrypt
from tests.interop.clients import TIMEOUT, PusherJsClient, Report
from tests.interop.servers import asgi_server
from tests.real.chat import MASTER_KEY, USERS, RoomChannel, TickerChannel, VaultChannel, make_chat, message
from tests.real.conftest import Place
from tests.real.voices import Voice

pytestmark = pytest.mark.real

NEW_MASTER_KEY = "ZUhQVldIZzduRkdZVkJzS2pPRkRYV1JyaWJJUjJiMGI="

Visit = Callable[..., PusherJsClient]
Fresh = Callable[[], int]


def event(channel: str, name: str, data: object) -> Report:
    """Return what a client reports of an event."""
    return {"type": "event", "channel": channel, "event": name, "data": data}


def fence(*channels: Channel) -> AnonymousEvent:
    """Make the event after which nothing more is expected."""
    return AnonymousEvent("fence", {}, on=channels)


def test_public_private_and_presence_channels_hear_one_event(
    place: Place, visit: Visit, voice: Voice, fresh: Fresh
) -> None:
    public, private, presence = Channel(f"news.{fresh()}"), UserChannel(user_id=1), RoomChannel(number=fresh())
    ada = visit(place, "ada")
    ada.subscribe(public.name)
    ada.subscribe(private.name)
    roster = ada.subscribe(presence.name)

    receipt = voice.send(AnonymousEvent("order.shipped", {"id": 7}, on=[public, private, presence]))

    assert roster["members"] == [{"id": "1", "info": {"name": "Ada"}}]
    assert (receipt.delivered, receipt.requests) == (True, 1)
    for channel in (public, private, presence):
        assert ada.expect("event", channel=channel.name) == event(channel.name, "order.shipped", {"id": 7})


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({}, id="nothing"),
        pytest.param([1, 2.5, None, True, "x"], id="a list"),
        pytest.param("text", id="a string"),
        pytest.param({"note": 'naïve ✓ 🙂 "quoted" \\ \u2028 \x00 </script>', "": {"deep": [[{}]]}}, id="any text"),
        pytest.param({"text": "✓" * 3000}, id="nearly all that Pusher takes"),
    ],
)
def test_a_payload_arrives_as_it_was(place: Place, visit: Visit, voice: Voice, fresh: Fresh, payload: object) -> None:
    channel = Channel(f"news.{fresh()}")
    client = visit(place)
    client.subscribe(channel.name)

    voice.send(AnonymousEvent("told", payload, on=channel))

    assert client.next_event() == event(channel.name, "told", payload)


def test_an_event_of_a_class(place: Place, visit: Visit, voice: Voice, fresh: Fresh) -> None:
    conversation = fresh()
    bob = visit(place, "bob")
    bob.subscribe(f"private-conversation.{conversation}")

    voice.send(message("hello ✓", sender=USERS["ada"], conversation_id=conversation))

    heard = bob.next_event()
    assert (heard["channel"], heard["event"]) == (f"private-conversation.{conversation}", "message.sent")
    assert heard["data"]["content"] == "hello ✓"
    assert heard["data"]["sender"] == {"id": 1, "name": "Ada", "avatar": None}
    assert heard["data"]["created_at"] == "2026-11-20T12:00:00Z"


def test_an_event_is_heard_by_subscribers_alone(place: Place, visit: Visit, voice: Voice, fresh: Fresh) -> None:
    here, there = Channel(f"news.{fresh()}"), Channel(f"news.{fresh()}")
    client = visit(place)
    client.subscribe(here.name)

    voice.send(AnonymousEvent("elsewhere", {}, on=there))
    voice.send(AnonymousEvent("here", {}, on=here))
    voice.send(fence(here, there))

    assert client.events_until("fence") == [event(here.name, "here", {})]


# -- many channels, many events ------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [12, 101])
def test_one_event_on_many_channels(place: Place, visit: Visit, voice: Voice, fresh: Fresh, count: int) -> None:
    number = fresh()
    channels = [Channel(f"many.{number}.{index}") for index in range(count)]
    client = visit(place)
    for channel in channels:
        client.subscribe(channel.name)

    receipt = voice.send(AnonymousEvent("told", {"n": 1}, on=channels))
    voice.send(fence(channels[-1]))

    assert receipt.requests == (1 if count <= 100 else 2)
    assert [*receipt.channels] == [channel.name for channel in channels]
    assert client.events_until("fence") == [event(channel.name, "told", {"n": 1}) for channel in channels]


def test_many_events_go_in_batches_and_arrive_in_order(place: Place, visit: Visit, voice: Voice, fresh: Fresh) -> None:
    channels = [Channel(f"news.{fresh()}"), UserChannel(user_id=1)]
    ada = visit(place, "ada")
    for channel in channels:
        ada.subscribe(channel.name)
    events = [AnonymousEvent("told", {"n": n}, on=channels[n % 2]) for n in range(25)]

    receipts = voice.send_many([*events, fence(*channels)])

    assert len(receipts) == 26
    assert all(receipt.delivered for receipt in receipts)
    assert [receipt.requests for receipt in receipts[:25]] == [1] * 25
    heard = ada.events_until("fence")
    assert heard == [event(channels[n % 2].name, "told", {"n": n}) for n in range(25)]


def test_many_events_may_exclude_a_client_too(place: Place, visit: Visit, voice: Voice, fresh: Fresh) -> None:
    channel = Channel(f"news.{fresh()}")
    ada, bob = visit(place), visit(place)
    for client in (ada, bob):
        client.subscribe(channel.name)

    voice.send_many([AnonymousEvent("told", {"n": n}, on=channel) for n in range(3)], but=ada.socket_id)
    voice.send(fence(channel))

    assert ada.events_until("fence") == []
    assert bob.events_until("fence") == [event(channel.name, "told", {"n": n}) for n in range(3)]


# -- others ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ["/messages/awaited", "/messages/blocking"])
def test_a_message_does_not_come_back_to_its_sender(
    place: Place, visit: Visit, voice: Voice, fresh: Fresh, endpoint: str
) -> None:
    number = fresh()
    conversation = ConversationChannel(conversation_id=number)
    ada, bob = visit(place, "ada"), visit(place, "bob")
    for client in (ada, bob):
        client.subscribe(conversation.name)

    for content, headers in [
        ("to others", {"X-Socket-ID": ada.socket_id}),
        ("no header", {}),
        ("a malformed header", {"X-Socket-ID": "undefined"}),
        ("another protocol's", {"X-Socket-ID": "h3nAdb134tbvqwrg"}),
    ]:
        asked: dict[str, str | int] = {"conversation_id": number, "content": content}
        answer = httpx.post(f"{place.url}{endpoint}", params=asked, headers=headers)
        assert answer.json() == [conversation.name]
    voice.send(fence(conversation))

    assert [heard["data"]["content"] for heard in bob.events_until("fence")] == [
        "to others",
        "no header",
        "a malformed header",
        "another protocol's",
    ]
    assert [heard["data"]["content"] for heard in ada.events_until("fence")] == [
        "no header",
        "a malformed header",
        "another protocol's",
    ]


@pytest.mark.parametrize("name", ["news.{}", "private-conversation.{}", "presence-room.{}"])
def test_one_client_is_left_out_on_every_kind_of_channel(
    place: Place, visit: Visit, voice: Voice, fresh: Fresh, name: str
) -> None:
    channel = name.format(fresh())
    ada, bob = visit(place, "ada"), visit(place, "bob")
    for client in (ada, bob):
        client.subscribe(channel)

    receipt = voice.send(AnonymousEvent("told", {}, on=[channel]), but=ada.socket_id)
    voice.send(AnonymousEvent("fence", {}, on=[channel]))

    assert receipt.excluded_socket == ada.socket_id
    assert ada.events_until("fence") == []
    assert bob.events_until("fence") == [event(channel, "told", {})]


# -- encrypted -------------------------------------------------------------------------------------------------------


def test_pusher_js_reads_what_was_encrypted_for_each_channel(
    place: Place, visit: Visit, voice: Voice, fresh: Fresh
) -> None:
    vaults, public = [VaultChannel(number=fresh()), VaultChannel(number=fresh())], Channel(f"news.{fresh()}")
    ada = visit(place, "ada")
    for channel in (*vaults, public):
        ada.subscribe(channel.name)
    secret = {"code": "✓ 4711", "nested": [1, {"a": None}]}

    receipt = voice.send(AnonymousEvent("opened", secret, on=[*vaults, public]))

    assert receipt.requests == 1, "one batch"
    assert [*receipt.channels] == [vaults[0].name, vaults[1].name, public.name]
    for channel in (*vaults, public):
        assert ada.expect("event", channel=channel.name) == event(channel.name, "opened", secret)


class Rotated:
    """An application that is exchanged for another while it is served."""

    def __init__(self, application: FastAPI) -> None:
        self.now = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.now(scope, receive, send)


def test_pusher_js_reads_on_when_the_master_key_is_changed(
    place: Place, visit: Visit, speak: Callable[..., Voice], fresh: Fresh
) -> None:
    """First what signs has the new key, then what sends: subscribers ask again for what they cannot open."""
    vault = VaultChannel(number=fresh())
    before, after = (
        speak(place.server, place.profile, encryption_master_key=keys)
        for keys in (MASTER_KEY, [NEW_MASTER_KEY, MASTER_KEY])
    )
    application = Rotated(make_chat(place.server, place.profile))
    with asgi_server(application) as port:
        rotating = dataclasses.replace(place, url=f"http://127.0.0.1:{port}")
        early, late = visit(rotating, "ada"), visit(rotating, "bob")
        early.subscribe(vault.name)
        before.send(AnonymousEvent("opened", {"n": 1}, on=vault))
        assert early.next_event() == event(vault.name, "opened", {"n": 1})

        application.now = make_chat(place.server, place.profile, master_key=f"{NEW_MASTER_KEY},{MASTER_KEY}")
        late.subscribe(vault.name)
        for n in (2, 3):
            after.send(AnonymousEvent("opened", {"n": n}, on=vault))
            for client in (early, late):
                assert client.next_event() == event(vault.name, "opened", {"n": n})


# soketi says nothing of its cache
@pytest.mark.parametrize("kind", ["embedded"])
def test_the_last_event_of_an_encrypted_cache_channel_is_read_with_a_retired_key(
    place: Place, speak: Callable[..., Voice], fresh: Fresh
) -> None:
    vault = EncryptedChannel(f"prices.{fresh()}", cache=True)
    old, new, rotated = (
        speak(place.server, place.profile, encryption_master_key=keys)
        for keys in (MASTER_KEY, NEW_MASTER_KEY, [NEW_MASTER_KEY, MASTER_KEY])
    )
    old.send(AnonymousEvent("price", {"n": 1}, on=vault))

    for voice in (old, rotated):
        cached = voice.channel_info(vault.name, "cache").cache
        assert cached is not None
        assert (json.loads(cached.data), cached.sealed) == ({"n": 1}, False)
        assert 0 < (cached.ttl or 0) <= 1800
    unread = new.channel_info(vault.name, "cache").cache
    assert unread is not None
    assert unread.sealed
    assert json.loads(decrypt(vault.name, unread.data, master_key=MASTER_KEY)) == {"n": 1}


def test_the_server_between_sees_no_plain_text(place: Place, voice: Voice, fresh: Fresh) -> None:
    vault = VaultChannel(number=fresh())
    server = place.server
    with connect(f"ws://{server.host}:{server.port}/app/{server.key}?protocol=7&client=raw&version=1") as socket:
        socket_id = json.loads(json.loads(socket.recv(TIMEOUT))["data"])["socket_id"]
        told = httpx.post(
            place.endpoints["auth_endpoint"],
            data={"socket_id": socket_id, "channel_name": vault.name},
            headers={"X-User": "ada"},
        ).json()
        asked = {"channel": vault.name, "auth": told["auth"]}
        socket.send(json.dumps({"event": "pusher:subscribe", "data": asked}))
        assert json.loads(socket.recv(TIMEOUT))["event"] == "pusher_internal:subscription_succeeded"

        voice.send(AnonymousEvent("opened", {"code": "4711"}, on=vault))
        frame = json.loads(socket.recv(TIMEOUT))

    sealed = json.loads(frame["data"])
    assert set(sealed) == {"nonce", "ciphertext"}
    key = hashlib.sha256(vault.name.encode() + b64decode(MASTER_KEY)).digest()
    assert told["shared_secret"] == b64encode(key).decode()
    plain = SecretBox(key).decrypt(b64decode(sealed["ciphertext"]), b64decode(sealed["nonce"]))
    assert json.loads(plain) == {"code": "4711"}


# -- the last event is kept ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
def test_a_cache_channel_tells_newcomers_the_last_event(
    place: Place, visit: Visit, voice: Voice, fresh: Fresh, *, private: bool
) -> None:
    number = fresh()
    channel = TickerChannel(number=number) if private else Channel(f"ticker.{number}", cache=True)
    early, late = visit(place, "ada"), visit(place, "bob")

    early.subscribe(channel.name)
    assert early.next_event()["event"] == "pusher:cache_miss"
    voice.send(AnonymousEvent("price", {"n": 1}, on=channel))
    voice.send(AnonymousEvent("price", {"n": 2}, on=channel))
    assert early.next_event() == event(channel.name, "price", {"n": 1})
    assert early.next_event() == event(channel.name, "price", {"n": 2})
    late.subscribe(channel.name)

    assert late.next_event() == event(channel.name, "price", {"n": 2})
