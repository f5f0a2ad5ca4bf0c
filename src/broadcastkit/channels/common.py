"""Ready-made channels, named as in the systems they come from. Use them, or subclass with stricter fields.

An id is `int | UUID | str`, read in this order: a segment that is a number gives an int, a UUID a UUID, anything else
the text itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from broadcastkit.channels.base import Channel, PresenceChannel, PrivateChannel

__all__ = [
    "AdminChannel",
    "ConversationChannel",
    "JobChannel",
    "RoomChannel",
    "RoomPresence",
    "UserChannel",
]


class UserChannel(PrivateChannel, pattern="user.{user_id}"):
    """What concerns one user: `private-user.{user_id}`."""

    user_id: int | UUID | str


class ConversationChannel(PrivateChannel, pattern="conversation.{conversation_id}"):
    """What is said between the members of a conversation: `private-conversation.{conversation_id}`."""

    conversation_id: int | UUID | str


class JobChannel(PrivateChannel, pattern="job.{job_id}"):
    """What happens to one job: `private-job.{job_id}`."""

    job_id: int | UUID | str


class AdminChannel(PrivateChannel, pattern="admin"):
    """What administrators watch: `private-admin`."""

    if TYPE_CHECKING:
        # mypy writes a constructor for a class with fields only, and would ask for the name here
        def __init__(self) -> None: ...


class RoomChannel(Channel, pattern="room-{room_id}"):
    """A room that anyone may follow: `room-{room_id}`."""

    room_id: int | UUID | str


class RoomPresence(PresenceChannel, pattern="room-{room_id}"):
    """Who is in a room: `presence-room-{room_id}`."""

    room_id: int | UUID | str
