"""What an event is called on the wire, and which connections carry it."""

from __future__ import annotations

from enum import Enum
from typing import Any, Generic, TypeVar

import pytest

from broadcastkit.errors import ConfigurationError, InvalidEventError
from broadcastkit.events import Event

T = TypeVar("T")


class MessageSent(Event):
    pass


class HTTPJobDone(Event):
    pass


class Ping(Event):
    pass


class OrderShipped2(Event):
    pass


class Named(Event, name="new-message"):
    pass


class NamedAgain(Named, name="newer-message"):
    pass


class UnnamedChild(Named):
    pass


class DerivedChild(MessageSent):
    pass


class Laravel(Event, name="App\\Events\\OrderShipped"):
    pass


class Changed(Event, Generic[T]):
    value: T


class IntChanged(Changed[int]):
    pass


class Names(str, Enum):  # noqa: UP042 - StrEnum has no such trouble
    SENT = "order.sent"


class FromEnum(Event, name=Names.SENT):
    pass


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (MessageSent, "message.sent"),
        (HTTPJobDone, "http.job.done"),
        (Ping, "ping"),
        (OrderShipped2, "order.shipped2"),
        (Named, "new-message"),
        (NamedAgain, "newer-message"),
        (UnnamedChild, "new-message"),  # a name that was given is inherited
        (DerivedChild, "derived.child"),  # one that was derived is not
        (Laravel, "App\\Events\\OrderShipped"),
        (Changed, "changed"),
        (Changed[int], "changed"),
        (IntChanged, "int.changed"),
        (FromEnum, "order.sent"),
    ],
)
def test_an_event_has_the_name_of_its_class_or_the_one_given(event: type[Event], name: str) -> None:
    assert event.event_name == name
    assert f"{event.event_name}" == name


def test_an_event_knows_the_name_of_its_class() -> None:
    assert MessageSent().event_name == "message.sent"
    assert Changed[int](value=1).event_name == "changed"


@pytest.mark.parametrize("name", ["", "pusher:x", "client-typing", "a\nb", "x" * 201, 7])
def test_a_name_that_the_protocol_refuses_is_refused_with_the_class(name: Any) -> None:
    with pytest.raises(InvalidEventError):

        class Wrong(Event, name=name):
            pass


class OnOne(Event, via="reverb"):
    pass


class OnTwo(Event, via=("reverb", "redis")):
    pass


class OnAList(Event, via=["reverb"]):
    pass


class Heir(OnTwo):
    pass


class OtherHeir(OnTwo, via="log"):
    pass


@pytest.mark.parametrize(
    ("event", "via"),
    [
        (Ping, ()),
        (OnOne, ("reverb",)),
        (OnTwo, ("reverb", "redis")),
        (OnAList, ("reverb",)),
        (Heir, ("reverb", "redis")),
        (OtherHeir, ("log",)),
    ],
)
def test_a_class_says_which_connections_carry_it(event: type[Event], via: tuple[str, ...]) -> None:
    assert event.event_via == event().event_via == via


def test_other_class_options_are_pydantics() -> None:
    class Loose(Event, name="loose", extra="ignore"):
        a: int = 1

    assert Loose(a=2, b=3).broadcast_payload() == '{"a":2}'


def test_a_name_is_no_field() -> None:
    assert MessageSent.model_fields == {}
    assert MessageSent().broadcast_payload() == "{}"


@pytest.mark.parametrize(
    "body",
    [
        {"event_name": "x"},
        {"event_name": property(lambda event: "x")},
        {"event_via": "redis"},
        {"event_options": None},
    ],
)
def test_class_options_are_not_attributes(body: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="class options"):
        type("Wrong", (Event,), body)
