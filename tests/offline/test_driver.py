"""Who is asked, when a function runs, and what comes of what it raises; the same in both colors."""

from __future__ import annotations

import asyncio
import json
import smtplib
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, PresenceChannel
from broadcastkit.channels import UserChannel
from broadcastkit.core.message import Message, identified
from broadcastkit.drivers.base import ChannelInfo, Sent
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    BroadcastError,
    ConfigurationError,
    ConnectError,
    DeliveryError,
    FallbackError,
    InvalidInputError,
    NoReplyError,
    ServiceFailedError,
    UnreachableError,
)
from broadcastkit.offline import Fallbacks, Missed
from tests.broadcaster.orders import send
from tests.offline.services import Heard, Service, Shipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.broadcaster.orders import MakeBoth
    from tests.broadcaster.stand_ins import Both

THREE = ("private-user.3", "private-user.4", "private-user.5")
EVENT = Shipped(order_id=1, customers=[3, 4, 5])
MESSAGE = identified(Message("shipped", THREE, '{"order_id":1}'), "b1")


def told(make: MakeBoth, service: Service, heard: Heard, *, channel: Any = UserChannel, online: Any = None) -> Both:
    fallbacks = Fallbacks(online=online)
    fallbacks.when_offline(channel, name="tell_them")(heard)
    return make(service, when_offline=fallbacks)


def outcome_of(both: Both, message: Message = MESSAGE) -> Any:
    """Have the fallback see to a message, as a delivery does."""
    (outcome,) = both.run(both.broadcaster.driver("offline.tell_them").send([message]))
    return outcome


# -- asking ------------------------------------------------------------------------------------------------------------


def test_it_runs_for_each_channel_where_nobody_is(broadcaster: MakeBoth) -> None:
    service, heard = Service("private-user.4"), Heard()
    both = told(broadcaster, service, heard)

    assert outcome_of(both) == Sent(requests=2)
    assert (service.asked, heard.channels) == (list(THREE), ["private-user.3", "private-user.5"])


def test_every_channel_is_asked_about_when_its_turn_comes(broadcaster: MakeBoth) -> None:
    """Who comes in meanwhile is there."""
    service, heard = Service(), Heard()
    come_in = partial(service.there.add, "private-user.4")

    class ComesIn(Heard):
        def __call__(self, missed: Missed[Any]) -> None:
            super().__call__(missed)
            come_in()

    heard = ComesIn()
    assert outcome_of(told(broadcaster, service, heard)) == Sent(requests=2)
    assert heard.channels == ["private-user.3", "private-user.5"]


@pytest.mark.parametrize(
    ("info", "there"),
    [
        (ChannelInfo(occupied=True), True),
        (ChannelInfo(occupied=False, subscription_count=1), False),
        (ChannelInfo(subscription_count=1), True),
        (ChannelInfo(subscription_count=0), False),
        (ChannelInfo(user_count=2), True),
        (ChannelInfo(user_count=0), False),
        (ChannelInfo(subscription_count=0, user_count=1), True),
    ],
    ids=str,
)
def test_what_a_service_says(broadcaster: MakeBoth, info: ChannelInfo, *, there: bool) -> None:
    service, heard = Service(), Heard()
    service.answers = [info] * 3
    outcome_of(told(broadcaster, service, heard))

    assert bool(heard.missed) is not there


def test_a_service_that_does_not_say_is_an_error_and_nobody_is_told(broadcaster: MakeBoth) -> None:
    service, heard = Service(), Heard()
    service.answers = [ChannelInfo()] * 3
    outcome = outcome_of(told(broadcaster, service, heard))

    assert isinstance(outcome, ConfigurationError)
    assert "does not say whether a channel is occupied" in str(outcome)
    assert "give Fallbacks(online=...)" in str(outcome)
    assert heard.missed == []


@pytest.mark.parametrize("users", [(), ("7",)])
def test_a_service_that_knows_users_only_is_asked_for_those(broadcaster: MakeBoth, users: tuple[str, ...]) -> None:
    """As AnyCable does; of a channel that has none, it is an error."""
    service, heard = Service(), Heard()
    service.users["presence-room.1"] = users
    service.answers = [ConfigurationError("does not offer channel_info()")]
    both = told(broadcaster, service, heard, channel=PresenceChannel)

    assert outcome_of(both, Message("ping", ("presence-room.1",), "{}")) == Sent(requests=0 if users else 1)
    assert bool(heard.missed) is not bool(users)


