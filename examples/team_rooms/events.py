"""What happens in rooms. Names, channels and payloads are the guide's; the ready-made classes have them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from broadcastkit import Channel, Event, broadcast_many
from broadcastkit.events import ActivityLogged as ReadyActivity
from broadcastkit.events import RoomMessageSent as ReadyMessage
from broadcastkit.events import Throttle, UserStatusChanged
from broadcastkit.events.base import Id
from examples.team_rooms.models import db
from examples.team_rooms.rules import PrivateRoom, RoomChannel, RoomPresence, UserChannel

__all__ = [
    "ActivityLogged",
    "MembershipChanged",
    "MessageReaction",
    "MessagesRead",
    "RoomMessageSent",
    "RoomTyping",
    "UserStatusChanged",
    "tell_others",
]


class InRoom(Event):
    """Goes to the room's public channel, or to its private one; which of them is not told."""

    room_id: Id
    room_is_private: bool = Field(exclude=True)

    def broadcast_on(self) -> Channel:
        room_id = int(self.room_id)
        return PrivateRoom(room_id=room_id) if self.room_is_private else RoomChannel(room_id=room_id)


class RoomMessageSent(InRoom, ReadyMessage, name="new-message"):
    """`new-message`: `RoomMessageSent(message)` reads a RoomMessage."""


class ActivityLogged(InRoom, ReadyActivity, name="new-activity"):
    """`new-activity`: `ActivityLogged(activity)` reads an Activity."""


class MessageReaction(InRoom, name="message-reaction"):
    """`message-reaction`: how people have reacted to a message by now, so that it bears to come twice or late."""

    message_id: int
    reactions: dict[str, list[str]]


class RoomTyping(Event, name="user-typing", throttle=Throttle(2.0, per="user_name")):
    """`user-typing`: for members only, and not at every key."""

    room_id: int
    user_name: str

    def broadcast_on(self) -> Channel:
        return RoomPresence(room_id=self.room_id)


class MessagesRead(Event, name="messages-read"):
    """`messages-read`: somebody has read up to a message; for members only, as who is there."""

    room_id: int
    user_id: int
    user_name: str
    message_id: int
    timestamp: datetime

    def broadcast_on(self) -> Channel:
        return RoomPresence(room_id=self.room_id)


class MembershipChanged(Event, name="membership-changed"):
    """`membership-changed`: for one person only, that they are in a room now, or no more, or with another role."""

    user_id: int = Field(exclude=True)
    room_id: int
    room_name: str
    role: str | None
    """None for who is in the room no more."""
    changed_by: str

    def broadcast_on(self) -> Channel:
        return UserChannel(user_id=self.user_id)


def tell_others(*events: Event) -> None:
    """Broadcast in one request, once what they tell of is committed, to all but the window whose request this is."""
    broadcast_many(events).after_commit(db.session).to_others()
