"""The PyPI package `pusher` as a second client of the same apps: servers and browsers cannot tell us apart."""

from __future__ import annotations

from collections.abc import Callable

import pusher
import pytest

from broadcastkit import ServerToUser
from tests.interop.clients import PusherJsClient
from tests.real.chat import MASTER_KEY, RoomChannel, VaultChannel
from tests.real.conftest import Place

pytestmark = pytest.mark.real

Visit = Callable[..., PusherJsClient]
Fresh = Callable[[], int]


@pytest.fixture
def foreign(numeric_place: Place) -> pusher.Pusher:
    server = numeric_place.server
    return pusher.Pusher(
        app_id=server.app_id,
        key=server.key,
        secret=server.secret,
        host=server.host,
        port=server.port,
        ssl=False,
        encryption_master_key_base64=MASTER_KEY,
    )


def test_it_triggers_where_our_endpoint_opened(
    numeric_place: Place, visit: Visit, foreign: pusher.Pusher, fresh: Fresh
) -> None:
    room, public = f"presence-room.{fresh()}", f"news.{fresh()}"
    ada, bob = visit(numeric_place, "ada"), visit(numeric_place, "bob")
    for client, own in ((ada, "private-user.1"), (bob, "private-user.2")):
        for channel in (room, public, own):
            client.subscribe(channel)

    foreign.trigger([room, public, "private-user.1"], "order.shipped", {"id": 7, "note": "naïve ✓"}, ada.socket_id)
    foreign.trigger([room], "fence", {})

    told = {"type": "event", "event": "order.shipped", "data": {"id": 7, "note": "naïve ✓"}}
    assert ada.events_until("fence") == []
    assert bob.events_until("fence") == [told | {"channel": room}, told | {"channel": public}]


def test_it_triggers_batches(numeric_place: Place, visit: Visit, foreign: pusher.Pusher, fresh: Fresh) -> None:
    public = f"news.{fresh()}"
    ada = visit(numeric_place, "ada")
    ada.subscribe(public)
    ada.subscribe("private-user.1")

    foreign.trigger_batch(
        [
            {"channel": public, "name": "first", "data": {"n": 1}},
            {"channel": "private-user.1", "name": "second", "data": "text"},
            {"channel": public, "name": "left.out", "data": {}, "socket_id": ada.socket_id},
            {"channel": public, "name": "fence", "data": {}},
        ]
    )

    assert ada.events_until("fence") == [
        {"type": "event", "channel": public, "event": "first", "data": {"n": 1}},
        {"type": "event", "channel": "private-user.1", "event": "second", "data": "text"},
    ]


def test_what_it_encrypts_is_read_with_the_key_that_we_hand_out(
    numeric_place: Place, visit: Visit, foreign: pusher.Pusher, fresh: Fresh
) -> None:
    vault = VaultChannel(number=fresh())
    ada = visit(numeric_place, "ada")
    ada.subscribe(vault.name)

    foreign.trigger(vault.name, "opened", {"code": "4711"})

    assert ada.next_event()["data"] == {"code": "4711"}


def test_its_questions_are_answered(numeric_place: Place, visit: Visit, foreign: pusher.Pusher, fresh: Fresh) -> None:
    room = RoomChannel(number=fresh())
    for name in ("ada", "bob"):
        visit(numeric_place, name).subscribe(room.name)

    assert room.name in foreign.channels_info()["channels"]
    assert [*foreign.channels_info(prefix_filter=room.name, attributes=["user_count"])["channels"]] == [room.name]
    about = foreign.channel_info(room.name, attributes=["user_count"])
    assert (about["occupied"], about["user_count"]) == (True, 2)
    assert {user["id"] for user in foreign.users_info(room.name)["users"]} == {"1", "2"}


# soketi has this for apps where everybody signs in, and their ids are not for this client
@pytest.mark.parametrize("kind", ["embedded"])
def test_it_sends_to_users(numeric_place: Place, visit: Visit, foreign: pusher.Pusher) -> None:
    ada = visit(numeric_place, "ada")
    ada.sign_in()

    foreign.send_to_user("1", "told.you", {"n": 1})

    assert ada.next_event() == {
        "type": "event",
        "channel": ServerToUser(1).name,
        "event": "told.you",
        "data": {"n": 1},
    }
