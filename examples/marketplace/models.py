"""The tables: people and their tokens, what is for sale, and what is said about it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Dialect, Enum, ForeignKey, Index, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

__all__ = ["ApiToken", "Base", "Conversation", "Listing", "Message", "Role", "User", "now"]

NAME, EMAIL, TITLE = 80, 254, 120


def now() -> datetime:
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """A time with its zone: SQLite forgets that it was UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    type_annotation_map = {datetime: Moment}  # noqa: RUF012 - SQLAlchemy's own way to say it


class Role(StrEnum):
    BUYER = "buyer"
    SELLER = "seller"
    ADMIN = "admin"


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME))
    email: Mapped[str] = mapped_column(String(EMAIL), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role] = mapped_column(Enum(Role, native_enum=False, length=16), default=Role.BUYER)


class ApiToken(Base):
    """A token as Sanctum has them: only its hash is kept, and it ends."""

    __tablename__ = "personal_access_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Listing(Base):
    __tablename__ = "listings"

    id: Mapped[int] = mapped_column(primary_key=True)
    seller_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    title: Mapped[str] = mapped_column(String(TITLE))
    description: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(String(40))
    price_cents: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)

    seller: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Conversation(Base):
    """A buyer and a seller about a listing: one for each buyer."""

    __tablename__ = "conversations"
    __table_args__ = (UniqueConstraint("listing_id", "buyer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    buyer_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    seller_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)

    listing: Mapped[Listing] = relationship(lazy="joined", innerjoin=True)
    buyer: Mapped[User] = relationship(lazy="joined", innerjoin=True, foreign_keys=[buyer_id])
    seller: Mapped[User] = relationship(lazy="joined", innerjoin=True, foreign_keys=[seller_id])

    def has(self, user: User) -> bool:
        return user.id in {self.buyer_id, self.seller_id}

    def other(self, user: User) -> User:
        return self.seller if user.id == self.buyer_id else self.buyer


class Message(Base):
    __tablename__ = "messages"
    __table_args__ = (Index("messages_by_conversation", "conversation_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    sender_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    content: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    read_at: Mapped[datetime | None]

    sender: Mapped[User] = relationship(lazy="joined", innerjoin=True)

    def __init__(self, **values: Any) -> None:
        # what the database would fill in is broadcast before it is read again
        super().__init__(**{"created_at": now(), "read_at": None, **values})
