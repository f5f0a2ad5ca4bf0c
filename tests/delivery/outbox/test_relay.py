"""Relaying, on each database: everything once committed arrives, in order, whatever the service answers."""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, NullPool, create_engine, select, update
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session

from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.delivery.outbox import Outbox, Relay
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.drivers.serviceless import Serviceless
from broadcastkit.errors import (
    BadRequestError,
    ConfigurationError,
    ConnectError,
    PayloadTooLargeError,
    RateLimitedError,
    ServiceFailedError,
)
from tests.delivery.held import Held

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TABLE = outbox_table()
SECONDS = 30.0


class Service(Held):
    """Answers at once, as the test says; keeps what it was given."""

    def __init__(self) -> None:
        super().__init__(released=True)
        self.carried: list[Message] = []

    def answer(self, messages: Sequence[Message]) -> list[Outcome]:
        self.carried += messages
        return super().answer(messages)


class Written:
    """Writes events, and makes relays for them."""

    def __init__(self, engine: Engine, *connections: str) -> None:
        self.engine = engine
        self.drivers = {name: Service() for name in connections or ("main",)}
        self.driver = next(iter(self.drivers.values()))
        self.broadcaster = Broadcaster(self.drivers, default=next(iter(self.drivers)), delivery=Outbox(engine))

    def write(self, *names: str, on: str = "a", via: str = "main", **data: Any) -> None:
        events = [AnonymousEvent(name, data, on=list(on)) for name in names]
        self.broadcaster.broadcast_many(events).via(via).to_everyone()

    def relay(self, **options: Any) -> Relay:
        options = {"backoff": 0.0, **options}
        return Relay(self.engine, self.broadcaster, **options)

    def set(self, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(TABLE).values(values))

    def rows(self) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(TABLE).order_by(TABLE.c.id)))


@pytest.fixture
def written(engine: Engine) -> Written:
    return Written(engine)


def drained(relay: Relay) -> int:
    """Run until nothing is left to do; returns how many events were tried."""
    tried = 0
    while found := relay.run_once():
        tried += found
        assert tried < 1000
    return tried


def sent(driver: Service) -> list[str]:
    return [name for request in driver.requests for name in request]


def test_everything_is_delivered_once_in_order_and_in_few_requests(written: Written) -> None:
    names = [f"e{n}" for n in range(25)]
    written.write(*names)
    relay = written.relay()

    assert relay.run_once() == 25
    assert relay.run_once() == 0
    assert [len(request) for request in written.driver.requests] == [10, 10, 5]
    assert sent(written.driver) == names
    assert written.rows() == []
    seen = relay.statistics()
    assert (seen.waiting, seen.dead, seen.oldest, seen.delivered, seen.retried, seen.died) == (0, 0, 0.0, 25, 0, 0)
    assert 0 < seen.lag < SECONDS


def test_what_is_not_committed_is_not_seen_and_not_skipped(written: Written) -> None:
    """An earlier id that is committed later: there is no high-water mark."""
    if written.engine.dialect.name == "sqlite":
        return  # one writer at a time: it cannot happen
    relay = written.relay()
    with Session(written.engine) as slow:
        event = AnonymousEvent("slow", on="a")
        written.broadcaster.broadcast(event).after_commit(slow).to_everyone()
        written.write("quick")
        assert drained(relay) == 1
        slow.commit()
    assert drained(relay) == 1

    assert sent(written.driver) == ["quick", "slow"]


def test_an_outage_holds_up_its_connection_and_loses_nothing(engine: Engine) -> None:
    written = Written(engine, "main", "other")
    written.write(*[f"e{n}" for n in range(30)])
    written.write("there", via="other")
    written.driver.raises = ConnectError("refused")
    relay = written.relay(backoff=0.001)

    assert relay.run_once() == 31
    assert [len(request) for request in written.driver.requests] == [10], "the rest was not tried"
    assert sent(written.drivers["other"]) == ["there"]
    assert {row.claimed_by for row in written.rows()} == {None}, "and was given back"
    assert [row.attempts for row in written.rows()] == [1] * 10 + [0] * 20
    assert {row.error for row in written.rows()} == {"ConnectError", None}

    written.driver.raises = None
    written.driver.requests.clear()
    drained_by_waiting(relay)
    assert sent(written.driver) == [f"e{n}" for n in range(30)]
    assert [len(request) for request in written.driver.requests[:11]] == [1] * 10 + [10], "one alone, to spoil no other"


