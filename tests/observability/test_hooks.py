"""Hooks: told of every flight by every delivery, of what will not arrive, and never in the way."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Event, configure
from broadcastkit.default import default_async_broadcaster, default_broadcaster
from broadcastkit.delivery import Background
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox import Outbox, Relay
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.delivery.queues.work import AsyncWorker, Worker
from broadcastkit.delivery.transactions import collect
from broadcastkit.drivers.guarded import Breaker, Guarded
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.observed import Observed
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.drivers.redis import RedisDriver
from broadcastkit.drivers.socketio import SocketIODriver
from broadcastkit.errors import BadRequestError, ConfigurationError, ConnectError
from broadcastkit.observability import Hooks, observe
from broadcastkit.testing import check_driver
from tests.broadcaster.orders import ping, send, send_many
from tests.broadcaster.stand_ins import Told, refused
from tests.delivery.held import AsyncHeld, Held, message
from tests.observability.recording import Recorded, share_a_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from broadcastkit.observability import Drop, Sending
    from tests.broadcaster.stand_ins import Both

    Make = Callable[..., Both]


def events(sendings: list[Sending]) -> list[tuple[str, ...]]:
    return [sending.events for sending in sendings]


# -- sent and failed ---------------------------------------------------------------------------------------------------


def test_what_is_sent_is_told_with_its_connection_and_without_its_channels(make: Make) -> None:
    hooks = Recorded()
    both = make({"main": Told()}, hooks=hooks)
    both.run(both.broadcaster.broadcast(AnonymousEvent("ping", {"a": 1}, on=["news", "private-user.3"])).to_everyone())

    (sending,) = hooks.sent
    assert (sending.connection, sending.events, sending.channels, sending.messages) == ("main", ("ping",), 2, 1)
    assert sending.seconds > 0
    assert "user.3" not in repr(sending)
    assert (hooks.failed, hooks.dropped) == ([], [])


def test_a_flight_that_is_partly_refused_is_told_in_parts(make: Make) -> None:
    refusal = BadRequestError("no", status=400)
    hooks = Recorded()
    both = make(Told(refused(refusal, "b", "d")), hooks=[hooks], on_error="report")
    send_many(both, ping("a"), ping("b"), ping("c"), ping("d"))

    assert events(hooks.sent) == [("a", "c")]
    ((sending, error),) = hooks.failed
    assert sending.events == ("b", "d")
    assert error is refusal


def test_what_a_driver_raises_is_told_and_raised(make: Make) -> None:
    hooks = Recorded()
    both = make(Told(raises=ConnectError("nobody")), hooks=hooks)

    with pytest.raises(ConnectError):
        send(both, ping("a"))
    assert [(sending.events, str(error)) for sending, error in hooks.failed] == [(("a",), "nobody")]


def test_callers_that_share_a_request_are_one_flight() -> None:
    hooks, driver = Recorded(), Held()
    broadcaster = Broadcaster(driver, hooks=hooks)

    def call(name: str) -> None:
        broadcaster.broadcast(AnonymousEvent(name, on="news")).to_everyone()

    share_a_request(broadcaster, driver, call)

    assert sorted(sending.messages for sending in hooks.sent) == [1, 2]


def test_a_fallback_is_told_as_such() -> None:
    hooks = Recorded()
    down = Told(raises=ConnectError("nobody")).sync()
    broadcaster = Broadcaster(Guarded(down, fallback=MemoryDriver()), hooks=hooks)
    broadcaster.broadcast(AnonymousEvent("ping", on="news")).to_everyone()

    assert [(sending.by_fallback, sending.system) for sending in hooks.sent] == [(1, "synctold")]


def test_each_connection_is_told_of_for_itself(make: Make) -> None:
    hooks = Recorded()
    both = make({"a": Told(), "b": Told()}, default="a", hooks=hooks)
    both.run(both.broadcaster.broadcast(ping("x")).via("a", "b").to_everyone())

    assert [sending.connection for sending in hooks.sent] == ["a", "b"]


@pytest.mark.parametrize(
    ("driver", "system", "server"),
    [
        (NullDriver(), "null", None),
        (PusherDriver(app_id="1", key="k", secret="s", host="soketi.test", port=6001), "pusher", ("soketi.test", 6001)),
        (PusherDriver(app_id="1", key="k", secret="s", host="[::1]"), "pusher", ("::1", 443)),
        (RedisDriver(host="redis.test"), "redis", ("redis.test", 6379)),
        (RedisDriver(path="/run/redis.sock"), "redis", None),
        (SocketIODriver(url="redis://u:p@redis.test/0"), "socketio", ("redis.test", 6379)),
        (Guarded(RedisDriver(host="redis.test"), breaker=Breaker()), "redis", ("redis.test", 6379)),
    ],
)
def test_who_carries_it_and_where_to(driver: Any, system: str, server: tuple[str, int] | None) -> None:
    observed: Any = Broadcaster({"main": driver}, hooks=Recorded()).driver()
    sending = observed._flights.sending([])

    assert (sending.system, sending.server) == (system, server)


# -- by whatever delivery ----------------------------------------------------------------------------------------------


def test_background_threads_are_observed_and_what_is_given_up_is_dropped() -> None:
    hooks, driver = Recorded(), Held(released=True)
    driver.outcomes["bad"] = BadRequestError("no", status=400)
    broadcaster = Broadcaster(driver, delivery=Background(), hooks=hooks)
    broadcaster.broadcast_many([AnonymousEvent("good", on="a"), AnonymousEvent("bad", on="b")]).to_everyone()
    broadcaster.close()

    assert [name for names in events(hooks.sent) for name in names] == ["good"]
    assert [sending.events for sending, _ in hooks.failed] == [("bad",)]
    assert [(drop.connection, drop.events, drop.reason, str(drop.error)) for drop in hooks.dropped] == [
        ("default", ("bad",), "failed", "no")
    ]


async def test_background_tasks_too() -> None:
    hooks, driver = Recorded(), AsyncHeld(released=True)
    driver.outcomes["bad"] = BadRequestError("no", status=400)
    async with AsyncBroadcaster(driver, delivery=Background(), hooks=hooks) as broadcaster:
        await broadcaster.broadcast_many([AnonymousEvent("good", on="a"), AnonymousEvent("bad", on="b")]).to_everyone()

    assert [name for names in events(hooks.sent) for name in names] == ["good"]
    assert [(drop.events, drop.reason) for drop in hooks.dropped] == [(("bad",), "failed")]


def test_what_goes_for_newer_messages_and_what_is_left_at_the_end_is_dropped() -> None:
    hooks, driver = Recorded(), Held()
    background = Background(size=2, overflow="drop_oldest", drain=0.0)
    broadcaster = Broadcaster(driver, delivery=background, hooks=hooks)
    for name in ("a", "b", "c", "d"):
        broadcaster.broadcast(AnonymousEvent(name, on="news")).to_everyone()
        driver.wait_for(1)
    broadcaster.close()
    driver.release(1)

    assert sorted((drop.events, drop.reason) for drop in hooks.dropped) == [
        (("a",), "unsent"),  # on its way
        (("b",), "overflow"),
        (("c", "d"), "unsent"),
    ]


def test_a_queues_worker_is_observed_and_what_it_gives_up_is_dropped() -> None:
    hooks, driver = Recorded(), Held(released=True)
    broadcaster = Broadcaster({"main": driver}, hooks=hooks)
    worker = Worker(lambda: broadcaster, None)
    worker.send(Envelope("main", message("good"), "1").to_json(), 1)
    driver.outcomes["bad"] = BadRequestError("no", status=400)
    with pytest.raises(BadRequestError):
        worker.send(Envelope("main", message("bad"), "2").to_json(), 1)
    with pytest.raises(ConfigurationError):
        worker.send(Envelope("elsewhere", message("bad"), "3").to_json(), 1)

    assert events(hooks.sent) == [("good",)]
    assert [(drop.connection, drop.events, drop.reason) for drop in hooks.dropped] == [("main", ("bad",), "failed")]


async def test_an_awaited_worker_too() -> None:
    hooks, driver = Recorded(), AsyncHeld(released=True)
    driver.outcomes["bad"] = BadRequestError("no", status=400)
    broadcaster = AsyncBroadcaster(driver, hooks=hooks)
    with pytest.raises(BadRequestError):
        await AsyncWorker(lambda: broadcaster, None).send(Envelope("default", message("bad"), "2").to_json(), 1)

    assert [drop.events for drop in hooks.dropped] == [("bad",)]


def test_a_relay_is_observed_and_what_it_gives_up_is_dropped(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'outbox.db'}")
    outbox_table().create(engine)
    writer = Broadcaster(NullDriver(), delivery=Outbox(engine))
    writer.broadcast_many([AnonymousEvent("good", on="a"), AnonymousEvent("bad", on="b")]).to_everyone()
    hooks, driver = Recorded(), Held(released=True)
    driver.outcomes["bad"] = BadRequestError("no", status=400)
    Relay(engine, Broadcaster(driver, hooks=hooks)).run_once()
    engine.dispose()

    assert events(hooks.sent) == [("good",)]
    assert [sending.events for sending, _ in hooks.failed] == [("bad",)]
    assert [(drop.connection, drop.events, drop.reason) for drop in hooks.dropped] == [("default", ("bad",), "failed")]


def test_what_a_session_rolls_back_is_dropped_and_what_it_commits_is_not() -> None:
    hooks = Recorded()
    broadcaster = Broadcaster(NullDriver(), hooks=hooks)
    with Session(create_engine("sqlite://")) as session:
        for name, end in (("lost", session.rollback), ("kept", session.commit)):
            session.execute(text("SELECT 1"))
            broadcaster.broadcast(ping(name)).after_commit(session).to_everyone()
            end()

    assert [(drop.events, drop.reason) for drop in hooks.dropped] == [(("lost",), "rollback")]
    assert events(hooks.sent) == [("kept",)]


def test_what_is_rolled_back_is_dropped_once_for_each_connection() -> None:
    hooks = Recorded()
    broadcaster = Broadcaster({"a": NullDriver(), "b": NullDriver()}, default="a", hooks=hooks)

    def fail() -> None:
        with collect():
            broadcaster.broadcast(AnonymousEvent("lost", on="news")).via("a", "b").to_everyone()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [(drop.connection, drop.events, drop.reason) for drop in hooks.dropped] == [
        ("a", ("lost",), "rollback"),
        ("b", ("lost",), "rollback"),
    ]
    assert hooks.sent == []


class Typing(Event, throttle=60.0):
    room: int

    def broadcast_on(self) -> str:
        return f"room-{self.room}"


def test_what_is_throttled_is_dropped_and_never_a_failure(make: Make) -> None:
    hooks = Recorded()
    both = make(Told(), hooks=hooks)
    send(both, Typing(room=1))
    send(both, Typing(room=1))

    assert len(hooks.sent) == 1
    assert [(drop.connection, drop.events, drop.reason) for drop in hooks.dropped] == [(None, ("typing",), "throttle")]


# -- harmless ----------------------------------------------------------------------------------------------------------


class Broken(Hooks):
    def on_sent(self, sending: Sending) -> None:
        raise KeyError("on_sent")

    def on_failed(self, sending: Sending, error: Exception) -> None:
        raise KeyError("on_failed")

    def on_dropped(self, drop: Drop) -> None:
        raise KeyError("on_dropped")

    def around(self, sending: Sending) -> Any:
        raise KeyError("around")

    def trace(self) -> Any:
        raise KeyError("trace")


class BrokenAfter(Hooks):
    @contextmanager
    def around(self, sending: Sending) -> Iterator[None]:
        yield
        raise KeyError("around")


def test_a_hook_that_raises_ends_nothing_and_is_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    hooks = Recorded()
    both = make(
        Told(refused(BadRequestError("no", status=400), "b")),
        hooks=[Broken(), BrokenAfter(), hooks],
        on_error=lambda error: None,
    )
    receipts = send_many(both, ping("a"), ping("b"))

    assert [receipt.delivered for receipt in receipts] == [True, False]
    assert events(hooks.sent) == [("a",)]
    assert [sending.events for sending, _ in hooks.failed] == [("b",)]
    assert {record.name for record in caplog.records} == {"broadcastkit.hooks"}
    assert [vars(record)["broadcast_hook"] for record in caplog.records] == [
        "Broken.trace",
        "Broken.around",
        "Broken.on_sent",
        "Broken.on_failed",
        "BrokenAfter.around",
    ]


def test_a_sender_that_is_cancelled_leaves_nothing_open() -> None:
    left: list[str] = []

    class Around(Recorded):
        @contextmanager
        def around(self, sending: Sending) -> Iterator[None]:
            try:
                yield
            finally:
                left.append("left")

    async def cancel() -> Recorded:
        hooks, driver = Around(), AsyncHeld()
        broadcaster = AsyncBroadcaster(driver, hooks=hooks)
        task = asyncio.ensure_future(broadcaster.broadcast(ping("a")).to_everyone())
        await driver.wait_for(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return hooks

    hooks = asyncio.run(cancel())
    assert left == ["left"]
    assert (hooks.sent, hooks.failed) == ([], [])


# -- given, or for the whole process -----------------------------------------------------------------------------------


def test_without_hooks_the_drivers_are_as_they_were_given() -> None:
    driver = MemoryDriver()
    assert Broadcaster(driver).driver() is driver


def test_what_an_observed_driver_has_besides_is_there() -> None:
    driver = PusherDriver(app_id="1", key="app-key", secret="s", host="soketi.test")
    observed = Broadcaster(driver, hooks=Recorded()).driver()

    assert isinstance(observed, Observed)
    assert observed.batch_limit == driver.batch_limit
    assert observed.endpoint == driver.endpoint
    assert observed.blocking
    assert not hasattr(observed, "nothing_like_that")
    assert repr(observed) == "Observed(PusherDriver('1' at https://soketi.test:443))"


def test_an_observed_driver_passes_what_every_driver_must() -> None:
    check_driver(lambda: Broadcaster(MemoryDriver(), hooks=Recorded()).driver())


def test_hooks_of_the_process_are_those_of_broadcasters_without_any_of_their_own() -> None:
    everywhere, own = Recorded(), Recorded()
    before = Broadcaster(NullDriver())
    observe(everywhere)
    after, with_own, with_none = (
        Broadcaster(NullDriver()),
        Broadcaster(NullDriver(), hooks=own),
        Broadcaster(NullDriver(), hooks=()),
    )
    for name, broadcaster in {"a": before, "b": after, "c": with_own, "d": with_none}.items():
        broadcaster.broadcast(ping(name)).to_everyone()

    assert events(everywhere.sent) == [("b",)]
    assert events(own.sent) == [("c",)]


async def test_configure_takes_them_for_both_colours() -> None:
    hooks = Recorded()
    configure("null://", hooks=hooks)
    default_broadcaster().broadcast(ping("a")).to_everyone()
    await default_async_broadcaster().broadcast(ping("b")).to_everyone()

    assert [(sending.connection, sending.events) for sending in hooks.sent] == [("null", ("a",)), ("null", ("b",))]


def test_connections_from_settings_are_still_made_when_they_are_needed() -> None:
    settings = {"default": "a", "connections": {"a": {"driver": "null"}, "b": {"driver": "pusher"}}}
    with Broadcaster.from_settings(settings, hooks=Recorded()) as broadcaster:
        broadcaster.broadcast(ping("x")).to_everyone()
        with pytest.raises(ConfigurationError, match="app_id"):
            broadcaster.driver("b")
        with pytest.raises(ConfigurationError, match="no connection 'c'"):
            broadcaster.driver("c")


@pytest.mark.parametrize("wrong", [Recorded, [Recorded], object(), print])
def test_what_is_no_hook_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^hooks must be objects of subclasses of broadcastkit"):
        Broadcaster(NullDriver(), hooks=wrong)


def test_whoever_overrides_nothing_hears_nothing() -> None:
    broadcaster = AsyncBroadcaster(AsyncMemoryDriver(), hooks=Hooks())
    assert asyncio.run(broadcaster.broadcast(ping("a")).to_everyone()).delivered
