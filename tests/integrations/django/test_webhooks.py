"""Webhooks in Django: the shared behaviour in both colors, through its WSGI handler and through its ASGI handler."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import override_settings
from django.urls import path
from django.utils.decorators import sync_and_async_middleware

from broadcastkit.integrations.django.webhooks import webhook_view
from broadcastkit.integrations.webhooks import AsyncWebhookReceiver, WebhookReceiver
from broadcastkit.webhooks import MemberAdded, WebhookHandlers
from tests.integrations.django_project.chat.models import Person
from tests.integrations.receivers import PATH, AsyncReceiverBehaviour, BlockingReceiverBehaviour, Framework
from tests.integrations.wsgi_client import served
from tests.webhooks.tools import KEY, SECRET, body_of, headers_for

_HERE = "tests.integrations.django.test_webhooks"
_CARRIED = "tests.webhook"


@sync_and_async_middleware
def prepare(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Know nobody, serve what the transport carries, and read the body where it says so."""

    def prepared(request: Any) -> Any:
        carried = request.scope if hasattr(request, "scope") else request.environ
        urls, read_before = carried[_CARRIED]
        request.urlconf = urls
        request.user = AnonymousUser()
        if read_before:
            assert json.loads(request.body)["events"]
        return request

    async def serve(request: Any) -> Any:
        return await get_response(prepared(request))

    return serve if asyncio.iscoroutinefunction(get_response) else lambda request: get_response(prepared(request))


# both would refuse what has no token and no session
MIDDLEWARE = [
    f"{_HERE}.prepare",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
]


class _Urls:
    def __init__(self, receiver: Any) -> None:
        self.urlpatterns = [path(PATH.removeprefix("/"), webhook_view(receiver))]


class InWsgi:
    """`path("broadcasting/webhooks", webhook_view(receiver))` under WSGI."""

    def transport(self, receiver: Any, *, read_before: bool = False) -> httpx.AsyncBaseTransport:
        carried = (_Urls(receiver), read_before)
        with override_settings(MIDDLEWARE=MIDDLEWARE):
            handler = WSGIHandler()
        return served(lambda environ, start: handler({**environ, _CARRIED: carried}, start), strict=False)


class InAsgi:
    """The same under ASGI."""

    def transport(self, receiver: Any, *, read_before: bool = False) -> httpx.AsyncBaseTransport:
        carried = (_Urls(receiver), read_before)
        with override_settings(MIDDLEWARE=MIDDLEWARE):
            handler = ASGIHandler()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await handler({**scope, _CARRIED: carried}, receive, send)

        return httpx.ASGITransport(app)


class _ReadByDjango:
    async def test_a_body_in_chunks_is_read_no_further_than_the_limit(self, handlers: WebhookHandlers) -> None:
        # Django has all of a body on disk before it looks for a view; the view still reads no more than this
        await self._sent_of_a_body_without_end(handlers)  # type: ignore[attr-defined]


class TestBlockingUnderWsgi(BlockingReceiverBehaviour):
    framework = InWsgi()


class TestBlockingUnderAsgi(_ReadByDjango, BlockingReceiverBehaviour):
    framework = InAsgi()


class TestAsyncUnderWsgi(AsyncReceiverBehaviour):
    framework = InWsgi()


class TestAsyncUnderAsgi(_ReadByDjango, AsyncReceiverBehaviour):
    framework = InAsgi()


@pytest.mark.parametrize("framework", [InWsgi(), InAsgi()], ids=["wsgi", "asgi"])
@pytest.mark.parametrize("color", [WebhookReceiver, AsyncWebhookReceiver])
async def test_handlers_may_use_the_database(framework: Framework, color: type[Any], ada: Any) -> None:
    handlers = WebhookHandlers()
    used: list[BaseDatabaseWrapper] = []

    @handlers.on(MemberAdded)
    def came(event: MemberAdded) -> None:
        Person.objects.filter(pk=event.user_id).update(first_name="Ada, who is here")
        used.append(connections[DEFAULT_DB_ALIAS])

    body = body_of({"name": "member_added", "channel": "presence-x", "user_id": str(ada.pk)})
    transport = framework.transport(color(handlers, keys=(KEY, SECRET)))
    async with httpx.AsyncClient(transport=transport, base_url="http://site.test") as client:
        answer = await client.post(PATH, content=body, headers=headers_for(body))

    assert answer.status_code == 200
    assert (await Person.objects.aget(pk=ada.pk)).first_name == "Ada, who is here"
    # it was the request's own, which Django closes with it; in another thread it would stay open
    assert [connection.connection for connection in used] == [None]
