"""What class options ask for, and by what a repeat is known."""

from __future__ import annotations

import math
from types import new_class
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from pydantic import Field

from broadcastkit import AnonymousEvent, Event
from broadcastkit.core.message import Message
from broadcastkit.core.repeats import Claim, Debounce, Repeats, Throttle, Unique, claim_of
from broadcastkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable


def made(**options: Any) -> object:
    return new_class("A", (Event,), options)


class Typed(Event):
    user_id: Any = 1
    text: str = "a"
    secret: str = Field(default="s", exclude=True)

    @property
    def first(self) -> str:
        return self.text[0]


def claim(repeats: Repeats, event: Event | None = None, /, **changes: Any) -> Claim:
    event = Typed() if event is None else event
    connections = changes.pop("connections", ("default",))
    message = Message(event.event_name, ("news", "orders"), event.broadcast_payload())._replace(**changes)
    return claim_of(event, repeats, message, connections, "me")


# --- options ----------------------------------------------------------------------------------------------------------


def test_seconds_stand_for_the_whole() -> None:
    class A(Event, throttle=2): ...

    class B(Event, debounce=0.5): ...

    class C(Event, unique=60.0): ...

    assert [cls.event_repeats for cls in (A, B, C)] == [Throttle(2), Debounce(0.5), Unique(60.0)]


def test_an_event_has_none_and_inherits_what_its_parent_has() -> None:
    class Parent(Event, throttle=Throttle(2.0, per="user_id")):
        user_id: int

    class Child(Parent):
        text: str

    class Quiet(Parent, debounce=1.0): ...

    class Plain(Parent, throttle=0): ...

    assert Event.event_repeats is None
    assert AnonymousEvent("a", on="news").event_repeats is None
    assert Child.event_repeats == Throttle(2.0, per=("user_id",))
    assert Quiet.event_repeats == Debounce(1.0)
    assert Plain.event_repeats is None


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: made(throttle=1.0, unique=1.0), "one of throttle, debounce and unique"),
        (lambda: made(throttle=-1), "throttle must be a number of seconds over 0, not -1"),
        (lambda: made(debounce="2"), "debounce must be a number of seconds"),
        (lambda: made(unique=True), "unique must be a number of seconds"),
        (lambda: Unique(math.inf), "unique must be a number of seconds over 0, not inf"),
        (lambda: Debounce(1.0, max_wait=0.5), "max_wait must be 1.0 or more, not 0.5"),
        (lambda: made(unique=Unique(1.0, per="absent")), "A has no field 'absent'"),
        (
            lambda: made(throttle=Throttle(1.0, unless_changed=["gone"])),
            "A has no field 'gone'",
        ),
        (
            lambda: new_class("A", (Event,), {}, lambda body: body.update(event_repeats=None)),
            "class options of an event",
        ),
    ],
)
def test_what_is_wrong_is_said_when_the_class_is_made(make: Callable[[], object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        make()


def test_properties_and_fields_off_the_wire_will_do() -> None:
    class Ours(Typed, unique=Unique(1.0, per=("first", "secret"))): ...

    repeats = Ours.event_repeats

    assert repeats is not None
    keys = {claim(repeats, Ours(text=text, secret=secret)).key for text in ("ab", "ac", "b") for secret in "st"}
    assert len(keys) == 4


# --- keys -------------------------------------------------------------------------------------------------------------


def test_the_key_is_who_hears_it() -> None:
    one = claim(Throttle(2.0))

    assert claim(Throttle(2.0), Typed(text="b")) == one
    assert claim(Throttle(2.0), channels=("orders", "news")) == one
    changes: list[dict[str, Any]] = [
        {"event": "other"},
        {"channels": ("news",)},
        {"exclude": "1.2"},
        {"connections": ("other",)},
    ]
    others = {claim(Throttle(2.0), **change).key for change in changes}
    assert len(others | {one.key}) == 5


def test_fields_add_to_the_key() -> None:
    per_user = Throttle(2.0, per="user_id")

    assert claim(per_user, Typed(user_id=1, text="b")).key == claim(per_user, Typed(user_id=1)).key
    ids = [1, "1", 2, UUID(int=1), None, [1]]
    assert len({claim(per_user, Typed(user_id=user_id)).key for user_id in ids}) == len(ids)


def test_a_repeat_of_a_unique_event_has_the_same_payload_unless_fields_are_named() -> None:
    assert claim(Unique(2.0), Typed(text="b")).key != claim(Unique(2.0)).key
    assert claim(Unique(2.0, per="user_id"), Typed(text="b")).key == claim(Unique(2.0, per="user_id")).key


def test_the_options_do_not_share_keys() -> None:
    assert len({claim(repeats).key for repeats in (Throttle(2.0), Debounce(2.0), Unique(2.0, per=()))}) == 3


def test_a_state_is_no_part_of_the_key() -> None:
    throttle = Throttle(2.0, per="user_id", unless_changed="text")
    one, other = claim(throttle), claim(throttle, Typed(text="b"))

    assert one.key == other.key
    assert one.state != other.state
    assert claim(Throttle(2.0)).state == ""


def test_claims_last_as_long_as_they_are_needed() -> None:
    assert (claim(Throttle(2.0)).seconds, claim(Throttle(2.0)).wins) == (2.0, False)
    assert (claim(Unique(60)).seconds, claim(Unique(60)).wins) == (60, False)
    last = claim(Debounce(0.5, max_wait=120.0))
    assert last.wins
    assert last.seconds > 120.0


def test_nothing_can_be_read_from_a_key() -> None:
    found = claim(Throttle(2.0, per="text", unless_changed="text"), Typed(text="confidential"))

    assert "confidential" not in repr(found)
    assert (len(found.key), len(found.state)) == (32, 32)


def test_a_value_that_cannot_be_told_is_an_error_that_does_not_show_it() -> None:
    class Unwritable:
        def __repr__(self) -> str:
            return "confidential"

    event = Typed(user_id=Unwritable())
    message = Message("typed", ("news",), "{}")

    with pytest.raises(ConfigurationError, match="Typed: what its repeats are told by") as caught:
        claim_of(event, Throttle(1.0, per="user_id"), message, ("default",), "me")

    assert "confidential" not in str(caught.value)
