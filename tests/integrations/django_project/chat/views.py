from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from broadcastkit import MessageSent, Receipt, aio, broadcast
from tests.integrations.django_project.chat.models import Message

__all__ = ["send_awaited", "send_blocking", "up"]


def _fields(request: Any) -> dict[str, Any]:
    names = ("conversation_id", "sender_id", "recipient_id", "content")
    return {name: request.POST[name] for name in names}


def _told(receipt: Receipt) -> HttpResponse:
    return JsonResponse({"channels": [*receipt.channels], "excluded": receipt.excluded_socket})


def _send_blocking(request: HttpRequest) -> HttpResponse:
    message = Message.objects.create(**_fields(request))
    message.refresh_from_db()
    return _told(broadcast(MessageSent(message)).to_others())


async def send_awaited(request: HttpRequest) -> HttpResponse:
    message = await Message.objects.acreate(**_fields(request))
    # what the event reads is loaded before: an attribute cannot be awaited
    message = await Message.objects.select_related("sender").aget(pk=message.pk)
    return _told(await aio.broadcast(MessageSent(message)).to_others())


send_blocking: Any = csrf_exempt(_send_blocking)
send_awaited.csrf_exempt = True  # type: ignore[attr-defined]  # Django 4.2's decorator would hide that it is async


def up(request: HttpRequest) -> HttpResponse:
    return HttpResponse("up")
