"""Messages and the activity feed of a room."""

from __future__ import annotations

from flask import Response, abort
from sqlalchemy import select

from examples.team_rooms import reading, rooms
from examples.team_rooms.limits import limited
from examples.team_rooms.models import Activity, RoomMessage, db
from examples.team_rooms.schemas import (
    ActivityPage,
    ActivityView,
    Draft,
    MessagePage,
    Posted,
    Query,
    ReactionForm,
    ReadForm,
    StandingView,
    message_view,
)
from examples.team_rooms.views.api import answer, api, asked, body, own_room, own_room_to_write

__all__ = ["posted"]


def posted(messages: list[RoomMessage], activity: Activity) -> Response:
    """Commit what was written, upon which the others hear of it, and answer with it."""
    view = Posted(
        messages=[message_view(message) for message in messages], activity=ActivityView.model_validate(activity)
    )
    db.session.commit()
    return answer(view, 201)


@api.post("/rooms/<row:room_id>/messages")
@limited("messages")
def send_message(room_id: int) -> Response:
    member = own_room_to_write(room_id)
    return posted(*rooms.write(member, body(Draft).message))


@api.get("/rooms/<row:room_id>/messages")
@limited("asking")
def list_messages(room_id: int) -> Response:
    """Return a page of the history, or of what has the words that were searched for."""
    own_room(room_id)
    query = asked(Query)
    found = select(RoomMessage).where(RoomMessage.room_id == room_id).order_by(RoomMessage.id.desc())
    if query.before is not None:
        found = found.where(RoomMessage.id < query.before)
    if query.q:
        found = found.where(RoomMessage.message.icontains(query.q, autoescape=True))
    rows = [*db.session.scalars(found.limit(query.limit + 1))]
    views = [message_view(row) for row in reversed(rows[: query.limit])]
    return answer(MessagePage(messages=views, more=len(rows) > query.limit))


def _message_in(room_id: int, message_id: int) -> RoomMessage:
    message = db.session.get(RoomMessage, message_id)
    if message is None or message.room_id != room_id:
        abort(404, "there is no such message in this room")
    return message


@api.get("/rooms/<row:room_id>/messages/<row:message_id>")
@limited("asking")
def show_message(room_id: int, message_id: int) -> Response:
    """Return one message with what its event does not tell: the file."""
    own_room(room_id)
    return answer(message_view(_message_in(room_id, message_id)))


@api.put("/rooms/<row:room_id>/messages/<row:message_id>/reaction")
@limited("messages")
def react(room_id: int, message_id: int) -> Response:
    member = own_room_to_write(room_id)
    message, form = _message_in(room_id, message_id), body(ReactionForm)
    rooms.react(member, message, form.emoji, is_on=form.is_on)
    db.session.commit()
    return answer(message_view(message))


@api.post("/rooms/<row:room_id>/read")
@limited("reading")
def read_messages(room_id: int) -> Response:
    """Note up to which message one has read: guests, too, and nothing happens if one has read further."""
    member, form = own_room(room_id), body(ReadForm)
    reading.mark_read(member, _message_in(room_id, form.message_id))
    db.session.commit()
    return answer(StandingView.model_validate(reading.standing_in(member)))


@api.get("/rooms/<row:room_id>/activities")
@limited("asking")
def list_activities(room_id: int) -> Response:
    own_room(room_id)
    query = asked(Query)
    found = select(Activity).where(Activity.room_id == room_id).order_by(Activity.id.desc())
    if query.before is not None:
        found = found.where(Activity.id < query.before)
    rows = [*db.session.scalars(found.limit(query.limit + 1))]
    views = [ActivityView.model_validate(row) for row in reversed(rows[: query.limit])]
    return answer(ActivityPage(activities=views, more=len(rows) > query.limit))
