"""What a callback gets: the user first, the rest by name, typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import pytest

from broadcastkit.authorization import ChannelRegistry
from broadcastkit.channels import EncryptedChannel, PresenceChannel, PrivateChannel
from broadcastkit.errors import ConfigurationError, DeniedError
from tests.authorization.models import ANN, OrderChannel, RoomChannel, SecretChannel, answer, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from somewhere import OnlyForTypeCheckers  # type: ignore[import-not-found]

ID = UUID("0b6b4f0e-6a4e-4d0b-8f5c-1d2e3f405162")


class Size(Enum):
    LARGE = "large"


def arguments_of(where: str | type[Any], callback: Callable[..., Any], name: str) -> dict[str, Any]:
    registry = ChannelRegistry()
    registry.authorize(where)(callback)
    return ask(registry, name)[1]


# -- values ----------------------------------------------------------------------------------------------------------


def test_the_user_comes_first_whatever_it_is_called() -> None:
    seen: list[object] = []

    def rule(someone: object, order_id: int) -> bool:
        seen.append((someone, order_id))
        return True

    registry = ChannelRegistry()
    registry.authorize("private-orders.{order_id}")(rule)
    answer(registry, "private-orders.7")

    assert seen == [(ANN, 7)]


def test_values_are_typed_by_the_callbacks_annotations() -> None:
    def rule(user: object, *, book: UUID, size: Size, day: date, page: int, note: str, lang: Literal["en"]) -> bool:
        return True

    arguments = arguments_of(
        "private-{size}.{book}.{day}.{page}.{note}.{lang}", rule, f"private-large.{ID}.2026-01-31.7.x-y.en"
    )

    assert arguments == {
        "book": ID,
        "size": Size.LARGE,
        "day": date(2026, 1, 31),
        "page": 7,
        "note": "x-y",
        "lang": "en",
    }


def test_a_value_that_is_not_of_its_type_has_no_rule() -> None:
    def rule(user: object, order_id: int) -> bool:
        raise AssertionError("not to be asked")

    registry = ChannelRegistry()
    registry.authorize("private-orders.{order_id}")(rule)

    for segment in ("x", "07", "-0", "7x", str(ID)):
        with pytest.raises(DeniedError, match=r"^no rule fits the name$"):
            ask(registry, f"private-orders.{segment}")


def test_a_value_without_an_annotation_is_text() -> None:
    assert arguments_of("private-orders.{order_id}", lambda user, order_id: True, "private-orders.7") == {
        "order_id": "7"
    }


def test_values_that_the_callback_does_not_take_are_left_out() -> None:
    assert arguments_of("private-{a}.{b}", lambda user, b: True, "private-1.2") == {"b": "2"}
    assert arguments_of("private-{a}.{b}", lambda user: True, "private-1.2") == {}


def test_of_a_class_the_values_are_typed_by_the_class() -> None:
    def rule(user: object, order_id: str) -> bool:
        return True

    assert arguments_of(OrderChannel, rule, "private-orders.7") == {"order_id": 7}


def test_a_default_is_used_for_what_nothing_fills() -> None:
    def rule(user: object, order_id: int, limit: int = 5) -> bool:
        return limit == 5

    assert arguments_of("private-orders.{order_id}", rule, "private-orders.7") == {"order_id": 7}


def test_keyword_only_parameters_are_filled() -> None:
    def rule(user: object, /, *, order_id: int) -> bool:
        return True

    assert arguments_of("private-orders.{order_id}", rule, "private-orders.7") == {"order_id": 7}


# -- the channel -----------------------------------------------------------------------------------------------------


def test_channel_is_known_by_its_name() -> None:
    arguments = arguments_of(OrderChannel, lambda user, channel: True, "private-orders.7")

    assert type(arguments["channel"]) is OrderChannel
    assert arguments["channel"].order_id == 7


def test_channel_is_known_by_its_class() -> None:
    def rule(user: object, room: RoomChannel) -> bool:
        return True

    arguments = arguments_of(RoomChannel, rule, "presence-room.7")

    assert arguments == {"room": RoomChannel(room_id=7)}
    assert arguments["room"].room_id == 7


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("private-orders.7", PrivateChannel),
        ("presence-orders.7", PresenceChannel),
        ("private-encrypted-orders.7", EncryptedChannel),
        ("private-cache-orders.7", PrivateChannel),
    ],
)
def test_of_a_written_pattern_the_channel_is_plain(name: str, kind: type[PrivateChannel]) -> None:
    pattern = name.replace("7", "{order_id}")

    arguments = arguments_of(pattern, lambda user, order_id, channel: True, name)

    assert type(arguments["channel"]) is kind
    assert vars(arguments["channel"]) == {"name": name, "order_id": "7"}
    assert arguments["order_id"] == "7"


def test_a_placeholder_may_be_called_channel() -> None:
    assert arguments_of("private-x.{channel}", lambda user, channel: True, "private-x.7") == {"channel": "7"}


# -- annotations that are not there at run time ----------------------------------------------------------------------


def test_a_users_type_may_be_known_to_type_checkers_only() -> None:
    def rule(user: OnlyForTypeCheckers, order_id: int) -> OnlyForTypeCheckers:
        return True

    assert arguments_of("private-orders.{order_id}", rule, "private-orders.7") == {"order_id": 7}
    assert arguments_of(OrderChannel, rule, "private-orders.7") == {"order_id": 7}


def test_a_values_type_must_be_known() -> None:
    def rule(user: object, order_id: OnlyForTypeCheckers) -> bool:
        return True

    with pytest.raises(ConfigurationError, match=r"rule: an annotation cannot be resolved .*'OnlyForTypeCheckers'"):
        ChannelRegistry().authorize("private-orders.{order_id}")(rule)


# -- whatever can be called ------------------------------------------------------------------------------------------


@dataclass
class Policy:
    """A callable whose class has annotations of its own."""

    order_id: str = "of the class"

    def __call__(self, user: object, order_id: int) -> bool:
        return True

    def method(self, user: object, order_id: int) -> bool:
        return True

    @classmethod
    def of_class(cls, user: object, order_id: int) -> bool:
        return True

    @staticmethod
    def static(user: object, order_id: int) -> bool:
        return True

    async def later(self, user: object, order_id: int) -> bool:
        return True


def plain(user: object, order_id: int, service: str = "") -> bool:
    return True


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


@pytest.mark.parametrize(
    "callback",
    [
        plain,
        logged(plain),
        logged(logged(plain)),
        partial(plain, service="x"),
        partial(partial(plain), service="x"),
        Policy(),
        Policy().method,
        Policy.of_class,
        Policy.static,
        Policy().later,
        partial(Policy().method),
        partial(Policy()),
    ],
    ids=[
        "function",
        "wrapped",
        "wrapped twice",
        "partial",
        "partial of partial",
        "object",
        "method",
        "class method",
        "static method",
        "async method",
        "partial of method",
        "partial of object",
    ],
)
def test_any_callable_is_a_rule(callback: Callable[..., Any]) -> None:
    assert arguments_of("private-orders.{order_id}", callback, "private-orders.7") == {"order_id": 7}


async def coroutine_function(user: object) -> bool:
    return True


class Awaited:
    async def __call__(self, user: object) -> bool:
        return True


@pytest.mark.parametrize(
    ("callback", "is_async"),
    [
        (coroutine_function, True),
        (partial(coroutine_function), True),
        (Policy().later, True),
        (Awaited(), True),
        (plain, False),
        (partial(plain), False),
        (Policy(), False),
        (lambda user: True, False),
    ],
    ids=["function", "partial", "method", "object", "plain", "partial of plain", "plain object", "lambda"],
)
def test_async_is_detected(callback: Callable[..., Any], is_async: bool) -> None:
    registry = ChannelRegistry()
    registry.authorize("private-x.{order_id}")(callback)

    assert registry.rules[0].is_async is is_async


# -- callbacks that cannot be called ---------------------------------------------------------------------------------


def two_channels(user: object, channel: OrderChannel, order: OrderChannel) -> bool:
    return True


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (lambda: True, "a rule takes the user as its first parameter"),
        (lambda *, user: True, "a rule takes the user as its first parameter"),
        (lambda user, key: True, "nothing fills the parameter 'key'; there are: order_id, channel"),
        (lambda user, *, key: True, "nothing fills the parameter 'key'; there are: order_id, channel"),
        (lambda user, order_id, /: True, "'order_id' is passed by name; it must not stand before a /"),
        (lambda user, *rest: True, "nothing fills the parameter 'rest'"),
        (two_channels, "nothing fills the parameter 'order'; there are: order_id, channel"),
    ],
    ids=["no user", "user by name", "unknown", "unknown keyword", "positional only", "rest", "two channels"],
)
def test_a_callback_that_cannot_be_called_is_refused_when_registered(callback: Any, message: str) -> None:
    registry = ChannelRegistry()
    with pytest.raises(ConfigurationError, match=re.escape(message)) as caught:
        registry.authorize(OrderChannel)(callback)

    assert str(caught.value).startswith(f"{callback.__qualname__}: ")
    assert registry.rules == ()


def test_a_rule_without_a_user_can_be_given_anything_at_all() -> None:
    def rule(*args: object, **kwargs: object) -> bool:
        return args == (ANN,) and not kwargs

    registry = ChannelRegistry()
    registry.authorize(SecretChannel)(rule)

    assert answer(registry, "private-encrypted-orders.7") is None
