"""Litestar: the shared behaviour, and what only Litestar has: dependencies, a plugin, its CSRF protection."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from litestar import Litestar, Request, Response, get
from litestar.background_tasks import BackgroundTask
from litestar.concurrency import set_asyncio_executor
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.params import HeaderParameter

from broadcastkit import AsyncBroadcaster
from broadcastkit.errors import MissingDependencyError
from broadcastkit.integrations import litestar as integration
from broadcastkit.integrations.answers import BODY_LIMIT
from broadcastkit.integrations.litestar import BroadcastingPlugin, broadcasting_router
from tests.integrations.application import (
    ADA,
    ASYNC_PLACES,
    SYNC_PLACES,
    Meeting,
    Site,
    UnauthenticatedError,
    User,
    foreign,
    who,
)
from tests.integrations.asgi_client import ask, statuses_for_one_who_leaves
from tests.integrations.behaviour import (
    AUTH,
    FORM,
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


@pytest.fixture(scope="module", autouse=True)
def _a_thread_for_each() -> Iterator[None]:
    """Give Litestar as many threads as there are requests that wait for one another; by itself it has few."""
    with ThreadPoolExecutor(20) as executor:
        set_asyncio_executor(executor)
        yield
        set_asyncio_executor(None)


SIGNED = foreign().authenticate("private-user.1", SOCKET)
UserHeader = Annotated[str | None, HeaderParameter(name="X-User")]
TenantHeader = Annotated[str | None, HeaderParameter(name="X-Tenant")]
AnyRequest = Request[Any, Any, Any]


def current_user(x_user: UserHeader = None) -> User | None:
    try:
        return who(x_user)
    except UnauthenticatedError:
        raise NotAuthorizedException from None


async def awaited_user(x_user: UserHeader = None) -> User | None:
    return current_user(x_user)


def reraise(request: AnyRequest, error: Exception) -> Response[Any]:
    """Let the application's own error out, where Litestar would answer with 500."""
    raise error


class InLitestar:
    """`Litestar(plugins=[BroadcastingPlugin(…)])`."""

    places = frozenset(ASYNC_PLACES) | frozenset(SYNC_PLACES)

    def __init__(self, user: Callable[..., Any] = awaited_user) -> None:
        self._user = user

    @staticmethod
    def _source(site: Site) -> Any:
        async def chosen(x_tenant: TenantHeader = None) -> AsyncBroadcaster | None:
            return site.tenant(x_tenant)

        return site.broadcaster() if site.tenants is None else chosen

    def app(self, site: Site, **options: Any) -> Litestar:
        @get("/socket-id/background")
        async def background() -> Response[dict[str, str]]:
            return Response({}, background=BackgroundTask(site.note))

        return Litestar(
            [
                background,
                *(self._async(name, place, site.meeting) for name, place in ASYNC_PLACES.items()),
                *(self._sync(name, place, site.meeting) for name, place in SYNC_PLACES.items()),
            ],
            plugins=[BroadcastingPlugin(self._source(site), user=self._user, **site.options())],
            logging_config=None,
            **options,
        )

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        app: Any = self.app(site, exception_handlers={LookupError: reraise, AssertionError: reraise})
        return httpx.ASGITransport(app)

    @staticmethod
    def _async(name: str, place: Callable[..., Awaitable[str | None]], meeting: Meeting) -> HTTPRouteHandler:
        @get(f"/socket-id/{name}")
        async def endpoint() -> dict[str, str | None]:
            return {"socket_id": await place(meeting)}

        return endpoint

    @staticmethod
    def _sync(name: str, place: Callable[..., str | None], meeting: Meeting) -> HTTPRouteHandler:
        @get(f"/socket-id/{name}", sync_to_thread=True)
        def endpoint() -> dict[str, str | None]:
            return {"socket_id": place(meeting)}

        return endpoint


class TestAuthorize(AuthorizeBehaviour):
    integration = InLitestar()


class TestSignIn(SignInBehaviour):
    integration = InLitestar(current_user)


class TestLimit(LimitBehaviour):
    integration = InLitestar(current_user)


class TestTenant(TenantBehaviour):
    integration = InLitestar(current_user)


class TestSocketId(SocketIdBehaviour):
    integration = InLitestar()


class TestHostile(HostileBehaviour):
    integration = InLitestar()


# -- the user ----------------------------------------------------------------------------------------------------------