def test_a_service_that_refuses_to_say_says_so_with_the_remedy(broadcaster: MakeBoth) -> None:
    service, heard = Service(), Heard()
    service.answers = [ConfigurationError("does not offer channel_info()")] * 3
    outcome = outcome_of(told(broadcaster, service, heard))

    assert type(outcome) is ConfigurationError
    assert str(outcome).startswith("who is there cannot be asked (does not offer channel_info()): give Fallbacks(")
    assert heard.missed == []


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (ConnectError("nobody"), ConnectError, True),
        # an event may not be sent again after this; a question may be asked
        (NoReplyError("silence"), UnreachableError, True),
        (ServiceFailedError("a proxy", status=502), ServiceFailedError, True),
        (BadCredentialsError("no", status=401), BadCredentialsError, False),
    ],
)
def test_a_question_that_fails_tells_nobody_by_guess(
    broadcaster: MakeBoth, error: DeliveryError, kind: type[DeliveryError], *, retryable: bool
) -> None:
    service, heard = Service("private-user.3"), Heard()
    service.answers = [ChannelInfo(occupied=True), error, error]
    outcome: Any = outcome_of(told(broadcaster, service, heard))

    assert (type(outcome), outcome.retryable) == (kind, retryable)
    assert outcome.delivered == ("private-user.3",)
    assert heard.missed == []


# -- `online` ----------------------------------------------------------------------------------------------------------


def test_online_is_asked_in_the_place_of_the_service(broadcaster: MakeBoth) -> None:
    service, heard, asked = Service(*THREE), Heard(), []

    def online(channel: UserChannel) -> bool:
        asked.append(channel)
        return channel.user_id == 4

    assert outcome_of(told(broadcaster, service, heard, online=online)) == Sent(requests=2)
    assert (service.asked, asked) == ([], [UserChannel(user_id=number) for number in (3, 4, 5)])
    assert heard.channels == ["private-user.3", "private-user.5"]


@pytest.mark.parametrize("answer", [None, 0, 1, "yes"])
def test_online_that_says_neither_tells_nobody(broadcaster: MakeBoth, answer: object) -> None:
    heard = Heard()
    outcome = outcome_of(told(broadcaster, Service(), heard, online=lambda channel: answer))

    assert isinstance(outcome, ConfigurationError)
    assert str(outcome) == f"online must answer True or False, not {type(answer).__name__}"
    assert heard.missed == []


def test_online_that_fails_is_as_a_function_that_fails(broadcaster: MakeBoth) -> None:
    def online(channel: UserChannel) -> bool:
        if channel.user_id == 3:
            raise KeyError("t0psecret")
        raise ConnectionResetError

    heard = Heard()
    outcome = outcome_of(told(broadcaster, Service(), heard, online=online))

    assert type(outcome) is UnreachableError
    assert heard.missed == []


# -- what a function raises --------------------------------------------------------------------------------------------


def response_error(code: int) -> smtplib.SMTPResponseException:
    return smtplib.SMTPDataError(code, b"t0psecret")


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (ConnectionRefusedError(111, "Connection refused"), UnreachableError, True),
        (TimeoutError("t0psecret"), UnreachableError, True),
        (socket.gaierror(-2, "Name or service not known"), UnreachableError, True),
        (smtplib.SMTPServerDisconnected("t0psecret"), UnreachableError, True),
        (httpx.ConnectError("t0psecret"), UnreachableError, True),
        (response_error(451), ServiceFailedError, True),
        (response_error(550), BadRequestError, False),
        (smtplib.SMTPRecipientsRefused({"ada@example.com": (450, b"t0psecret")}), ServiceFailedError, True),
        (smtplib.SMTPRecipientsRefused({"ada@example.com": (550, b"t0psecret")}), BadRequestError, False),
        (KeyError("t0psecret"), FallbackError, False),
        (ZeroDivisionError("t0psecret"), FallbackError, False),
        (FileNotFoundError(2, "No such file", "t0psecret"), FallbackError, False),
        (InvalidInputError("an address"), InvalidInputError, False),
        (BadCredentialsError("401"), BadCredentialsError, False),
    ],
    ids=lambda given: f"{given!r:.45}".replace("/", "") if isinstance(given, Exception) else "",
)
def test_what_a_function_raises(
    broadcaster: MakeBoth, error: Exception, kind: type[BroadcastError], *, retryable: bool
) -> None:
    outcome = outcome_of(told(broadcaster, Service(), Heard(error)))

    assert type(outcome) is kind
    assert getattr(outcome, "retryable", False) is retryable
    assert "t0psecret" not in str(outcome)
    assert "ada@" not in str(outcome)
    assert outcome.__cause__ is None


