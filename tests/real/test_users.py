"""Signing in, what is sent to a user, and ending a user's connections."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from fastapi import FastAPI

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Channel, ServerToUser
from broadcastkit.drivers.pusher import AsyncPusherDriver
from broadcastkit.integrations.fastapi import broadcasting_router
from tests.interop.clients import NotReportedError, PusherJsClient
from tests.interop.servers import asgi_server
from tests.real.conftest import Place
from tests.real.voices import Voice

pytestmark = pytest.mark.real

Visit = Callable[..., PusherJsClient]
Fresh = Callable[[], int]


def test_pusher_js_signs_in_at_our_endpoint(users_place: Place, visit: Visit) -> None:
    ada = visit(users_place, "ada")

    assert ada.sign_in()["user_data"] == {"id": "1", "user_info": {"name": "Ada"}}


def test_a_watchlist_goes_with_the_sign_in(users_place: Place, pusher_js: Callable[[], PusherJsClient]) -> None:
    """Neither of these servers reports who comes and goes; both take such a sign-in, and the client gets it back."""
    told = {"id": 1, "user_info": {"name": "Ada"}, "watchlist": [2, "cleo"]}
    driver = AsyncPusherDriver.from_url(users_place.server.url, profile=users_place.profile)
    app = FastAPI()
    app.include_router(broadcasting_router(AsyncBroadcaster(driver), user=lambda: "ada", user_data=lambda _: told))
    client = pusher_js()
    with asgi_server(app) as port:
        client.connect(users_place.server, user_auth_endpoint=f"http://127.0.0.1:{port}/broadcasting/user-auth")
        signed_in = client.sign_in()

    assert signed_in["user_data"] == {"id": "1", "user_info": {"name": "Ada"}, "watchlist": ["2", "cleo"]}


def test_a_guest_is_not_signed_in(users_place: Place, visit: Visit) -> None:
    guest = visit(users_place)

    with pytest.raises(NotReportedError, match="'signin_error', 'status': 403"):
        guest.sign_in()


def test_the_server_refuses_a_sign_in_that_another_secret_has_signed(users_place: Place, visit: Visit) -> None:
    impostor = dataclasses.replace(users_place.server, secret="not-the-secret")
    with users_place.authorized_by(impostor) as elsewhere:
        client = visit(elsewhere, "ada")
        client.command("signin")

        client.expect("error", code=4009)
        client.expect("disconnected")


def test_what_is_sent_to_a_user_reaches_every_window_and_nobody_else(
    users_place: Place, visit: Visit, speak: Callable[..., Voice], fresh: Fresh
) -> None:
    voice = speak(users_place.server, users_place.profile)
    windows, bob = [visit(users_place, "ada"), visit(users_place, "ada")], visit(users_place, "bob")
    for client in (*windows, bob):
        client.sign_in()
    everyone = Channel(f"news.{fresh()}")
    for client in (*windows, bob):
        client.subscribe(everyone.name)

    voice.send(AnonymousEvent("told.you", {"n": 1}, on=ServerToUser(1)))
    voice.send(AnonymousEvent("fence", {}, on=everyone))

    for window in windows:
        assert window.events_until("fence") == [
            {"type": "event", "channel": "#server-to-user-1", "event": "told.you", "data": {"n": 1}}
        ]
    assert bob.events_until("fence") == []


def test_a_users_connections_are_ended(
    users_place: Place, visit: Visit, speak: Callable[..., Voice], fresh: Fresh
) -> None:
    voice = speak(users_place.server, users_place.profile)
    windows, bob = [visit(users_place, "ada"), visit(users_place, "ada")], visit(users_place, "bob")
    for client in (*windows, bob):
        client.sign_in()

    voice.terminate_user_connections("1")

    for window in windows:
        window.expect("error", code=4009)
        window.expect("disconnected")
    channel = Channel(f"news.{fresh()}")
    bob.subscribe(channel.name)
    voice.send(AnonymousEvent("still.here", {}, on=channel))
    assert bob.next_event()["event"] == "still.here"