def app_with(user: Any = None, **options: Any) -> Litestar:
    plugin = BroadcastingPlugin(Site().broadcaster(), user=user)
    return Litestar(plugins=[plugin], logging_config=None, **options)


async def test_a_dependency_may_have_dependencies() -> None:
    async def token(request: AnyRequest) -> str:
        return request.headers["x-user"]

    async def user(token: NamedDependency[str]) -> User | None:
        return who(token)

    app = app_with(user, dependencies={"token": Provide(token)})

    assert (await ask(app, asking("private-user.1"), headers={"X-User": "ada"})).json() == SIGNED


async def test_a_dependency_may_be_provided_as_one_likes() -> None:
    app = app_with(Provide(lambda: ADA, sync_to_thread=False, use_cache=True))

    assert (await ask(app, asking("private-user.1"))).json() == SIGNED


class HeaderAuthentication(AbstractAuthenticationMiddleware):
    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        return AuthenticationResult(user=who(connection.headers.get("x-user")), auth=None)


@pytest.mark.parametrize(("name", "status"), [("ada", 200), (None, 403)])
async def test_the_user_is_the_one_of_litestars_own_authentication(name: str | None, status: int) -> None:
    app = app_with(middleware=[HeaderAuthentication])
    headers = {} if name is None else {"X-User": name}

    assert (await ask(app, asking("private-user.1"), headers=headers)).status_code == status


async def user_from_form(request: AnyRequest) -> User | None:
    return who((await request.form()).get("token"))


@pytest.mark.parametrize("content_type", [FORM, "multipart/form-data"])
async def test_the_user_may_be_told_by_the_form(content_type: str) -> None:
    fields = asking("private-user.1") | {"token": "ada"}
    multipart: dict[str, Any] = {"files": {name: (None, value) for name, value in fields.items()}, "data": None}

    answer = await ask(app_with(user_from_form), fields, **({} if content_type == FORM else multipart))

    assert (answer.status_code, answer.json()) == (200, SIGNED)


async def test_a_form_that_a_dependency_reads_is_no_longer_than_others() -> None:
    fields = asking("private-user.1") | {"token": "ada", "padding": "x" * BODY_LIMIT}

    assert (await ask(app_with(user_from_form), fields)).status_code == 413


# -- the plugin --------------------------------------------------------------------------------------------------------


async def test_csrf_protection_is_for_the_apps_own_routes() -> None:
    app = app_with(lambda: ADA, csrf_config=CSRFConfig(secret="x" * 32))

    assert (await ask(app, asking("private-user.1"))).json() == SIGNED


async def test_the_router_alone_and_under_another_prefix() -> None:
    router = broadcasting_router(Site().broadcaster(), user=lambda: ADA, prefix="/api/v1/rt")
    app = Litestar([router], logging_config=None)

    assert (await ask(app, asking("private-user.1"), "/api/v1/rt/auth")).json() == SIGNED
    assert (await ask(app, {"socket_id": SOCKET}, "/api/v1/rt/user-auth")).status_code == 200
    assert (await ask(app, asking("private-user.1"))).status_code == 404


async def test_the_end_of_the_app_is_the_end_of_the_drivers() -> None:
    log: list[str] = []

    @asynccontextmanager
    async def own(app: Litestar) -> AsyncIterator[None]:
        yield
        log.append("own ends")

    plugin = BroadcastingPlugin(AsyncBroadcaster(WatchedDriver(log)), user=lambda: ADA, also=[Thing(log, "server")])
    app = Litestar(plugins=[plugin], lifespan=[own], on_shutdown=[lambda: log.append("hook")], logging_config=None)

    async with app.lifespan():
        assert log == []

    assert sorted(log[:2]) == ["hook", "own ends"]
    assert log[2:] == ["driver closed", "server closed"]


async def test_a_client_that_leaves_has_sent_nothing() -> None:
    assert await statuses_for_one_who_leaves(app_with(lambda: ADA)) == [400]


async def test_the_endpoints_are_not_in_the_apps_own_openapi() -> None:
    assert not {AUTH, USER_AUTH} & set(app_with(lambda: ADA).openapi_schema.paths or {})


# -- without Litestar --------------------------------------------------------------------------------------------------


def test_its_absence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litestar", None)
    monkeypatch.delitem(sys.modules, integration.__name__)

    with pytest.raises(MissingDependencyError, match=re.escape("pip install 'broadcastkit[litestar]'")):
        importlib.import_module(integration.__name__)
