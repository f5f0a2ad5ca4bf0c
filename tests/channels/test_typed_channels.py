"""Channels with a pattern: the class is the address, the values are its fields."""

from __future__ import annotations

import inspect
import pickle
import re
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.channels import (
    Channel,
    EncryptedChannel,
    PresenceChannel,
    PrivateChannel,
    ServerToUser,
    channel_from_name,
)
from broadcastkit.errors import ConfigurationError, InvalidChannelError

ID = UUID("0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162")


class Size(Enum):
    LARGE = "large"


class OrderChannel(PrivateChannel, pattern="orders.{order_id}"):
    order_id: int


class ShelfChannel(Channel, pattern="shelf.{size}.{day}.{book}", cache=True):
    size: Size
    day: date
    book: UUID
    limit: ClassVar[int] = 5


class NoteChannel(EncryptedChannel, pattern="note.{name_}"):
    name_: str


class RoomChannel(PresenceChannel, pattern="room-{room}"):
    room: int | str


class Lobby(PresenceChannel, pattern="lobby"):
    if TYPE_CHECKING:

        def __init__(self) -> None: ...


SAMPLES = [
    (OrderChannel(order_id=7), "private-orders.7"),
    (OrderChannel(order_id=-(10**40)), f"private-orders.-1{'0' * 40}"),
    (ShelfChannel(size=Size.LARGE, day=date(2026, 1, 31), book=ID), f"cache-shelf.large.2026-01-31.{ID}"),
    (NoteChannel(name_="a-b"), "private-encrypted-note.a-b"),
    (RoomChannel(room=3), "presence-room-3"),
    (RoomChannel(room="hall"), "presence-room-hall"),
    (Lobby(), "presence-lobby"),
]


@pytest.mark.parametrize(("channel", "name"), SAMPLES, ids=str)
def test_it_is_written_and_parsed(channel: Channel, name: str) -> None:
    again = type(channel).parse(name)

    assert channel.name == name
    assert again is not None
    assert type(again) is type(channel)
    assert vars(again) == vars(channel)


@pytest.mark.parametrize(("channel", "name"), SAMPLES, ids=str)
def test_it_equals_the_plain_channel_of_that_name(channel: Channel, name: str) -> None:
    assert channel == channel_from_name(name)
    assert hash(channel) == hash(channel_from_name(name))


@pytest.mark.parametrize("channel", [channel for channel, _ in SAMPLES], ids=str)
def test_it_can_be_pickled(channel: Channel) -> None:
    again = pickle.loads(pickle.dumps(channel))  # noqa: S301 - our own

    assert type(again) is type(channel)
    assert vars(again) == vars(channel)


def test_fields_are_typed_however_they_were_given() -> None:
    assert OrderChannel(order_id="7").order_id == 7  # type: ignore[arg-type]
    assert ShelfChannel(size="large", day="2026-01-31", book=str(ID)).size is Size.LARGE  # type: ignore[arg-type]
    assert RoomChannel(room="3").room == 3


def test_a_value_that_does_not_fit_is_no_match() -> None:
    assert OrderChannel.parse("private-orders.x") is None
    assert OrderChannel.parse("private-orders.07") is None
    assert OrderChannel.parse("presence-orders.7") is None
    assert OrderChannel.parse("") is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: OrderChannel(order_id="x"),  # type: ignore[arg-type]
            "OrderChannel.order_id must be int, not this text",
        ),
        (lambda: OrderChannel(order_id=True), "OrderChannel.order_id must be int, not bool"),
        (
            lambda: OrderChannel(order_id=None),  # type: ignore[arg-type]
            "OrderChannel.order_id must be int, not NoneType",
        ),
        (lambda: OrderChannel(order_id=10**160), "OrderChannel: the name has 176 characters; at most 164"),
        (
            lambda: NoteChannel(name_="a.b"),
            "NoteChannel.name_ must be str of ASCII letters, digits or - _ = @ , ;, not",
        ),
        (
            lambda: RoomChannel(room=1.5),  # type: ignore[arg-type]
            "RoomChannel.room must be int or str of ASCII letters",
        ),
    ],
    ids=["text", "bool", "none", "long", "dot", "union"],
)
def test_a_wrong_value_is_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(InvalidChannelError, match=f"^{re.escape(message)}"):
        make()


@pytest.mark.parametrize(
    "make",
    [
        OrderChannel,
        lambda: OrderChannel(7),  # type: ignore[call-arg]
        lambda: OrderChannel(id=7),  # type: ignore[call-arg]
        lambda: OrderChannel(order_id=7, more=1),  # type: ignore[call-arg]
        lambda: Lobby(more=1),  # type: ignore[call-arg]
    ],
    ids=["missing", "positional", "unknown", "one more", "none taken"],
)
def test_other_arguments_are_refused_as_of_any_function(make: Any) -> None:
    with pytest.raises(TypeError):
        make()


def test_the_signature_shows_the_fields() -> None:
    assert list(inspect.signature(ShelfChannel).parameters) == ["size", "day", "book"]
    assert {parameter.kind for parameter in inspect.signature(ShelfChannel).parameters.values()} == {
        inspect.Parameter.KEYWORD_ONLY
    }


def test_the_repr_shows_the_fields() -> None:
    assert repr(OrderChannel(order_id=7)) == "OrderChannel(order_id=7)"
    assert repr(Lobby()) == "Lobby()"
    shelf = ShelfChannel(size=Size.LARGE, day=date(2026, 1, 31), book=ID)
    assert repr(shelf) == f"ShelfChannel(size={Size.LARGE!r}, day={date(2026, 1, 31)!r}, book={ID!r})"


