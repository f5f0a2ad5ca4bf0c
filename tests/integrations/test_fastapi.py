"""FastAPI: the shared behaviour, and what only FastAPI has: dependencies, OpenAPI, a lifespan."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated, Any, TypedDict

import httpx
import pytest
from fastapi import BackgroundTasks, Body, Depends, FastAPI, Form, Header, HTTPException, Request
from fastapi.openapi.models import OpenAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from broadcastkit import AsyncBroadcaster
from broadcastkit.errors import MissingDependencyError
from broadcastkit.integrations import fastapi as integration
from broadcastkit.integrations.answers import BODY_LIMIT
from broadcastkit.integrations.fastapi import SocketIdMiddleware, broadcasting_lifespan, broadcasting_router
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
from tests.integrations.asgi_client import asgi_client, statuses_for_one_who_leaves
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


def current_user(x_user: Annotated[str | None, Header()] = None) -> User | None:
    try:
        return who(x_user)
    except UnauthenticatedError:
        raise HTTPException(401, "who are you?") from None


async def awaited_user(user: Annotated[User | None, Depends(current_user)]) -> User | None:
    return user


class InFastAPI:
    """`app.include_router(broadcasting_router(…))`, and the middleware."""

    places = frozenset(ASYNC_PLACES) | frozenset(SYNC_PLACES)

    def __init__(self, user: Callable[..., Any]) -> None:
        self._user = user

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        app = FastAPI()
        app.add_middleware(SocketIdMiddleware)
        app.include_router(broadcasting_router(self._source(site), user=self._user, **site.options()))
        for name, place in ASYNC_PLACES.items():
            app.add_api_route(f"/socket-id/{name}", self._async(place, site))
        for name, sync_place in SYNC_PLACES.items():
            app.add_api_route(f"/socket-id/{name}", self._sync(sync_place, site))

        @app.get("/socket-id/background")
        async def background(tasks: BackgroundTasks) -> None:
            tasks.add_task(site.note)

        return httpx.ASGITransport(app)

    @staticmethod
    def _source(site: Site) -> Any:
        def chosen(x_tenant: Annotated[str | None, Header()] = None) -> AsyncBroadcaster | None:
            return site.tenant(x_tenant)

        return site.broadcaster() if site.tenants is None else chosen

    @staticmethod
    def _async(
        place: Callable[..., Awaitable[str | None]], site: Site
    ) -> Callable[[], Awaitable[dict[str, str | None]]]:
        async def endpoint() -> dict[str, str | None]:
            return {"socket_id": await place(site.meeting)}

        return endpoint

    @staticmethod
    def _sync(place: Callable[..., str | None], site: Site) -> Callable[[], dict[str, str | None]]:
        def endpoint() -> dict[str, str | None]:
            return {"socket_id": place(site.meeting)}

        return endpoint


class TestAuthorize(AuthorizeBehaviour):
    integration = InFastAPI(awaited_user)


class TestSignIn(SignInBehaviour):
    integration = InFastAPI(current_user)


class TestLimit(LimitBehaviour):
    integration = InFastAPI(current_user)


class TestTenant(TenantBehaviour):
    integration = InFastAPI(current_user)


class TestSocketId(SocketIdBehaviour):
    integration = InFastAPI(awaited_user)


class TestHostile(HostileBehaviour):
    integration = InFastAPI(awaited_user)


# -- the user's dependency -------------------------------------------------------------------------------------------


def app_with(user: Callable[..., Any], **options: Any) -> FastAPI:
    app = FastAPI()
    app.include_router(broadcasting_router(Site().broadcaster(), user=user, **options))
    return app


async def user_from_form(token: Annotated[str, Form()]) -> User | None:
    return who(token)


async def user_from_json(token: Annotated[str, Body(embed=True)]) -> User | None:
    return who(token)


async def user_from_request(request: Request) -> User | None:
    form = await request.form()
    return who(str(form["token"]))


async def user_from_raw_body(request: Request) -> User | None:
    return who("ada" if b"token=ada" in await request.body() else None)


@pytest.mark.parametrize(
    ("user", "how"),
    [
        (user_from_form, "data"),
        (user_from_request, "data"),
        (user_from_raw_body, "data"),
        (user_from_json, "json"),
        (user_from_form, "files"),
    ],
)
async def test_a_dependency_may_read_the_body_before_us(user: Callable[..., Any], how: str) -> None:
    # pusher-js: `channelAuthorization: {params: {token}}`
    fields: dict[str, Any] = asking("private-user.1") | {"token": "ada"}
    if how == "files":
        fields = {name: (None, value) for name, value in fields.items()}
    body: dict[str, Any] = {how: fields}
    async with asgi_client(app_with(user)) as client:
        answer = await client.post(AUTH, **body)

    assert (answer.status_code, answer.json()) == (200, foreign().authenticate("private-user.1", SOCKET))


async def test_a_body_that_a_dependency_has_read_is_no_longer_than_others() -> None:
    fields = asking("private-user.1") | {"token": "ada", "padding": "x" * BODY_LIMIT}
    async with asgi_client(app_with(user_from_form)) as client:
        answer = await client.post(AUTH, data=fields)

    assert (answer.status_code, answer.json()) == (413, {"error": "the request body is too long"})


async def test_a_client_that_leaves_has_sent_nothing() -> None:
    assert await statuses_for_one_who_leaves(app_with(current_user)) == [400]


async def test_dependencies_can_be_overridden_as_anywhere() -> None:
    app = app_with(current_user)
    app.dependency_overrides[current_user] = lambda: ADA
    async with asgi_client(app) as client:
        assert (await client.post(AUTH, data=asking("private-user.1"))).status_code == 200


async def test_the_prefix_is_free() -> None:
    async with asgi_client(app_with(lambda: ADA, prefix="/api/v1/rt")) as client:
        assert (await client.post("/api/v1/rt/auth", data=asking("private-user.1"))).status_code == 200
        assert (await client.post("/api/v1/rt/user-auth", data={"socket_id": SOCKET})).status_code == 200
        assert (await client.post(AUTH, data=asking("private-user.1"))).status_code == 404


async def test_two_routers_for_two_kinds_of_users() -> None:
    app = FastAPI()
    app.include_router(broadcasting_router(Site().broadcaster(), user=lambda: ADA))
    app.include_router(broadcasting_router(Site().broadcaster(), user=lambda: None, prefix="/public"))
    async with asgi_client(app) as client:
        inside = await client.post(AUTH, data=asking("private-user.1"))
        outside = await client.post("/public/auth", data=asking("private-user.1"))

    assert (inside.status_code, outside.status_code) == (200, 403)


# -- OpenAPI -----------------------------------------------------------------------------------------------------------


bearer = HTTPBearer()


def user_with_token(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> User | None:
    return who(credentials.credentials)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value fits a schema of the simple kind that describes the endpoints; an object has no other members."""
    if "anyOf" in schema:
        return any(fits(value, one) for one in schema["anyOf"])
    if schema["type"] == "array":
        return isinstance(value, list) and all(fits(part, schema["items"]) for part in value)
    if schema["type"] != "object":
        return isinstance(value, {"string": str, "integer": int}[schema["type"]])
    members = schema.get("properties", {})
    others = schema.get("additionalProperties")
    if not isinstance(value, dict) or not set(schema.get("required", [])) <= set(value):
        return False
    if not members and others is None:
        return True  # any object at all
    described = {name: members.get(name, others) for name in value}
    return None not in described.values() and all(fits(value[name], one) for name, one in described.items() if one)


