"""Which rule decides about a name, and what is refused before any rule is asked."""

from __future__ import annotations

import asyncio
import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.authorization import ChannelRegistry
from broadcastkit.channels import Channel, PrivateChannel, UserChannel
from broadcastkit.errors import ConfigurationError, DeniedError, InvalidChannelError, InvalidSocketIdError
from tests.authorization.models import ANN, SOCKET, OrderChannel, RoomChannel, SecretChannel, answer, ask


def yes(user: object) -> bool:
    return True


def registry_of(*patterns: str | type[Channel]) -> ChannelRegistry:
    registry = ChannelRegistry()
    for pattern in patterns:
        registry.authorize(pattern)(yes)
    return registry


def refuses_all(user: object, **_: object) -> bool:
    raise AssertionError("no rule must be asked")


# -- finding the rule ------------------------------------------------------------------------------------------------


def test_the_decorator_gives_the_callback_back() -> None:
    assert ChannelRegistry().authorize("private-a")(yes) is yes


def test_rules_are_kept_in_order() -> None:
    registry = registry_of("private-b", "private-a.{x}", OrderChannel)

    assert [rule.pattern.text for rule in registry.rules] == ["private-b", "private-a.{x}", "private-orders.{order_id}"]
    assert ChannelRegistry().rules == ()


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("private-orders.7", "private-orders.{id}"),
        ("private-orders.7.items", "private-orders.{id}.items"),
        ("private-orders", "private-orders"),
        ("presence-orders.7", "presence-orders.{id}"),
        ("private-encrypted-orders.7", "private-encrypted-orders.{id}"),
        ("private-cache-orders.7", "private-cache-orders.{id}"),
        ("private-room-7", "private-room-{id}"),
        ("private-7.of.room", "private-{id}.of.room"),
        ("private-x.7", "private-{a}.{b}"),
    ],
)
def test_one_rule_of_many_fits(name: str, pattern: str) -> None:
    everything = (
        "private-orders.{id}",
        "private-orders.{id}.items",
        "private-orders",
        "presence-orders.{id}",
        "private-encrypted-orders.{id}",
        "private-cache-orders.{id}",
        "private-room-{id}",
        "private-{id}.of.room",
    )
    registry = registry_of(*everything) if pattern in everything else registry_of("private-orders", pattern)

    for _ in range(2):  # the second time it is known
        assert ask(registry, name)[0].pattern.text == pattern


@pytest.mark.parametrize(
    "name", ["private-orders.8.x", "private-order.7", "private-cache-orders.7", "private-orders.x"]
)
def test_no_rule_no_subscription(name: str) -> None:
    registry = registry_of(OrderChannel, RoomChannel)

    with pytest.raises(DeniedError, match=r"^no rule fits the name$"):
        ask(registry, name)


def test_a_rule_of_one_kind_never_opens_another() -> None:
    registry = registry_of(OrderChannel)
    for prefix in ("presence-", "private-encrypted-", "private-cache-", "private-encrypted-cache-", "private-private-"):
        with pytest.raises(DeniedError, match=r"^no rule fits the name$"):
            ask(registry, f"{prefix}orders.7")

    registry.authorize(SecretChannel)(yes)
    assert ask(registry, "private-encrypted-orders.7")[0].channel_class is SecretChannel
    assert ask(registry, "private-orders.7")[0].channel_class is OrderChannel


def test_a_catch_all_is_of_its_kind_too() -> None:
    registry = registry_of("private-{anything}")

    assert answer(registry, "private-x") is None
    for name in (
        "private-encrypted-x",
        "private-cache-x",
        "presence-x",
        "private-encrypted-cache-x",
        "private-presence-x",
    ):
        with pytest.raises(DeniedError):
            ask(registry, name)


