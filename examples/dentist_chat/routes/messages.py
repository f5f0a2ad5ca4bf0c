"""The four endpoints of a conversation: send, history, read, typing."""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from pydantic import ValidationError
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile

from broadcastkit.aio import broadcast
from examples.dentist_chat.attachments import Attachments, Upload
from examples.dentist_chat.database import DatabaseSession
from examples.dentist_chat.events import MessageSent, MessagesRead, UserTyping
from examples.dentist_chat.identity import CurrentUser
from examples.dentist_chat.limits import SMALL_BODY, count_for, limited
from examples.dentist_chat.models import MAX_ID, Attachment, Consultation, Message, now
from examples.dentist_chat.routes.conversation import OwnConsultation, log
from examples.dentist_chat.rules import takes_part
from examples.dentist_chat.schemas import DRAFT_BODY, Draft, History, Marked, Page, Reading, Typing

__all__ = ["router"]

router = APIRouter(prefix="/chat", tags=["chat"])
in_conversation = APIRouter(prefix="/conversation/{consultation_id}")
READ_IN_ONE_EVENT = 500


def stored_files(request: Request) -> Attachments:
    attachments: Attachments = request.app.state.attachments
    return attachments


Files = Annotated[Attachments, Depends(stored_files)]


# -- send ----------------------------------------------------------------------------------------------------------


async def submitted(request: Request, files: Attachments) -> tuple[Draft, Upload | None]:
    """Read a message from JSON, or from a form with an attachment."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    upload = None
    if kind == "multipart/form-data":
        async with request.form(max_files=1, max_fields=10, max_part_size=SMALL_BODY) as form:
            given: Any = {name: value for name, value in form.items() if isinstance(value, str)}
            attachment = form.get("attachment")
            if isinstance(attachment, UploadFile):
                upload = await files.read(attachment)
    elif kind == "application/json":
        try:
            given = await request.json()
        except (ValueError, RecursionError):
            # the second for what is nested deeper than any message
            raise HTTPException(400, "the body is no JSON") from None
    else:
        raise HTTPException(415, "send multipart/form-data or application/json")
    try:
        return Draft.model_validate(given), upload
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


@in_conversation.post(
    "/message", status_code=201, dependencies=[limited("write")], openapi_extra={"requestBody": DRAFT_BODY}
)
async def send(
    user: CurrentUser,
    consultation: OwnConsultation,
    session: DatabaseSession,
    files: Files,
    request: Request,
) -> MessageSent:
    # read when it is known who sends it, and that he may
    draft, upload = await submitted(request, files)
    if upload is not None:
        await count_for(request, "upload", user)
    file, kind = await attached(draft, upload, files)
    message = Message(
        consultation_id=consultation.id,
        sender=user,
        recipient_id=consultation.other(user).id,
        content=draft.message,
        message_type=kind,
        files=[file] if file else [],
    )
    try:
        event = await stored_and_told(session, message)
    except Exception:
        if file is not None:
            await files.drop(file)
        raise
    log.info("message %d in consultation %d from user %d (%s)", message.id, consultation.id, user.id, kind)
    return event


async def stored_and_told(session: AsyncSession, message: Message) -> MessageSent:
    session.add(message)
    await session.flush()
    event = MessageSent(message)
    await broadcast(event).after_commit(session).to_others()
    await session.commit()
    return event


async def attached(draft: Draft, upload: Upload | None, files: Attachments) -> tuple[Attachment | None, str]:
    """Keep what is attached; return its row, and the type of the message, which is what the file says it is."""
    if upload is None:
        if draft.type not in {None, "text"}:
            raise HTTPException(422, f"a message of type {draft.type} has an attachment")
        if not draft.message:
            raise HTTPException(422, "write a message or attach a file")
        return None, "text"
    file, is_image = await files.keep(upload)
    if draft.type == "image" and not is_image:
        await files.drop(file)
        raise HTTPException(422, "this attachment is no image")
    return file, "image" if is_image else "file"


# -- history -------------------------------------------------------------------------------------------------------


@in_conversation.get("/messages", dependencies=[limited("read")])
async def history(consultation: OwnConsultation, session: DatabaseSession, asked: Annotated[Page, Query()]) -> History:
    mine = Message.consultation_id == consultation.id
    total = await session.scalar(select(func.count()).select_from(Message).where(mine)) or 0
    newest_first = select(Message).where(mine).order_by(Message.id.desc())
    rows = await session.scalars(newest_first.offset((asked.page - 1) * asked.per_page).limit(asked.per_page))
    return History(
        data=[MessageSent(row) for row in rows],
        current_page=asked.page,
        per_page=asked.per_page,
        last_page=max(1, math.ceil(total / asked.per_page)),
        total=total,
    )


# -- read ----------------------------------------------------------------------------------------------------------


@in_conversation.post("/read", dependencies=[limited("read")])
async def read(
    user: CurrentUser, consultation: OwnConsultation, session: DatabaseSession, reading: Reading | None = None
) -> Marked:
    """Mark what the user was sent: those named, or all. What is named and not his to read is left alone."""
    unread = [
        Message.consultation_id == consultation.id,
        Message.recipient_id == user.id,
        Message.read_at.is_(None),
    ]
    if reading is not None and reading.message_ids:
        unread.append(Message.id.in_(reading.message_ids))
    moment = now()
    marking = update(Message).where(*unread).values(read_at=moment).returning(Message.id)
    marked = sorted((await session.scalars(marking)).all())
    # an event holds some 10,000 bytes: many ids are told in several
    for start in range(0, len(marked), READ_IN_ONE_EVENT):
        ids = marked[start : start + READ_IN_ONE_EVENT]
        event = MessagesRead(reader_id=user.id, message_ids=ids, read_at=moment, conversation_id=consultation.id)
        await broadcast(event).after_commit(session).to_others()
    await session.commit()
    return Marked(message_ids=marked, read_at=moment)


# -- typing --------------------------------------------------------------------------------------------------------


@in_conversation.post("/typing", status_code=204, dependencies=[limited("typing")])
async def typing(state: Typing, user: CurrentUser, consultation: OwnConsultation) -> None:
    event = UserTyping(user_id=user.id, user_name=user.name, typing=state.typing, conversation_id=consultation.id)
    await broadcast(event).to_others()


# -- attachments ---------------------------------------------------------------------------------------------------


@router.get("/attachments/{attachment_id}", response_class=FileResponse, dependencies=[limited("read")])
async def download(attachment_id: int, user: CurrentUser, session: DatabaseSession, files: Files) -> FileResponse:
    found = None
    if 0 < attachment_id <= MAX_ID:
        found = await session.scalar(
            select(Attachment)
            .join(Message, Message.id == Attachment.message_id)
            .join(Consultation, Consultation.id == Message.consultation_id)
            .where(Attachment.id == attachment_id, takes_part(user.id))
        )
    if found is None:
        raise HTTPException(404, "you have no such attachment")
    return files.response(found)


router.include_router(in_conversation)
