"""Things that events are read from: rows, models and records, each with more than any event declares."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "hunter2"


class Base(DeclarativeBase):
    pass


class UserRow(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    password: Mapped[str]


class NoteRow(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    token: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    author: Mapped[UserRow] = relationship()


class Untouchable:
    """A descriptor that fails the test when it is read."""

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is None:
            return self
        raise AssertionError("a field that no event declares was read")


class DjangoLikeUser:
    """As Django's models are: plain attributes, a state, a meta, and deferred fields that would ask the database."""

    password = Untouchable()

    def __init__(self) -> None:
        self._state = SimpleNamespace(adding=False, db="default")
        self.pk = self.id = 3
        self.name = "Ann"


class DjangoLikeNote:
    token = Untouchable()
    author_set = Untouchable()

    class Meta:
        db_table = "notes"

    def __init__(self) -> None:
        self._state = SimpleNamespace(adding=False, db="default")
        self._meta = self.Meta
        self.id = 7
        self.text = "hello"
        self.author_id = 3

    @property
    def author(self) -> DjangoLikeUser:
        """Stand for a foreign key, which is fetched when it is asked for."""
        return DjangoLikeUser()


@dataclass
class UserRecord:
    id: int = 3
    name: str = "Ann"
    password: str = SECRET


@dataclass
class NoteRecord:
    author: Any
    id: int = 7
    text: str = "hello"
    token: str = SECRET


class UserModel(BaseModel):
    id: int = 3
    name: str = "Ann"
    password: str = SECRET


class NoteModel(BaseModel):
    id: int = 7
    text: str = "hello"
    token: str = SECRET
    author: UserModel = UserModel()


class SlottedNote:
    __slots__ = ("author", "id", "text", "token")

    def __init__(self) -> None:
        self.id, self.text, self.token, self.author = 7, "hello", SECRET, UserRecord()


NoteTuple = namedtuple("NoteTuple", "id text token author")  # noqa: PYI024 - untyped on purpose

USER_MAPPING = {"id": 3, "name": "Ann", "password": SECRET}
NOTE_MAPPING = {"id": 7, "text": "hello", "token": SECRET, "author": USER_MAPPING}


def orm_session() -> Iterator[Session]:
    """Open a database in memory with one note in it."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(UserRow(id=3, name="Ann", password=SECRET))
        session.add(NoteRow(id=7, text="hello", token=SECRET, author_id=3))
        session.commit()
        session.expire_all()
        yield session
    engine.dispose()
