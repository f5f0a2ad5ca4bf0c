"""The tables: people, rooms, who is in them with which role, and what was written, uploaded and done."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from flask import current_app
from flask_login import UserMixin
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, ForeignKey, Index, String, Text, TypeDecorator, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry, relationship

__all__ = [
    "Activity",
    "Departure",
    "Membership",
    "MessageType",
    "Reaction",
    "Room",
    "RoomMessage",
    "SignIn",
    "Upload",
    "User",
    "db",
    "utc_now",
]

MessageType = Literal["text", "image", "system"]


def utc_now() -> datetime:
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC, and said to be: SQLite keeps no offset, PostgreSQL answers in the zone of its session."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    # given with a registry: Flask-SQLAlchemy makes its own base out of this one, and SQLAlchemy takes no map twice
    registry = registry(type_annotation_map={datetime: UtcDateTime, str: String(255)})


db = SQLAlchemy(model_class=Base)
if TYPE_CHECKING:
    Model = Base  # what Flask-SQLAlchemy derives from it has no type
else:
    Model = db.Model


class User(Model, UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    # unique: events name the sender by it, as their guide has it
    name: Mapped[str] = mapped_column(String(60), unique=True)
    password_hash: Mapped[str]
    memberships: Mapped[list[Membership]] = relationship(back_populates="user")
    # of the browser whose request this is: accounts.py
    sign_in_token = ""

    def get_id(self) -> str:
        """Return what Flask-Login keeps in the cookie: not whose, but which sign-in it is, so that it can end."""
        return self.sign_in_token

    def membership(self, room_id: int) -> Membership | None:
        return db.session.get(Membership, (room_id, self.id))


class SignIn(Model):
    """A browser that somebody has signed in with, until it is signed out. What its cookie holds is not kept here."""

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    expires_at: Mapped[datetime]
    user: Mapped[User] = relationship()

    @staticmethod
    def hash_of(token: str) -> str:
        # the token is random and long: what makes passwords slow to guess is not needed
        return hashlib.sha256(token.encode()).hexdigest()


class Room(Model):
    # among open rooms only: that a name is taken would tell of a room to which one is not invited
    __table_args__ = (
        Index("open_room_name", "name", unique=True, sqlite_where=text("is_open"), postgresql_where=text("is_open")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    description: Mapped[str] = mapped_column(default="")
    is_open: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    members: Mapped[list[Membership]] = relationship(back_populates="room", order_by="Membership.joined_at")

    @property
    def is_private(self) -> bool:
        """Whether it is heard on `private-room-{id}`: always, if one has to be invited."""
        return not self.is_open or current_app.config["ROOMS_PRIVATE"]


class Membership(Model):
    """Somebody in a room: with which role, whether they are there now, and how far they have read."""

    room_id: Mapped[int] = mapped_column(ForeignKey("room.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20), default="member")
    joined_at: Mapped[datetime] = mapped_column(default=utc_now)
    is_online: Mapped[bool] = mapped_column(default=False)
    last_seen: Mapped[datetime | None]
    # the message up to which they have read, or 0: reading.py
    last_read_id: Mapped[int] = mapped_column(default=0)
    user: Mapped[User] = relationship(back_populates="memberships", lazy="joined")
    room: Mapped[Room] = relationship(back_populates="members")

    @property
    def user_name(self) -> str:
        return self.user.name


class Departure(Model):
    """Somebody who is in a room no more."""

    room_id: Mapped[int] = mapped_column(ForeignKey("room.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    # who was sent away has none, and comes back if somebody brings them in
    returns_as: Mapped[str | None] = mapped_column(String(20))


class _InRoom:
    """What is said of the room wherever something happens in it: the events are read from these attributes."""

    if TYPE_CHECKING:
        room: Mapped[Room]

    @property
    def room_is_private(self) -> bool:
        return self.room.is_private


class RoomMessage(Model, _InRoom):
    __table_args__ = (Index("room_message_history", "room_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    room_id: Mapped[int] = mapped_column(ForeignKey("room.id"))
    sender_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    # as they were when it was written
    sender_name: Mapped[str] = mapped_column(String(60))
    sender_role: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    type: Mapped[MessageType] = mapped_column(String(10), default="text")
    upload_id: Mapped[int | None] = mapped_column(ForeignKey("upload.id"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    room: Mapped[Room] = relationship()
    upload: Mapped[Upload | None] = relationship(lazy="joined")
    reactions: Mapped[list[Reaction]] = relationship(
        lazy="selectin",  # codespell:ignore selectin
        order_by="Reaction.created_at",
    )

    def reactions_by_emoji(self) -> dict[str, list[str]]:
        """Return who has reacted how, in the order in which they did."""
        names: dict[str, list[str]] = {}
        for reaction in self.reactions:
            names.setdefault(reaction.emoji, []).append(reaction.user.name)
        return names


class Reaction(Model):
    message_id: Mapped[int] = mapped_column(ForeignKey("room_message.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    emoji: Mapped[str] = mapped_column(String(10), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    user: Mapped[User] = relationship(lazy="joined")


class Upload(Model):
    """A file; its bytes are in the folder of uploads, under a name that nobody chose."""

    id: Mapped[int] = mapped_column(primary_key=True)
    room_id: Mapped[int] = mapped_column(ForeignKey("room.id"))
    name: Mapped[str] = mapped_column(String(120))
    content_type: Mapped[str] = mapped_column(String(60))
    size: Mapped[int]
    stored_as: Mapped[str] = mapped_column(String(40))
    width: Mapped[int | None]
    height: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    @property
    def is_image(self) -> bool:
        return self.width is not None


class Activity(Model, _InRoom):
    __table_args__ = (Index("activity_history", "room_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    room_id: Mapped[int] = mapped_column(ForeignKey("room.id"))
    action: Mapped[str] = mapped_column(String(30))
    user_name: Mapped[str] = mapped_column(String(60))
    role: Mapped[str] = mapped_column(String(20))
    description: Mapped[str] = mapped_column(Text)
    timestamp: Mapped[datetime] = mapped_column(default=utc_now)
    room: Mapped[Room] = relationship()
