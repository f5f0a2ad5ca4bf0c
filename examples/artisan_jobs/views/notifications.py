"""Notifications, kept with whether they were read."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone

from examples.artisan_jobs.events import NotificationSent

__all__ = ["index", "mark_all_read", "mark_read"]


def index(request: HttpRequest) -> Any:
    """`GET /api/notifications`: the latest, as they were broadcast, and when each was read."""
    latest = request.user.notifications.all()[:50]
    unread = request.user.notifications.filter(read_at=None).count()
    return {
        "data": [NotificationSent(one).broadcast_with() | {"read_at": one.read_at} for one in latest],
        "unread": unread,
    }


def mark_read(request: HttpRequest, notification_id: uuid.UUID) -> None:
    """`POST /api/notifications/{id}/read`."""
    notification = get_object_or_404(request.user.notifications, pk=notification_id)
    notification.read_at = notification.read_at or timezone.now()
    notification.save()


def mark_all_read(request: HttpRequest) -> None:
    """`POST /api/notifications/read`."""
    request.user.notifications.filter(read_at=None).update(read_at=timezone.now())
