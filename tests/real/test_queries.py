"""What a server knows of channels and users, as our drivers read it; and its refusal of a wrong secret."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import httpx
import pytest

from broadcastkit import AnonymousEvent, Broadcaster, Channel, ServerToUser
from broadcastkit.drivers.base import ChannelInfo, UserInfo
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import BadCredentialsError, BadRequestError, BroadcastError, UnknownAppError
from tests.interop.clients import PusherJsClient
from tests.real.chat import RoomChannel
from tests.real.conftest import Place
from tests.real.voices import Voice

pytestmark = pytest.mark.real

Visit = Callable[..., PusherJsClient]
Fresh = Callable[[], int]


def test_occupied_channels_are_listed_by_prefix(place: Place, visit: Visit, voice: Voice, fresh: Fresh) -> None:
    first, second = visit(place, "ada"), visit(place, "bob")
    here, empty = f"listed.{fresh()}", f"listed.{fresh()}"
    for client in (first, second):
        client.subscribe(f"{here}.a")
    first.subscribe(f"{here}.b")

    assert {*voice.channels_info(f"{here}.")} == {f"{here}.a", f"{here}.b"}
    assert {f"{here}.a", f"{here}.b"} <= {*voice.channels_info("")}
    assert voice.channels_info(f"{empty}.") == {}


def test_a_presence_channel_tells_who_is_there(place: Place, visit: Visit, voice: Voice, fresh: Fresh) -> None:
    room = RoomChannel(number=fresh())
    for name in ("ada", "bob", "ada"):  # a user with two windows is one user
        visit(place, name).subscribe(room.name)

    info = voice.channel_info(room.name, "user_count")
    assert (info.occupied, info.user_count) == (True, 2)
    assert {*voice.users_info(room.name)} == {UserInfo("1"), UserInfo("2")}


# soketi counts users only where it is asked about one channel
@pytest.mark.parametrize("kind", ["embedded"])
def test_users_are_counted_in_every_channel_listed(place: Place, visit: Visit, voice: Voice, fresh: Fresh) -> None:
    rooms = RoomChannel(number=fresh()), RoomChannel(number=fresh())
    for name, room in (("ada", rooms[0]), ("ada", rooms[0]), ("bob", rooms[0]), ("bob", rooms[1])):
        visit(place, name).subscribe(room.name)

    found = voice.channels_info("presence-room.", "user_count")

    assert [found[room.name].user_count for room in rooms] == [2, 1]


def test_an_empty_channel_tells_so(place: Place, voice: Voice, fresh: Fresh) -> None:
    room = RoomChannel(number=fresh())

    info = voice.channel_info(room.name, "user_count")
    assert (info.occupied, info.user_count) == (False, 0)
    assert voice.users_info(room.name) == ()


def test_subscriptions_are_counted(place: Place, visit: Visit, voice: Voice, fresh: Fresh) -> None:
    channel = f"news.{fresh()}"
    for _ in range(2):
        visit(place).subscribe(channel)

    info = voice.channel_info(channel, "subscription_count")
    assert (info.occupied, info.subscription_count) == (True, 2)


# soketi takes `info` with an event, and says nothing of it
@pytest.mark.parametrize("kind", ["embedded"])
def test_a_receipt_has_the_counts_that_were_asked_for(place: Place, visit: Visit, voice: Voice, fresh: Fresh) -> None:
    room, public, nobody = RoomChannel(number=fresh()), Channel(f"news.{fresh()}"), Channel(f"news.{fresh()}")
    for name in ("ada", "ada", "bob"):
        visit(place, name).subscribe(room.name)
    visit(place).subscribe(public.name)

    receipt = voice.send(
        AnonymousEvent("told", {}, on=[room, public, nobody]), info=["user_count", "subscription_count"]
    )

    assert receipt.channels == {
        room.name: ChannelInfo(user_count=2, subscription_count=3),
        public.name: ChannelInfo(subscription_count=1),
        nobody.name: ChannelInfo(subscription_count=0),
    }


@pytest.mark.parametrize("kind", ["soketi"])
def test_a_receipt_is_a_receipt_where_counts_are_not_told(place: Place, voice: Voice) -> None:
    receipt = voice.send(AnonymousEvent("told", {}, on=Channel("news")), info=["user_count"])

    assert receipt.delivered
    assert receipt.channels == {"news": ChannelInfo()}


# -- refusals --------------------------------------------------------------------------------------------------------

ASKING: dict[str, Callable[[Voice], object]] = {
    "event": lambda voice: voice.send(AnonymousEvent("told", {}, on=Channel("news"))),
    "many channels": lambda voice: voice.send(
        AnonymousEvent("told", {}, on=[Channel(f"news.{n}") for n in range(101)])
    ),
    "batch": lambda voice: voice.send_many([AnonymousEvent("told", {}, on=Channel("news"))] * 11),
    "server to user": lambda voice: voice.send(AnonymousEvent("told", {}, on=ServerToUser(1))),
    "channels": lambda voice: voice.channels_info("presence-", "user_count"),
    "channel": lambda voice: voice.channel_info("presence-room.1", "user_count"),
    "users": lambda voice: voice.users_info("presence-room.1"),
    "terminate": lambda voice: voice.terminate_user_connections("1"),
}


@pytest.mark.parametrize("what", ASKING)
def test_a_wrong_secret_is_refused(place: Place, speak: Callable[..., Voice], what: str) -> None:
    server = dataclasses.replace(place.server, secret="not-the-secret")
    voice = speak(server, place.profile)

    with pytest.raises(BadCredentialsError, match="check key and secret") as raised:
        ASKING[what](voice)

    assert (raised.value.status, raised.value.retryable) == (401, False)
    assert "not-the-secret" not in f"{raised.value!r}{raised.value.response_text}"


def test_nothing_arrives_with_a_wrong_secret(
    place: Place, visit: Visit, voice: Voice, speak: Callable[..., Voice], fresh: Fresh
) -> None:
    channel = Channel(f"news.{fresh()}")
    client = visit(place)
    client.subscribe(channel.name)
    wrong = speak(dataclasses.replace(place.server, secret="not-the-secret"), place.profile)

    with pytest.raises(BadCredentialsError):
        wrong.send(AnonymousEvent("told", {}, on=channel))
    voice.send(AnonymousEvent("fence", {}, on=channel))

    assert client.events_until("fence") == []


@pytest.mark.parametrize("what", ASKING)
def test_an_app_that_is_not_there(place: Place, speak: Callable[..., Voice], what: str) -> None:
    voice = speak(dataclasses.replace(place.server, app_id="nowhere"), place.profile)

    with pytest.raises(UnknownAppError, match="check app_id") as raised:
        ASKING[what](voice)

    assert raised.value.status == 404


# soketi looks at the app id and the signature alone
@pytest.mark.parametrize("kind", ["embedded"])
def test_a_wrong_key_is_refused(place: Place, speak: Callable[..., Voice]) -> None:
    voice = speak(dataclasses.replace(place.server, key="not-the-key"), place.profile)

    with pytest.raises(BadCredentialsError):
        voice.send(AnonymousEvent("told", {}, on=Channel("news")))


# Should this fail, soketi has been mended, and the drivers need no longer look into bodies.
@pytest.mark.parametrize("kind", ["soketi"])
def test_soketi_says_no_with_status_200(place: Place) -> None:
    statuses: list[int] = []
    with httpx.Client(event_hooks={"response": [lambda reply: statuses.append(reply.status_code)]}) as client:
        server = dataclasses.replace(place.server, secret="not-the-secret")
        driver = PusherDriver.from_url(server.url, profile="soketi", client=client)
        asked: list[Callable[[], object]] = [
            lambda: Broadcaster(driver).broadcast(AnonymousEvent("told", on="news")).to_everyone(),
            lambda: driver.channels_info(prefix="presence-"),
            lambda: driver.channel_info("news"),
            lambda: driver.users_info("presence-room.1"),
            lambda: driver.terminate_user_connections("1"),
        ]
        for ask in asked:
            with pytest.raises(BadCredentialsError):
                ask()

    assert statuses == [200] * len(asked)


# soketi counts users on any channel, and finds none
@pytest.mark.parametrize("kind", ["embedded"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda voice: voice.channels_info("", "user_count"),
        lambda voice: voice.channel_info("news", "user_count"),
    ],
    ids=["channels", "channel"],
)
def test_a_question_that_makes_no_sense(voice: Voice, ask: Callable[[Voice], object]) -> None:
    with pytest.raises(BadRequestError, match="presence"):
        ask(voice)


def test_what_the_server_would_refuse_is_not_even_sent(voice: Voice) -> None:
    with pytest.raises(BroadcastError, match=r"'told'.* bytes"):
        voice.send(AnonymousEvent("told", {"text": "x" * 200_000}, on=Channel("news")))
