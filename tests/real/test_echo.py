"""Laravel Echo, as it comes: private and presence channels that our endpoint opens, dotted names, whispers."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from broadcastkit import AnonymousEvent, Channel
from tests.interop.clients import EchoClient, NotReportedError
from tests.real.chat import USERS, RoomChannel, VaultChannel, message
from tests.real.conftest import Place
from tests.real.voices import Voice

pytestmark = pytest.mark.real

Visit = Callable[..., EchoClient]
Fresh = Callable[[], int]


def test_echo_hears_the_dotted_name_on_a_private_channel(
    place: Place, visit_with_echo: Visit, voice: Voice, fresh: Fresh
) -> None:
    conversation = fresh()
    name = f"private-conversation.{conversation}"
    bob = visit_with_echo(place, "bob")
    bob.private(f"conversation.{conversation}")
    bob.listen(name, ".message.sent")

    voice.send(message("hello", sender=USERS["ada"], conversation_id=conversation))

    heard = bob.next_event()
    assert (heard["channel"], heard["event"]) == (name, ".message.sent")
    assert (heard["data"]["content"], heard["data"]["sender"]["name"]) == ("hello", "Ada")


def test_echo_hears_a_public_channel(place: Place, visit_with_echo: Visit, voice: Voice, fresh: Fresh) -> None:
    channel = Channel(f"news.{fresh()}")
    guest = visit_with_echo(place)
    guest.channel(channel.name)
    guest.listen(channel.name, ".order.shipped")

    voice.send(AnonymousEvent("order.shipped", {"id": 7}, on=channel))

    assert guest.next_event()["data"] == {"id": 7}


def test_echo_reads_an_encrypted_channel(place: Place, visit_with_echo: Visit, voice: Voice, fresh: Fresh) -> None:
    vault = VaultChannel(number=fresh())
    ada = visit_with_echo(place, "ada")
    ada.encrypted(f"vault.{vault.number}")
    ada.listen(vault.name, ".opened")

    voice.send(AnonymousEvent("opened", {"code": "4711"}, on=vault))

    assert ada.next_event()["data"] == {"code": "4711"}


@pytest.mark.parametrize("endpoint", ["/messages/awaited", "/messages/blocking"])
def test_a_message_does_not_come_back_to_the_echo_that_sent_it(
    place: Place, visit_with_echo: Visit, fresh: Fresh, endpoint: str
) -> None:
    conversation = fresh()
    name = f"private-conversation.{conversation}"
    ada, bob = visit_with_echo(place, "ada"), visit_with_echo(place, "bob")
    for echo in (ada, bob):
        echo.private(f"conversation.{conversation}")
        echo.listen(name, ".message.sent")

    for content, headers in [("to others", {"X-Socket-ID": ada.socket_id}), ("to everyone", {})]:
        asked: dict[str, str | int] = {"conversation_id": conversation, "content": content}
        assert httpx.post(f"{place.url}{endpoint}", params=asked, headers=headers).status_code == 200

    # the second one is the fence for the first
    assert [bob.next_event()["data"]["content"], bob.next_event()["data"]["content"]] == ["to others", "to everyone"]
    assert ada.next_event()["data"]["content"] == "to everyone"


def test_echo_is_told_who_is_here_who_joins_and_who_leaves(
    place: Place, visit_with_echo: Visit, voice: Voice, fresh: Fresh
) -> None:
    room = RoomChannel(number=fresh())
    ada, bob = visit_with_echo(place, "ada"), visit_with_echo(place, "bob")

    ada.join(f"room.{room.number}")
    assert ada.expect("here", channel=room.name)["members"] == [{"name": "Ada"}]
    bob.join(f"room.{room.number}")

    assert ada.expect("joining", channel=room.name)["info"] == {"name": "Bob"}
    here = bob.expect("here", channel=room.name)["members"]
    assert sorted(member["name"] for member in here) == ["Ada", "Bob"]
    bob.listen(room.name, ".told")
    voice.send(AnonymousEvent("told", {"n": 1}, on=room))
    assert bob.next_event()["data"] == {"n": 1}
    bob.leave(room.name)
    assert ada.expect("leaving", channel=room.name)["info"] == {"name": "Bob"}


def test_whispers_reach_the_others(place: Place, visit_with_echo: Visit, fresh: Fresh) -> None:
    conversation = fresh()
    name = f"private-conversation.{conversation}"
    ada, bob = visit_with_echo(place, "ada"), visit_with_echo(place, "bob")
    for echo in (ada, bob):
        echo.private(f"conversation.{conversation}")
        echo.listen_for_whisper(name, "typing")

    bob.whisper(name, "typing", {"by": "bob"})
    assert ada.expect("whisper", channel=name)["data"] == {"by": "bob"}
    ada.whisper(name, "typing", {"by": "ada"})
    assert bob.expect("whisper", channel=name)["data"] == {"by": "ada"}


def test_echo_reports_what_our_endpoint_refuses(place: Place, visit_with_echo: Visit) -> None:
    ada = visit_with_echo(place, "ada")

    with pytest.raises(NotReportedError, match=r"'subscription_error', 'channel': 'private-user\.2', 'status': 403"):
        ada.private("user.2")
