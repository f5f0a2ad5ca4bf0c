"""Starlette: the shared behaviour, and what only Starlette has: its own authentication, and a lifespan."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request

from broadcastkit import AsyncBroadcaster
from broadcastkit.errors import MissingDependencyError
from broadcastkit.integrations import starlette as integration
from broadcastkit.integrations.starlette import SocketIdMiddleware, broadcasting_lifespan, broadcasting_routes
from tests.integrations.application import (
    ADA,
    ASYNC_PLACES,
    SYNC_PLACES,
    Site,
    UnauthenticatedError,
    User,
    foreign,
    who,
)
from tests.integrations.asgi_client import ask
from tests.integrations.behaviour import (
    AUTH,
    SOCKET,
    USER_AUTH,
    AuthorizeBehaviour,
    HostileBehaviour,
    LimitBehaviour,
    SignInBehaviour,
    SocketIdBehaviour,
    TenantBehaviour,
    asking,
)
from tests.integrations.lifespans import Thing, WatchedDriver
from tests.integrations.starlette_routes import socket_id_routes

SIGNED = foreign().authenticate("private-user.1", SOCKET)


def current_user(request: Request) -> User | None:
    try:
        return who(request.headers.get("x-user"))
    except UnauthenticatedError:
        raise HTTPException(401) from None


async def awaited_user(request: Request) -> User | None:
    return current_user(request)


def tenant_of(request: Request) -> str | None:
    return request.headers.get("x-tenant")


class InStarlette:
    """`Starlette(routes=[*broadcasting_routes(…)])`, and the middleware."""

    places = frozenset(ASYNC_PLACES) | frozenset(SYNC_PLACES)

    def __init__(self, user: Callable[[Request], Any] = awaited_user) -> None:
        self._user = user

    def app(self, site: Site) -> Starlette:
        return Starlette(
            routes=[
                *broadcasting_routes(site.source(tenant_of), user=self._user, **site.options()),
                *socket_id_routes(site),
            ],
            middleware=[Middleware(SocketIdMiddleware)],
        )

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        return httpx.ASGITransport(self.app(site))


class TestAuthorize(AuthorizeBehaviour):
    integration = InStarlette()


class TestSignIn(SignInBehaviour):
    integration = InStarlette(current_user)


class TestLimit(LimitBehaviour):
    integration = InStarlette(current_user)


class TestTenant(TenantBehaviour):
    integration = InStarlette(current_user)


class TestSocketId(SocketIdBehaviour):
    integration = InStarlette()


class TestHostile(HostileBehaviour):
    integration = InStarlette()


# -- the user ----------------------------------------------------------------------------------------------------------


class Account(BaseUser):
    def __init__(self, user: User) -> None:
        self.id = user.id

    @property
    def is_authenticated(self) -> bool:
        return True


class HeaderBackend(AuthenticationBackend):
    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        user = who(conn.headers.get("x-user"))
        return None if user is None else (AuthCredentials(["authenticated"]), Account(user))


def app_with_middleware() -> Starlette:
    return Starlette(
        routes=broadcasting_routes(Site().broadcaster()),
        middleware=[Middleware(AuthenticationMiddleware, backend=HeaderBackend())],
    )


async def test_the_user_is_the_one_of_starlettes_own_authentication() -> None:
    own = await ask(app_with_middleware(), asking("private-user.1"), headers={"X-User": "ada"})
    other = await ask(app_with_middleware(), asking("private-user.2"), headers={"X-User": "ada"})

    assert (own.status_code, own.json()) == (200, SIGNED)
    assert other.status_code == 403


@pytest.mark.parametrize("path", [AUTH, USER_AUTH])
async def test_who_is_not_authenticated_is_nobody(path: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "broadcastkit.authorization"):
        answer = await ask(app_with_middleware(), asking("private-user.1"), path)

    assert answer.status_code == 403
    assert "no user" in caplog.text


async def user_from_form(request: Request) -> User | None:
    return who(str((await request.form())["token"]))


async def user_from_body(request: Request) -> User | None:
    return who("ada" if b"token=ada" in await request.body() else None)


def user_of_later(request: Request) -> Awaitable[User | None]:
    # async, but nobody can tell before it is called
    return user_from_form(request)


@pytest.mark.parametrize("user", [user_from_form, user_from_body, user_of_later])
async def test_the_user_may_be_told_by_the_form(user: Callable[[Request], Any]) -> None:
    app = Starlette(routes=broadcasting_routes(Site().broadcaster(), user=user))

    answer = await ask(app, asking("private-user.1") | {"token": "ada"})

    assert (answer.status_code, answer.json()) == (200, SIGNED)


async def test_the_prefix_is_free_and_the_routes_have_names() -> None:
    app = Starlette(routes=broadcasting_routes(Site().broadcaster(), user=lambda request: ADA, prefix="/api/rt"))

    assert (await ask(app, asking("private-user.1"), "/api/rt/auth")).json() == SIGNED
    assert (await ask(app, asking("private-user.1"))).status_code == 404
    assert app.url_path_for("broadcasting_auth") == "/api/rt/auth"
    assert app.url_path_for("broadcasting_user_auth") == "/api/rt/user-auth"


# -- lifespan ----------------------------------------------------------------------------------------------------------


async def test_the_lifespan_ends_what_is_around_it_in_order() -> None:
    log: list[str] = []

    @asynccontextmanager
    async def own(app: Starlette) -> AsyncIterator[dict[str, str]]:
        yield {"pool": "ready"}
        log.append("own ends")

    broadcaster = AsyncBroadcaster(WatchedDriver(log))
    app = Starlette(lifespan=broadcasting_lifespan(broadcaster, own, also=[Thing(log, "server"), Thing(log, "pool")]))

    async with app.router.lifespan_context(app) as state:
        assert (state, log) == ({"pool": "ready"}, [])

    assert log == ["own ends", "driver closed", "server closed", "pool closed"]


# -- without Starlette -------------------------------------------------------------------------------------------------


def test_its_absence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("starlette.concurrency", "starlette.requests", "starlette"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, integration.__name__)

    with pytest.raises(MissingDependencyError, match=re.escape("pip install 'broadcastkit[starlette]'")):
        importlib.import_module(integration.__name__)
