"""What happens, as the guide has it: names, channels and payloads. Each leaves when its transaction has committed."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from broadcastkit import Event, events
from broadcastkit.channels import AdminChannel, JobChannel
from broadcastkit.events import Throttle

__all__ = ["AdminNotice", "JobActivity", "JobUpdated", "MessageSent", "MessagesRead", "NotificationSent", "UserTyping"]


class MessageSent(events.MessageSent, after_commit=True):
    """`message.sent`, to sender and recipient: here nobody has conversations with an id."""

    conversation_id: None = Field(default=None, exclude=True)


class MessagesRead(events.MessagesRead, after_commit=True):
    """`messages.read`, to sender and recipient."""


class UserTyping(events.UserTyping, throttle=Throttle(2.0, per="user_id", unless_changed="typing")):
    """`user.typing`, to whom the text will be sent; said now and then, however often the page says it."""


class JobUpdated(events.JobUpdated, after_commit=True):
    """`job.updated`, to the client, and to the artisan if one is assigned."""


class Author(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)

    id: int
    name: str


class JobActivity(Event, after_commit=True):
    """`job.activity`, to whoever has the page of the job open: one line about what was done, and by whom."""

    job_id: int
    update_type: str
    by: Author
    description: str
    created_at: datetime = Field(default_factory=timezone.now)

    def broadcast_on(self) -> JobChannel:
        return JobChannel(job_id=self.job_id)


class NotificationSent(events.NotificationSent, after_commit=True):
    """`notification.sent`, to one user."""


class AdminNotice(Event, after_commit=True):
    """`admin.notice`, to the administrators: there is something to decide."""

    kind: str
    message: str
    data: dict[str, JsonValue]
    created_at: datetime = Field(default_factory=timezone.now)

    def broadcast_on(self) -> AdminChannel:
        return AdminChannel()