@given(st.text(string.ascii_letters + "-.1", min_size=1, max_size=30))
def test_what_a_rule_is_asked_about_is_of_its_kind(bare: str) -> None:
    registry = registry_of(
        "private-{a}", "private-{a}.{b}", "private-cache-{a}", "presence-{a}", "private-encrypted-{a}"
    )

    for prefix in ("", "private-", "private-encrypted-", "private-cache-", "presence-"):
        try:
            rule, _ = ask(registry, prefix + bare)
        except (DeniedError, InvalidChannelError):
            continue
        assert (prefix + bare).startswith(rule.pattern.kind.prefix(cache=rule.pattern.cache))
        others = [other for other in registry.rules if other.arguments(prefix + bare) is not None]
        assert others == [rule]


def test_names_asked_for_are_not_kept_without_end() -> None:
    registry = registry_of("private-orders.{id}")

    for number in range(3000):
        ask(registry, f"private-orders.{number}")

    assert len(registry._known) <= 1024
    assert answer(registry, "private-orders.1") is None


# -- refused before any rule is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["", "private-", "private-a b", "private-a:b", "private-ä", "private-orders.7\n", "private-" + "x" * 157, "#x"],
)
def test_a_malformed_name_is_the_clients_fault(name: str) -> None:
    registry = ChannelRegistry()
    registry.authorize("private-{x}", guest=True)(refuses_all)
    registry.authorize("private-orders.{x}", guest=True)(refuses_all)

    with pytest.raises(InvalidChannelError):
        ask(registry, name)


@pytest.mark.parametrize("name", [None, 7, b"private-a", ["private-a"]])
def test_a_name_that_is_no_text_is_the_clients_fault(name: Any) -> None:
    with pytest.raises(InvalidChannelError, match=r"^a channel name is a str, not "):
        ask(registry_of("private-a"), name)


@pytest.mark.parametrize("socket_id", ["", "1", "1.1\n", "1.1:private-a", "fake-socket-id", "1.1::user::x", None, 1.1])
def test_a_malformed_socket_id_is_the_clients_fault(socket_id: Any) -> None:
    registry = ChannelRegistry()
    registry.authorize("private-a", guest=True)(refuses_all)

    with pytest.raises(InvalidSocketIdError, match=r"^socket_id must look like "):
        registry.ask(socket_id=socket_id, channel_name="private-a", user=ANN)


@pytest.mark.parametrize("name", ["news", "cache-news", "#server-to-user-3"])
def test_a_public_channel_needs_no_answer(name: str) -> None:
    with pytest.raises(DeniedError, match=r"^a public channel needs no authorization$"):
        ask(registry_of("private-{x}"), name)


# -- guests ----------------------------------------------------------------------------------------------------------


def test_no_user_is_no_unless_the_rule_admits_guests() -> None:
    registry = ChannelRegistry()
    registry.authorize("private-a")(refuses_all)
    registry.authorize("private-b", guest=True)(lambda user: user is None)

    assert answer(registry, "private-b", None) is None
    for _ in range(2):
        with pytest.raises(DeniedError, match=r"^no user, and refuses_all does not admit guests$"):
            ask(registry, "private-a", None)


@pytest.mark.parametrize("user", [0, "", False, ()])
def test_only_none_is_no_user(user: object) -> None:
    assert answer(registry_of("private-a"), "private-a", user) is None


# -- two rules for one channel ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("private-a", "private-a"),
        ("private-orders.{id}", "private-orders.{order}"),
        ("private-orders.{id}", "private-orders.latest"),
        ("private-{x}.{y}", "private-orders.{id}"),
        ("private-{x}", "private-a-{y}"),
        (OrderChannel, "private-orders.{id}"),
        (OrderChannel, OrderChannel),
        (OrderChannel, "private-orders.7"),
        ("private-user.{id}", UserChannel),
    ],
    ids=str,
)
def test_two_rules_for_one_channel_are_refused_in_either_order(
    first: str | type[Channel], second: str | type[Channel]
) -> None:
    for one, other in ((first, second), (second, first)):
        registry = registry_of(one)
        (rule,) = registry.rules

        with pytest.raises(ConfigurationError, match=r"^refuses_all for '.*' and yes for '.*' would both decide about"):
            registry.authorize(other)(refuses_all)
        assert registry.rules == (rule,)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("private-a", "presence-a"),
        ("private-a", "private-cache-a"),
        ("private-{x}", "private-encrypted-{x}"),
        ("private-orders.{id}", "private-orders.{id}.items"),
        ("private-orders.{id}", "private-order.{id}"),
        (OrderChannel, "private-orders.latest"),
        (OrderChannel, SecretChannel),
    ],
    ids=str,
)
def test_rules_that_never_meet_are_both_taken(first: str | type[Channel], second: str | type[Channel]) -> None:
    assert len(registry_of(first, second).rules) == 2


