"""Plain ASGI: behind nothing at all, and mounted in Starlette as one would."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount

from broadcastkit.integrations.asgi import ASGIApp, BroadcastingApp, Receive, Scope, Send, SocketIdMiddleware, read_body
from broadcastkit.socket_id import current_socket_id
from tests.integrations.application import ASYNC_PLACES, SYNC_PLACES, Site, UnauthenticatedError, User, who
from tests.integrations.behaviour import (
    AuthorizeBehaviour,
    HostileBehaviour,
    LimitBehaviour,
    SignInBehaviour,
    SocketIdBehaviour,
    TenantBehaviour,
)
from tests.integrations.starlette_routes import socket_id_routes


def tenant_of(scope: Scope) -> str | None:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return headers.get(b"x-tenant", b"").decode()


def user_header(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-user":
            return str(value, "latin-1")
    return None


async def send_json(send: Send, value: object, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


class BareAsgi:
    """No framework: an application that looks at the path itself."""

    places = frozenset(ASYNC_PLACES)

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        return httpx.ASGITransport(SocketIdMiddleware(self._application(site)))

    def _application(self, site: Site) -> ASGIApp:
        async def user(scope: Scope) -> User | None:
            return who(user_header(scope))

        broadcasting = BroadcastingApp(site.source(tenant_of), user=user, **site.options())

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            place = scope["path"].removeprefix("/socket-id/")
            if place == "background":
                await send_json(send, {})
                site.note()
            elif place in ASYNC_PLACES:
                await send_json(send, {"socket_id": await ASYNC_PLACES[place](site.meeting)})
            elif scope["path"].startswith("/broadcasting/"):
                try:
                    await broadcasting({**scope, "root_path": "/broadcasting"}, receive, send)
                except UnauthenticatedError:
                    await send_json(send, {"error": "who are you?"}, 401)
            else:
                await send_json(send, {"error": "nothing here"}, 404)

        return application


class InStarlette:
    """`Mount("/broadcasting", BroadcastingApp(…))`."""

    places = frozenset(ASYNC_PLACES) | frozenset(SYNC_PLACES)

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        async def user(scope: Scope) -> User | None:
            try:
                return who(user_header(scope))
            except UnauthenticatedError:
                raise HTTPException(401) from None

        application = Starlette(
            routes=[
                Mount("/broadcasting", BroadcastingApp(site.source(tenant_of), user=user, **site.options())),
                *socket_id_routes(site),
            ],
            middleware=[Middleware(SocketIdMiddleware)],
        )
        return httpx.ASGITransport(application)


class TestBareAuthorize(AuthorizeBehaviour):
    integration = BareAsgi()


class TestBareSignIn(SignInBehaviour):
    integration = BareAsgi()


class TestBareLimit(LimitBehaviour):
    integration = BareAsgi()


class TestBareTenant(TenantBehaviour):
    integration = BareAsgi()


class TestBareSocketId(SocketIdBehaviour):
    integration = BareAsgi()


class TestBareHostile(HostileBehaviour):
    integration = BareAsgi()


class TestMountedAuthorize(AuthorizeBehaviour):
    integration = InStarlette()


class TestMountedSignIn(SignInBehaviour):
    integration = InStarlette()


class TestMountedLimit(LimitBehaviour):
    integration = InStarlette()


class TestMountedTenant(TenantBehaviour):
    integration = InStarlette()


class TestMountedSocketId(SocketIdBehaviour):
    integration = InStarlette()


class TestMountedHostile(HostileBehaviour):
    integration = InStarlette()


# -- what only ASGI has ----------------------------------------------------------------------------------------------


def messages(*given: dict[str, Any]) -> Receive:
    """Hand out ASGI messages, one for each call and no more."""
    waiting = iter(given)

    async def receive() -> dict[str, Any]:
        return next(waiting)

    return receive


async def nowhere(message: object) -> None:
    """Send to nobody."""


async def test_a_client_that_leaves_has_sent_nothing() -> None:
    # cut off, `private-user.12` reads `private-user.1`
    half = {"type": "http.request", "body": b"socket_id=1.2&channel_name=private-user.1", "more_body": True}

    assert await read_body(messages(half, {"type": "http.disconnect"})) == b""


async def test_a_body_that_is_too_long_is_not_read_to_its_end() -> None:
    chunk = {"type": "http.request", "body": b"12345", "more_body": True}

    assert await read_body(messages(chunk, chunk), limit=9) is None
    assert await read_body(messages(chunk, {"type": "http.request", "body": b"6789"}), limit=9) == b"123456789"


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_the_endpoints_are_for_http_alone(kind: str) -> None:
    async def user(scope: Scope) -> None:
        return None

    with pytest.raises(ValueError, match=f"serves http, not {kind}"):
        await BroadcastingApp(Site().broadcaster(), user=user)({"type": kind}, messages(), nowhere)


async def test_a_websocket_has_the_socket_id_of_its_handshake() -> None:
    found: list[str | None] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(current_socket_id())

    scope = {"type": "websocket", "headers": [(b"X-Socket-Id", b"1.2")]}
    await SocketIdMiddleware(application)(scope, messages(), nowhere)

    assert found == ["1.2"]
    assert current_socket_id() is None


async def test_the_lifespan_passes_through_untouched() -> None:
    scopes: list[Scope] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    scope: Scope = {"type": "lifespan"}
    await SocketIdMiddleware(application)(scope, messages(), nowhere)

    assert scopes == [scope]


async def test_an_error_takes_the_socket_id_with_it() -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await SocketIdMiddleware(application)(
            {"type": "http", "headers": [(b"x-socket-id", b"1.2")]}, messages(), nowhere
        )

    assert current_socket_id() is None
