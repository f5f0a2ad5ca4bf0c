"""Receivers of webhooks: what the service is answered, in both colors, as an ASGI app and as a FastAPI router."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI
from starlette.applications import Starlette
from starlette.routing import Route

from broadcastkit.errors import ConfigurationError
from broadcastkit.integrations.asgi import WebhookApp
from broadcastkit.integrations.endpoints import Answer
from broadcastkit.integrations.fastapi import webhook_router
from broadcastkit.integrations.webhooks import WEBHOOK_BODY_LIMIT, AsyncWebhookReceiver, WebhookReceiver
from broadcastkit.webhooks import ClientEventReceived, KeyRing, MemberAdded, WebhookEvent, WebhookHandlers
from tests.webhooks.tools import (
    KEY,
    MASTER_KEY,
    NOW,
    OLD_MASTER_KEY,
    SECRET,
    body_of,
    headers_for,
)

PATH = "/broadcasting/webhooks"
ADDED = {"name": "member_added", "channel": "presence-x", "user_id": "7"}
BODY = body_of(ADDED)

Receive = Callable[[Any, bytes | None], Awaitable[Answer]]
Make = Callable[..., Receive]


def in_blocking_code(handlers: WebhookHandlers, **options: Any) -> Receive:
    receiver = WebhookReceiver(handlers, **{"keys": (KEY, SECRET), **options})

    async def receive(headers: Any, body: bytes | None) -> Answer:
        return receiver.receive(headers, body)

    return receive


def in_async_code(handlers: WebhookHandlers, **options: Any) -> Receive:
    return AsyncWebhookReceiver(handlers, **{"keys": (KEY, SECRET), **options}).receive


def over_http(app: Any) -> Receive:
    async def receive(headers: Any, body: bytes | None) -> Answer:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site.test") as client:
            content = b"x" * (WEBHOOK_BODY_LIMIT + 1) if body is None else body
            answer = await client.post(PATH, content=content, headers=headers)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-length"] == str(len(answer.content))
        return Answer(answer.status_code, answer.content)

    return receive


def in_asgi(handlers: WebhookHandlers, **options: Any) -> Receive:
    receiver = AsyncWebhookReceiver(handlers, **{"keys": (KEY, SECRET), **options})
    return over_http(Starlette(routes=[Route(PATH, WebhookApp(receiver))]))


def in_fastapi(handlers: WebhookHandlers, **options: Any) -> Receive:
    app = FastAPI()
    app.include_router(webhook_router(AsyncWebhookReceiver(handlers, **{"keys": (KEY, SECRET), **options})))
    return over_http(app)


@pytest.fixture(params=[in_blocking_code, in_async_code, in_asgi, in_fastapi])
def make(request: pytest.FixtureRequest) -> Make:
    chosen: Make = request.param
    return chosen


@pytest.fixture
def seen() -> list[WebhookEvent]:
    return []


@pytest.fixture
def handlers(seen: list[WebhookEvent]) -> WebhookHandlers:
    handlers = WebhookHandlers()
    handlers.on(WebhookEvent)(seen.append)
    return handlers


async def test_what_is_signed_is_handled(make: Make, handlers: WebhookHandlers, seen: list[WebhookEvent]) -> None:
    answer = await make(handlers)(headers_for(BODY), BODY)

    assert answer == (200, b'{"ok":true}')
    assert seen == [MemberAdded(channel="presence-x", user_id="7")]


async def test_all_that_parse_webhook_takes_can_be_set(
    make: Make, handlers: WebhookHandlers, seen: list[WebhookEvent]
) -> None:
    options = {
        "keys": KeyRing(("new", "s"), (KEY, SECRET)),
        "master_key": [MASTER_KEY, OLD_MASTER_KEY],
        "max_age": 600,
        "now": lambda: NOW + 599.0,
    }
    body = body_of({"name": "client_event", "channel": "private-encrypted-x", "event": "client-x", "data": "no"})

    assert (await make(handlers, **options)(headers_for(body), body)).status == 200
    assert [event.sealed for event in seen if isinstance(event, ClientEventReceived)] == [True]
    assert (await make(handlers, **{**options, "now": lambda: NOW + 601.0})(headers_for(body), body)) == (
        401,
        b'{"error": "stale"}',
    )


@pytest.mark.parametrize(
    ("headers", "body", "status", "error"),
    [
        ({}, BODY, 401, "missing header"),
        (headers_for(BODY, "other"), BODY, 401, "unknown key"),
        (headers_for(BODY, KEY, "other"), BODY, 401, "bad signature"),
        (headers_for(BODY), BODY + b" ", 401, "bad signature"),
        (headers_for(BODY), b"", 401, "bad signature"),
        ({**headers_for(BODY), "Content-Type": "text/plain"}, BODY, 400, "wrong media type"),
        (headers_for(b"{}"), b"{}", 400, "malformed body"),
        (headers_for(BODY), None, 413, "the request body is too long"),
    ],
)
async def test_what_is_refused(  # noqa: PLR0917 - pytest names them
    make: Make,
    handlers: WebhookHandlers,
    seen: list[WebhookEvent],
    caplog: pytest.LogCaptureFixture,
    headers: dict[str, str],
    body: bytes | None,
    status: int,
    error: str,
) -> None:
    caplog.set_level(logging.INFO, "broadcastkit.webhooks")
    answer = await make(handlers)(headers, body)

    assert (answer.status, json.loads(answer.body)) == (status, {"error": error})
    assert seen == []
    logged = [record for record in caplog.records if record.name == "broadcastkit.webhooks"]
    assert len(logged) == (0 if status == 413 else 1)
    assert not any(hidden in caplog.text for hidden in (SECRET, *headers.values(), "presence-x"))


async def test_a_handler_that_fails_has_it_sent_again(
    make: Make, handlers: WebhookHandlers, seen: list[WebhookEvent], caplog: pytest.LogCaptureFixture
) -> None:
    failures = [LookupError("the database is away")]

    @handlers.on(MemberAdded)
    def fails_at_first(event: MemberAdded) -> None:
        if failures:
            raise failures.pop()

    receive = make(handlers)

    assert await receive(headers_for(BODY), BODY) == (500, b'{"error":"a handler failed"}')
    assert (await receive(headers_for(BODY), BODY)).status == 200
    assert len(seen) == 2
    (record,) = [record for record in caplog.records if record.name == "broadcastkit.webhooks"]
    assert record.levelname == "ERROR"
    assert "the database is away" in caplog.text
    assert "fails_at_first, called for MemberAdded" in caplog.text


async def test_a_limit_of_ones_own(make: Make, handlers: WebhookHandlers) -> None:
    receive = make(handlers, body_limit=len(BODY))

    assert (await receive(headers_for(BODY), BODY)).status == 200
    assert (await receive(headers_for(BODY + b" "), BODY + b" ")).status == 413


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


def test_a_handler_that_comes_later_is_refused_then() -> None:
    handlers = WebhookHandlers()
    receiver = WebhookReceiver(handlers, keys=(KEY, SECRET))

    @handlers.on(MemberAdded)
    async def came(event: MemberAdded) -> None: ...

    with pytest.raises(ConfigurationError, match=r"cannot await .*came; use def$"):
        receiver.receive(headers_for(BODY), BODY)


def test_repr_shows_public_keys_only() -> None:
    assert repr(WebhookReceiver(WebhookHandlers(), keys=(KEY, SECRET))) == f"WebhookReceiver(KeyRing({KEY!r}))"


# -- ASGI and FastAPI ------------------------------------------------------------------------------------------------


@pytest.fixture(params=["asgi", "fastapi"])
async def client(request: pytest.FixtureRequest, handlers: WebhookHandlers) -> AsyncIterator[httpx.AsyncClient]:
    receiver = AsyncWebhookReceiver(handlers, keys=(KEY, SECRET))
    app: Any = WebhookApp(receiver)
    if request.param == "fastapi":
        app = FastAPI()
        app.include_router(webhook_router(receiver))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site.test") as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, PATH)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_a_body_without_end_is_read_no_further_than_the_limit(client: httpx.AsyncClient) -> None:
    sent = 0

    async def without_end() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * WEBHOOK_BODY_LIMIT:
            sent += 65_536
            yield b"x" * 65_536

    assert (await client.post(PATH, content=without_end())).status_code == 413
    assert sent <= WEBHOOK_BODY_LIMIT + 2 * 65_536


async def test_many_at_once(client: httpx.AsyncClient, seen: list[WebhookEvent]) -> None:
    bodies = [body_of({**ADDED, "user_id": str(number)}) for number in range(20)]

    answers = await asyncio.gather(*(client.post(PATH, content=body, headers=headers_for(body)) for body in bodies))

    assert {answer.status_code for answer in answers} == {200}
    assert {event.user_id for event in seen if isinstance(event, MemberAdded)} == {str(n) for n in range(20)}


async def test_webhook_app_serves_http_only() -> None:
    app = WebhookApp(AsyncWebhookReceiver(WebhookHandlers(), keys=(KEY, SECRET)))

    async def nothing(*_: Any) -> Any: ...

    with pytest.raises(ValueError, match=r"^WebhookApp serves http, not websocket"):
        await app({"type": "websocket"}, nothing, nothing)


def test_the_router_is_described_and_its_path_is_free() -> None:
    app = FastAPI()
    app.include_router(
        webhook_router(AsyncWebhookReceiver(WebhookHandlers(), keys=(KEY, SECRET)), path="/hooks/pusher")
    )
    described = OpenAPI.model_validate(app.openapi())

    assert described.paths is not None
    assert set(described.paths["/hooks/pusher"].post.responses or ()) == {"200", "400", "401", "413", "500"}  # type: ignore[union-attr]
