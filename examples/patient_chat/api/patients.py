"""For patients: `/users`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.patient_chat.api.chat import history, mark_read
from examples.patient_chat.api.common import allowed, count, form, ok, services, visitor
from examples.patient_chat.models import Role
from examples.patient_chat.schemas import ToDoctor

__all__ = ["routes"]


@allowed(Role.PATIENT)
async def send_message(request: Request) -> Response:
    draft = await form(request, ToDoctor)
    await count(request, "send_message")
    sent = await services(request).chat.send(visitor(request).user.id, draft.doctor_id, draft, "Doctor")
    return ok(sent, 201)


@allowed(Role.PATIENT)
async def conversations(request: Request) -> Response:
    return ok(await services(request).chat.conversations(visitor(request).user))


@allowed(Role.PATIENT)
async def conversation(request: Request) -> Response:
    return await history(request, "doctorId", "Doctor")


@allowed(Role.PATIENT)
async def read(request: Request) -> Response:
    return await mark_read(request, "doctorId", "Doctor")


@allowed(Role.PATIENT)
async def unread_count(request: Request) -> Response:
    return ok({"unreadCount": await services(request).chat.unread_count(visitor(request).user)})


routes = [
    Route("/send-message", send_message, methods=["POST"]),
    Route("/conversations", conversations),
    Route("/conversations/{doctorId}", conversation),
    Route("/conversations/{doctorId}/read", read, methods=["PUT"]),
    Route("/unread-count", unread_count),
]
