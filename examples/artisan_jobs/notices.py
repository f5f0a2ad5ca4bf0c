"""Tells people what happened: kept where it must not be missed, and broadcast."""

from __future__ import annotations

from typing import Any

from broadcastkit import broadcast
from examples.artisan_jobs.events import AdminNotice, JobActivity, JobUpdated, NotificationSent
from examples.artisan_jobs.models import Job, Notification, User

__all__ = ["naira", "notify", "tell_admins", "tell_of_job"]


def naira(amount: int) -> str:
    return f"₦{amount:,}"


def tell_of_job(job: Job, update_type: str, by: User, description: str) -> None:
    """Tell client and artisan how the job is now, and the page of the job what was done."""
    job.save(update_fields=["updated_at"])
    broadcast(JobUpdated(job, update_type=update_type)).to_everyone()
    broadcast(JobActivity(job_id=job.pk, update_type=update_type, by=by, description=description)).to_everyone()


def notify(user: User, kind: str, title: str, message: str, **data: Any) -> Notification:
    notification: Notification = Notification.objects.create(
        user=user, type=kind, title=title, message=message, data=data
    )
    broadcast(NotificationSent(notification)).to_everyone()
    return notification


def tell_admins(kind: str, message: str, **data: Any) -> None:
    broadcast(AdminNotice(kind=kind, message=message, data=data)).to_everyone()
