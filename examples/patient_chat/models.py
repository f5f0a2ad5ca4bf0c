"""Tables: users, who treats whom, messages, attachments, and tokens that were signed out."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Dialect, Enum, ForeignKey, Index, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from examples.patient_chat.ids import conversation_id, new_id

__all__ = [
    "Availability",
    "Base",
    "Message",
    "MessageType",
    "Role",
    "SignedOut",
    "Status",
    "Treatment",
    "Upload",
    "User",
    "now",
]


class Role(StrEnum):
    PATIENT = "patient"
    DOCTOR = "doctor"


class MessageType(StrEnum):
    TEXT = "text"
    FILE = "file"
    IMAGE = "image"


class Status(StrEnum):
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"


class Availability(StrEnum):
    AVAILABLE = "available"
    BUSY = "busy"
    AWAY = "away"


def now() -> datetime:
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """A time in UTC, also where the database knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


def words(kind: type[StrEnum]) -> Enum:
    return Enum(kind, native_enum=False, length=16, values_callable=lambda members: [one.value for one in members])


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own form
        datetime: Moment,
        Role: words(Role),
        MessageType: words(MessageType),
        Availability: words(Availability),
    }


Key = String(24)


class User(Base):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(Key, primary_key=True, default=new_id)
    fullname: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password: Mapped[str] = mapped_column(String(200))
    """Its hash."""
    role: Mapped[Role]
    status: Mapped[Availability] = mapped_column(default=Availability.AVAILABLE)
    """What the user says of being there; kept when the last window closes."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class Treatment(Base):
    """Who treats whom. One that has ended can be read about, and no longer be written about."""

    __tablename__ = "treatments"
    __table_args__ = (UniqueConstraint("doctor_id", "patient_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    doctor_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    patient_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    ended_at: Mapped[datetime | None]


class Message(Base):
    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_sender_receiver", "sender_id", "receiver_id"),
        Index("ix_messages_receiver_unread", "receiver_id", "is_read"),
        Index("ix_messages_conversation_created", "conversation_id", "created_at"),
        Index("ix_messages_created", "created_at"),
    )

    id: Mapped[str] = mapped_column(Key, primary_key=True, default=new_id)
    sender_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    receiver_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    content: Mapped[str] = mapped_column(Text)
    message_type: Mapped[MessageType]
    file_url: Mapped[str | None] = mapped_column(String(200), index=True)
    file_name: Mapped[str | None] = mapped_column(String(200))
    is_read: Mapped[bool] = mapped_column(default=False)
    read_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    conversation_id: Mapped[str] = mapped_column(String(49))
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)

    sender: Mapped[User] = relationship(foreign_keys=sender_id, lazy="joined", innerjoin=True)
    receiver: Mapped[User] = relationship(foreign_keys=receiver_id, lazy="joined", innerjoin=True)

    def __init__(self, *, sender: User, receiver: User, **values: Any) -> None:
        super().__init__(
            sender=sender, receiver=receiver, conversation_id=conversation_id(sender.id, receiver.id), **values
        )

    @property
    def status(self) -> Status:
        if self.is_read:
            return Status.READ
        return Status.SENT if self.delivered_at is None else Status.DELIVERED


class Upload(Base):
    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(Key, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    file_name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def url(self) -> str:
        return f"/chat/files/{self.id}"


class SignedOut(Base):
    """A token that is good no more, until it would have expired anyway."""

    __tablename__ = "signed_out"

    token_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