def drained_by_waiting(relay: Relay) -> None:
    """Run the relay until nothing waits in the table."""
    done = threading.Timer(SECONDS, relay.stop)
    done.start()
    while relay.statistics().waiting and done.is_alive():
        relay.run_once()
    done.cancel()
    done.join()
    assert relay.statistics().waiting == 0


def test_an_outage_is_waited_for_before_a_connection_is_tried_again(written: Written) -> None:
    written.write("first", "second", on="a")
    written.write("third", on="b")
    written.driver.raises = ConnectError("refused")
    relay = written.relay(backoff=60.0)

    assert relay.run_once() == 3
    written.write("fourth", on="c")
    assert relay.run_once() == 0
    assert sent(written.driver) == ["first", "second", "third"]
    assert {row.next_try_at > row.created_at + 20 for row in written.rows()[:3]} == {True}


def test_nothing_overtakes_what_failed(written: Written) -> None:
    written.write(*[f"e{n}" for n in range(12)])
    written.driver.once["e0"] = ServiceFailedError("oops", status=500)
    relay = written.relay()
    drained(relay)

    # the driver took e1 to e9 in the same request, which is its own business; e10 and e11 waited for e0
    assert sent(written.driver) == [*[f"e{n}" for n in range(10)], "e0", "e10", "e11"]


def test_what_can_never_succeed_is_dead_at_once_and_holds_up_nobody(written: Written) -> None:
    written.write("good", "large", "bad", "last")
    written.driver.outcomes["large"] = PayloadTooLargeError("too large")
    written.driver.outcomes["bad"] = BadRequestError("no", status=400)
    relay = written.relay()
    drained(relay)

    assert sent(written.driver) == ["good", "large", "bad", "last"]
    assert [row.error for row in written.rows()] == ["PayloadTooLargeError", "BadRequestError"]
    dead = relay.dead()
    assert [(one.error, one.connection, one.channels, one.attempts) for one in dead] == [
        ("PayloadTooLargeError", "main", ("a",), 1),
        ("BadRequestError", "main", ("a",), 1),
    ]
    assert [one.event_id for one in dead] == [row.event_id for row in written.rows()]
    assert (relay.statistics().dead, relay.statistics().died, relay.statistics().waiting) == (2, 2, 0)


def test_what_the_service_keeps_failing_at_is_dead_after_so_many_tries(written: Written) -> None:
    written.write("poison", "next")
    written.driver.outcomes["poison"] = ServiceFailedError("oops", status=500)
    relay = written.relay(tries=3)
    drained(relay)

    assert sent(written.driver) == ["poison", "next", "poison", "poison"]
    (row,) = written.rows()
    assert (row.state, row.attempts, row.refusals, row.error) == ("dead", 3, 3, "ServiceFailedError")
    assert relay.statistics().retried == 2


