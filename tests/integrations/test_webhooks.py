"""Receivers of webhooks: the shared behaviour in every framework but Django, and what only one of them has."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

import bottle
import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.openapi.models import OpenAPI
from flask import Flask, request
from hypercorn.middleware import DispatcherMiddleware
from litestar import Litestar
from litestar import Request as LitestarRequest
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from quart import Quart
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware

from broadcastkit.errors import ConfigurationError
from broadcastkit.integrations import asgi, fastapi, flask, litestar, starlette, wsgi
from broadcastkit.integrations.webhooks import AsyncWebhookReceiver, WebhookReceiver
from broadcastkit.webhooks import MemberAdded, WebhookHandlers
from tests.integrations.asgi_client import asgi_client
from tests.integrations.receivers import BODY, PATH, AsyncReceiverBehaviour, BlockingReceiverBehaviour
from tests.integrations.wsgi_client import Environ, served
from tests.webhooks.tools import KEY, SECRET, headers_for

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication


def webhook_receiver(color: type[Any] = AsyncWebhookReceiver) -> Any:
    return color(WebhookHandlers(), keys=(KEY, SECRET))


# -- frameworks without async ------------------------------------------------------------------------------------------


def logged_before(app: WSGIApplication) -> WSGIApplication:
    """Read the body, and leave one to be read, as a WSGI middleware must."""

    def middleware(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = wsgi.read_body(environ, 1_000_000)
        assert isinstance(body, bytes)
        return app({**environ, "wsgi.input": io.BytesIO(body)}, start_response)

    return middleware


class InWsgi:
    """`WebhookApp(receiver)`."""

    def transport(self, receiver: Any, *, read_before: bool = False) -> httpx.AsyncBaseTransport:
        app = wsgi.WebhookApp(receiver)
        return served(logged_before(app), strict=False) if read_before else served(app)


class InBottle:
    """`app.mount(path, WebhookApp(receiver))`."""

    def transport(self, receiver: Any, *, read_before: bool = False) -> httpx.AsyncBaseTransport:
        app = bottle.Bottle()
        app.mount(PATH, wsgi.WebhookApp(receiver))
        return served(logged_before(app), strict=False) if read_before else served(app)


class InFlask:
    """`app.register_blueprint(webhook_blueprint(receiver))`."""

    def transport(self, receiver: Any, *, read_before: bool = False) -> httpx.AsyncBaseTransport:
        app = Flask("site")
        # of ours the receiver decides, and not the application's limit for everything else
        app.config["MAX_CONTENT_LENGTH"] = 10
        app.register_blueprint(flask.webhook_blueprint(receiver))
        if read_before:
            app.config["MAX_CONTENT_LENGTH"] = None

            @app.before_request
            def log() -> None:
                assert request.get_json()["events"]

        return served(app.wsgi_app)


class TestWsgi(BlockingReceiverBehaviour):
    framework = InWsgi()


class TestBottle(BlockingReceiverBehaviour):
    framework = InBottle()


class TestFlask(BlockingReceiverBehaviour):
    framework = InFlask()


# -- async frameworks --------------------------------------------------------------------------------------------------


def replayed_before(app: asgi.ASGIApp) -> asgi.ASGIApp:
    """Read the body, and say it again, as an ASGI middleware must."""

    async def middleware(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        body = await asgi.read_body(receive, 1_000_000)

        async def again() -> Any:
            return {"type": "http.request", "body": body}

        await app(scope, again, send)

    return middleware


class InAsgi:
    """`WebhookApp(receiver)`."""

    def transport(self, receiver: Any, *, read_before: bool = False) -> httpx.AsyncBaseTransport:
        app: Any = asgi.WebhookApp(receiver)
        return httpx.ASGITransport(replayed_before(app) if read_before else app)


class InQuart:
    """Beside Quart, by the dispatcher of the server that comes with it."""

    def transport(self, receiver: Any, *, read_before: bool = False) -> httpx.AsyncBaseTransport:
        apps: dict[str, Any] = {PATH: asgi.WebhookApp(receiver), "": Quart("site")}
        dispatcher: Any = DispatcherMiddleware(apps)
        return httpx.ASGITransport(replayed_before(dispatcher) if read_before else dispatcher)


async def log_before(request: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
    assert (await request.json())["events"]
    return await call_next(request)


class InStarlette:
    """`Starlette(routes=[webhook_route(receiver)])`."""

    def transport(self, receiver: Any, *, read_before: bool = False) -> httpx.AsyncBaseTransport:
        middleware = [Middleware(BaseHTTPMiddleware, dispatch=log_before)] if read_before else []
        return httpx.ASGITransport(Starlette(routes=[starlette.webhook_route(receiver)], middleware=middleware))


class InFastApi:
    """`app.include_router(webhook_router(receiver))`."""

    def transport(self, receiver: Any, *, read_before: bool = False) -> httpx.AsyncBaseTransport:
        async def log(request: Request) -> None:
            assert (await request.json())["events"]

        app = FastAPI()
        app.include_router(fastapi.webhook_router(receiver), dependencies=[Depends(log)] if read_before else [])
        return httpx.ASGITransport(app)


class NobodyKnown(AbstractAuthenticationMiddleware):
    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        raise NotAuthorizedException


class InLitestar:
    """`Litestar([webhook_router(receiver)])`, in an application that asks for a login and a CSRF token."""

    def transport(self, receiver: Any, *, read_before: bool = False) -> httpx.AsyncBaseTransport:
        async def log(request: LitestarRequest[Any, Any, Any]) -> None:
            assert (await request.json())["events"]

        app: Any = Litestar(
            [litestar.webhook_router(receiver)],
            before_request=log if read_before else None,
            middleware=[NobodyKnown],
            csrf_config=CSRFConfig(secret="s"),
            logging_config=None,
        )
        return httpx.ASGITransport(app)


class TestAsgi(AsyncReceiverBehaviour):
    framework = InAsgi()


class TestQuart(AsyncReceiverBehaviour):
    framework = InQuart()


class TestStarlette(AsyncReceiverBehaviour):
    framework = InStarlette()


class TestFastApi(AsyncReceiverBehaviour):
    framework = InFastApi()


class TestLitestar(AsyncReceiverBehaviour):
    framework = InLitestar()


# -- what they are made of ---------------------------------------------------------------------------------------------

BLOCKING: list[Callable[[Any], Any]] = [wsgi.WebhookApp, flask.webhook_blueprint]
AWAITED: list[Callable[[Any], Any]] = [
    asgi.WebhookApp,
    starlette.webhook_route,
    fastapi.webhook_router,
    litestar.webhook_router,
]


def name_of(attach: Any) -> str:
    return f"{attach.__module__}.{attach.__name__}"


@pytest.mark.parametrize("attach", BLOCKING, ids=name_of)
def test_what_cannot_await_takes_no_async_receiver(attach: Callable[[Any], Any]) -> None:
    with pytest.raises(ConfigurationError, match=r" takes WebhookReceiver, not AsyncWebhookReceiver$"):
        attach(webhook_receiver())


@pytest.mark.parametrize("attach", AWAITED, ids=name_of)
def test_what_awaits_takes_no_blocking_receiver(attach: Callable[[Any], Any]) -> None:
    with pytest.raises(ConfigurationError, match=r" takes AsyncWebhookReceiver, not WebhookReceiver$"):
        attach(webhook_receiver(WebhookReceiver))


@pytest.mark.parametrize(
    "app",
    [
        Starlette(routes=[starlette.webhook_route(webhook_receiver(), path="/hooks")]),
        Litestar([litestar.webhook_router(webhook_receiver(), path="/hooks")], logging_config=None),
    ],
    ids=["starlette", "litestar"],
)
async def test_the_path_is_free(app: Any) -> None:
    async with asgi_client(app) as client:
        assert (await client.post("/hooks", content=BODY, headers=headers_for(BODY))).status_code == 200
        assert (await client.post(PATH, content=BODY, headers=headers_for(BODY))).status_code == 404


def test_two_in_one_flask_app() -> None:
    app = Flask("site")
    app.register_blueprint(flask.webhook_blueprint(webhook_receiver(WebhookReceiver)))
    app.register_blueprint(flask.webhook_blueprint(webhook_receiver(WebhookReceiver), path="/shop/hooks", name="shop"))

    for path in (PATH, "/shop/hooks"):
        assert app.test_client().post(path, data=BODY, headers=headers_for(BODY)).status_code == 200


def test_the_fastapi_router_is_described_and_its_path_is_free() -> None:
    app = FastAPI()
    app.include_router(fastapi.webhook_router(webhook_receiver(), path="/hooks/pusher"))
    described = OpenAPI.model_validate(app.openapi())

    assert described.paths is not None
    assert set(described.paths["/hooks/pusher"].post.responses or ()) == {"200", "400", "401", "413", "500"}  # type: ignore[union-attr]


async def test_webhook_app_serves_http_only() -> None:
    async def nothing(*_: Any) -> Any: ...

    with pytest.raises(ValueError, match=r"^WebhookApp serves http, not websocket"):
        await asgi.WebhookApp(webhook_receiver())({"type": "websocket"}, nothing, nothing)


async def test_a_body_without_a_known_length_is_not_waited_for() -> None:
    """A WSGI server that does not say where a body in chunks ends: reading it might never return."""

    def unterminated(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        del environ["wsgi.input_terminated"]
        return wsgi.WebhookApp(webhook_receiver(WebhookReceiver))(environ, start_response)

    async def chunks() -> AsyncIterator[bytes]:
        yield BODY

    async with httpx.AsyncClient(transport=served(unterminated), base_url="http://site.test") as client:
        answer = await client.post(PATH, content=chunks(), headers=headers_for(BODY))

    assert (answer.status_code, answer.json()) == (411, {"error": "the request needs a Content-Length"})


# -- the receivers by themselves ---------------------------------------------------------------------------------------


async def test_a_body_that_was_cut_off_is_none() -> None:
    assert webhook_receiver(WebhookReceiver).receive(headers_for(BODY), None).status == 413
    assert (await webhook_receiver().receive(headers_for(BODY), None)).status == 413


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"keys": []}, "keys must be"),
        ({"keys": ("a b", "s")}, "key must be printable"),
        ({"master_key": "hunter2"}, "encryption_master_key"),
        ({"max_age": 0}, "max_age must be"),
    ],
)
@pytest.mark.parametrize("receiver", [WebhookReceiver, AsyncWebhookReceiver])
def test_wrong_settings_are_told_when_it_is_made(receiver: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        receiver(WebhookHandlers(), **{"keys": (KEY, SECRET), **options})

    assert "hunter2" not in str(caught.value)


def test_a_blocking_receiver_refuses_what_it_cannot_await() -> None:
    handlers = WebhookHandlers()

    @handlers.on(MemberAdded)
    async def came(event: MemberAdded) -> None: ...

    with pytest.raises(ConfigurationError, match=r"^WebhookReceiver is sync and cannot await .*came; use def$"):
        WebhookReceiver(handlers, keys=(KEY, SECRET))


def test_repr_shows_public_keys_only() -> None:
    assert repr(webhook_receiver(WebhookReceiver)) == f"WebhookReceiver(KeyRing({KEY!r}))"
