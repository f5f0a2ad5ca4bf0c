"""The tables. Events read these rows: properties give what they ask for under their own names."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Dialect, Enum, ForeignKey, Index, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

__all__ = [
    "MAX_ID",
    "Attachment",
    "Base",
    "Consultation",
    "Device",
    "Message",
    "Role",
    "SignIn",
    "TreatmentPlan",
    "User",
    "now",
]

MAX_ID = 2**31 - 1
"""What the database's integers hold: a larger id in a request is nobody's."""


def now() -> datetime:
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """A point in time. SQLite forgets the time zone of what it stores, which is UTC here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Role(StrEnum):
    PATIENT = "patient"
    DOCTOR = "doctor"
    ADMIN = "admin"


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012 - as SQLAlchemy has it
        datetime: Moment,
        Role: Enum(Role, native_enum=False, length=10, values_callable=lambda roles: [role.value for role in roles]),
    }


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    email: Mapped[str] = mapped_column(String(200), unique=True)
    role: Mapped[Role]
    password_hash: Mapped[str] = mapped_column(String(200))
    avatar: Mapped[str | None] = mapped_column(String(200), default=None)


class SignIn(Base):
    """A bearer token of an app, or the session of a browser. The database has digests only."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    csrf_token: Mapped[str | None] = mapped_column(String(64))
    """Sessions have one: browsers send cookies by themselves, also when another site makes them."""
    expires_at: Mapped[datetime]
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Device(Base):
    """A phone that takes push notifications."""

    __tablename__ = "devices"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    token: Mapped[str] = mapped_column(String(300), unique=True)


class Consultation(Base):
    """A conversation between a patient and a doctor."""

    __tablename__ = "consultations"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    doctor_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    subject: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(default=now)
    patient: Mapped[User] = relationship(foreign_keys=patient_id, lazy="joined", innerjoin=True)
    doctor: Mapped[User] = relationship(foreign_keys=doctor_id, lazy="joined", innerjoin=True)

    def other(self, user: User) -> User:
        """Return whom `user` talks with here."""
        return self.doctor if user.id == self.patient_id else self.patient


class Message(Base):
    """Has what `MessageSent` reads: `MessageSent(message)` is all that the routes need."""

    __tablename__ = "messages"
    __table_args__ = (Index("messages_of_consultation", "consultation_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"))
    sender_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recipient_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    content: Mapped[str]
    message_type: Mapped[str] = mapped_column(String(10), default="text")
    read_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default=now)
    sender: Mapped[User] = relationship(foreign_keys=sender_id, lazy="joined", innerjoin=True)
    files: Mapped[list[Attachment]] = relationship(
        order_by="Attachment.id",
        lazy="selectin",  # codespell:ignore selectin
    )

    @property
    def conversation_id(self) -> int:
        return self.consultation_id

    @property
    def is_read(self) -> bool:
        return self.read_at is not None

    @property
    def attachments(self) -> list[dict[str, Any]]:
        return [file.shown for file in self.files]


class Attachment(Base):
    __tablename__ = "attachments"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    name: Mapped[str] = mapped_column(String(130))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    stored_as: Mapped[str] = mapped_column(String(40))

    @property
    def shown(self) -> dict[str, Any]:
        """What clients are told."""
        return {
            "id": self.id,
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "url": f"/chat/attachments/{self.id}",
        }


class TreatmentPlan(Base):
    """Has what `PlanSubmitted` and `PlanAccepted` read."""

    __tablename__ = "treatment_plans"

    id: Mapped[int] = mapped_column(primary_key=True)
    consultation_id: Mapped[int] = mapped_column(ForeignKey("consultations.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    doctor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    summary: Mapped[str]
    status: Mapped[str] = mapped_column(String(10), default="submitted")
    submitted_at: Mapped[datetime] = mapped_column(default=now)
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def plan_id(self) -> int:
        return self.id
