"""Ready-made events of a team room: messages, presence and activity."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from broadcastkit.channels.base import Channel
from broadcastkit.channels.common import RoomChannel, RoomPresence
from broadcastkit.events.base import Event, Id

__all__ = ["ActivityLogged", "RoomMessageSent", "UserStatusChanged"]


class RoomMessageSent(Event, name="new-message", defer_build=True):
    """`new-message`: somebody wrote in a room, heard on `room-{room_id}`."""

    id: Id
    room_id: Id
    sender_role: str
    sender_name: str
    message: str
    type: Literal["text", "image", "system"] = "text"
    created_at: datetime

    def broadcast_on(self) -> Channel:
        """Return the room's channel."""
        return RoomChannel(room_id=self.room_id)


class UserStatusChanged(Event, name="user-status-changed", defer_build=True):
    """`user-status-changed`: somebody came online or went, heard on `presence-room-{room_id}`."""

    room_id: Id
    user_id: Id
    user_name: str
    role: str
    is_online: bool
    last_seen: datetime | None = None
    timestamp: datetime

    def broadcast_on(self) -> Channel:
        """Return the room's presence channel."""
        return RoomPresence(room_id=self.room_id)


class ActivityLogged(Event, name="new-activity", defer_build=True):
    """`new-activity`: something happened in a room, heard on `room-{room_id}`."""

    room_id: Id
    action: str
    user_name: str
    role: str
    description: str
    timestamp: datetime

    def broadcast_on(self) -> Channel:
        """Return the room's channel."""
        return RoomChannel(room_id=self.room_id)
