"""The one positional argument of an event: read from anything, declared fields only."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from sqlalchemy import select

from broadcastkit.events import Event
from tests.events.rows import (
    NOTE_MAPPING,
    SECRET,
    DjangoLikeNote,
    NoteModel,
    NoteRecord,
    NoteRow,
    NoteTuple,
    SlottedNote,
    Untouchable,
    UserRecord,
    UserRow,
    orm_session,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session


class Author(BaseModel):
    id: int
    name: str


class NoteWritten(Event):
    id: int
    text: str
    author: Author
    note: str = "-"


EXPECTED = '{"id":7,"text":"hello","author":{"id":3,"name":"Ann"},"note":"-"}'


@pytest.fixture
def session() -> Iterator[Session]:
    yield from orm_session()


# -- sources ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        NOTE_MAPPING,
        MappingProxyType(NOTE_MAPPING),
        defaultdict(list, NOTE_MAPPING),
        NoteRecord(UserRecord()),
        NoteRecord({"id": 3, "name": "Ann"}),
        NoteModel(),
        SlottedNote(),
        NoteTuple(7, "hello", SECRET, UserRecord()),
        SimpleNamespace(id=7, text="hello", token=SECRET, author=Author(id=3, name="Ann")),
        DjangoLikeNote(),
        {"id": "7", "text": "hello", "author": UserRecord()},
    ],
    ids=[
        "dict",
        "read-only mapping",
        "defaultdict",
        "dataclass",
        "dataclass of dict",
        "model",
        "slots",
        "namedtuple",
        "namespace",
        "django",
        "text",
    ],
)
def test_an_event_is_read_from_anything_with_its_fields(source: object) -> None:
    assert NoteWritten(source).broadcast_payload() == EXPECTED


def test_an_event_is_read_from_an_orm_row(session: Session) -> None:
    row = session.get_one(NoteRow, 7)

    event = NoteWritten(row)

    assert event.broadcast_payload() == EXPECTED
    assert SECRET not in repr(event)


def test_an_event_is_read_from_a_result_row(session: Session) -> None:
    class Flat(Event):
        id: int
        text: str
        name: str

    row = session.execute(select(NoteRow.id, NoteRow.text, UserRow.name).join(UserRow)).one()

    assert Flat(row).broadcast_payload() == '{"id":7,"text":"hello","name":"Ann"}'
    assert Flat(row._mapping).broadcast_payload() == '{"id":7,"text":"hello","name":"Ann"}'


def test_a_row_is_asked_for_declared_fields_only(session: Session) -> None:
    class TextOnly(Event):
        text: str

    row = session.get_one(NoteRow, 7)
    session.expire(row)
    session.refresh(row, ["text"])

    assert TextOnly(row).broadcast_payload() == '{"text":"hello"}'
    assert {"token", "author"} & vars(row).keys() == set()  # neither was loaded


def test_an_event_is_read_from_another() -> None:
    class Other(Event):
        id: int
        text: str

    assert Other(NoteWritten(NOTE_MAPPING)).broadcast_payload() == '{"id":7,"text":"hello"}'


def test_what_a_source_does_not_have_has_its_default() -> None:
    assert NoteWritten(NOTE_MAPPING).note == "-"
    assert NoteWritten({**NOTE_MAPPING, "note": "!"}).note == "!"


def test_nothing_is_made_in_the_source() -> None:
    source: defaultdict[str, Any] = defaultdict(str, NOTE_MAPPING)

    NoteWritten(source)

    assert source.keys() == NOTE_MAPPING.keys()


def test_without_a_source_the_keywords_are_all() -> None:
    author = Author(id=3, name="Ann")

    assert NoteWritten(id=7, text="hello", author=author).broadcast_payload() == EXPECTED


# -- overriding ------------------------------------------------------------------------------------------------------


def test_keywords_override_what_was_read() -> None:
    event = NoteWritten(NOTE_MAPPING, text="bye", note="!")

    assert (event.id, event.text, event.note) == (7, "bye", "!")


class Costly:
    """A row of which one attribute must not be asked for, because the caller gives it."""

    author = Untouchable()
    id, text = 7, "hello"


def test_what_is_overridden_is_not_read() -> None:
    assert NoteWritten(Costly(), author=UserRecord()).broadcast_payload() == EXPECTED


def test_an_error_of_the_source_is_not_taken_for_a_missing_field() -> None:
    with pytest.raises(AssertionError, match="was read"):
        NoteWritten(Costly())


def test_the_source_is_positional_only() -> None:
    class About(Event):
        source: str

    assert About({"source": "a"}).source == "a"
    assert About(source="b").source == "b"


# -- aliases ---------------------------------------------------------------------------------------------------------


class Camel(Event, alias_generator=to_camel):
    user_id: int
    is_read: bool = False


@pytest.mark.parametrize(
    ("source", "keywords"),
    [
        ({"user_id": 3}, {}),
        ({"userId": 3}, {}),
        ({}, {"user_id": 3}),
        ({}, {"userId": 3}),
        ({"user_id": 1}, {"user_id": 3}),
        ({"user_id": 1}, {"userId": 3}),
        ({"userId": 1}, {"user_id": 3}),
        ({"userId": 1}, {"userId": 3}),
        (SimpleNamespace(userId=1), {"user_id": 3}),
        (SimpleNamespace(userId=3, user_name="x"), {}),
    ],
    ids=str,
)
def test_a_field_is_known_by_its_name_and_its_alias_and_written_by_its_alias(source: object, keywords: Any) -> None:
    assert Camel(source, **keywords).broadcast_payload() == '{"userId":3,"isRead":false}'


class Reader(BaseModel):
    user_id: int = Field(alias="userId")


def test_the_aliases_of_nested_models_are_written_too() -> None:
    class Read(Event):
        by: Reader

    class OwnRead(Read):
        def broadcast_with(self) -> Any:
            return super().broadcast_with()

    for cls in (Read, OwnRead):
        assert cls({"by": {"userId": 3}}).broadcast_payload() == '{"by":{"userId":3}}'


def test_a_field_is_read_by_a_validation_alias_of_its_own() -> None:
    class Imported(Event):
        user_id: int = Field(validation_alias="uid", serialization_alias="user")

    for event in (Imported({"uid": 3}), Imported({"user_id": 3}), Imported(uid=3), Imported({"uid": 1}, user_id=3)):
        assert event.broadcast_payload() == '{"user":3}'


def test_several_validation_aliases_are_for_keywords() -> None:
    class Imported(Event):
        user_id: int = Field(validation_alias=AliasChoices("uid", "user"))

    assert Imported(user=3).user_id == Imported({"user_id": 3}).user_id == 3


# -- nested ----------------------------------------------------------------------------------------------------------


def test_nested_lists_of_rows_are_read_by_their_models() -> None:
    class Thread(Event):
        notes: list[Author]
        by_name: dict[str, Author] = Field(default_factory=dict)

    event = Thread(SimpleNamespace(notes=[UserRecord(), UserRecord(id=4)], by_name={"a": UserRecord(id=5)}))

    assert event.broadcast_payload() == (
        '{"notes":[{"id":3,"name":"Ann"},{"id":4,"name":"Ann"}],"by_name":{"a":{"id":5,"name":"Ann"}}}'
    )


def test_an_event_may_be_a_field_of_another() -> None:
    class Digest(Event):
        first: NoteWritten

    assert Digest(first=NoteWritten(NOTE_MAPPING)).broadcast_payload() == f'{{"first":{EXPECTED}}}'
    assert Digest({"first": NoteRecord(UserRecord())}).broadcast_payload() == f'{{"first":{EXPECTED}}}'


# -- what is refused -------------------------------------------------------------------------------------------------


class Strict(Event):
    id: int
    kind: Literal["a", "b"] = "a"


@pytest.mark.parametrize(
    ("make", "where", "what"),
    [
        (Strict, ("id",), "missing"),
        (lambda: Strict({}), ("id",), "missing"),
        (lambda: Strict(None), ("id",), "missing"),
        (lambda: Strict({"id": SECRET}), ("id",), "int_parsing"),
        (lambda: Strict({"id": 1, "kind": SECRET}), ("kind",), "literal_error"),
        (lambda: Strict({"id": 1}, other=SECRET), ("other",), "extra_forbidden"),
        (
            lambda: NoteWritten({**NOTE_MAPPING, "author": {"id": SECRET, "name": "Ann"}}),
            ("author", "id"),
            "int_parsing",
        ),
        (lambda: NoteWritten({**NOTE_MAPPING, "author": SECRET}), ("author",), "model_attributes_type"),
        (lambda: NoteWritten({**NOTE_MAPPING, "text": [SECRET]}), ("text",), "string_type"),
    ],
    ids=["nothing", "empty", "none", "type", "choice", "unknown", "nested", "no model", "list"],
)
def test_what_does_not_fit_is_named_and_its_value_is_not(make: Any, where: tuple[str, ...], what: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make()

    (error,) = caught.value.errors()
    assert (error["loc"], error["type"]) == (where, what)
    assert ".".join(where) in str(caught.value)
    assert SECRET not in str(caught.value) + repr(caught.value)


def test_two_positional_arguments_are_one_too_many() -> None:
    with pytest.raises(TypeError):
        Strict({}, {})  # type: ignore[call-arg]


# -- values ----------------------------------------------------------------------------------------------------------


def test_events_are_equal_when_their_fields_are() -> None:
    assert Strict(id=1) == Strict({"id": 1})
    assert Strict(id=1) != Strict(id=2)
    assert len({Strict(id=1), Strict(id=1)}) == 1


def test_a_nested_models_own_rules_hold() -> None:
    class Pinned(BaseModel):
        model_config = ConfigDict(extra="forbid", from_attributes=False)
        id: int

    class PostPinned(Event):
        pinned: Pinned

    with pytest.raises(ValidationError):
        PostPinned({"pinned": {"id": 1, "more": 2}})


fields = {
    "id": st.integers(),
    "text": st.text(st.characters(codec="utf-8")),
    "note": st.text(st.characters(codec="utf-8")),
}


@given(
    st.fixed_dictionaries(fields),
    st.dictionaries(st.text(), st.text()),
    st.dictionaries(st.just("note"), st.text("ab")),
)
def test_only_declared_fields_reach_the_wire(
    declared: dict[str, Any], other: dict[str, Any], overrides: dict[str, Any]
) -> None:
    class Note(Event):
        id: int
        text: str
        note: str

    wanted = {**declared, **overrides}

    from_mapping = Note({**other, **declared}, **overrides)
    from_object = Note(SimpleNamespace(**{**other, **declared}), **overrides)

    assert from_mapping.broadcast_with() == from_object.broadcast_with() == wanted
    assert from_mapping.broadcast_payload() == from_object.broadcast_payload()


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (datetime, datetime(2025, 10, 2, 12, tzinfo=UTC), '"2025-10-02T12:00:00Z"'),
        (datetime, datetime(2025, 10, 2, 12, 0, 0, 5), '"2025-10-02T12:00:00.000005"'),  # noqa: DTZ001
        (Decimal, Decimal("15000.50"), '"15000.50"'),
        (UUID, UUID("0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162"), '"0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162"'),
        (float, float("nan"), "null"),
        (str, "Zoë 🎈", '"Zoë 🎈"'),
        (set[int], {1}, "[1]"),
    ],
    ids=str,
)
def test_values_are_written_as_json_has_them(annotation: Any, value: object, text: str) -> None:
    cls: Any = type("One", (Event,), {"__annotations__": {"value": annotation}, "__module__": __name__})

    assert cls({"value": value}).broadcast_payload() == f'{{"value":{text}}}'
