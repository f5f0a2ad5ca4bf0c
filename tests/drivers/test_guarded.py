"""A guarded connection: when it is not asked, what falls back, and what is asked of it as ever. Both colours."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, Protocol

import pytest

from broadcastkit.authorization import SubscriptionGrant, UserGrant
from broadcastkit.core.breaker import Breaker
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import ChannelInfo, ClientOptions, Outcome, Sent, UserInfo
from broadcastkit.drivers.guarded import AsyncGuarded, Guarded
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.redis import RedisDriver
from broadcastkit.drivers.serviceless import AsyncServiceless, Serviceless
from broadcastkit.errors import (
    BadRequestError,
    BroadcastError,
    CircuitOpenError,
    ConfigurationError,
    ConnectError,
    DeliveryError,
    NoReplyError,
    PayloadTooLargeError,
    RateLimitedError,
    ServiceFailedError,
)

GONE = ConnectError("nobody there")
SECRETS = ("key-1", "secret-1", "payload-1")


def message(event: str, *channels: str) -> Message:
    return Message(event, channels or ("news",), '"payload-1"')


class Script:
    """What a driver answers: by event, or else the same for all; it may raise."""

    def __init__(self, answer: Outcome | Exception | None = None, **by_event: Outcome) -> None:
        self.answer = answer or Sent(1)
        self.by_event = by_event
        self.sent: list[list[tuple[str, tuple[str, ...]]]] = []
        self.closed = 0

    def outcomes(self, messages: Sequence[Message]) -> list[Outcome]:
        self.sent.append([(one.event, one.channels) for one in messages])
        if isinstance(self.answer, Exception) and not isinstance(self.answer, DeliveryError):
            raise self.answer
        assert isinstance(self.answer, Sent | DeliveryError)
        return [self.by_event.get(one.event, self.answer) for one in messages]

    def close_once(self) -> None:
        self.closed += 1


class Scripted(Script, Serviceless):
    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return self.outcomes(messages)

    def close(self) -> None:
        self.close_once()


class AsyncScripted(Script, AsyncServiceless):
    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        await asyncio.sleep(0)
        return self.outcomes(messages)

    async def aclose(self) -> None:
        self.close_once()


class Colour(Protocol):
    guarded: Any
    scripted: Any
    memory: Any

    def run(self, result: Any) -> Any: ...


class InSync:
    guarded, scripted, memory = Guarded, Scripted, MemoryDriver

    def run(self, result: Any) -> Any:
        return result


class Awaited:
    guarded, scripted, memory = AsyncGuarded, AsyncScripted, AsyncMemoryDriver

    def __init__(self) -> None:
        self.runner = asyncio.Runner()

    def run(self, result: Any) -> Any:
        return self.runner.run(result)


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> Iterator[Colour]:
    if request.param == "sync":
        yield InSync()
        return
    awaited = Awaited()
    with awaited.runner:
        yield awaited


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Time that stands still unless the test moves it."""
    clock = SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("broadcastkit.drivers.guarded.time", clock)
    return clock


def send(colour: Colour, driver: Any, *messages: Message) -> list[Any]:
    outcomes: list[Any] = colour.run(driver.send(messages))
    return outcomes


# -- the circuit -------------------------------------------------------------------------------------------------------


def test_a_service_that_is_down_is_not_asked_until_the_cooldown_is_over(colour: Colour, clock: Any) -> None:
    service = colour.scripted(GONE)
    guarded = colour.guarded(service, breaker=Breaker(failures=2, cooldown=30))

    assert send(colour, guarded, message("a")) == [GONE]
    assert send(colour, guarded, message("b")) == [GONE]
    clock.now += 10
    (outcome,) = send(colour, guarded, message("c"))
    assert isinstance(outcome, CircuitOpenError)
    assert (outcome.retryable, outcome.retry_after) == (True, 20)
    assert str(outcome) == f"not sent: {service!r} did not answer, and is asked again in 20.0 s"
    assert len(service.sent) == 2

    clock.now += 20
    service.answer = Sent(1)
    assert send(colour, guarded, message("d"), message("e")) == [Sent(1), Sent(1)]
    assert send(colour, guarded, message("f")) == [Sent(1)]
    assert [[event for event, _ in request] for request in service.sent] == [["a"], ["b"], ["d", "e"], ["f"]]


