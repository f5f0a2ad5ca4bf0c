"""What of an event goes out, and what it keeps to itself."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, Field, PrivateAttr, SecretStr, computed_field, field_serializer

from broadcastkit.channels import Channel, PrivateChannel
from broadcastkit.errors import ConfigurationError, InvalidPayloadError
from broadcastkit.events import AnonymousEvent, Broadcastable, Event

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "hunter2"


class OrderShipped(Event):
    order_id: int
    address: str
    user_id: int = Field(default=3, exclude=True)

    def broadcast_on(self) -> PrivateChannel:
        return PrivateChannel(f"user.{self.user_id}")


EVENT = OrderShipped(order_id=7, address=SECRET, user_id=4)


# -- the payload -----------------------------------------------------------------------------------------------------


def test_declared_fields_go_out_in_their_order() -> None:
    assert EVENT.broadcast_payload() == '{"order_id":7,"address":"hunter2"}'
    assert EVENT.broadcast_with() == {"order_id": 7, "address": SECRET}


def test_broadcast_with_gives_what_json_has() -> None:
    class Dated(Event):
        at: datetime

    assert Dated(at=datetime(2025, 10, 2, 12, tzinfo=UTC)).broadcast_with() == {"at": "2025-10-02T12:00:00Z"}


def test_an_excluded_field_routes_and_stays_off_the_wire() -> None:
    assert EVENT.broadcast_on() == PrivateChannel("user.4")
    assert "user_id" not in json.loads(EVENT.broadcast_payload())


def test_a_subclass_adds_fields() -> None:
    class Tracked(OrderShipped):
        code: str = "x"

    assert Tracked(order_id=7, address="a").broadcast_payload() == '{"order_id":7,"address":"a","code":"x"}'


def test_computed_fields_go_out_and_private_attributes_do_not() -> None:
    class Total(Event):
        prices: list[int]
        _secret: str = PrivateAttr(default=SECRET)

        @computed_field  # type: ignore[prop-decorator]
        @property
        def total(self) -> int:
            return sum(self.prices)

    assert Total(prices=[1, 2]).broadcast_payload() == '{"prices":[1,2],"total":3}'


class Address(BaseModel):
    street: str
    door_code: str = Field(exclude=True)
    pin: SecretStr = SecretStr("1234")


def test_what_nested_models_exclude_stays_off_the_wire() -> None:
    class Moved(Event):
        to: Address

    text = Moved({"to": {"street": "a", "door_code": SECRET}}).broadcast_payload()

    assert text == '{"to":{"street":"a","pin":"**********"}}'


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"id": 7}, '{"id":7}'),
        ([1, 2], "[1,2]"),
        ("text", '"text"'),
        (None, "null"),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        (Address(street="a", door_code=SECRET), '{"street":"a","pin":"**********"}'),
    ],
    ids=repr,
)
def test_broadcast_with_may_return_anything_that_json_has(payload: object, text: str) -> None:
    class Own(Event):
        address: str

        def broadcast_with(self) -> Any:
            return payload

    assert Own(address=SECRET).broadcast_payload() == text


def test_broadcast_with_may_build_on_the_fields() -> None:
    class Wrapped(OrderShipped):
        def broadcast_with(self) -> Any:
            return {"order": super().broadcast_with(), "version": 2}

    class Heir(Wrapped):
        pass

    for cls in (Wrapped, Heir):
        event = cls(order_id=7, address="a")
        assert event.broadcast_payload() == '{"order":{"order_id":7,"address":"a"},"version":2}'


def test_broadcast_with_may_come_from_a_mixin() -> None:
    class Versioned:
        def broadcast_with(self) -> Any:
            return {"version": 2}

    class Mixed(Versioned, OrderShipped):
        pass

    assert Mixed(order_id=7, address="a").broadcast_payload() == '{"version":2}'


class Holding(Event):
    value: Any


class WithObject(Event):
    def broadcast_with(self) -> Any:
        return {SECRET: object()}


class Refusing(Event):
    value: str

    @field_serializer("value")
    def refuse(self, value: str) -> str:
        raise ValueError(f"cannot take {value}")


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (Holding(value=object()), "Holding"),
        (Holding(value=f"{SECRET}\ud800"), "Holding"),
        (WithObject(), "WithObject"),
        (Refusing(value=SECRET), "Refusing"),
    ],
    ids=["object", "surrogate", "broadcast_with", "serializer"],
)
def test_what_cannot_be_written_is_named_by_its_event_and_not_shown(event: Event, name: str) -> None:
    with pytest.raises(InvalidPayloadError, match=rf"\b{name}\b.* cannot be written as JSON") as caught:
        event.broadcast_payload()

    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


# -- when and where --------------------------------------------------------------------------------------------------


def test_an_event_is_sent_unless_it_says_otherwise() -> None:
    class Sometimes(Event):
        urgent: bool

        def broadcast_when(self) -> bool:
            return self.urgent

    assert EVENT.broadcast_when() is True
    assert [Sometimes(urgent=urgent).broadcast_when() for urgent in (True, False)] == [True, False]


def test_an_event_that_does_not_say_where_is_told_what_to_do() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Holding(value=SECRET).broadcast_on()

    assert str(caught.value) == (
        "Holding does not say where it is heard: define broadcast_on(), or pass channels to broadcast(event).on(...)"
    )


def test_channels_may_be_yielded() -> None:
    class Both(Event):
        def broadcast_on(self) -> Iterator[Channel | str]:
            yield Channel("a")
            yield "private-b"

    assert list(Both().broadcast_on()) == [Channel("a"), "private-b"]


# -- values ----------------------------------------------------------------------------------------------------------


def test_no_repr_shows_a_value() -> None:
    for shown in (repr(EVENT), str(EVENT), f"{[EVENT]}"):
        assert "<OrderShipped 'order.shipped'>" in shown
        assert SECRET not in shown
    pretty: Any = EVENT  # what rich and devtools print
    assert list(pretty.__rich_repr__()) == []


def test_an_event_cannot_be_changed_and_the_error_shows_no_value() -> None:
    with pytest.raises(AttributeError, match=r"^OrderShipped is frozen; make a copy with model_copy\(update=...\)$"):
        EVENT.address = SECRET
    with pytest.raises(AttributeError, match=r"^OrderShipped is frozen$"):
        del EVENT.address
    with pytest.raises(AttributeError, match=r"^OrderShipped is frozen; "):
        EVENT.other = SECRET

    assert EVENT.model_copy(update={"address": "b"}).broadcast_payload() == '{"order_id":7,"address":"b"}'
    assert EVENT.address == SECRET


def test_a_private_attribute_is_an_events_own() -> None:
    class Counting(Event):
        _asked: int = PrivateAttr(default=0)

        def broadcast_when(self) -> bool:
            self._asked += 1
            return self._asked == 1

    event = Counting()

    assert [event.broadcast_when(), event.broadcast_when()] == [True, False]
    del event._asked


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda event: pickle.loads(pickle.dumps(event))])  # noqa: S301
def test_an_event_can_be_copied_and_pickled(copied: Any) -> None:
    again = copied(EVENT)

    assert again == EVENT
    assert (type(again), again.user_id, again.broadcast_payload()) == (OrderShipped, 4, EVENT.broadcast_payload())


def test_json_is_read_back_as_pydantic_does() -> None:
    assert OrderShipped.model_validate_json('{"order_id":7,"address":"hunter2","user_id":4}') == EVENT


# -- without a class -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "text"),
    [(None, "{}"), ({"id": 7}, '{"id":7}'), ([1], "[1]"), ("x", '"x"'), (0, "0"), (False, "false"), ("", '""')],
    ids=repr,
)
def test_an_anonymous_event_has_the_payload_it_was_given(payload: object, text: str) -> None:
    event = AnonymousEvent("order.shipped", payload, on="news")

    assert (event.event_name, event.broadcast_payload(), event.broadcast_when()) == ("order.shipped", text, True)


def channels_of(event: Broadcastable) -> list[str]:
    where = event.broadcast_on()
    return [str(where)] if isinstance(where, (Channel, str)) else [str(channel) for channel in where]


@pytest.mark.parametrize(
    ("on", "names"),
    [
        ("news", ["news"]),
        (PrivateChannel("a"), ["private-a"]),
        (["news", PrivateChannel("a")], ["news", "private-a"]),
        ((name for name in ("a", "b")), ["a", "b"]),
    ],
    ids=["name", "channel", "several", "generator"],
)
def test_an_anonymous_event_is_heard_where_it_was_given(on: Any, names: list[str]) -> None:
    event = AnonymousEvent("x", on=on)

    assert channels_of(event) == names
    assert channels_of(event) == names  # a generator is not used up


def test_an_anonymous_event_without_channels_is_told_what_to_do() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^the anonymous event 'x' was given no channels: pass on=\.\.\., or use"
    ):
        AnonymousEvent("x").broadcast_on()


@pytest.mark.parametrize(("via", "connections"), [((), ()), ("redis", ("redis",)), (["a", "b"], ("a", "b"))], ids=str)
def test_an_anonymous_event_may_name_its_connections(via: Any, connections: tuple[str, ...]) -> None:
    assert AnonymousEvent("x", via=via).event_via == connections


def test_an_anonymous_event_shows_its_name_only() -> None:
    event = AnonymousEvent("x", {"secret": SECRET}, on="private-a")

    assert repr(event) == str(event) == "<AnonymousEvent 'x'>"


def test_what_an_anonymous_event_cannot_write_is_named() -> None:
    with pytest.raises(InvalidPayloadError, match=r"^the payload of 'x' cannot be written as JSON: ") as caught:
        AnonymousEvent("x", {"secret": SECRET, "y": object()}).broadcast_payload()

    assert SECRET not in str(caught.value)
