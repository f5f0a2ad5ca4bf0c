"""What people do in rooms: each writes it down, notes it in the activity feed, and has the others told."""

from __future__ import annotations

from sqlalchemy import select, update

from examples.team_rooms.accounts import me
from examples.team_rooms.events import (
    ActivityLogged,
    MembershipChanged,
    MessageReaction,
    RoomMessageSent,
    tell_others,
)
from examples.team_rooms.files import Kept
from examples.team_rooms.models import Activity, Departure, Membership, Reaction, Room, RoomMessage, Upload, User, db

__all__ = ["add_member", "change_role", "create_room", "join", "joinable", "leave", "react", "remove", "share", "write"]


def joinable(user: User) -> list[Room]:
    """Return the open rooms that somebody is not in, and was not sent away from."""
    mine = select(Membership.room_id).where(Membership.user_id == user.id)
    closed = select(Departure.room_id).where(Departure.user_id == user.id, Departure.returns_as.is_(None))
    found = select(Room).where(Room.is_open, Room.id.not_in(mine), Room.id.not_in(closed))
    return [*db.session.scalars(found.order_by(Room.name))]


def create_room(name: str, description: str, *, is_open: bool) -> Membership:
    room = Room(name=name, description=description, is_open=is_open)
    owner = Membership(room=room, user=me(), role="owner")
    db.session.add_all([room, owner])
    _changed(owner, "owner", "created", f"{owner.user_name} created the room", by=owner)
    return owner


def join(room: Room, user: User) -> bool:
    """Come into an open room by oneself: who was a guest is one again, and who was sent away may not."""
    departure = db.session.get(Departure, (room.id, user.id))
    role = departure.returns_as if departure else "member"
    if role is None:
        return False
    member = _add(room, user, role)
    _changed(member, role, "joined", f"{user.name} joined the room", by=member)
    return True


def add_member(user: User, role: str, *, by: Membership) -> None:
    member = _add(by.room, user, role)
    _changed(member, role, "added", f"{by.user_name} added {user.name} as {role}", by=by)


def _add(room: Room, user: User, role: str) -> Membership:
    departure = db.session.get(Departure, (room.id, user.id))
    if departure is not None:
        db.session.delete(departure)
    member = Membership(room=room, user=user, role=role)
    db.session.add(member)
    return member


def leave(member: Membership) -> bool:
    """Leave a room, unless one is its last owner and not alone."""
    # two owners who leave at the same time wait here for each other: the second one then is the last
    db.session.execute(update(Room).where(Room.id == member.room_id).values(is_open=Room.is_open))
    owners = [other for other in member.room.members if other.role == "owner"]
    if owners == [member] and len(member.room.members) > 1:
        return False
    returns_as = "guest" if member.role == "guest" else "member"
    db.session.merge(Departure(room_id=member.room_id, user_id=member.user_id, returns_as=returns_as))
    _changed(member, None, "left", f"{member.user_name} left the room", by=member)
    db.session.delete(member)
    return True


def remove(member: Membership, *, by: Membership) -> None:
    """Send somebody away, who comes back only if somebody brings them in."""
    db.session.merge(Departure(room_id=member.room_id, user_id=member.user_id, returns_as=None))
    _changed(member, None, "removed", f"{by.user_name} removed {member.user_name}", by=by)
    db.session.delete(member)


def change_role(member: Membership, role: str, *, by: Membership) -> None:
    member.role = role
    _changed(member, role, "role_changed", f"{by.user_name} made {member.user_name} {role}", by=by)


def write(member: Membership, text: str) -> tuple[list[RoomMessage], Activity]:
    message = _message(member, message=text)
    return _written(member, [message], "message_sent", f"{member.user_name} wrote a message")


def share(member: Membership, kept: Kept) -> tuple[list[RoomMessage], Activity]:
    """Share a file: a system message says so, and a picture is a message of its own besides."""
    upload = Upload(room_id=member.room_id, **vars(kept))
    what = f"{member.user_name} uploaded {kept.name}"
    messages = [_message(member, message=what, type="system", upload=upload)]
    if upload.is_image:
        messages.append(_message(member, message=kept.name, type="image", upload=upload))
    return _written(member, messages, "file_uploaded", what)


def react(member: Membership, message: RoomMessage, emoji: str, *, is_on: bool) -> None:
    """Add one's reaction to a message, or take it back; either twice is no harm."""
    mine = next((one for one in message.reactions if (one.user_id, one.emoji) == (member.user_id, emoji)), None)
    if is_on and mine is None:
        message.reactions.append(Reaction(user=member.user, emoji=emoji))
    elif not is_on and mine is not None:
        message.reactions.remove(mine)
        db.session.delete(mine)
    db.session.flush()
    tell_others(
        MessageReaction(
            room_id=message.room_id,
            room_is_private=message.room_is_private,
            message_id=message.id,
            reactions=message.reactions_by_emoji(),
        )
    )


def _message(member: Membership, **fields: object) -> RoomMessage:
    message = RoomMessage(
        room=member.room, sender_id=member.user_id, sender_name=member.user_name, sender_role=member.role, **fields
    )
    db.session.add(message)
    return message


def _written(
    member: Membership, messages: list[RoomMessage], action: str, description: str
) -> tuple[list[RoomMessage], Activity]:
    activity = _log(member, action, description)
    tell_others(*(RoomMessageSent(message) for message in messages), ActivityLogged(activity))
    return messages, activity


def _changed(member: Membership, role: str | None, action: str, description: str, *, by: Membership) -> None:
    """Tell the room what somebody did, and whom it concerns that they have this role in it now, or None."""
    activity = _log(by, action, description)
    changed = MembershipChanged(
        user_id=member.user_id,
        room_id=member.room_id,
        room_name=member.room.name,
        role=role,
        changed_by=by.user_name,
    )
    tell_others(ActivityLogged(activity), changed)


def _log(member: Membership, action: str, description: str) -> Activity:
    activity = Activity(
        room=member.room, action=action, user_name=member.user_name, role=member.role, description=description
    )
    db.session.add(activity)
    db.session.flush()  # ids and times
    return activity
