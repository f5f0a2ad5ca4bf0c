"""Rooms and who is in them."""

from __future__ import annotations

from flask import Response, abort
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from broadcastkit import broadcast
from examples.team_rooms import presence, reading, roles, rooms
from examples.team_rooms.accounts import me
from examples.team_rooms.events import RoomTyping
from examples.team_rooms.limits import limited
from examples.team_rooms.models import Membership, Room, User, db
from examples.team_rooms.reading import Standing
from examples.team_rooms.schemas import Change, Invitation, ListedRoom, MemberView, NewRoom, RoomDetails
from examples.team_rooms.views.api import answer, api, body, nothing, own_room, own_room_to_write

__all__: list[str] = []


def _listed(room: Room, role: str | None, standing: Standing) -> ListedRoom:
    return ListedRoom.model_validate({**_fields(room), "role": role, **vars(standing)})


def _fields(room: Room) -> dict[str, object]:
    return {name: getattr(room, name) for name in ("id", "name", "description", "is_open", "is_private")}


def _details(member: Membership) -> RoomDetails:
    members = [MemberView.model_validate(other) for other in member.room.members]
    return RoomDetails.model_validate({**_fields(member.room), "role": member.role, "members": members})


def _other(room_id: int, user_id: int) -> tuple[Membership, Membership]:
    """Return one's own membership and another's in the same room."""
    mine = own_room(room_id)
    theirs = db.session.get(Membership, (room_id, user_id)) or abort(404, "nobody like that is in the room")
    return mine, theirs


@api.get("/rooms")
@limited("asking")
def list_rooms() -> list[dict[str, object]]:
    """Return the rooms one is in, with what is unread in them, then those one may join."""
    standings = reading.standings(me())
    mine = sorted(me().memberships, key=lambda membership: membership.room.name)
    views = [_listed(one.room, one.role, standings.get(one.room_id, Standing())) for one in mine]
    views += [_listed(room, None, Standing()) for room in rooms.joinable(me())]
    return [view.model_dump() for view in views]


@api.post("/rooms")
@limited("rooms")
def create_room() -> Response:
    form = body(NewRoom)
    try:
        owner = rooms.create_room(form.name, form.description, is_open=form.is_open)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        abort(409, "there is a room of this name")
    return answer(_details(owner), 201)


@api.get("/rooms/<row:room_id>")
@limited("asking")
def show_room(room_id: int) -> Response:
    return answer(_details(own_room(room_id)))


@api.post("/rooms/<row:room_id>/join")
@limited("rooms")
def join_room(room_id: int) -> Response:
    if me().membership(room_id) is not None:
        abort(409, "you are in this room")
    room = db.session.get(Room, room_id)
    if room is None or not room.is_open:
        abort(404, "there is no such room")
    if not rooms.join(room, me()):
        abort(404, "there is no such room")
    db.session.commit()
    return answer(_details(own_room(room_id)), 201)


@api.post("/rooms/<row:room_id>/leave")
@limited("members")
def leave_room(room_id: int) -> Response:
    if not rooms.leave(own_room(room_id)):
        abort(409, "make somebody else an owner first")
    db.session.commit()
    presence.show_out(me().id)
    return nothing()


@api.post("/rooms/<row:room_id>/members")
@limited("members")
def add_member(room_id: int) -> Response:
    member, form = own_room(room_id), body(Invitation)
    if not roles.may_add(member.role, form.role):
        abort(403, f"as {member.role} you may not bring in a {form.role}")
    user = db.session.scalar(select(User).where(User.email == form.email)) or abort(404, "there is no such account")
    if user.membership(room_id) is not None:
        abort(409, f"{user.name} is in this room")
    rooms.add_member(user, form.role, by=member)
    db.session.commit()
    return answer(_details(member), 201)


@api.put("/rooms/<row:room_id>/members/<row:user_id>")
@limited("members")
def change_member(room_id: int, user_id: int) -> Response:
    (mine, theirs), form = _other(room_id, user_id), body(Change)
    if mine is theirs or not roles.may_change(mine.role, theirs.role, form.role):
        abort(403, f"as {mine.role} you may not do this")
    rooms.change_role(theirs, form.role, by=mine)
    db.session.commit()
    return answer(_details(mine))


@api.delete("/rooms/<row:room_id>/members/<row:user_id>")
@limited("members")
def remove_member(room_id: int, user_id: int) -> Response:
    mine, theirs = _other(room_id, user_id)
    if mine is theirs or not roles.may_remove(mine.role, theirs.role):
        abort(403, f"as {mine.role} you may not do this")
    rooms.remove(theirs, by=mine)
    db.session.commit()
    presence.show_out(user_id)
    return answer(_details(mine))


@api.post("/rooms/<row:room_id>/presence")
@limited("asking")
def look_around(room_id: int) -> Response:
    """See who is there: pages ask when they have come, and once a minute."""
    own_room(room_id)
    presence.look(room_id)
    return answer(_details(own_room(room_id)))


@api.post("/rooms/<row:room_id>/typing")
@limited("typing")
def typing(room_id: int) -> Response:
    broadcast(RoomTyping(own_room_to_write(room_id))).to_others()
    return nothing()