def test_a_bug_is_named_with_its_place(broadcaster: MakeBoth) -> None:
    fallbacks = Fallbacks()

    @fallbacks.when_offline(UserChannel)
    def tell_them(missed: Missed[UserChannel]) -> None:
        missed.payload["absent"]

    outcome = outcome_of(broadcaster(Service(), when_offline=fallbacks))

    line = tell_them.__code__.co_firstlineno + 2
    assert str(outcome) == f"the fallback 'tell_them' raised KeyError at {__file__}:{line}"


def test_a_bug_further_down_is_placed_in_the_functions_own_file(broadcaster: MakeBoth) -> None:
    fallbacks = Fallbacks()

    @fallbacks.when_offline(UserChannel)
    def tell_them(missed: Missed[UserChannel]) -> None:
        json.dumps(missed)

    assert f"{__file__}:{tell_them.__code__.co_firstlineno + 2}" in str(
        outcome_of(broadcaster(Service(), when_offline=fallbacks))
    )


def test_what_another_try_may_mend_leaves_the_rest_to_it(broadcaster: MakeBoth) -> None:
    heard = Heard(ConnectionRefusedError())
    both = told(broadcaster, Service("private-user.3"), heard)
    outcome = outcome_of(both)

    assert (outcome.retryable, outcome.delivered) == (True, ("private-user.3",))
    assert heard.channels == ["private-user.4"]
    left = MESSAGE._replace(channels=("private-user.4", "private-user.5"))
    assert outcome_of(both, left) == Sent(requests=2)
    assert heard.missed[0].id == heard.missed[1].id
    assert heard.missed[0].id != heard.missed[2].id


def test_what_no_other_try_will_mend_keeps_nobody_else_from_being_told(broadcaster: MakeBoth) -> None:
    heard = Heard(KeyError("x"))
    outcome = outcome_of(told(broadcaster, Service(), heard))

    assert type(outcome) is FallbackError
    assert outcome.delivered == ("private-user.4", "private-user.5")
    assert heard.channels == list(THREE)


def test_of_two_errors_the_one_that_another_try_may_mend_is_told(broadcaster: MakeBoth) -> None:
    heard = Heard(KeyError("x"), ConnectionRefusedError())
    outcome = outcome_of(told(broadcaster, Service(), heard))

    assert (type(outcome), outcome.delivered) == (UnreachableError, ())
    assert heard.channels == list(THREE[:2])


def test_one_message_does_not_stand_in_the_way_of_another(broadcaster: MakeBoth) -> None:
    heard = Heard(ConnectionRefusedError())
    both = told(broadcaster, Service(), heard)
    messages = [MESSAGE._replace(channels=(name,)) for name in THREE]
    outcomes = both.run(both.broadcaster.driver("offline.tell_them").send(messages))

    assert [type(outcome) for outcome in outcomes] == [UnreachableError, Sent, Sent]


def test_a_message_that_comes_without_an_id_gets_one(broadcaster: MakeBoth) -> None:
    heard = Heard()
    both = told(broadcaster, Service(), heard)
    for _ in range(2):
        outcome_of(both, Message("shipped", THREE[:1], "{}"))

    first, second = heard.missed
    assert len({first.id, second.id, ""}) == 3


def test_the_event_is_sent_and_the_error_is_the_callers(broadcaster: MakeBoth) -> None:
    service, heard = Service(), Heard(ConnectionRefusedError())
    both = told(broadcaster, service, heard)
    with pytest.raises(UnreachableError) as raised:
        send(both, Shipped(order_id=1, customers=[3]))

    assert service.events == ["shipped"]
    (receipt,) = raised.value.receipts
    assert [(one.connection, one.error is None) for one in receipt.connections] == [
        ("default", True),
        ("offline.tell_them", False),
    ]


