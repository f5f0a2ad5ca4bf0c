"""Ready-made event of a notice to one user."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from pydantic import Field, JsonValue

from broadcastkit.channels.base import Channel
from broadcastkit.channels.common import UserChannel
from broadcastkit.events.base import Event, Id

__all__ = ["NotificationSent"]


class NotificationSent(Event, defer_build=True):
    """`notification.sent`: a notice to one user, on `private-user.{user_id}`; `user_id` stays off the wire.

    One that is stored nowhere gets an id of its own, and the time at which it was made.
    """

    id: Id = Field(default_factory=uuid4)
    type: str
    title: str
    message: str
    data: dict[str, JsonValue] = Field(default_factory=dict)
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    user_id: Id = Field(exclude=True)

    def broadcast_on(self) -> Channel:
        """Return the user's channel."""
        return UserChannel(user_id=self.user_id)