# -- wrong rules -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            "orders.{id}",
            "yes: 'orders.{id}' is public and needs no rule; write it with its prefix (private-, presence-",
        ),
        ("cache-a", "yes: 'cache-a' is public and needs no rule"),
        ("#server-to-user-{id}", "yes: '#server-to-user-{id}' is public and needs no rule"),
        ("private-", "yes: a channel pattern must not be empty"),
        ("private-a b", "yes: in pattern 'a b', ' ' at 1 is neither a channel character nor part of a {placeholder}"),
        ("private-orders.*", "yes: in pattern 'orders.*', '*' at 7 is neither"),
        ("private-private-a", "yes: pattern 'private-a' starts with a prefix; the channel class adds it"),
        ("private-presence-{x}", "yes: pattern 'presence-{x}' starts with a prefix"),
        (PrivateChannel, "yes: PrivateChannel has no pattern; give a typed channel class or a str"),
    ],
    ids=str,
)
def test_a_rule_for_what_cannot_be_guarded_is_refused(where: str | type[Channel], message: str) -> None:
    registry = ChannelRegistry()
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}"):
        registry.authorize(where)(yes)
    assert registry.rules == ()


class PublicChannel(Channel, pattern="news.{topic}"):
    topic: str


def test_a_rule_for_a_public_class_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^yes: 'news\.\{topic\}' is public and needs no rule"):
        ChannelRegistry().authorize(PublicChannel)(yes)


# -- async rules -----------------------------------------------------------------------------------------------------


async def later(user: object) -> bool:
    return True


CANNOT_AWAIT = r"^Flask is sync and cannot await later \(private-b\); use def$"


def test_what_cannot_await_refuses_async_rules_by_name() -> None:
    registry = registry_of("private-a")
    registry.authorize("private-b")(later)

    with pytest.raises(ConfigurationError, match=CANNOT_AWAIT):
        registry.require_sync("Flask")


def test_what_cannot_await_refuses_async_rules_that_come_later_too() -> None:
    registry = registry_of("private-a")
    registry.require_sync("Flask")
    registry.require_sync("Django")  # of two, the first is told of: one is enough

    with pytest.raises(ConfigurationError, match=CANNOT_AWAIT):
        registry.authorize("private-b")(later)

    assert [rule.pattern.text for rule in registry.rules] == ["private-a"]
    registry.authorize("private-c")(yes)


def test_a_refusal_leaves_the_registry_as_it_was() -> None:
    registry = registry_of("private-a")
    registry.authorize("private-b")(later)
    with pytest.raises(ConfigurationError):
        registry.require_sync("Flask")

    registry.authorize("private-c")(later)

    assert len(registry.rules) == 3


def test_an_async_rule_is_awaited() -> None:
    registry = ChannelRegistry()
    registry.authorize("private-b")(later)
    rule, arguments = ask(registry, "private-b")

    assert rule.is_async
    assert rule.read(asyncio.run(rule.callback(ANN, **arguments))) is None


def test_two_registries_know_nothing_of_each_other() -> None:
    one, other = registry_of("private-a"), ChannelRegistry()

    assert answer(one, "private-a") is None
    with pytest.raises(DeniedError):
        ask(other, "private-a")


def test_a_rule_shows_neither_callback_nor_user() -> None:
    (rule,) = registry_of("private-a").rules

    assert "function" not in repr(rule)
    assert SOCKET not in repr(rule)