def test_a_service_that_fails_does_not_keep_them_from_being_told(broadcaster: MakeBoth) -> None:
    """Both are tries of their own; who is there is another question."""
    heard = Heard()
    service = Service(answer=lambda message: BadRequestError("no", status=400))
    both = told(broadcaster, service, heard)
    with pytest.raises(BadRequestError):
        send(both, Shipped(order_id=1, customers=[3]))

    assert heard.channels == ["private-user.3"]


# -- colors ------------------------------------------------------------------------------------------------------------


async def tell_awaited(missed: Missed[UserChannel]) -> None:
    """Stand for a function that awaits."""


def calls(function: Callable[..., Any], missed: Missed[UserChannel]) -> Any:
    """Stand for a function around a coroutine function."""
    return function(missed)


def awaited_fallbacks(call: Callable[..., Any] = tell_awaited) -> Fallbacks:
    fallbacks = Fallbacks()
    fallbacks.when_offline(UserChannel, name="tell_awaited")(call)
    return fallbacks


def test_blocking_code_cannot_have_an_async_function_and_nothing_is_sent() -> None:
    service = Service()
    broadcaster = Broadcaster(service.sync(), when_offline=awaited_fallbacks())
    broadcaster.broadcast(AnonymousEvent("ping", on="news")).to_everyone()

    with pytest.raises(ConfigurationError, match="'tell_awaited' is async: use AsyncBroadcaster, or write it with def"):
        broadcaster.broadcast(EVENT).to_everyone()
    assert service.events == ["ping"]


def test_one_that_turns_out_to_be_async_is_refused_too() -> None:
    """A coroutine function behind another one: no coroutine is left over to warn of."""
    fallbacks = awaited_fallbacks(partial(calls, tell_awaited))
    broadcaster = Broadcaster(Service().sync(), when_offline=fallbacks)
    with pytest.raises(ConfigurationError, match="'tell_awaited' is async"):
        broadcaster.broadcast(EVENT).to_everyone()


def test_so_is_online() -> None:
    async def online(channel: UserChannel) -> bool:
        return False

    heard = Heard()
    fallbacks = Fallbacks(online=online)
    fallbacks.when_offline(UserChannel)(heard)
    with pytest.raises(ConfigurationError, match="online is async"):
        Broadcaster(NullDriver(), when_offline=fallbacks).broadcast(EVENT).to_everyone()
    assert heard.missed == []


async def test_async_code_awaits_what_is_async_and_has_the_rest_in_a_thread() -> None:
    loop, ran = asyncio.get_running_loop(), []

    async def online(channel: UserChannel) -> bool:
        ran.append(("online", asyncio.get_running_loop() is loop))
        return channel.user_id != 3

    fallbacks = Fallbacks(online=online)

    @fallbacks.when_offline(UserChannel)
    async def awaits(missed: Missed[UserChannel]) -> None:
        ran.append((missed.channel.name, asyncio.get_running_loop() is loop))

    @fallbacks.when_offline(UserChannel)
    def blocks(missed: Missed[UserChannel]) -> None:
        ran.append((missed.channel.name, threading.current_thread() is threading.main_thread()))

    @fallbacks.when_offline(UserChannel, name="turns_out")
    def turns_out(missed: Missed[UserChannel]) -> Any:
        return awaits(missed)

    async with AsyncBroadcaster(AsyncNullDriver(), when_offline=fallbacks) as broadcaster:
        receipt = await broadcaster.broadcast(Shipped(order_id=1, customers=[3])).to_everyone()

    assert receipt.delivered
    online_true = ("online", True)
    three, in_a_thread = ("private-user.3", True), ("private-user.3", False)
    assert ran == [online_true, three, online_true, in_a_thread, online_true, three]


async def test_both_colors_may_have_the_same_fallbacks() -> None:
    """An async function is an error of blocking code's broadcast, and of no other's."""
    fallbacks = awaited_fallbacks()
    Broadcaster(Service().sync(), when_offline=fallbacks)
    async with AsyncBroadcaster(Service().asynchronous(), when_offline=fallbacks) as broadcaster:
        assert (await broadcaster.broadcast(EVENT).to_everyone()).connections[1].requests == 3
