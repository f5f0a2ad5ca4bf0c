"""What patients and doctors have in common: `/chat`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.patient_chat.api.common import allowed, count, form, ok, query, services, visitor
from examples.patient_chat.errors import Problem
from examples.patient_chat.schemas import Paging, StatusAsked, readable

__all__ = ["history", "mark_read", "routes"]

LONGEST_QUERY = 100


@allowed()
async def conversations(request: Request) -> Response:
    return ok(await services(request).chat.conversations(visitor(request).user))


@allowed()
async def conversation(request: Request) -> Response:
    return await history(request, "otherUserId", "User")


@allowed()
async def read(request: Request) -> Response:
    return await mark_read(request, "senderId", "User")


@allowed()
async def unread_count(request: Request) -> Response:
    return ok({"unreadCount": await services(request).chat.unread_count(visitor(request).user)})


@allowed()
async def online_status(request: Request) -> Response:
    asked = await form(request, StatusAsked)
    return ok(await services(request).chat.online_status(visitor(request).user, asked.user_ids))


@allowed()
async def search(request: Request) -> Response:
    """Conversations in whose messages, or in whose other's name, address or role, the text is."""
    text = str(readable(request.query_params.get("query", ""))).strip()
    if not text or len(text) > LONGEST_QUERY:
        raise Problem(400, f"query must have 1 to {LONGEST_QUERY} characters")
    return ok(await services(request).chat.conversations(visitor(request).user, text))


@allowed()
async def contacts(request: Request) -> Response:
    """Whom one may write to, also where nothing has been said yet."""
    return ok(await services(request).chat.contacts(visitor(request).user))


async def history(request: Request, parameter: str, what: str) -> Response:
    other_id, paging = request.path_params[parameter], query(request, Paging)
    found = await services(request).chat.history(visitor(request).user, other_id, paging, what)
    return ok(found["data"], meta=found["meta"])


async def mark_read(request: Request, parameter: str, what: str) -> Response:
    sender_id = request.path_params[parameter]
    await count(request, "mark_read")
    return ok({"readCount": await services(request).chat.mark_read(visitor(request).user, sender_id, what=what)})


routes = [
    Route("/conversations", conversations),
    Route("/conversations/{otherUserId}", conversation),
    Route("/conversations/{senderId}/read", read, methods=["PUT"]),
    Route("/unread-count", unread_count),
    Route("/online-status", online_status, methods=["POST"]),
    Route("/search", search),
    Route("/contacts", contacts),
]
