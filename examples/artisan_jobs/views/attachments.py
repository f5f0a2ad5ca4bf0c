"""Files of messages, for the two people who wrote them to each other."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header

from examples.artisan_jobs.models import Attachment

__all__ = ["show"]


def show(request: HttpRequest, attachment_id: int) -> HttpResponse:
    """`GET /api/attachments/{id}`: images are shown, anything else is a download."""
    own = Q(message__sender=request.user) | Q(message__recipient=request.user)
    attachment = get_object_or_404(Attachment.objects.filter(own), pk=attachment_id)
    with attachment.file.open("rb") as file:
        content = file.read()
    image = attachment.content_type.startswith("image/")
    headers = {
        "Content-Disposition": content_disposition_header(as_attachment=not image, filename=attachment.name),
        # whatever it may be, it is no page of ours
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=86400",
    }
    return HttpResponse(content, content_type=attachment.content_type, headers=headers)
