"""assert_authorized and assert_denied: what passes, what fails and why, in both colours."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from functools import partial
from typing import Any, Literal
from uuid import UUID

import pytest
from dirty_equals import IsStr
from pydantic import BaseModel

from broadcastkit import (
    AsyncBroadcaster,
    Broadcaster,
    Channel,
    ChannelRegistry,
    EncryptedChannel,
    PresenceChannel,
    PresenceMember,
    PrivateChannel,
    ServerToUser,
    configure,
)
from broadcastkit.channels import AdminChannel, ConversationChannel, RoomPresence, UserChannel
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.errors import ConfigurationError, DeniedError, InvalidChannelError
from broadcastkit.testing import aio, assert_authorized, assert_denied, fake_broadcasts


class Member(BaseModel):
    id: int
    name: str


class OrderChannel(PrivateChannel, pattern="order.{order_id}.{part}"):
    order_id: int
    part: str


class PlanChannel(PrivateChannel, pattern="plan.{state}"):
    state: Literal["open", "done"]


channels = ChannelRegistry()
channels.authorize(PlanChannel)(lambda user: True)


@channels.authorize(UserChannel)
def own_channel(user: dict[str, Any], user_id: int) -> bool:
    return bool(user["id"] == user_id)


@channels.authorize(OrderChannel)
async def own_order(user: dict[str, Any], channel: OrderChannel) -> bool:
    await asyncio.sleep(0)
    return channel.order_id in user["orders"]


@channels.authorize(RoomPresence)
def in_room(user: dict[str, Any], room_id: int | UUID | str) -> object:
    return {1: PresenceMember(user["id"], {"name": user["name"]}), 2: Member(**user), 3: True}.get(room_id)  # type: ignore[arg-type]


@channels.authorize("presence-lobby", guest=True)
async def in_lobby(user: dict[str, Any] | None) -> PresenceMember | None:
    return PresenceMember("guest" if user is None else user["id"])


@channels.authorize(AdminChannel)
def admins(user: dict[str, Any]) -> object:
    if user["id"] == 9:
        raise DeniedError("nine is locked out")
    return user.get("role")


ZOE = {"id": 7, "name": "Zoë", "orders": [3]}


def why(call: Any) -> list[str]:
    with pytest.raises(AssertionError) as failed:
        call()
    return str(failed.value).splitlines()


async def why_awaited(call: Any) -> list[str]:
    with pytest.raises(AssertionError) as failed:
        await call()
    return str(failed.value).splitlines()


# -- yes and no --------------------------------------------------------------------------------------------------------

AUTHORIZED: list[tuple[Channel | str, object, PresenceMember | None]] = [
    (UserChannel(user_id=7), ZOE, None),
    ("private-user.7", ZOE, None),
    (PrivateChannel("user.7"), ZOE, None),
    (OrderChannel(order_id=3, part="lines"), ZOE, None),
    # what the others see: ids are text, and a model is an object
    (RoomPresence(room_id=1), ZOE, PresenceMember("7", {"name": "Zoë"})),
    (RoomPresence(room_id=2), ZOE, PresenceMember("7", {"id": 7, "name": "Zoë"})),
    ("presence-lobby", ZOE, PresenceMember("7", {})),
    (PresenceChannel("lobby"), None, PresenceMember("guest", {})),
]
DENIED: list[tuple[Channel | str, object]] = [
    (UserChannel(user_id=8), ZOE),
    ("private-user.8", ZOE),
    (OrderChannel(order_id=4, part="lines"), ZOE),
    (RoomPresence(room_id=3), ZOE),
    (RoomPresence(room_id=4), ZOE),
    (UserChannel(user_id=7), None),
    (AdminChannel(), ZOE),
    (AdminChannel(), ZOE | {"id": 9}),
    (AdminChannel(), ZOE | {"role": "admin"}),  # not True
]


@pytest.mark.parametrize(("channel", "user", "member"), AUTHORIZED)
def test_yes(channel: Channel | str, user: object, member: PresenceMember | None) -> None:
    assert assert_authorized(channel, user, channels=channels) == member
    with pytest.raises(AssertionError, match="to be denied by its rule to"):
        assert_denied(channel, user, channels=channels)


@pytest.mark.parametrize(("channel", "user", "member"), AUTHORIZED)
async def test_yes_awaited(channel: Channel | str, user: object, member: PresenceMember | None) -> None:
    assert await aio.assert_authorized(channel, user, channels=channels) == member
    with pytest.raises(AssertionError, match="to be denied by its rule to"):
        await aio.assert_denied(channel, user, channels=channels)


@pytest.mark.parametrize(("channel", "user"), DENIED)
def test_no(channel: Channel | str, user: object) -> None:
    assert_denied(channel, user, channels=channels)
    with pytest.raises(AssertionError, match="to be authorized for"):
        assert_authorized(channel, user, channels=channels)


@pytest.mark.parametrize(("channel", "user"), DENIED)
async def test_no_awaited(channel: Channel | str, user: object) -> None:
    await aio.assert_denied(channel, user, channels=channels)
    with pytest.raises(AssertionError, match="to be authorized for"):
        await aio.assert_authorized(channel, user, channels=channels)


def test_a_member_is_compared_as_any_value() -> None:
    member = assert_authorized(RoomPresence(room_id=1), ZOE, channels=channels)

    assert member == PresenceMember("7", {"name": IsStr(min_length=3)})
    assert member.info == {"name": "Zoë"}


# -- what neither is ---------------------------------------------------------------------------------------------------

NEITHER: list[tuple[Channel | str, list[str]]] = [
    (Channel("news"), ["  - anyone may listen to a public channel, and no rule is asked"]),
    (ServerToUser(7), ["  - it is heard where that user is signed in, and no rule is asked"]),
    (
        "private-user.7.orders",
        [
            "  - no rule fits the name; the nearest:",
            "    - private-user.{user_id} (own_channel)",
        ],
    ),
    (
        "private-order.seven.lines",
        [
            "  - no rule fits the name; the nearest:",
            "    - private-order.{order_id}.{part} (own_order): order_id is int, not 'seven'",
        ],
    ),
    (
        "private-plan.nope",
        [
            "  - no rule fits the name; the nearest:",
            "    - private-plan.{state} (<lambda>): state is one of ('open', 'done'), not 'nope'",
        ],
    ),
    (
        PresenceChannel("user.7"),
        [
            "  - no rule fits the name; the nearest:",
            "    - private-user.{user_id} (own_channel): is about private-user.7, another channel",
        ],
    ),
    (
        EncryptedChannel("user.7"),
        [
            "  - no rule fits the name; the nearest:",
            "    - private-user.{user_id} (own_channel): is about private-user.7, another channel",
        ],
    ),
    (
        "private-cache-admin",
        [
            "  - no rule fits the name; the nearest:",
            "    - private-admin (admins): is about private-admin, another channel",
        ],
    ),
]


@pytest.mark.parametrize(("channel", "lines"), NEITHER)
async def test_without_a_rule_nothing_is_proved_either_way(channel: Channel | str, lines: list[str]) -> None:
    told = [
        why(lambda: assert_authorized(channel, ZOE, channels=channels)),
        why(lambda: assert_denied(channel, ZOE, channels=channels)),
        await why_awaited(lambda: aio.assert_authorized(channel, ZOE, channels=channels)),
        await why_awaited(lambda: aio.assert_denied(channel, None, channels=channels)),
    ]

    name = channel if isinstance(channel, str) else channel.name
    assert [text[0] for text in told] == [
        f"expected {name} to be authorized for {ZOE}",
        f"expected {name} to be denied by its rule to {ZOE}",
        f"expected {name} to be authorized for {ZOE}",
        f"expected {name} to be denied by its rule to a guest",
    ]
    for text in told:
        assert text[1 : 1 + len(lines)] == lines
        assert len(text) <= 5


@pytest.mark.parametrize("channel", ["private user", "", "private-", 7])
def test_a_name_that_cannot_be_is_an_error_and_not_a_pass(channel: Any) -> None:
    with pytest.raises(InvalidChannelError):
        assert_denied(channel, ZOE, channels=channels)


def test_what_a_rule_raises_is_not_swallowed() -> None:
    with pytest.raises(KeyError, match="id"):
        assert_denied(UserChannel(user_id=7), {}, channels=channels)


# -- why ---------------------------------------------------------------------------------------------------------------


def test_a_rule_that_said_no_is_named_with_what_it_was_asked_and_what_it_answered() -> None:
    assert why(lambda: assert_authorized(UserChannel(user_id=8), ZOE, channels=channels)) == [
        f"expected private-user.8 to be authorized for {ZOE}",
        "  - own_channel(user, user_id=8) answered False",
    ]
    assert why(lambda: assert_authorized(OrderChannel(order_id=4, part="x"), ZOE, channels=channels))[1:] == [
        "  - own_order(user, channel=OrderChannel(order_id=4, part='x')) answered False"
    ]
    assert why(lambda: assert_authorized(RoomPresence(room_id=4), ZOE, channels=channels))[1:] == [
        "  - in_room(user, room_id=4) answered None"
    ]


def test_an_answer_that_is_no_clear_yes_is_told_with_what_would_be() -> None:
    admin = ZOE | {"role": "admin"}

    assert why(lambda: assert_authorized(AdminChannel(), admin, channels=channels))[1:] == [
        "  - admins(user) answered 'admin', which is no clear yes: return True"
    ]
    assert why(lambda: assert_authorized(RoomPresence(room_id=3), ZOE, channels=channels))[1:] == [
        "  - in_room(user, room_id=3) answered True, which is no clear yes: return a PresenceMember"
    ]


def test_a_member_that_cannot_be_sent_is_told() -> None:
    rules = ChannelRegistry()

    @rules.authorize(RoomPresence)
    def somebody(user: object) -> PresenceMember:
        return PresenceMember("no spaces")

    assert why(lambda: assert_authorized(RoomPresence(room_id=1), ZOE, channels=rules))[1].startswith(
        "  - test_a_member_that_cannot_be_sent_is_told.<locals>.somebody(user) answered PresenceMember('no spaces'), "
        "which cannot be sent: a user id is a str, int or UUID"
    )


def test_guests_and_denials_that_were_raised_are_told() -> None:
    assert why(lambda: assert_authorized(UserChannel(user_id=7), None, channels=channels)) == [
        "expected private-user.7 to be authorized for a guest",
        "  - no user, and own_channel does not admit guests",
    ]
    assert why(lambda: assert_authorized(AdminChannel(), ZOE | {"id": 9}, channels=channels))[1:] == [
        "  - admins(user) raised DeniedError: nine is locked out"
    ]


def test_a_yes_that_should_have_been_a_no_is_told() -> None:
    assert why(lambda: assert_denied(UserChannel(user_id=7), ZOE, channels=channels)) == [
        f"expected private-user.7 to be denied by its rule to {ZOE}",
        "  - own_channel(user, user_id=7) answered True",
    ]


def test_the_traceback_ends_at_the_assertion_in_the_test() -> None:
    for assertion in (assert_authorized, assert_denied, aio.assert_authorized, aio.assert_denied):
        assert "__tracebackhide__" in assertion.__code__.co_varnames


# -- colours -----------------------------------------------------------------------------------------------------------

tenant: ContextVar[str] = ContextVar("tenant")


async def test_an_async_rule_in_a_running_loop_is_awaited() -> None:
    with pytest.raises(RuntimeError, match=r"own_order is async, .* await the assertion of broadcastkit\.testing\.aio"):
        assert_authorized(OrderChannel(order_id=3, part="x"), ZOE, channels=channels)
    # a blocking rule needs no loop, and runs where the test does
    assert_authorized(UserChannel(user_id=7), ZOE, channels=channels)


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_awaited_rules_run_where_the_test_does_and_blocking_ones_in_a_thread(anyio_backend: str) -> None:
    rules = ChannelRegistry()
    ran: list[tuple[threading.Thread, str]] = []

    def note() -> bool:
        ran.append((threading.current_thread(), tenant.get()))
        return True

    async def anote(user: object) -> bool:
        return note()

    rules.authorize("private-awaited")(anote)
    rules.authorize("private-blocking")(lambda user: note())
    token = tenant.set("acme")
    for name in ("awaited", "blocking"):
        await aio.assert_authorized(PrivateChannel(name), ZOE, channels=rules)
    tenant.reset(token)

    here = threading.current_thread()
    assert [(thread is here, of) for thread, of in ran] == [(True, "acme"), (False, "acme")]


async def test_an_async_rule_that_does_not_look_so_is_awaited_too() -> None:
    rules = ChannelRegistry()
    rules.authorize("presence-wrapped")(partial(lambda of, user: of(user), in_lobby))

    assert (await aio.assert_authorized(PresenceChannel("wrapped"), ZOE, channels=rules)).id == "7"


def test_an_async_rule_has_the_context_of_a_blocking_test() -> None:
    rules = ChannelRegistry()

    @rules.authorize("private-tenant")
    async def of_tenant(user: object) -> bool:
        return tenant.get() == "acme"

    token = tenant.set("acme")
    assert_authorized("private-tenant", ZOE, channels=rules)
    tenant.reset(token)


# -- whose rules -------------------------------------------------------------------------------------------------------


def rules_of(answer: bool) -> ChannelRegistry:
    rules = ChannelRegistry()
    rules.authorize(ConversationChannel)(lambda user: answer)
    return rules


@pytest.mark.parametrize(
    "configured",
    [
        lambda: configure(Broadcaster(NullDriver(), channels=rules_of(answer=True))),
        lambda: configure(AsyncBroadcaster(AsyncNullDriver(), channels=rules_of(answer=True))),
        lambda: configure("null://", channels=rules_of(answer=True)),
    ],
    ids=["blocking", "awaited", "both"],
)
async def test_the_configured_ones_of_either_colour_also_within_the_fake(configured: Any) -> None:
    configured()
    channel = ConversationChannel(conversation_id=1)

    assert_authorized(channel, ZOE)
    await aio.assert_authorized(channel, ZOE)
    with fake_broadcasts():
        assert_authorized(channel, ZOE)
        await aio.assert_authorized(channel, ZOE)


async def test_each_colour_prefers_its_own() -> None:
    configure(Broadcaster(NullDriver(), channels=rules_of(answer=True)))
    configure(AsyncBroadcaster(AsyncNullDriver(), channels=rules_of(answer=False)))
    channel = ConversationChannel(conversation_id=1)

    assert_authorized(channel, ZOE)
    await aio.assert_denied(channel, ZOE)
    configure(AsyncBroadcaster(AsyncNullDriver()))
    await aio.assert_authorized(channel, ZOE)


@pytest.mark.parametrize("given", [None, ChannelRegistry()])
async def test_without_any_rules_there_is_nothing_to_test(given: ChannelRegistry | None) -> None:
    for call in (partial(assert_authorized, "private-x", ZOE), partial(assert_denied, "private-x", ZOE)):
        with pytest.raises(ConfigurationError, match=r"no rules to test: pass channels=, or configure"):
            call(channels=given)
    configure("null://")
    with pytest.raises(ConfigurationError, match="no rules to test"):
        await aio.assert_denied("private-x", ZOE, channels=given)
