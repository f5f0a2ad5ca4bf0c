"""Who may listen: our endpoint decides, pusher-js asks, and the server holds the answer against its own secret."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from tests.interop.clients import PusherJsClient
from tests.real.conftest import Place

pytestmark = pytest.mark.real

Visit = Callable[..., PusherJsClient]
Fresh = Callable[[], int]


@pytest.mark.parametrize(
    ("user", "channel", "status"),
    [
        pytest.param("ada", "private-user.2", 403, id="the rule says no"),
        pytest.param("cleo", "private-encrypted-vault.1", 403, id="the rule says no to an encrypted one"),
        pytest.param("ada", "presence-room.0", 403, id="the rule gives no member"),
        pytest.param(None, "private-user.1", 403, id="a guest"),
        pytest.param(None, "presence-room.1", 403, id="a guest on presence"),
        pytest.param("ada", "private-nothing", 403, id="no rule"),
        pytest.param("ada", "presence-user.1", 403, id="the rule is for another kind"),
        pytest.param("ada", "private-user.1:x", 400, id="a name that is none"),
    ],
)
def test_pusher_js_reports_what_our_endpoint_refuses(
    place: Place, visit: Visit, user: str | None, channel: str, status: int
) -> None:
    client = visit(place, user)

    refusal = client.subscribe_refused(channel)

    assert (refusal["status"], refusal["error_type"]) == (status, "AuthError")


def test_a_refusal_leaves_the_connection_as_it_was(place: Place, visit: Visit) -> None:
    ada = visit(place, "ada")

    ada.subscribe_refused("private-user.2")

    ada.subscribe("private-user.1")
    ada.subscribe_refused("private-user.3")


@pytest.mark.parametrize(
    "channel", ["private-user.1", "presence-room.{}", "private-encrypted-vault.{}", "private-cache-ticker.{}"]
)
def test_the_server_refuses_what_another_secret_has_signed(
    place: Place, visit: Visit, fresh: Fresh, channel: str
) -> None:
    impostor = dataclasses.replace(place.server, secret="not-the-secret")
    with place.authorized_by(impostor) as elsewhere:
        client = visit(elsewhere, "ada")

        refusal = client.subscribe_refused(channel.format(fresh()))

    assert (refusal["status"], refusal["error_type"]) == (401, "AuthError")


def test_presence_tells_who_comes_and_goes(place: Place, visit: Visit, fresh: Fresh) -> None:
    room = f"presence-room.{fresh()}"
    ada, bob, second_window = visit(place, "ada"), visit(place, "bob"), visit(place, "bob")

    assert ada.subscribe(room) == {
        "type": "subscribed",
        "channel": room,
        "me": "1",
        "members": [{"id": "1", "info": {"name": "Ada"}}],
    }
    roster = bob.subscribe(room)
    second_window.subscribe(room)

    assert (roster["me"], {member["id"] for member in roster["members"]}) == ("2", {"1", "2"})
    assert ada.expect("member_added", channel=room) == {
        "type": "member_added",
        "channel": room,
        "id": "2",
        "info": {"name": "Bob"},
    }
    bob.unsubscribe(room)
    second_window.disconnect()
    ada.expect("member_removed", channel=room, id="2")
    # two windows were one member: one came, one went
    kinds = [report["type"] for report in ada.reports if report["type"].startswith("member_")]
    assert kinds == ["member_added", "member_removed"]


# soketi leaves a member without info out of what newcomers are told
@pytest.mark.parametrize("kind", ["embedded"])
def test_a_guest_is_a_member_where_guests_may_be(place: Place, visit: Visit, fresh: Fresh) -> None:
    lounge = f"presence-guests.{fresh()}"
    guest, ada = visit(place), visit(place, "ada")

    assert guest.subscribe(lounge)["me"] == "guest"
    assert {member["id"] for member in ada.subscribe(lounge)["members"]} == {"guest", "1"}


def test_client_events_reach_the_other_members(place: Place, visit: Visit, fresh: Fresh) -> None:
    room = f"presence-room.{fresh()}"
    ada, bob = visit(place, "ada"), visit(place, "bob")
    for client in (ada, bob):
        client.subscribe(room)

    ada.trigger(room, "client-typing", {"typing": True})
    heard = bob.next_event()
    bob.trigger(room, "client-fence", {})

    # who sent it is told by the server, from what our rule said
    assert heard == {
        "type": "event",
        "channel": room,
        "event": "client-typing",
        "data": {"typing": True},
        "user_id": "1",
    }
    assert ada.events_until("client-fence") == []
