"""For doctors: `/doctors`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.patient_chat.api.chat import history
from examples.patient_chat.api.common import allowed, count, form, ok, services, visitor
from examples.patient_chat.models import Role
from examples.patient_chat.schemas import Draft, ToPatient

__all__ = ["routes"]


@allowed(Role.DOCTOR)
async def send_message(request: Request) -> Response:
    text = (await form(request, ToPatient)).message
    await count(request, "send_message")
    doctor, patient_id = visitor(request).user, request.path_params["patientId"]
    return ok(await services(request).chat.send(doctor.id, patient_id, Draft(content=text), "Patient"), 201)


@allowed(Role.DOCTOR)
async def messages(request: Request) -> Response:
    return await history(request, "patientId", "Patient")


routes = [
    Route("/patients/{patientId}/messages", send_message, methods=["POST"]),
    Route("/patients/{patientId}/messages", messages),
]
