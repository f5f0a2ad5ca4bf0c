"""Messages between two people: the guide's `MessageController`, history, unread counts and typing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Count, Max, Q, When
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from pydantic import Field

from broadcastkit import broadcast
from examples.artisan_jobs.api import ApiError, Body, admit, invalid
from examples.artisan_jobs.events import MessageSent, MessagesRead, UserTyping
from examples.artisan_jobs.lengths import Bytes
from examples.artisan_jobs.models import Attachment, Job, Message, User
from examples.artisan_jobs.paging import page_of, sought
from examples.artisan_jobs.uploads import Upload, read_uploads
from examples.artisan_jobs.views.accounts import person

__all__ = ["conversations", "history", "mark_read", "store", "typing", "unread"]

# of which one event tells
MOST_READ = 300


class NewMessage(Body):
    recipient_id: int
    content: Annotated[str, Bytes(5_000)] = Field("", max_length=4000)
    message_type: Literal["text", "file", "image"] = "text"
    job_id: int | None = None


def store(request: HttpRequest, body: NewMessage) -> Any:
    """`POST /api/messages`: as JSON, or as a form with files in `attachments`."""
    admit(settings.MESSAGE_LIMIT, f"message:{request.user.pk}")
    uploads = read_uploads(request.FILES.getlist("attachments"))
    _check(request.user, body, uploads)
    with transaction.atomic():
        message = Message.objects.create(sender=request.user, **body.model_dump())
        for upload in uploads:
            Attachment.objects.create(message=message, **upload.fields())
        event = MessageSent(message)
        broadcast(event).to_others()
    # the answer is the message as the others hear it
    return event.broadcast_with(), 201


def _check(sender: Any, body: NewMessage, uploads: list[Upload]) -> None:
    recipient = User.objects.filter(pk=body.recipient_id, is_active=True).first()
    if recipient is None or recipient == sender:
        raise invalid("recipient_id", "There is nobody to write to.")
    if body.job_id is not None and not all(
        Job.objects.visible_to(one).filter(pk=body.job_id).exists() for one in (sender, recipient)
    ):
        raise invalid("job_id", "There is no such job.")
    if not body.content and not uploads:
        raise invalid("content", "Write something, or attach a file.")
    if body.message_type == "image" and not all(upload.is_image for upload in uploads):
        raise invalid("attachments", "These are not all images.")
    if (body.message_type == "text") == bool(uploads):
        raise invalid("message_type", "A text has no attachments; a file or an image is one.")


def conversations(request: HttpRequest) -> Any:
    """`GET /api/conversations`: with whom one has written, the latest first, and what is unread."""
    me = request.user
    other = Case(When(sender=me, then="recipient"), default="sender")
    pairs = Message.objects.filter(Q(sender=me) | Q(recipient=me)).order_by().values(other=other)
    unread = Count("pk", filter=Q(recipient=me, is_read=False))
    found = pairs.annotate(last=Max("pk"), unread=unread).order_by("-last")
    messages = (
        Message.objects.select_related("sender", "recipient")
        .prefetch_related("attachment_set")
        .in_bulk([pair["last"] for pair in found])
    )
    return {"data": [_conversation(me, messages[pair["last"]], pair["unread"]) for pair in found]}


def _conversation(me: Any, last: Message, unread: int) -> dict[str, Any]:
    other = last.recipient if last.sender == me else last.sender
    return {"person": person(other), "last_message": MessageSent(last).broadcast_with(), "unread": unread}


def history(request: HttpRequest, user_id: int) -> Any:
    """`GET /api/conversations/{user_id}/messages?before=&limit=&q=`: the latest page, oldest first."""
    messages = Message.objects.between(request.user, _other(request, user_id))
    if text := sought(request):
        messages = messages.filter(content__icontains=text)
    page, more = page_of(request, messages.select_related("sender").prefetch_related("attachment_set"))
    return {"data": [MessageSent(message).broadcast_with() for message in reversed(page)], "has_more": more}


def mark_read(request: HttpRequest, user_id: int) -> Any:
    """`POST /api/conversations/{user_id}/read`: one has read what somebody wrote."""
    other = _other(request, user_id)
    with transaction.atomic():
        unread = Message.objects.filter(sender=other, recipient=request.user, is_read=False)
        ids = list(unread.values_list("pk", flat=True))
        Message.objects.filter(pk__in=ids).update(is_read=True)
        for start in range(0, len(ids), MOST_READ):
            event = MessagesRead(
                reader_id=request.user.pk,
                message_ids=ids[start : start + MOST_READ],
                read_at=timezone.now(),
                sender_id=other.pk,
                recipient_id=request.user.pk,
            )
            broadcast(event).to_others()
    return {"message_ids": ids}


def unread(request: HttpRequest) -> Any:
    """`GET /api/messages/unread`."""
    return {"unread": Message.objects.filter(recipient=request.user, is_read=False).count()}


class Typing(Body):
    recipient_id: int
    typing: bool = True


def typing(request: HttpRequest, body: Typing) -> None:
    """`POST /api/messages/typing`: one types, or has stopped."""
    other = _other(request, body.recipient_id)
    me = request.user
    event = UserTyping(user_id=me.pk, user_name=me.name, typing=body.typing, recipient_id=other.pk)
    broadcast(event).to_others()


def _other(request: HttpRequest, user_id: int) -> Any:
    other = get_object_or_404(User, pk=user_id, is_active=True)
    if other == request.user:
        raise ApiError(404, "There is nothing here.")
    return other