async def test_the_document_is_openapi_and_describes_both_endpoints() -> None:
    # pydantic's model of OpenAPI 3.1, which knows every keyword's place
    document = OpenAPI.model_validate(json.loads(json.dumps(app_with(user_with_token).openapi())))

    assert document.paths is not None
    assert set(document.paths) == {AUTH, USER_AUTH}
    operations = {path: item.post for path, item in document.paths.items()}
    for operation in operations.values():
        assert operation is not None
        assert operation.tags == ["broadcasting"]
        assert operation.summary
        assert operation.security == [{"HTTPBearer": []}]
        assert operation.responses is not None
        assert set(operation.responses) == {"200", "400", "403", "413", "429"}
    assert len({operation.operationId for operation in operations.values() if operation}) == 2


async def test_what_is_asked_and_answered_is_as_described() -> None:
    app = app_with(current_user)
    paths = app.openapi()["paths"]

    async with asgi_client(app) as client:
        requests: list[tuple[str, dict[str, Any]]] = [
            (AUTH, asking("private-user.1")),
            (AUTH, asking("presence-room.7")),
            (AUTH, asking("private-encrypted-vault.3")),
            (AUTH, {"socket_id": SOCKET, "channel_name": ["private-user.1", "private-user.2", "presence-room.7"]}),
            (USER_AUTH, {"socket_id": SOCKET}),
        ]
        for path, asked in requests:
            operation = paths[path]["post"]
            described = operation["requestBody"]
            assert described["required"] is True
            assert set(described["content"]) == {"application/x-www-form-urlencoded", "application/json"}
            for content in described["content"].values():
                assert fits(asked, content["schema"])
                assert set(content["schema"]["required"]) == set(asked)
            for name in asked:
                incomplete = {key: value for key, value in asked.items() if key != name}
                assert (await client.post(path, json=incomplete, headers={"X-User": "ada"})).status_code == 400

            answer = await client.post(path, data=asked, headers={"X-User": "ada"})
            [media_type] = operation["responses"]["200"]["content"]
            assert answer.headers["content-type"] == media_type
            assert fits(answer.json(), operation["responses"]["200"]["content"][media_type]["schema"])