def test_what_the_driver_raises_counts_as_what_it_returns(colour: Colour, clock: Any) -> None:
    service = colour.scripted()
    guarded = colour.guarded(service, breaker=Breaker(failures=1))
    service.answer = BroadcastError("for all of them")

    assert send(colour, guarded, message("a"), message("b")) == [service.answer] * 2


def test_nothing_to_send_is_no_trial(colour: Colour, clock: Any) -> None:
    service = colour.scripted(GONE)
    guarded = colour.guarded(service, breaker=Breaker(failures=1, cooldown=30))
    send(colour, guarded, message("a"))
    clock.now += 30

    assert send(colour, guarded) == []
    assert send(colour, guarded, message("b")) == [GONE]


@pytest.mark.parametrize("wrong", [PayloadTooLargeError("too large"), RuntimeError("a bug")])
def test_a_trial_that_ends_here_says_nothing_and_the_next_is_one(colour: Colour, clock: Any, wrong: Exception) -> None:
    service = colour.scripted(GONE)
    guarded = colour.guarded(service, breaker=Breaker(failures=1, cooldown=30))
    send(colour, guarded, message("a"))
    clock.now += 30
    service.answer = wrong

    if isinstance(wrong, BroadcastError):
        assert send(colour, guarded, message("b")) == [wrong]
    else:
        with pytest.raises(RuntimeError, match="a bug"):
            send(colour, guarded, message("b"))

    service.answer = Sent(1)
    assert send(colour, guarded, message("c")) == [Sent(1)]


def test_a_bug_in_the_driver_is_raised_and_opens_nothing(colour: Colour, clock: Any) -> None:
    service = colour.scripted(KeyError("a bug"))
    fallback = colour.memory()
    guarded = colour.guarded(service, breaker=Breaker(failures=1), fallback=fallback)

    for _ in range(2):
        with pytest.raises(KeyError, match="a bug"):
            send(colour, guarded, message("a"))
    assert (len(service.sent), fallback.messages) == (2, [])