WRONG = {
    "too few": (lambda messages: [Sent(1)] * (len(messages) - 1), "returned 0 outcomes for 1 messages"),
    "too many": (lambda messages: [Sent(1)] * (len(messages) + 1), "returned 2 outcomes for 1 messages"),
    "nothing": (lambda messages: None, "returned a NoneType, not a list of outcomes"),
    "a generator": (lambda messages: (Sent(1) for _ in messages), "returned a generator, not a list of outcomes"),
    "something else": (lambda messages: ["ok"] * len(messages), "returned a str for a message, which is no outcome"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_driver_that_answers_wrongly_ends_no_relay(
    written: Written, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer, text = WRONG[kind]
    written.write("one", "two", t0p="s3cret")
    written.driver.answer = answer  # type: ignore[assignment]
    relay = written.relay(tries=2)
    drained(relay)

    assert [(row.state, row.error, row.refusals) for row in written.rows()] == [("dead", "WrongOutcomesError", 2)] * 2
    last = caplog.records[-1].getMessage()
    assert last.endswith(f"is dead: {written.driver!r} {text}")
    assert "s3cret" not in caplog.text


def test_what_a_driver_says_of_the_others_is_believed(written: Written) -> None:
    written.write("one", "two", "three")
    wrong: Any = None
    written.driver.once["two"] = wrong
    relay = written.relay()

    assert relay.run_once() == 3
    assert [row.error for row in written.rows()] == ["WrongOutcomesError"]
    assert relay.run_once() == 1
    assert sent(written.driver) == ["one", "two", "three", "two"]


def test_a_driver_that_cannot_be_made_ends_no_relay(written: Written) -> None:
    class Unmade(Broadcaster):
        def driver(self, connection: str | None = None) -> Any:
            raise ImportError(f"no module for {connection}")

    written.write("ping")
    Relay(written.engine, Unmade(MemoryDriver()), backoff=0.0).run_once()

    (row,) = written.rows()
    assert (row.state, row.error) == ("waiting", "ImportError")


@pytest.mark.parametrize("asked", [float("inf"), 1e300, float("nan")])
def test_no_service_puts_an_event_off_for_more_than_a_minute(written: Written, asked: float) -> None:
    written.write("ping")
    written.driver.once["ping"] = RateLimitedError("slow down", status=429, retry_after=asked)
    relay = written.relay()
    relay.run_once()

    (row,) = written.rows()
    assert row.created_at <= row.next_try_at <= row.created_at + 60.0 + SECONDS
    assert relay._pauses.at(time.monotonic() + 60.0 + SECONDS) == []


def test_the_dead_can_be_tried_again_or_forgotten(written: Written) -> None:
    written.write("one", "two", "three")
    for name in ("one", "two", "three"):
        written.driver.once[name] = BadRequestError("no", status=400)
    relay = written.relay()
    drained(relay)
    first, second, third = (one.id for one in relay.dead())

    assert relay.dead(limit=1)[0].id == first
    assert relay.requeue(second, 10**9) == 1
    assert drained(relay) == 1
    assert relay.discard(third) == 1
    assert relay.requeue() == 1
    assert drained(relay) == 1
    assert relay.discard() == 0
    assert sent(written.driver)[3:] == ["two", "one"]


def test_only_channels_that_were_not_served_are_tried_again(written: Written) -> None:
    written.write("ping", on="abc")
    written.driver.once["ping"] = ConnectError("broke", delivered=("a", "b"))
    relay = written.relay()
    drained(relay)

    assert sent(written.driver) == ["ping", "ping"]
    assert written.driver.carried[-1].channels == ("c",)


def test_an_event_for_a_connection_that_is_gone_waits_for_it(written: Written) -> None:
    written.write("ping")
    elsewhere = Broadcaster(MemoryDriver())
    relay = Relay(written.engine, elsewhere, backoff=0.0)
    assert relay.run_once() == 1

    (row,) = written.rows()
    assert (row.state, row.error, row.refusals) == ("waiting", "ConfigurationError", 0)


def test_what_is_no_envelope_is_dead(written: Written) -> None:
    written.write("ping")
    written.set(envelope='{"version": 99}')
    drained(written.relay())

    assert [(row.state, row.error) for row in written.rows()] == [("dead", "InvalidPayloadError")]
    assert sent(written.driver) == []


def test_what_was_delivered_can_be_kept_for_a_while(written: Written) -> None:
    written.write("ping")
    relay = written.relay(keep=3600.0)
    drained(relay)
    (row,) = written.rows()
    assert (row.state, row.claimed_by) == ("delivered", None)
    assert row.delivered_at >= row.created_at
    assert (relay.statistics().waiting, relay.statistics().delivered) == (0, 1)

    written.set(delivered_at=row.delivered_at - 3601)
    written.relay(keep=3600.0).run_once()
    assert written.rows() == []


def test_the_claim_of_a_relay_that_died_is_taken_over_when_its_lease_has_run_out(written: Written) -> None:
    class KilledError(BaseException):
        """Nothing is cleaned up."""

    written.write("first", "second")
    killed = written.relay()
    killed._deliver = lambda claimed: (_ for _ in ()).throw(KilledError)  # type: ignore[method-assign]
    with pytest.raises(KilledError):
        killed.run_once()
    relay = written.relay()
    assert relay.run_once() == 0
    assert {row.claimed_by for row in written.rows()} == {killed._token}

    written.set(claimed_until=1.0)
    assert relay.run_once() == 2
    assert sent(written.driver) == ["first", "second"]


def test_a_relay_that_has_lost_its_lease_sends_nothing_more(written: Written) -> None:
    written.write(*[f"e{n}" for n in range(20)])
    relay = written.relay(lease=1e-9)
    answer = written.driver.answer

    def taken_over(messages: Sequence[Message]) -> list[Outcome]:
        written.set(claimed_by="another")
        return answer(messages)

    written.driver.answer = taken_over  # type: ignore[method-assign]
    assert relay.run_once() == 20
    assert len(written.driver.requests) == 1
    assert {row.claimed_by for row in written.rows()} == {"another"}, "nor does it touch what is another's"


def test_the_lease_grows_while_requests_go_on(written: Written) -> None:
    written.write(*[f"e{n}" for n in range(30)])
    ends: list[float] = []
    answer = written.driver.answer

    def noted(messages: Sequence[Message]) -> list[Outcome]:
        ends.append(written.rows()[-1].claimed_until)
        return answer(messages)

    written.driver.answer = noted  # type: ignore[method-assign]
    relay = written.relay(lease=1e-3)
    relay._still_ours = lambda ids: relay._store.renew(sorted(ids), relay._token, 60.0)  # type: ignore[method-assign]
    assert relay.run_once() == 30
    assert ends == sorted(set(ends)), "each request has a longer one"


def test_who_waits_behind_many_that_cannot_go_is_found(written: Written) -> None:
    written.write(*["stuck"] * 50, on="a")
    written.set(next_try_at=1e12)
    written.write("free", on="b")
    relay = written.relay(batch=2)

    assert relay.run_once() == 1
    assert sent(written.driver) == ["free"]


def test_stopping_gives_back_what_was_claimed(written: Written) -> None:
    written.write(*[f"e{n}" for n in range(30)])
    relay = written.relay()
    answer = written.driver.answer

    def stopped(messages: Sequence[Message]) -> list[Outcome]:
        relay.stop()
        return answer(messages)

    written.driver.answer = stopped  # type: ignore[method-assign]
    relay.run()

    assert [len(request) for request in written.driver.requests] == [10], "the request on its way was finished"
    assert [(row.state, row.claimed_by) for row in written.rows()] == [("waiting", None)] * 20


def test_a_relay_that_waits_can_be_stopped(written: Written) -> None:
    relay = written.relay(poll=60.0)
    thread = threading.Thread(target=relay.run)
    thread.start()
    relay.stop()
    thread.join(SECONDS)

    assert not thread.is_alive()


def test_a_database_that_does_not_answer_is_waited_for(
    written: Written, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.write("ping")
    relay = written.relay()
    waiting, failures = relay._store.waiting, [relay._store.errors[1]("no connection")] * 3

    def unreliable(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        relay.stop()
        return waiting(*args)

    monkeypatch.setattr(relay._store, "waiting", unreliable)
    relay.run()

    assert sent(written.driver) == []
    assert [record.message for record in caplog.records] == [
        "the outbox cannot be read; again in 0.0 s: TimeoutError"
    ] * 3


class Counting(Serviceless):
    """Notes what comes, in the order in which it comes, from any thread; fails now and then, or half-way."""

    batch_limit = 3

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.arrived: list[tuple[str, int]] = []
        self._dice = random.Random(seed)
        self._lock = threading.Lock()

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        with self._lock:
            luck = self._dice.random()
            if luck < 0.05:
                raise ConnectError("refused")
            self.arrived += [(channel, int(message.data)) for message in messages for channel in message.channels]
            if luck < 0.1:
                raise ConnectError("broke after the service acted")
            return [Sent(1)] * len(messages)


def test_many_relays_keep_the_order_of_every_channel(engine: Engine) -> None:
    """Four relays on one table, writers beside them, a service that fails: nothing lost, nothing overtaken."""
    service = Counting(7)
    writer = Broadcaster(service, delivery=Outbox(engine))
    relays = [Relay(engine, writer, batch=7, backoff=0.001, poll=0.005) for _ in range(4)]
    threads = [threading.Thread(target=relay.run) for relay in relays]
    dice = random.Random(7)
    channels = [dice.sample("abcde", dice.choice([1, 1, 2])) for _ in range(300)]
    for thread in threads:
        thread.start()
    try:
        for number, names in enumerate(channels):
            writer.broadcast(AnonymousEvent("e", number, on=names)).to_everyone()
        drained_by_waiting(relays[0])
    finally:
        for relay in relays:
            relay.stop()
        for thread in threads:
            thread.join(SECONDS)

    assert not any(thread.is_alive() for thread in threads)
    for name in "abcde":
        came = list(dict.fromkeys(number for channel, number in service.arrived if channel == name))
        assert came == [number for number, names in enumerate(channels) if name in names]
    assert sum(relay.statistics().delivered for relay in relays) == 300


# -- settings and secrets --------------------------------------------------------------------------------------------


@pytest.fixture
def lonely(tmp_path: Path) -> Engine:
    return create_engine(f"sqlite:///{tmp_path / 'empty.db'}", poolclass=NullPool)


def test_without_a_table_the_error_says_how_to_make_one(lonely: Engine) -> None:
    with pytest.raises(ConfigurationError, match="there is no table 'broadcastkit_outbox'"):
        Relay(lonely, Broadcaster(MemoryDriver())).run()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"batch": 0}, "batch must be a number from 1"),
        ({"lease": 0}, "lease must be a number of seconds above 0"),
        ({"poll": 0}, "poll must be a number of seconds above 0"),
        ({"keep": -1}, "keep must be a number of seconds from 0"),
        ({"tries": 0}, "tries must be a number from 1"),
    ],
)
def test_wrong_settings_are_named(lonely: Engine, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Relay(lonely, Broadcaster(MemoryDriver()), **wrong)


def test_a_relay_takes_a_blocking_engine() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    with pytest.raises(ConfigurationError, match="takes a blocking Engine of SQLAlchemy, not a AsyncEngine"):
        Relay(engine, Broadcaster(MemoryDriver()))
    with pytest.raises(ConfigurationError, match="not object"):
        Relay(object(), Broadcaster(MemoryDriver()))


def test_no_payload_reaches_a_log(lonely: Engine, caplog: pytest.LogCaptureFixture) -> None:
    TABLE.create(lonely)
    written = Written(lonely)
    written.write("bad", "down", secret="hush-hush")
    written.driver.outcomes["bad"] = BadRequestError("no", status=400)
    written.driver.outcomes["down"] = ConnectError("refused")
    with caplog.at_level(logging.DEBUG):
        relay = written.relay()
        relay.run_once()

    dead, retried = [record for record in caplog.records if record.name == "broadcastkit.relay"]
    assert dead.message == "event 1 ('bad') is dead: no"
    assert retried.message == "event 2 ('down') failed at attempt 1; again in 0.0 s: refused"
    told = {name: value for name, value in vars(retried).items() if name.startswith("broadcast_")}
    assert len(told.pop("broadcast_id")) == len(str(uuid4()))
    assert told == {
        "broadcast_outbox_id": 2,
        "broadcast_event": "down",
        "broadcast_connection": "main",
        "broadcast_attempt": 1,
        "broadcast_error": "ConnectError",
    }
    assert "hush" not in "".join(str(vars(record)) for record in caplog.records)
    assert "hush" not in repr(relay.dead()) + repr(relay._store) + repr(relay)


def test_an_error_of_a_stranger_is_named_and_not_quoted(lonely: Engine, caplog: pytest.LogCaptureFixture) -> None:
    TABLE.create(lonely)
    written = Written(lonely)
    written.write("ping")
    written.driver.raises = ValueError("hush-hush")
    written.relay().run_once()

    assert [record.message for record in caplog.records] == [
        "event 1 ('ping') failed at attempt 1; again in 0.0 s: ValueError"
    ]
    assert "hush" not in "".join(str(vars(record)) for record in caplog.records)