def test_it_is_frozen() -> None:
    with pytest.raises(
        AttributeError, match=r"^OrderChannel is frozen; make another one instead of setting 'order_id'$"
    ):
        OrderChannel(order_id=7).order_id = 8  # type: ignore[misc]


def test_a_subclass_has_the_pattern_and_the_constructor() -> None:
    class Mine(OrderChannel):
        pass

    assert Mine(order_id=7).name == "private-orders.7"
    assert type(Mine.parse("private-orders.7")) is Mine


def test_a_subclass_may_be_stricter() -> None:
    class Numbered(RoomChannel, pattern="room-{room}"):
        room: int

    assert Numbered.parse("presence-room-3") == RoomChannel(room=3)
    assert Numbered.parse("presence-room-hall") is None


# In the constructor the fields are parameters: they must not be mistaken for what it uses itself.
@pytest.mark.parametrize(
    "field", ["template", "type", "int", "dict", "owner", "own", "exact", "write", "values", "big"]
)
def test_a_field_may_be_called_as_it_likes(field: str) -> None:
    namespace = {"__annotations__": {field: int | Literal["x"]}, "__module__": __name__}
    cls: Any = type("Named", (PrivateChannel,), namespace, pattern=f"named.{{{field}}}")

    for value in (7, "x"):
        channel = cls(**{field: value})
        assert channel.name == f"private-named.{value}"
        assert getattr(channel, field) == value
        assert vars(cls.parse(channel.name)) == vars(channel)
    with pytest.raises(InvalidChannelError, match=rf"^Named\.{field} must be int or one of \('x',\), not this text$"):
        cls(**{field: "y"})


# A field `name` would take the place of the wire name: private-order.7 would go out as "7", to everyone.
@pytest.mark.parametrize("field", ["name", "kind", "pattern", "parse", "from_match", "self", "__own"])
def test_a_field_cannot_be_called_as_a_part_of_the_channel(field: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"Named: a field cannot be called '{field}', as a part of every channel"
    ):
        type("Named", (PrivateChannel,), {"__annotations__": {field: int}}, pattern=f"named.{{{field}}}")


@pytest.mark.parametrize(
    ("pattern", "annotations", "message"),
    [
        ("a.{b}", {}, "Wrong: pattern 'a.{b}' has the placeholders ['b'], the class has the annotated fields []; they"),
        ("a", {"b": int}, "Wrong: pattern 'a' has the placeholders [], the class has the annotated fields ['b']; they"),
        ("a.{b}", {"b": float}, "Wrong.b: a channel field is int, str, UUID, date, an Enum"),
        ("a.{b}", {"b": "Unknown"}, "Wrong: an annotation cannot be resolved (name 'Unknown' is not defined); channel"),
        ("private-a", {}, "Wrong: pattern 'private-a' starts with a prefix; the channel class adds it"),
        ("a b", {}, "Wrong: in pattern 'a b', ' ' at 1 is neither"),
        ("", {}, "Wrong: a channel pattern must not be empty"),
        ("x" * 157, {}, f"Wrong: no name of pattern {'x' * 157!r} has 164 characters or fewer"),
    ],
    ids=["no field", "no placeholder", "type", "unresolved", "prefix", "space", "empty", "long"],
)
def test_a_wrong_class_is_refused_when_it_is_made(pattern: str, annotations: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}"):
        type("Wrong", (PrivateChannel,), {"__annotations__": annotations}, pattern=pattern)


def test_the_channel_of_a_user_takes_no_pattern() -> None:
    with pytest.raises(ConfigurationError, match=r"the channel of one user takes no pattern$"):

        class Mine(ServerToUser, pattern="a"):
            pass


def test_an_int_of_any_length_is_written_whole_or_refused() -> None:
    longest = 10 ** (164 - len("private-orders.")) - 1

    assert OrderChannel(order_id=longest).name == f"private-orders.{longest}"
    with pytest.raises(InvalidChannelError, match="has 165 characters"):
        OrderChannel(order_id=longest + 1)


class TwoChannel(PrivateChannel, pattern="two.{one}.{other}"):
    one: int
    other: int


class CacheLike(Channel, pattern="cache{number}"):
    number: int


class LongChannel(PrivateChannel, pattern="x" * 140 + ".{number}"):
    number: int


# One exact id takes a shortcut in the constructor; these must not.
def test_no_shortcut_is_taken_where_it_would_lead_elsewhere() -> None:
    assert TwoChannel(one=1, other=2).name == "private-two.1.2"
    assert CacheLike(number=5).name == "cache5"
    with pytest.raises(InvalidChannelError, match=r"^CacheLike: 'cache-5' would be read as another kind of channel"):
        CacheLike(number=-5)
    assert len(LongChannel(number=10**14).name) == 164
    with pytest.raises(InvalidChannelError, match=r"^LongChannel: the name has 165 characters; at most 164$"):
        LongChannel(number=10**15)


@given(st.integers())
def test_any_int_is_read_as_it_was_written(order_id: int) -> None:
    channel = OrderChannel(order_id=order_id)

    assert channel.name == f"private-orders.{order_id}"
    assert OrderChannel.parse(channel.name) == channel
    assert OrderChannel(order_id=str(order_id)).order_id == order_id  # type: ignore[arg-type]


@given(st.text(min_size=1, max_size=12))
def test_any_text_is_read_as_it_was_written_or_refused(text: str) -> None:
    try:
        channel = RoomChannel(room=text)
    except InvalidChannelError:
        assert RoomChannel.parse(f"presence-room-{text}") is None
    else:
        again = RoomChannel.parse(channel.name)
        assert again is not None
        assert (again.room, type(again.room)) == (channel.room, type(channel.room))
        assert str(channel.room) == text
