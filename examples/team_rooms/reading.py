"""How far everybody has read in a room: written down at their membership, and told to the others in it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, update

from examples.team_rooms.events import MessagesRead, tell_others
from examples.team_rooms.models import Membership, RoomMessage, User, db, utc_now

__all__ = ["Standing", "mark_read", "standing_in", "standings"]


@dataclass(frozen=True)
class Standing:
    """How far somebody has read in a room, and what there is beyond."""

    last_read_id: int = 0
    unread_count: int = 0
    last_message_id: int = 0
    """The newest message that was looked at for the count: pages add what they hear after it."""


def mark_read(member: Membership, message: RoomMessage) -> None:
    """Remember that somebody has read up to a message, and tell the others; nothing becomes unread again."""
    # one statement: of two tabs that say so at the same time, the one that has read further is right
    forward = (
        update(Membership)
        .where(Membership.room_id == member.room_id, Membership.user_id == member.user_id)
        .where(Membership.last_read_id < message.id)
        .values(last_read_id=message.id)
        .returning(Membership.last_read_id)
    )
    if db.session.scalar(forward) is not None:
        tell_others(MessagesRead(member, message_id=message.id, timestamp=utc_now()))


def standings(user: User) -> dict[int, Standing]:
    """Return how far somebody has read in each of their rooms, by the ids of these."""
    return _found(Membership.user_id == user.id)


def standing_in(member: Membership) -> Standing:
    found = _found(Membership.user_id == member.user_id, Membership.room_id == member.room_id)
    return found.get(member.room_id, Standing())


def _found(*whose: ColumnElement[bool]) -> dict[int, Standing]:
    in_room = RoomMessage.room_id == Membership.room_id
    newest = select(func.max(RoomMessage.id)).where(in_room).scalar_subquery()
    # what was written before one came is history, and what one wrote oneself is known
    unread = select(func.count()).where(
        in_room,
        RoomMessage.id > Membership.last_read_id,
        RoomMessage.created_at > Membership.joined_at,
        RoomMessage.sender_id != Membership.user_id,
        RoomMessage.type != "system",
    )
    found = select(Membership.room_id, Membership.last_read_id, unread.scalar_subquery(), func.coalesce(newest, 0))
    return {room_id: Standing(*numbers) for room_id, *numbers in db.session.execute(found.where(*whose))}
