"""Who is online: what the service says of a room's presence channel, written down and told as `user-status-changed`.

The service knows best: it counts several tabs as one person, and sees connections break. Webhooks say *when* to look,
and so do the pages, when they come and once a minute: whatever is lost on the way, twice there or late does no harm.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from flask import Flask, current_app
from sqlalchemy import select

from broadcastkit import broadcast_many
from broadcastkit.errors import BroadcastError
from broadcastkit.webhooks import MemberAdded, MemberRemoved, WebhookHandlers
from examples.team_rooms.events import UserStatusChanged
from examples.team_rooms.models import Membership, db, utc_now
from examples.team_rooms.rules import RoomPresence

__all__ = ["look", "show_out", "users_there", "webhook_handlers"]

# Of two that look at the same time, the one that asked first must not be the last to write.
_one_at_a_time = threading.Lock()
# Pages wait for this: better that they see who was there a minute ago.
PATIENCE = 5.0


def users_there(room_id: int) -> set[str]:
    """Ask the service who is in a room."""
    broadcaster = current_app.extensions["broadcasting"]
    return {user.id for user in broadcaster.users_info(RoomPresence(room_id=room_id).name)}


def look(room_id: int) -> None:
    """Write down who is in a room now, and tell its members who came and who went."""
    if not _one_at_a_time.acquire(timeout=PATIENCE):
        current_app.logger.warning("who is in room %d is not looked for: the service is slow to answer", room_id)
        return
    try:
        there = users_there(room_id)
        changed = _write_down(room_id, there)
        if changed:
            broadcast_many(changed).after_commit(db.session).to_everyone()
        db.session.commit()
    except BroadcastError as error:
        current_app.logger.warning("who is in room %d is not known: %s", room_id, error)
    finally:
        _one_at_a_time.release()


def _write_down(room_id: int, there: Iterable[str]) -> list[UserStatusChanged]:
    now = utc_now()
    changed = []
    for member in db.session.scalars(select(Membership).where(Membership.room_id == room_id)):
        is_online = str(member.user_id) in there
        if is_online or member.is_online:
            member.last_seen = now
        if is_online != member.is_online:
            member.is_online = is_online
            changed.append(UserStatusChanged(member, timestamp=now))
    return changed


def show_out(user_id: int) -> None:
    """Close somebody's connections: pages come back at once, and may listen to what their rules still allow."""
    try:
        current_app.extensions["broadcasting"].terminate_user_connections(str(user_id))
    except BroadcastError as error:
        current_app.logger.warning("user %d may still listen to a room that they have left: %s", user_id, error)


def webhook_handlers(app: Flask) -> WebhookHandlers:
    """Return what is done when the service tells that somebody came into a presence channel, or left it."""
    handlers = WebhookHandlers()

    @handlers.on(MemberAdded, MemberRemoved)
    def came_or_went(event: MemberAdded | MemberRemoved) -> None:
        channel = RoomPresence.parse(event.channel)
        if channel is not None:
            with app.app_context():
                look(channel.room_id)

    return handlers
