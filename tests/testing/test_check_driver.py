"""The conformance suite itself: a driver that breaks one promise is caught, and told which."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import ChannelInfo, ChannelInfos, Outcome, Sent, UserInfo
from broadcastkit.drivers.serviceless import AsyncServiceless, Serviceless
from broadcastkit.errors import ConnectError, PayloadTooLargeError
from broadcastkit.testing import CHECKED_CHANNELS, Arrival, check_async_driver, check_driver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LIMIT = 1000
MINE = "11.22"


class Service:
    """A service in memory, with one subscriber of CHECKED_CHANNELS whose socket id is MINE."""

    def __init__(self) -> None:
        self.arrived: list[Arrival] = []

    def publish(self, message: Message) -> None:
        if message.exclude != MINE:
            data = json.loads(message.data)
            self.arrived += [
                Arrival(message.event, name, data) for name in message.channels if name in CHECKED_CHANNELS
            ]

    def received(self, fence: str) -> list[Arrival]:
        arrived, self.arrived = self.arrived, []
        assert [arrival.channel for arrival in arrived if arrival.event == fence] == list(CHECKED_CHANNELS)
        return arrived


class Good:
    """What a driver with a service does, in no colour."""

    blocking: Any = True

    def __init__(self, service: Service) -> None:
        self.service = service

    def take(self, message: Message) -> Outcome:
        if len(message.data) > LIMIT:
            return PayloadTooLargeError("too large")
        self.service.publish(message)
        return Sent(1, {name: ChannelInfo(user_count=0) for name in message.channels} if message.info else {})

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        return SubscriptionAuth("key:signature", grant.member)

    def answer_user(self, grant: UserGrant) -> UserAuth:
        return UserAuth("key:signature", grant.user_data)

    def _channels(self) -> Any:
        return {name: ChannelInfo(occupied=True) for name in CHECKED_CHANNELS}

    def _channel(self) -> Any:
        return ChannelInfo(occupied=True)

    def _users(self) -> Any:
        return [UserInfo("7")]


class GoodDriver(Good, Serviceless):
    def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        found: ChannelInfos = self._channels()
        return found

    def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        found: ChannelInfo = self._channel()
        return found

    def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        found: Sequence[UserInfo] = self._users()
        return found


class GoodAsyncDriver(Good, AsyncServiceless):
    async def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        found: ChannelInfos = self._channels()
        return found

    async def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        found: ChannelInfo = self._channel()
        return found

    async def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        found: Sequence[UserInfo] = self._users()
        return found


def answer(**changed: Any) -> Any:
    return lambda self, grant: SubscriptionAuth("key:signature", grant.member)._replace(**changed)


class Wordy(SubscriptionAuth):
    """An answer that breaks what an answer is for."""

    def __repr__(self) -> str:
        return self.auth


class Unequal(SubscriptionAuth):
    def to_json(self) -> bytes:
        return b'{"auth":"another"}'


class Untidy(SubscriptionAuth):
    def as_dict(self) -> Any:
        return {"auth": self.auth, "channel_data": None}


class Breach(NamedTuple):
    """Members of a driver that break a promise, and what the suite says of it."""

    members: dict[str, Any]
    said: str


def taking(change: Callable[[Message], Message | None]) -> dict[str, Any]:
    """Return a `take` that lets only changed messages arrive."""

    def take(self: Good, message: Message) -> Outcome:
        if len(message.data) > LIMIT:
            return PayloadTooLargeError("too large")
        changed = message if message.event.startswith("conformance.fence") else change(message)
        if changed is not None:
            self.service.publish(changed)
        return Sent(1)

    return {"take": take}


BREACHES = {
    "loses a message": Breach(taking(lambda m: None if m.event.endswith("row.3") else m), "in the order given"),
    "sends to the first channel": Breach(taking(lambda m: m._replace(channels=m.channels[:1])), "on 'conformance-b'"),
    "sends to the first hundred": Breach(
        taking(lambda m: m._replace(channels=m.channels[:100])), "as many channels as it has"
    ),
    "encodes twice": Breach(taking(lambda m: m._replace(data=json.dumps(m.data))), "arrived"),
    "spoils letters": Breach(taking(lambda m: m._replace(data=m.data.replace("ï", "?"))), "whatever the script"),
    "spoils names": Breach(taking(lambda m: m._replace(event=m.event.replace("\\", "/"))), "whatever the script"),
    "ignores exclude": Breach(taking(lambda m: m._replace(exclude=None)), "does not hear"),
    "takes a strange socket for everybody": Breach(
        taking(lambda m: None if m.exclude and "#" in m.exclude else m), "strange socket id excludes nobody"
    ),
    "no outcome": Breach({"take": lambda self, message: None}, "outcome of <Message"),
    "counts with text": Breach({"take": lambda self, message: Sent("1")}, "requests='1'"),  # type: ignore[arg-type]
    "infos that are none": Breach(
        {"take": lambda self, message: Sent(1, dict.fromkeys(message.channels, 3))},  # type: ignore[arg-type]
        "must map channel names to ChannelInfo",
    ),
    "infos of other channels": Breach(
        {"take": lambda self, message: Sent(1, {"elsewhere": ChannelInfo()})}, "has channels that"
    ),
    "takes everything": Breach({"take": lambda self, message: self.service.publish(message) or Sent()}, "too large"),
    "channels of another type": Breach({"_channels": lambda self: ["conformance-a"]}, "channels_info must map"),
    "forgets a channel": Breach({"_channels": lambda self: {}}, "does not know"),
    "a channel of another type": Breach({"_channel": lambda self: {}}, "channel_info returned {}"),
    "users of another type": Breach({"_users": lambda self: ["7"]}, r"users_info returned \['7'\]"),
    "answers None": Breach({"answer_subscription": lambda self, grant: Untidy("a")}, "other than text"),
    "answers twice differently": Breach({"answer_subscription": lambda self, grant: Unequal("a")}, "differ"),
    "shows a signature": Breach(
        {"answer_subscription": lambda self, grant: Wordy("key:signature")}, "shows its signature"
    ),
    "a member for everyone": Breach({"answer_subscription": answer(channel_data="{}")}, "has channel_data"),
    "writes the member again": Breach(
        {
            "answer_subscription": lambda self, grant: SubscriptionAuth(
                "a", grant.member and json.dumps(json.loads(grant.member))
            )
        },
        "not the member's text",
    ),
    "writes the user again": Breach({"answer_user": lambda self, grant: UserAuth("a", "{}")}, "not the user's text"),
    "shows a secret": Breach({"__repr__": lambda self: "Driver(secret='s3cret')"}, "secrets number"),
}
BLOCKING_ONLY = {
    "says not whether it blocks": Breach({"blocking": None}, "`blocking` must be"),
}


def sync_check(members: dict[str, Any]) -> None:
    service = Service()
    cls = type("Driver", (GoodDriver,), members)
    check_driver(
        lambda: cls(service), received=service.received, socket_id=MINE, too_large=LIMIT, secrets=["key", "s3cret"]
    )


async def async_check(members: dict[str, Any]) -> None:
    service = Service()
    cls = type("AsyncDriver", (GoodAsyncDriver,), members)

    async def received(fence: str) -> list[Arrival]:
        return service.received(fence)

    await check_async_driver(
        lambda: cls(service), received=received, socket_id=MINE, too_large=LIMIT, secrets=["key", "s3cret"]
    )


def test_a_good_driver_passes() -> None:
    sync_check({})


async def test_a_good_awaited_driver_passes() -> None:
    await async_check({})


@pytest.mark.parametrize("breach", [*BREACHES.values(), *BLOCKING_ONLY.values()], ids=[*BREACHES, *BLOCKING_ONLY])
def test_a_broken_promise_is_caught(breach: Breach) -> None:
    with pytest.raises(AssertionError, match=breach.said):
        sync_check(breach.members)


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES)
async def test_a_broken_promise_is_caught_in_the_other_colour(breach: Breach) -> None:
    with pytest.raises(AssertionError, match=breach.said):
        await async_check(breach.members)


def sends(send: Callable[[Any, Sequence[Message]], Any]) -> dict[str, Any]:
    return {"send": send}


def refuse(*_: object) -> Any:
    raise ConnectError("nobody there")


def break_when_closed() -> dict[str, Any]:
    def close(self: Any) -> None:
        self.closed = True

    def send(self: Any, messages: Sequence[Message]) -> list[Outcome]:
        if getattr(self, "closed", False):
            refuse()
        return [self.take(message) for message in messages]

    return {"close": close, "send": send}


SENDING = {
    "one outcome for all": Breach(sends(lambda self, messages: [Sent()]), "for 3 messages"),
    "nothing": Breach(sends(lambda self, messages: None), "send returned None"),
    "raises": Breach(sends(refuse), r"send raised ConnectError\('nobody there'\); is the service there"),
    "raises for one": Breach(
        sends(lambda s, m: refuse() if any(len(one.data) > LIMIT for one in m) else [s.take(one) for one in m]),
        "send raised for one message",
    ),
    "only once": Breach(break_when_closed(), "a closed driver may be used again"),
    "not at once": Breach(
        sends(lambda s, m: refuse() if any("at.once" in one.event for one in m) else [s.take(one) for one in m]),
        "several threads or tasks at once",
    ),
}


@pytest.mark.parametrize("breach", SENDING.values(), ids=SENDING)
def test_a_driver_that_does_not_send_is_caught(breach: Breach) -> None:
    with pytest.raises(AssertionError, match=breach.said):
        sync_check(breach.members)


@pytest.mark.parametrize("breach", SENDING.values(), ids=SENDING)
async def test_a_driver_that_does_not_send_is_caught_in_the_other_colour(breach: Breach) -> None:
    def awaited(method: Any) -> Any:
        async def call(*arguments: Any) -> Any:
            return method(*arguments)

        return call

    members = {"aclose" if name == "close" else name: awaited(method) for name, method in breach.members.items()}

    with pytest.raises(AssertionError, match=breach.said):
        await async_check(members)


def test_every_driver_that_is_made_is_closed() -> None:
    made: list[Any] = []
    closed: list[Any] = []

    class Driver(Serviceless):
        def __init__(self) -> None:
            made.append(self)

        def close(self) -> None:
            closed.append(self)

    check_driver(Driver)

    assert made
    assert set(made) == set(closed)


def test_both_suites_take_the_same_arguments() -> None:
    sync, asynchronous = (inspect.signature(check).parameters for check in (check_driver, check_async_driver))

    assert [(p.name, p.kind, p.default) for p in sync.values()] == [
        (p.name, p.kind, p.default) for p in asynchronous.values()
    ]
