"""Frameworks that have no module here: Bottle and Falcon with the WSGI app, Quart with the ASGI app."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from wsgiref.util import shift_path_info

import bottle
import falcon
import httpx
from hypercorn.middleware import DispatcherMiddleware
from quart import Quart, Response, jsonify, make_response
from starlette.requests import HTTPConnection

from broadcastkit.integrations import asgi, wsgi
from broadcastkit.integrations.wsgi import Environ
from tests.integrations.application import (
    ASYNC_PLACES,
    BLOCKING_PLACES,
    SYNC_PLACES,
    Meeting,
    Site,
    UnauthenticatedError,
    User,
    who,
)
from tests.integrations.behaviour import (
    AuthorizeBehaviour,
    HostileBehaviour,
    LimitBehaviour,
    SignInBehaviour,
    SocketIdBehaviour,
    TenantBehaviour,
)
from tests.integrations.wsgi_client import json_app, served

if TYPE_CHECKING:
    from wsgiref.types import StartResponse


def tenant_of(environ: Environ) -> str | None:
    return environ.get("HTTP_X_TENANT")


class InBottle:
    """`app.mount("/broadcasting/", BroadcastingApp(…))`."""

    places = frozenset(BLOCKING_PLACES)

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        def user(environ: Environ) -> User | None:
            try:
                return who(environ.get("HTTP_X_USER"))
            except UnauthenticatedError:
                raise bottle.HTTPError(401) from None

        app = bottle.Bottle()
        app.config["catchall"] = False
        broadcasting = wsgi.BroadcastingApp(site.blocking_source(tenant_of), user=user, **site.blocking_options())
        app.mount("/broadcasting/", broadcasting)

        def background() -> Iterator[bytes]:
            yield b"{}"
            site.note()

        def socket_id(place: str) -> dict[str, str | None]:
            return {"socket_id": BLOCKING_PLACES[place](site.meeting)}

        app.route("/socket-id/background", callback=background)
        app.route("/socket-id/<place>", callback=socket_id)
        return served(wsgi.SocketIdMiddleware(app))


class SocketIdResource:
    def __init__(self, site: Site) -> None:
        self._site = site

    def on_get(self, req: falcon.Request, resp: falcon.Response, place: str) -> None:
        if place == "background":
            resp.stream = self._noting()
        else:
            resp.media = {"socket_id": BLOCKING_PLACES[place](self._site.meeting)}

    def _noting(self) -> Iterator[bytes]:
        yield b"{}"
        self._site.note()


class BesideFalcon:
    """Falcon has no mount: the few lines that dispatch by path are WSGI's own."""

    places = frozenset(BLOCKING_PLACES)

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        def user(environ: Environ) -> User | None:
            return who(environ.get("HTTP_X_USER"))

        app = falcon.App()
        app.add_route("/socket-id/{place}", SocketIdResource(site))
        broadcasting = wsgi.BroadcastingApp(site.blocking_source(tenant_of), user=user, **site.blocking_options())

        def dispatch(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            if not environ["PATH_INFO"].startswith("/broadcasting/"):
                return app(environ, start_response)
            shift_path_info(environ)
            try:
                return broadcasting(environ, start_response)
            except UnauthenticatedError:
                return json_app(start_response, b"{}", "401 Unauthorized")

        return served(wsgi.SocketIdMiddleware(dispatch))


class InQuart:
    """Beside Quart, by the dispatcher of the server that comes with it."""

    places = frozenset(ASYNC_PLACES) | frozenset(SYNC_PLACES)

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        async def user(scope: asgi.Scope) -> User | None:
            return who(HTTPConnection(scope).headers.get("x-user"))

        app = Quart("site")

        def tenant(scope: asgi.Scope) -> str | None:
            return HTTPConnection(scope).headers.get("x-tenant")

        broadcasting = asgi.BroadcastingApp(site.source(tenant), user=user, **site.options())

        async def unauthenticated(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
            try:
                await broadcasting(scope, receive, send)
            except UnauthenticatedError:
                await send({"type": "http.response.start", "status": 401, "headers": []})
                await send({"type": "http.response.body"})

        for name, place in ASYNC_PLACES.items():
            app.get(f"/socket-id/{name}")(self._endpoint(name, self._async(place, site.meeting)))
        for name, sync_place in SYNC_PLACES.items():
            app.get(f"/socket-id/{name}")(self._endpoint(name, self._sync(sync_place, site.meeting)))

        @app.get("/socket-id/background")
        async def background() -> Response:
            async def pieces() -> Any:
                yield b"{}"
                site.note()

            response = await make_response(pieces())
            assert isinstance(response, Response)
            return response

        # by itself it has fewer threads than there are requests that wait for one another
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(20))
        apps: dict[str, Any] = {"/broadcasting": unauthenticated, "": app}
        dispatcher: Any = DispatcherMiddleware(apps)
        return httpx.ASGITransport(asgi.SocketIdMiddleware(dispatcher))

    @staticmethod
    def _endpoint(name: str, endpoint: Callable[[], Any]) -> Callable[[], Any]:
        endpoint.__name__ = name  # Quart tells endpoints apart by it
        return endpoint

    @staticmethod
    def _async(place: Callable[..., Awaitable[str | None]], meeting: Meeting) -> Callable[[], Any]:
        async def endpoint() -> Response:
            return jsonify(socket_id=await place(meeting))

        return endpoint

    @staticmethod
    def _sync(place: Callable[..., str | None], meeting: Meeting) -> Callable[[], Any]:
        def endpoint() -> Response:
            return jsonify(socket_id=place(meeting))

        return endpoint


class TestBottleAuthorize(AuthorizeBehaviour):
    integration = InBottle()


class TestBottleSignIn(SignInBehaviour):
    integration = InBottle()


class TestBottleLimit(LimitBehaviour):
    integration = InBottle()


class TestBottleTenant(TenantBehaviour):
    integration = InBottle()


class TestBottleSocketId(SocketIdBehaviour):
    integration = InBottle()


class TestBottleHostile(HostileBehaviour):
    integration = InBottle()


class TestFalconAuthorize(AuthorizeBehaviour):
    integration = BesideFalcon()


class TestFalconSignIn(SignInBehaviour):
    integration = BesideFalcon()


class TestFalconLimit(LimitBehaviour):
    integration = BesideFalcon()


class TestFalconTenant(TenantBehaviour):
    integration = BesideFalcon()


class TestFalconSocketId(SocketIdBehaviour):
    integration = BesideFalcon()


class TestFalconHostile(HostileBehaviour):
    integration = BesideFalcon()


class TestQuartAuthorize(AuthorizeBehaviour):
    integration = InQuart()


class TestQuartSignIn(SignInBehaviour):
    integration = InQuart()


class TestQuartLimit(LimitBehaviour):
    integration = InQuart()


class TestQuartTenant(TenantBehaviour):
    integration = InQuart()


class TestQuartSocketId(SocketIdBehaviour):
    integration = InQuart()


class TestQuartHostile(HostileBehaviour):
    integration = InQuart()
