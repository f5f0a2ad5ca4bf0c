"""What is kept. Attributes are called as the events call them, so that an event is read from a row."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from examples.artisan_jobs.lengths import MOST_PROGRESS, latest_within
from examples.artisan_jobs.people import AccessToken, User

__all__ = [
    "AccessToken",
    "Application",
    "Attachment",
    "Dispute",
    "Job",
    "Message",
    "Milestone",
    "Notification",
    "Payment",
    "ProgressUpdate",
    "User",
]

# -- jobs --------------------------------------------------------------------------------------------------------------


class Jobs(models.QuerySet):
    def of(self, user: User) -> Any:
        """Those in which somebody takes part."""
        return self.filter(Q(client=user) | Q(artisan=user))

    def visible_to(self, user: User) -> Any:
        """Those that somebody may open: artisans see what is open to them, administrators everything."""
        if user.is_admin():
            return self
        own = Q(client=user) | Q(artisan=user)
        if user.role == User.Role.ARTISAN:
            own |= Q(status=Job.Status.OPEN) | Q(applications__artisan=user)
        return self.filter(own).distinct()


class Job(models.Model):
    class Status(models.TextChoices):
        OPEN = "open"
        ASSIGNED = "assigned"
        IN_PROGRESS = "in-progress"
        COMPLETED = "completed"
        DISPUTED = "disputed"

    class Priority(models.TextChoices):
        LOW = "low"
        NORMAL = "normal"
        HIGH = "high"

    client: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="posted")
    artisan: Any = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="assigned", null=True, blank=True
    )
    title: Any = models.CharField(max_length=120)
    description: Any = models.TextField()
    category: Any = models.CharField(max_length=40)
    budget: Any = models.PositiveIntegerField()
    priority: Any = models.CharField(max_length=10, choices=Priority, default=Priority.NORMAL)
    status: Any = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    created_at: Any = models.DateTimeField(auto_now_add=True)
    updated_at: Any = models.DateTimeField(auto_now=True)

    objects: Any = Jobs.as_manager()

    class Meta:
        ordering = ("-updated_at", "-pk")

    def __str__(self) -> str:
        return str(self.title)

    @property
    def milestones(self) -> list[dict[str, Any]]:
        return [milestone.as_dict() for milestone in self.milestone_set.all()]

    @property
    def progress_updates(self) -> list[dict[str, Any]]:
        """The latest, as many as an event holds beside the rest of the job."""
        return latest_within(MOST_PROGRESS, [update.as_dict() for update in self.progressupdate_set.all()])


class Application(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"
        DECLINED = "declined"

    job: Any = models.ForeignKey(Job, models.CASCADE, related_name="applications")
    artisan: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    note: Any = models.TextField()
    status: Any = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    created_at: Any = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("job", "artisan"), name="one_application_each"),)

    def __str__(self) -> str:
        return f"{self.artisan} for {self.job}"


class Milestone(models.Model):
    class Status(models.TextChoices):
        PENDING = "pending"
        DONE = "done"

    job: Any = models.ForeignKey(Job, models.CASCADE)
    title: Any = models.CharField(max_length=120)
    status: Any = models.CharField(max_length=10, choices=Status, default=Status.PENDING)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return str(self.title)

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.pk, "title": self.title, "status": self.status}


class ProgressUpdate(models.Model):
    job: Any = models.ForeignKey(Job, models.CASCADE)
    percent: Any = models.PositiveSmallIntegerField()
    note: Any = models.CharField(max_length=300)
    created_at: Any = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.percent} % of {self.job}"

    def as_dict(self) -> dict[str, Any]:
        return {"id": self.pk, "percent": self.percent, "note": self.note, "created_at": self.created_at.isoformat()}


# -- money -------------------------------------------------------------------------------------------------------------


class Payment(models.Model):
    class Escrow(models.TextChoices):
        HELD = "held"
        RELEASED = "released"
        REFUNDED = "refunded"

    # at most one: what is paid is the budget of the job
    job: Any = models.OneToOneField(Job, models.CASCADE)
    artisan: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="earnings")
    amount: Any = models.PositiveIntegerField()
    escrow_status: Any = models.CharField(max_length=10, choices=Escrow, default=Escrow.HELD)
    created_at: Any = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"₦{self.amount:,} for {self.job}"


class Dispute(models.Model):
    class Outcome(models.TextChoices):
        RELEASE = "release"
        REFUND = "refund"

    job: Any = models.ForeignKey(Job, models.CASCADE)
    opened_by: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    reason: Any = models.TextField()
    outcome: Any = models.CharField(max_length=10, choices=Outcome, blank=True)
    created_at: Any = models.DateTimeField(auto_now_add=True)
    resolved_at: Any = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"dispute about {self.job}"


# -- messages and notifications ----------------------------------------------------------------------------------------


class Messages(models.QuerySet):
    def between(self, one: User, other: User) -> Any:
        return self.filter(Q(sender=one, recipient=other) | Q(sender=other, recipient=one))


class Message(models.Model):
    class Type(models.TextChoices):
        TEXT = "text"
        FILE = "file"
        IMAGE = "image"

    sender: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sent")
    recipient: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="received")
    content: Any = models.TextField()
    message_type: Any = models.CharField(max_length=5, choices=Type, default=Type.TEXT)
    job: Any = models.ForeignKey(Job, models.SET_NULL, null=True)
    is_read: Any = models.BooleanField(default=False)
    created_at: Any = models.DateTimeField(default=timezone.now)

    objects: Any = Messages.as_manager()

    class Meta:
        ordering = ("pk",)
        indexes = (models.Index(fields=("recipient", "is_read")),)
        constraints = (models.CheckConstraint(condition=~Q(sender=F("recipient")), name="not_to_oneself"),)

    def __str__(self) -> str:
        return f"message {self.pk}"

    @property
    def attachments(self) -> list[dict[str, Any]]:
        return [attachment.as_dict() for attachment in self.attachment_set.all()]


class Attachment(models.Model):
    message: Any = models.ForeignKey(Message, models.CASCADE)
    file: Any = models.FileField(upload_to="%Y/%m")
    name: Any = models.CharField(max_length=120)
    content_type: Any = models.CharField(max_length=40)
    size: Any = models.PositiveIntegerField()

    def __str__(self) -> str:
        return str(self.name)

    def as_dict(self) -> dict[str, Any]:
        url = f"/api/attachments/{self.pk}"
        return {"id": self.pk, "name": self.name, "type": self.content_type, "size": self.size, "url": url}


class Notification(models.Model):
    id: Any = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications")
    type: Any = models.CharField(max_length=40)
    title: Any = models.CharField(max_length=120)
    message: Any = models.TextField()
    data: Any = models.JSONField(default=dict)
    read_at: Any = models.DateTimeField(null=True)
    created_at: Any = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return str(self.title)