async def test_a_trial_that_is_cancelled_leaves_it_to_the_next_one(clock: Any) -> None:
    service = AsyncScripted(GONE)
    guarded = AsyncGuarded(service, breaker=Breaker(failures=1, cooldown=30))
    await guarded.send([message("a")])
    clock.now += 30

    task = asyncio.create_task(guarded.send([message("b")]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    service.answer = Sent(1)
    assert await guarded.send([message("c")]) == [Sent(1)]


class Gate(Serviceless):
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.go = threading.Event()
        self.answer: Outcome = GONE
        self.requests = 0

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        self.requests += 1
        self.entered.release()
        assert self.go.wait(10)
        return [self.answer] * len(messages)


def test_of_several_threads_one_finds_out_and_the_others_are_told_so(clock: Any) -> None:
    gate = Gate()
    guarded = Guarded(gate, breaker=Breaker(failures=1, cooldown=30))
    gate.go.set()
    guarded.send([message("a")])
    gate.go.clear()
    clock.now += 30
    assert gate.entered.acquire(timeout=10)

    with ThreadPoolExecutor(9) as pool:
        gate.answer = Sent(1)
        futures = [pool.submit(guarded.send, [message("b")]) for _ in range(8)]
        assert gate.entered.acquire(timeout=10)
        others = [future.result(10)[0] for future in futures if future is not first_running(futures)]
        gate.go.set()
        results = [future.result(10)[0] for future in futures]

    assert gate.requests == 2
    assert results.count(Sent(1)) == 1
    assert [type(outcome) for outcome in others] == [CircuitOpenError] * 7
    assert {outcome.retry_after for outcome in others if isinstance(outcome, CircuitOpenError)} == {None}
    assert "and another message finds out whether it does again" in str(others[0])
    assert guarded.send([message("c")]) == [Sent(1)]


@pytest.mark.parametrize("late", [GONE, None])
async def test_what_began_before_the_circuit_opened_lets_no_second_trial_through(
    clock: Any, late: Outcome | None
) -> None:
    class Gates(AsyncServiceless):
        def __init__(self) -> None:
            self.answers: dict[str, asyncio.Future[Outcome]] = {}

        async def send(self, messages: Sequence[Message]) -> list[Outcome]:
            for one in messages:
                self.answers[one.event] = asyncio.get_running_loop().create_future()
            return [await self.answers[one.event] for one in messages]

    gates = Gates()
    guarded = AsyncGuarded(gates, breaker=Breaker(failures=1, cooldown=30))
    sends = {}
    for event in ("early", "failing", "trial"):
        sends[event] = asyncio.ensure_future(guarded.send([message(event)]))
        await asyncio.sleep(0)
        if event == "failing":
            gates.answers[event].set_result(GONE)
            await sends[event]
            clock.now += 30
    if late is None:
        sends["early"].cancel()
        assert await guarded.send([]) == []
    else:
        gates.answers["early"].set_result(late)
    await asyncio.wait([sends["early"]])

    (outcome,) = await guarded.send([message("second")])
    assert isinstance(outcome, CircuitOpenError)
    gates.answers["trial"].set_result(Sent(1))
    assert await sends["trial"] == [Sent(1)]
    assert list(gates.answers) == ["early", "failing", "trial"]


def first_running(futures: Sequence[Any]) -> Any:
    """Wait until all but one are done, and return that one."""
    for _ in range(10_000):
        (running, *rest) = [future for future in futures if not future.done()]
        if not rest:
            return running
        threading.Event().wait(0.001)
    raise AssertionError("more than one is on its way")


def test_a_child_is_not_stopped_by_a_lock_of_its_parents(clock: Any) -> None:
    guarded = Guarded(Scripted(), breaker=Breaker())
    with guarded._lock():
        child = os.fork()
        if not child:
            os._exit(0 if guarded.send([message("a")]) == [Sent(1)] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- the fallback ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        GONE,
        NoReplyError("silence"),
        RateLimitedError("slow down", status=429),
        ServiceFailedError("broken", status=500),
    ],
)
def test_what_the_service_cannot_take_for_the_moment_falls_back(colour: Colour, error: DeliveryError) -> None:
    fallback = colour.memory()
    guarded = colour.guarded(colour.scripted(b=error), fallback=fallback)

    outcomes = send(colour, guarded, message("a"), message("b", "x", "y"), message("c"))

    assert outcomes == [Sent(1), Sent(by_fallback=True), Sent(1)]
    assert fallback.messages == [message("b", "x", "y")]


@pytest.mark.parametrize(
    "error", [BadRequestError("no", status=400), PayloadTooLargeError("large"), ConfigurationError("no keys")]
)
def test_what_it_refuses_for_good_does_not(colour: Colour, error: BroadcastError) -> None:
    fallback = colour.memory()
    guarded = colour.guarded(colour.scripted(b=error), fallback=fallback)

    assert send(colour, guarded, message("a"), message("b")) == [Sent(1), error]
    assert fallback.messages == []


def test_only_the_channels_that_were_not_served_fall_back(colour: Colour) -> None:
    fallback = colour.scripted(Sent(2))
    partly = ServiceFailedError("broken", status=502, delivered=("x", "z"))
    guarded = colour.guarded(colour.scripted(partly), fallback=fallback)

    assert send(colour, guarded, message("a", "x", "y", "z")) == [Sent(2, by_fallback=True)]
    assert fallback.sent == [[("a", ("y",))]]


def test_an_open_circuit_falls_back_at_once(colour: Colour, clock: Any) -> None:
    service, fallback = colour.scripted(GONE), colour.memory()
    guarded = colour.guarded(service, breaker=Breaker(failures=1), fallback=fallback)

    for event in "abc":
        assert send(colour, guarded, message(event)) == [Sent(by_fallback=True)]
    assert len(service.sent) == 1
    assert [one.event for one in fallback.messages] == ["a", "b", "c"]


def test_where_both_fail_the_first_error_stays_with_a_note_for_each(colour: Colour) -> None:
    first = ServiceFailedError("the service is broken", status=502, delivered=("x",))
    fallback = colour.scripted(
        a=ConnectError("a: nobody there either", delivered=("y",)), b=ConfigurationError("b: not carried")
    )
    guarded = colour.guarded(colour.scripted(first), fallback=fallback)

    a, b, c = send(colour, guarded, message("a", "x", "y", "z"), message("b"), message("c"))

    assert [type(outcome) for outcome in (a, b, c)] == [ServiceFailedError, ServiceFailedError, Sent]
    assert (str(a), a.status, a.delivered, b.delivered) == ("the service is broken", 502, ("x", "y"), ("x",))
    assert a.__notes__ == ["the fallback failed too: a: nobody there either"]
    assert b.__notes__ == ["the fallback failed too: b: not carried"]
    assert not hasattr(first, "__notes__")
    again = pickle.loads(pickle.dumps(a))  # noqa: S301 - our own
    assert "the fallback failed too: a" in "".join(traceback.format_exception(again))


def test_a_fallback_may_be_guarded_too(colour: Colour, clock: Any) -> None:
    last = colour.memory()
    backup = colour.guarded(colour.scripted(GONE), breaker=Breaker(failures=1), fallback=last)
    guarded = colour.guarded(colour.scripted(GONE), breaker=Breaker(failures=1), fallback=backup)

    for event in "ab":
        assert send(colour, guarded, message(event)) == [Sent(by_fallback=True)]
    assert [one.event for one in last.messages] == ["a", "b"]


# -- as ever -----------------------------------------------------------------------------------------------------------


class Outgoing:
    """A driver with everything that a driver may have besides."""

    batch_limit = 7
    needs_socket_id = False
    quirk = "mine"

    def channel_asked_for(self, channel_name: str) -> str:
        return channel_name.removeprefix("app_")

    def client_options(self, *, url: str | None = None) -> ClientOptions:
        return {"broadcaster": "quirky", "url": url or ""}


class SyncOutgoing(Outgoing, Scripted):
    def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        return ChannelInfo(occupied=True, user_count=len(channel_name), subscription_count=len(info))

    def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> dict[str, ChannelInfo]:
        return {f"{prefix}{len(info)}": ChannelInfo()}

    def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        return [UserInfo(channel_name)]

    def terminate_user_connections(self, user_id: str) -> None:
        raise ConfigurationError(f"asked about {user_id}")


class AsyncOutgoing(Outgoing, AsyncScripted):
    async def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        return SyncOutgoing().channel_info(channel_name, info=info)

    async def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> dict[str, ChannelInfo]:
        return SyncOutgoing().channels_info(prefix=prefix, info=info)

    async def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        return SyncOutgoing().users_info(channel_name)

    async def terminate_user_connections(self, user_id: str) -> None:
        SyncOutgoing().terminate_user_connections(user_id)


def test_everything_else_is_asked_of_the_guarded_driver(colour: Colour) -> None:
    driver: Any = SyncOutgoing() if isinstance(colour, InSync) else AsyncOutgoing()
    guarded = colour.guarded(driver, breaker=Breaker())

    assert (guarded.batch_limit, guarded.needs_socket_id, guarded.quirk) == (7, False, "mine")
    assert guarded.channel_asked_for("app_news") == "news"
    assert guarded.client_options(url="https://x") == {"broadcaster": "quirky", "url": "https://x"}
    assert colour.run(guarded.channel_info("news", info=("user_count",))) == ChannelInfo(True, 4, 1)
    assert colour.run(guarded.channels_info(prefix="p", info=("a",))) == {"p1": ChannelInfo()}
    assert colour.run(guarded.users_info("presence-x")) == [UserInfo("presence-x")]
    with pytest.raises(ConfigurationError, match="asked about 7"):
        colour.run(guarded.terminate_user_connections("7"))


def test_what_a_driver_has_not_got_is_missed(colour: Colour) -> None:
    guarded = colour.guarded(colour.scripted(), breaker=Breaker())

    for name in ("batch_limit", "needs_socket_id", "channel_asked_for", "_core", "__length_hint__"):
        assert not hasattr(guarded, name), name


@pytest.mark.parametrize("make", [PusherDriver, AsyncPusherDriver])
def test_it_signs_as_the_guarded_driver(make: Any) -> None:
    driver = make(app_id="1", key="key-1", secret="secret-1")
    guarded = (Guarded if make is PusherDriver else AsyncGuarded)(driver, breaker=Breaker())
    subscription, user = SubscriptionGrant("1.2", "private-x"), UserGrant("1.2", '{"id":"7"}')

    assert guarded.answer_subscription(subscription) == driver.answer_subscription(subscription)
    assert guarded.answer_user(user) == driver.answer_user(user)
    assert (guarded.batch_limit, guarded.endpoint, guarded.client_options()) == (
        driver.batch_limit,
        driver.endpoint,
        driver.client_options(),
    )


def test_it_waits_for_a_network_if_either_driver_does() -> None:
    quiet, networked = MemoryDriver(), RedisDriver()

    assert not Guarded(quiet, fallback=quiet).blocking
    assert not Guarded(quiet, breaker=Breaker()).blocking
    assert Guarded(networked, fallback=quiet).blocking
    assert Guarded(quiet, fallback=networked).blocking


def test_both_drivers_are_closed_whatever_happens(colour: Colour, monkeypatch: pytest.MonkeyPatch) -> None:
    service, fallback = colour.scripted(), colour.scripted()
    guarded = colour.guarded(service, fallback=fallback)
    close: Callable[[], Any] = guarded.close if isinstance(colour, InSync) else guarded.aclose
    colour.run(close())
    assert (service.closed, fallback.closed) == (1, 1)

    def fail() -> None:
        raise OSError("stuck")

    monkeypatch.setattr(service, "close_once", fail)
    with pytest.raises(OSError, match="stuck"):
        colour.run(close())
    assert fallback.closed == 2

    alone = colour.guarded(fallback, breaker=Breaker())
    close_alone: Callable[[], Any] = alone.close if isinstance(colour, InSync) else alone.aclose
    colour.run(close_alone())
    assert fallback.closed == 3


def test_a_guard_of_nothing_is_refused(colour: Colour) -> None:
    with pytest.raises(ConfigurationError, match="needs a breaker, a fallback, or both"):
        colour.guarded(colour.scripted())


# -- what is seen ------------------------------------------------------------------------------------------------------


def test_the_log_says_when_it_opens_and_when_it_closes_and_nothing_secret(
    clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    driver = PusherDriver(app_id="1", key="key-1", secret="secret-1", host="127.0.0.1", port=1, scheme="http")
    guarded = Guarded(driver, breaker=Breaker(failures=2, cooldown=30), fallback=MemoryDriver())
    answers: list[Outcome] = [GONE, GONE, GONE, Sent(1), Sent(1)]
    driver.send = lambda messages: [answers.pop(0)]  # type: ignore[method-assign]

    for _ in range(5):
        guarded.send([message("a")])
        clock.now += 30

    assert [(record.name, record.levelno) for record in caplog.records] == [
        ("broadcastkit.delivery", logging.ERROR),
        ("broadcastkit.delivery", logging.WARNING),
    ]
    assert [record.getMessage() for record in caplog.records] == [
        "PusherDriver('1' at http://127.0.0.1:1) does not answer: nothing more is sent to it for now (nobody there)",
        "PusherDriver('1' at http://127.0.0.1:1) answers again",
    ]
    shown = f"{caplog.text}{guarded!r}"
    assert not [secret for secret in SECRETS if secret in shown]


def test_it_shows_both_drivers() -> None:
    service, fallback = RedisDriver(host="main"), RedisDriver(host="backup")

    assert repr(Guarded(service, fallback=fallback)) == (
        "Guarded(RedisDriver(redis://main:6379), fallback=RedisDriver(redis://backup:6379))"
    )
    assert repr(Guarded(service, breaker=Breaker())) == "Guarded(RedisDriver(redis://main:6379))"
