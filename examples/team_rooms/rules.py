"""The channels of rooms and people, and who may listen. Anyone may listen to `room-{room_id}`, so it has no rule."""

from __future__ import annotations

from broadcastkit import Channel, ChannelRegistry, PresenceChannel, PresenceMember, PrivateChannel
from examples.team_rooms.models import User

__all__ = ["MOST", "PrivateRoom", "RoomChannel", "RoomPresence", "UserChannel", "channels"]

MOST = 2**31 - 1
"""The highest id: what the database would not take is nobody's."""


class RoomChannel(Channel, pattern="room-{room_id}"):
    """What happens in a room that anyone may join."""

    room_id: int


class PrivateRoom(PrivateChannel, pattern="room-{room_id}"):
    """The same of a room to which one is invited, and of every room with ROOMS_PRIVATE."""

    room_id: int


class RoomPresence(PresenceChannel, pattern="room-{room_id}"):
    """Who is in a room."""

    room_id: int


class UserChannel(PrivateChannel, pattern="user.{user_id}"):
    """What concerns one person, in whichever room."""

    user_id: int


channels = ChannelRegistry()


@channels.authorize(PrivateRoom)
def member(user: User, channel: PrivateRoom) -> bool:
    return channel.room_id <= MOST and user.membership(channel.room_id) is not None


@channels.authorize(RoomPresence)
def present(user: User, channel: RoomPresence) -> PresenceMember | None:
    membership = user.membership(channel.room_id) if channel.room_id <= MOST else None
    if membership is None:
        return None
    # what the others see
    return PresenceMember(user.id, {"name": user.name, "role": membership.role})


@channels.authorize(UserChannel)
def oneself(user: User, channel: UserChannel) -> bool:
    return channel.user_id == user.id
