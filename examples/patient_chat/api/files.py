"""Attachments: uploaded first, then named by a message's fileUrl. `/chat/uploads` and `/chat/files`."""

from __future__ import annotations

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import Message

from examples.patient_chat.api.common import allowed, count, ok, services, visitor
from examples.patient_chat.errors import Problem
from examples.patient_chat.models import MessageType
from examples.patient_chat.uploads import LARGEST, PDF

__all__ = ["routes"]

# the form around the file
AROUND = 4 * 1024


@allowed()
async def upload(request: Request) -> Response:
    """Take a form with one `file`; the answer is what a message needs to say."""
    await count(request, "upload")
    name, content = await one_file(request)
    kept = await services(request).uploads.keep(visitor(request).user, name, content)
    kind = MessageType.FILE if kept.media_type == PDF else MessageType.IMAGE
    return ok({"fileUrl": kept.url, "fileName": kept.file_name, "messageType": kind, "size": kept.size}, 201)


@allowed()
async def download(request: Request) -> Response:
    """Give images to be shown, anything else to be saved; nothing to be run."""
    kept, path = await services(request).uploads.find(visitor(request).user, request.path_params["uploadId"])
    return FileResponse(
        path,
        media_type=kept.media_type,
        filename=kept.file_name,
        content_disposition_type="attachment" if kept.media_type == PDF else "inline",
        headers={"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "private, max-age=3600"},
    )


async def one_file(request: Request) -> tuple[str, bytes]:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > LARGEST + AROUND:
            raise too_large()
        return message

    async with Request(request.scope, counted).form(max_files=1, max_fields=1) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Problem(400, "The form must have one file, in the field 'file'")
        content = await file.read()
    if len(content) > LARGEST:
        raise too_large()
    return file.filename or "", content


def too_large() -> Problem:
    return Problem(413, f"The file is too large: at most {LARGEST // 1024 // 1024} MB")


routes = [
    Route("/uploads", upload, methods=["POST"]),
    Route("/files/{uploadId}", download),
]
