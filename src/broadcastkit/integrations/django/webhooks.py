"""The view that takes the service's webhooks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse

from broadcastkit.integrations.answers import POST_ONLY, Answer
from broadcastkit.integrations.django.views import as_response, read_raw
from broadcastkit.integrations.webhooks import AsyncWebhookReceiver, WebhookReceiver, require_receiver

__all__ = ["webhook_view"]


def webhook_view(receiver: WebhookReceiver | AsyncWebhookReceiver) -> Callable[[HttpRequest], Any]:
    """Return the view that takes the service's webhooks, for a path such as `broadcasting/webhooks`.

    It is `async` if the receiver is. Either works under WSGI and under ASGI, and handlers that are not `async` may use
    the database in both. No CSRF token and no login is asked for: what comes is signed.
    """
    require_receiver("webhook_view of Django", receiver, WebhookReceiver, AsyncWebhookReceiver)
    view: Any = _awaited(receiver) if isinstance(receiver, AsyncWebhookReceiver) else _blocking(receiver)
    # as the decorators do, of which the first hides in Django 4.2 that a view is async
    view.csrf_exempt = True
    view.login_required = False
    return cast("Callable[[HttpRequest], Any]", view)


def _blocking(receiver: WebhookReceiver) -> Callable[[HttpRequest], HttpResponse]:
    def webhook(request: HttpRequest) -> HttpResponse:
        body = _read(request, receiver.body_limit)
        return as_response(body if isinstance(body, Answer) else receiver.receive(request.META, body))

    return webhook


def _awaited(receiver: AsyncWebhookReceiver) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    async def webhook(request: HttpRequest) -> HttpResponse:
        # under WSGI this waits for the network, and under ASGI it may for the disk
        body = await sync_to_async(_read)(request, receiver.body_limit)
        if isinstance(body, Answer):
            return as_response(body)
        return as_response(await receiver.receive(request.META, body, in_thread=_in_thread))

    return webhook


def _read(request: Any, limit: int) -> bytes | Answer:
    return read_raw(request, limit) if request.method == "POST" else POST_ONLY


async def _in_thread(call: Callable[[Any], Any], item: Any) -> Any:
    """Call in the thread of the request, to which its database connections belong."""
    return await sync_to_async(call)(item)