# -- lifespan ----------------------------------------------------------------------------------------------------------


class State(TypedDict):
    pool: str


async def test_the_lifespan_closes_the_drivers() -> None:
    log: list[str] = []
    app = FastAPI(lifespan=broadcasting_lifespan(AsyncBroadcaster(WatchedDriver(log))))

    async with app.router.lifespan_context(app):
        assert log == []

    assert log == ["driver closed"]


async def test_the_lifespan_is_around_ones_own() -> None:
    log: list[str] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[State]:
        log.append(f"{app.title} starts")
        yield {"pool": "ready"}
        log.append("own ends")

    lifespan = broadcasting_lifespan(AsyncBroadcaster(WatchedDriver(log)), own)
    app = FastAPI(title="chat", lifespan=lifespan)

    async with app.router.lifespan_context(app) as state:
        assert state == {"pool": "ready"}
        assert log == ["chat starts"]

    # in this order: what stops last may still broadcast
    assert log == ["chat starts", "own ends", "driver closed"]


async def test_the_lifespan_closes_what_the_drivers_publish_to_after_them() -> None:
    log: list[str] = []
    also = [Thing(log, "server"), Thing(log, "pool")]
    app = FastAPI(lifespan=broadcasting_lifespan(AsyncBroadcaster(WatchedDriver(log)), also=also))

    async with app.router.lifespan_context(app):
        assert log == []

    assert log == ["driver closed", "server closed", "pool closed"]


async def test_all_is_closed_even_if_some_of_it_fails() -> None:
    log: list[str] = []
    also = [Thing(log, "server", LookupError("server")), Thing(log, "pool")]
    app = FastAPI(lifespan=broadcasting_lifespan(AsyncBroadcaster(WatchedDriver(log)), also=also))

    with pytest.raises(LookupError, match="server"):
        async with app.router.lifespan_context(app):
            pass

    assert log == ["driver closed", "server closed", "pool closed"]


@pytest.mark.parametrize("when", ["starts", "ends"])
async def test_the_drivers_are_closed_if_ones_own_lifespan_fails(when: str) -> None:
    log: list[str] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> AsyncIterator[None]:
        if when == "starts":
            raise LookupError(when)
        yield
        raise LookupError(when)

    app = FastAPI(lifespan=broadcasting_lifespan(AsyncBroadcaster(WatchedDriver(log)), own))
    async with AsyncExitStack() as stack:
        stack.enter_context(pytest.raises(LookupError, match=when))
        await stack.enter_async_context(app.router.lifespan_context(app))

    assert log == ["driver closed"]


# -- without FastAPI ---------------------------------------------------------------------------------------------------


def test_its_absence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.delitem(sys.modules, integration.__name__)

    with pytest.raises(MissingDependencyError, match=re.escape("pip install 'broadcastkit[fastapi]'")):
        importlib.import_module(integration.__name__)
