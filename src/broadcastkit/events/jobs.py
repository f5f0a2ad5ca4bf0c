"""Ready-made event of a job that a client posted and an artisan works on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field, JsonValue

from broadcastkit.channels.base import Channel
from broadcastkit.channels.common import UserChannel
from broadcastkit.events.base import Event, Id

__all__ = ["JobUpdate", "JobUpdated"]

JobUpdate = Literal[
    "status_changed",
    "milestone_added",
    "milestone_updated",
    "progress_updated",
    "application_received",
    "application_accepted",
]


class JobUpdated(Event, defer_build=True):
    """`job.updated`: something about a job changed.

    Heard on the client's `private-user.{client_id}`, and on `private-user.{artisan_id}` if one is assigned.
    """

    id: Id
    title: str
    status: str
    category: str
    budget: int | float | Decimal | str | None = None
    priority: str | int | None = None
    update_type: JobUpdate
    client_id: Id
    artisan_id: Id | None = None
    milestones: list[JsonValue] = Field(default_factory=list)
    progress_updates: list[JsonValue] = Field(default_factory=list)
    updated_at: datetime

    def broadcast_on(self) -> Iterator[Channel]:
        """Yield the client's channel, and the artisan's if there is one."""
        yield UserChannel(user_id=self.client_id)
        if self.artisan_id is not None:
            yield UserChannel(user_id=self.artisan_id)
