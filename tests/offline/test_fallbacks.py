"""Which functions follow which events, as connections; and what is refused when one is registered."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import AnonymousEvent, Broadcaster, Channel, ServerToUser
from broadcastkit.broadcaster import base
from broadcastkit.channels import ConversationChannel, UserChannel
from broadcastkit.drivers.log import LogDriver
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import Profile, PusherDriver
from broadcastkit.drivers.pusher.profiles import PROFILES, Feature
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver
from broadcastkit.errors import ConfigurationError, InvalidEventError
from broadcastkit.offline import Fallbacks, Missed
from tests.broadcaster.orders import send, send_many
from tests.offline.services import Heard, LongText, Service, Shipped, Text

if TYPE_CHECKING:
    from tests.broadcaster.orders import MakeBoth


def fallbacks_of(*events: Any, channel: Any = UserChannel, name: str = "tell_them") -> tuple[Fallbacks, Heard]:
    fallbacks, heard = Fallbacks(), Heard()
    fallbacks.when_offline(channel, *events, name=name)(heard)
    return fallbacks, heard


def connections_of(receipt: Any) -> list[str]:
    return [one.connection for one in receipt.connections]


# -- what follows what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "event", "follows"),
    [
        pytest.param((), LongText(), True, id="any"),
        pytest.param((Text,), LongText(), True, id="a subclass"),
        pytest.param((LongText,), Text(), False, id="its parent"),
        pytest.param((Shipped, Text), LongText(), True, id="one of two"),
        pytest.param((Shipped,), LongText(), False, id="another"),
        pytest.param(("text",), LongText(), False, id="another's name"),
        pytest.param(("long.text",), LongText(), True, id="its name"),
        pytest.param(("order.paid",), AnonymousEvent("order.paid", on="private-user.3"), True, id="no class"),
        pytest.param((Text,), AnonymousEvent("text", on="private-user.3"), False, id="no class, by class"),
        pytest.param((Text,), LongText(conversation_id=7), False, id="elsewhere"),
        pytest.param((), AnonymousEvent("order.paid", on=["news", "presence-user.3"]), False, id="no such channel"),
    ],
)
def test_a_fallback_follows_the_events_it_wants_on_its_channels(
    broadcaster: MakeBoth, events: tuple[Any, ...], event: Any, *, follows: bool
) -> None:
    fallbacks, heard = fallbacks_of(*events)
    receipt = send(broadcaster(Service(), when_offline=fallbacks), event)

    assert connections_of(receipt) == ["default", *(["offline.tell_them"] if follows else [])]
    assert bool(heard.missed) is follows


def test_a_class_without_a_pattern_means_every_channel_of_its_kind(broadcaster: MakeBoth) -> None:
    fallbacks, heard = fallbacks_of(channel=Channel)
    send(broadcaster(Service(), when_offline=fallbacks), AnonymousEvent("ping", on=["news", "private-user.3", "odds"]))

    assert heard.channels == ["news", "odds"]


def test_several_fallbacks_follow_in_the_order_of_registration(broadcaster: MakeBoth) -> None:
    fallbacks, first = fallbacks_of(name="push_them")
    second = Heard()
    fallbacks.when_offline(UserChannel, name="email_them")(second)
    assert [one.name for one in fallbacks] == ["push_them", "email_them"]
    assert repr(fallbacks) == "Fallbacks(push_them, email_them)"

    receipt = send(broadcaster(Service(), when_offline=fallbacks), Shipped(order_id=1, customers=[3]))

    assert connections_of(receipt) == ["default", "offline.push_them", "offline.email_them"]
    assert [one.requests for one in receipt.connections] == [1, 1, 1]
    (pushed,), (mailed,) = first.missed, second.missed
    assert pushed.id != mailed.id


def test_what_is_told(broadcaster: MakeBoth) -> None:
    fallbacks, heard = fallbacks_of(Shipped)
    both = broadcaster(Service(), when_offline=fallbacks)
    send(both, Shipped(order_id=1, customers=[3, 4]))
    send(both, Shipped(order_id=1, customers=[3]))

    first, second, again = heard.missed
    assert (first.channel, first.channel.user_id, first.event) == (UserChannel(user_id=3), 3, "shipped")
    assert first.payload == second.payload == {"order_id": 1, "customers": [3, 4]}
    assert first.payload is not second.payload
    assert len({first.id, second.id, again.id}) == 3
    assert all(len(missed.id) == 32 for missed in heard.missed)
    assert "customers" not in repr(first)


def test_events_with_connections_of_their_own_have_those_asked(broadcaster: MakeBoth) -> None:
    """And one that carries nothing to anybody knows of nobody."""
    fallbacks, heard = fallbacks_of()
    main, other = Service(), Service("private-user.3")
    both = broadcaster({"main": main, "other": other}, default="main", when_offline=fallbacks)
    pending = both.broadcaster.broadcast(Shipped(order_id=1, customers=[3, 4]))

    receipt = both.run(pending.via("main", "other").to_everyone())
    assert connections_of(receipt) == ["main", "other", "offline.tell_them@main,other"]
    assert heard.channels == ["private-user.4"]

    assert connections_of(both.run(pending.via("other").to_everyone()))[1:] == ["offline.tell_them@other"]
    assert connections_of(both.run(pending.via("main").to_everyone()))[1:] == ["offline.tell_them"]
    assert heard.channels == ["private-user.4", "private-user.4", "private-user.3", "private-user.4"]


def test_events_that_are_sent_together(broadcaster: MakeBoth) -> None:
    """Each has its own; the service gets both in one go, and first."""
    fallbacks, heard = fallbacks_of(Shipped)
    service = Service("private-user.4")
    receipts = send_many(
        broadcaster(service, when_offline=fallbacks),
        Shipped(order_id=1, customers=[3]),
        AnonymousEvent("ping", on="private-user.3"),
        Shipped(order_id=2, customers=[3, 4]),
    )

    assert [len(messages) for messages in service.sent] == [3]
    assert [[one.requests for one in receipt.connections] for receipt in receipts] == [[1, 1], [1], [1, 1]]
    assert [(missed.payload["order_id"], missed.channel.user_id) for missed in heard.missed] == [(1, 3), (2, 3)]


def test_other_channels_and_conditions_of_the_caller_hold(broadcaster: MakeBoth) -> None:
    fallbacks, heard = fallbacks_of(Shipped)
    both = broadcaster(Service(), when_offline=fallbacks)
    pending = both.broadcaster.broadcast(Shipped(order_id=1, customers=[3]))

    assert connections_of(both.run(pending.on("news").to_everyone())) == ["default"]
    assert both.run(both.broadcaster.broadcast(Shipped(order_id=1, customers=[])).to_everyone()).connections == ()
    assert heard.missed == []


def test_without_when_offline_nothing_of_it_is_loaded_or_done() -> None:
    broadcaster = Broadcaster(NullDriver())

    assert broadcaster._fallbacks is None
    assert type(broadcaster._connections) is dict
    assert "broadcastkit.offline" not in vars(base)


# -- what is refused ---------------------------------------------------------------------------------------------------


def tell_them(missed: Missed[UserChannel]) -> None:
    """Stand for a function."""


@pytest.mark.parametrize(
    ("register", "error"),
    [
        (lambda f: f.when_offline("private-user.{id}"), "takes a class of channels, .*, not 'private-user.{id}'"),
        (lambda f: f.when_offline(UserChannel(user_id=3)), "takes a class of channels, .*, not UserChannel"),
        (lambda f: f.when_offline(UserChannel, UserChannel), "takes event classes, or names on the wire, not <class"),
        (lambda f: f.when_offline(UserChannel, 7), "takes event classes, or names on the wire, not 7"),
        (lambda f: f.when_offline(UserChannel)(lambda missed: None), ""),
        (lambda f: f.when_offline(UserChannel, name="a@b")(tell_them), "without an @"),
        (lambda f: f.when_offline(UserChannel)(object()), "needs a name="),
        (lambda f: [f.when_offline(one)(tell_them) for one in (UserChannel, ConversationChannel)], "already.*name="),
        (lambda f: f.when_offline(ServerToUser), "no service can be asked .* of ServerToUser"),
    ],
    ids=["a pattern", "a channel", "no event", "a number", "a lambda", "an at", "no name", "twice", "a user"],
)
def test_what_cannot_be_registered(register: Any, error: str) -> None:
    if error:
        with pytest.raises(ConfigurationError, match=error):
            register(Fallbacks())
    else:
        register(Fallbacks())


def test_a_name_that_no_event_can_have_is_refused() -> None:
    with pytest.raises(InvalidEventError):
        Fallbacks().when_offline(UserChannel, "pusher:ping")


def test_the_function_is_given_back_and_may_be_registered_twice_under_two_names() -> None:
    fallbacks = Fallbacks()

    assert fallbacks.when_offline(UserChannel, Text)(tell_them) is tell_them
    assert fallbacks.when_offline(UserChannel, Shipped, name="tell_of_orders")(tell_them) is tell_them
    assert [one.name for one in fallbacks] == ["tell_them", "tell_of_orders"]


def test_a_channel_of_one_user_may_be_told_of_where_the_application_knows() -> None:
    fallbacks, heard = Fallbacks(online=lambda channel: channel.name.endswith("-3")), Heard()
    fallbacks.when_offline(ServerToUser)(heard)
    event = AnonymousEvent("ping", on=[ServerToUser(3), ServerToUser(4)])
    Broadcaster(NullDriver(), when_offline=fallbacks).broadcast(event).to_everyone()

    assert heard.channels == ["#server-to-user-4"]


@pytest.mark.parametrize("given", ["yes", 7, True])
def test_online_must_be_callable(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"online must be a callable .*, not {given!r}"):
        Fallbacks(online=given)


@pytest.mark.parametrize("given", [tell_them, [tell_them], Fallbacks])
def test_when_offline_must_be_fallbacks(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"when_offline must be Fallbacks, not {type(given).__name__}"):
        Broadcaster(NullDriver(), when_offline=given)


# -- who cannot be asked -----------------------------------------------------------------------------------------------


def test_a_connection_that_cannot_tell_is_refused_at_once(color: str, broadcaster: MakeBoth) -> None:
    class Redis(Service):
        def sync(self) -> Any:
            return RedisDriver()

        def asynchronous(self) -> Any:
            return AsyncRedisDriver()

    redis = RedisDriver() if color == "sync" else AsyncRedisDriver()
    with pytest.raises(ConfigurationError) as raised:
        broadcaster(Redis(), when_offline=Fallbacks())
    assert str(raised.value) == (
        f"when_offline: the connection 'default' ({redis!r}) cannot tell who is there: give Fallbacks(online=...), "
        "a callable that takes the channel and says whether somebody is there"
    )
    broadcaster(Redis(), when_offline=Fallbacks(online=lambda channel: True))


def test_of_several_connections_it_is_refused_before_the_event_is_sent() -> None:
    fallbacks, heard = fallbacks_of()
    service = Service()
    broadcaster = Broadcaster({"main": service.sync(), "redis": RedisDriver()}, default="main", when_offline=fallbacks)
    pending = broadcaster.broadcast(Shipped(order_id=1, customers=[3]))

    with pytest.raises(ConfigurationError, match=r"'redis' \(RedisDriver.*\) cannot tell who is there"):
        pending.via("redis").to_everyone()
    assert service.sent == []
    assert pending.to_everyone().delivered
    # one that knows is enough
    assert "offline.tell_them@redis,main" in broadcaster._connections
    broadcaster.driver("offline.tell_them@redis,main")
    assert heard.channels == ["private-user.3"]


@pytest.mark.parametrize(
    ("profile", "tells"),
    [
        *[(PROFILES[name], True) for name in PROFILES],
        (replace(PROFILES["pusher"], name="mute", unsupported=frozenset(Feature)), False),
    ],
    ids=lambda given: getattr(given, "name", ""),
)
def test_services_that_tell_of_channels_or_of_users_can_be_asked(profile: Profile, *, tells: bool) -> None:
    driver = PusherDriver(app_id="1", key="key", secret="secret", host="127.0.0.1", profile=profile)

    assert driver.tells_subscribers is tells
    with nullcontext() if tells else pytest.raises(ConfigurationError, match="cannot tell who is there"):
        Broadcaster(driver, when_offline=Fallbacks())


@pytest.mark.parametrize("driver", [LogDriver(), NullDriver()], ids=["log", "null"])
def test_over_what_reaches_nobody_nothing_runs(driver: Any, caplog: pytest.LogCaptureFixture) -> None:
    fallbacks, heard = fallbacks_of()
    broadcaster = Broadcaster(driver, when_offline=fallbacks)
    with caplog.at_level("INFO", "broadcastkit.offline"):
        receipts = [broadcaster.broadcast(Shipped(order_id=1, customers=[3])).to_everyone() for _ in range(2)]

    assert heard.missed == []
    assert [receipt.delivered for receipt in receipts] == [True, True]
    assert [one.requests for one in receipts[0].connections] == [0, 0]
    assert [record.getMessage() for record in caplog.records if record.name == "broadcastkit.offline"] == [
        f"'tell_them' does not run: over {driver!r}, nobody can be there or not"
    ]


def test_beside_a_service_what_reaches_nobody_is_not_asked() -> None:
    fallbacks, heard = fallbacks_of()
    connections = {"log": LogDriver(), "main": Service("private-user.4").sync()}
    broadcaster = Broadcaster(connections, default="log", when_offline=fallbacks)
    event = Shipped(order_id=1, customers=[3, 4])
    broadcaster.broadcast(event).via("log", "main").to_everyone()

    assert heard.channels == ["private-user.3"]


# -- names of connections ----------------------------------------------------------------------------------------------


def test_a_broadcaster_shows_and_closes_its_own_connections_only() -> None:
    fallbacks, _ = fallbacks_of()
    service = Service()
    broadcaster = Broadcaster(service.sync(), when_offline=fallbacks)
    broadcaster.broadcast(Shipped(order_id=1, customers=[3])).to_everyone()
    driver = broadcaster.driver("offline.tell_them")

    assert repr(driver) == "OfflineDriver('tell_them')"
    assert driver is broadcaster.driver("offline.tell_them")
    assert (list(broadcaster._connections), len(broadcaster._connections)) == (["default"], 1)
    assert ("offline.tell_them" in broadcaster._connections, "offline.x" in broadcaster._connections) == (True, False)
    broadcaster.close()
    assert service.closed == 1


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("offline.gone", r"there is no fallback 'gone' here \(there are: tell_them\): import the module"),
        ("offline.tell_them@gone", "there is no connection 'gone' to ask who is there; there are: default"),
        ("gone", "there is no connection 'gone'; there are: default$"),
    ],
)
def test_a_worker_is_told_what_is_missing(name: str, error: str) -> None:
    fallbacks, _ = fallbacks_of()
    with pytest.raises(ConfigurationError, match=error):
        Broadcaster(Service().sync(), when_offline=fallbacks).driver(name)


def test_a_worker_without_fallbacks_is_told_so() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Broadcaster(NullDriver()).driver("offline.tell_them")
    assert str(raised.value) == (
        "there is no connection 'offline.tell_them'; there are: default; "
        "it is a fallback: this broadcaster needs when_offline=, too"
    )


def test_a_connection_that_is_called_as_a_fallback_stays_ones_own() -> None:
    fallbacks, heard = fallbacks_of()
    own, main = Service(), Service()
    connections = {"main": main.sync(), "offline.tell_them": own.sync()}
    broadcaster = Broadcaster(connections, default="main", when_offline=fallbacks)
    broadcaster.broadcast(Shipped(order_id=1, customers=[3])).to_everyone()

    assert (own.events, heard.missed) == (["shipped"], [])


def test_no_client_subscribes_to_a_fallback() -> None:
    fallbacks, _ = fallbacks_of()
    driver: Any = Broadcaster(Service().sync(), when_offline=fallbacks).driver("offline.tell_them")
    for ask in (driver.answer_subscription, driver.answer_user, driver.channel_info, driver.users_info):
        with pytest.raises(ConfigurationError, match="'tell_them' is a connection that only takes what is missed"):
            ask("private-user.3")
    driver.close()
