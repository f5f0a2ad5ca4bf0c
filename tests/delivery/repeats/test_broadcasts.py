"""Throttle, debounce and unique, seen from a broadcaster."""

from __future__ import annotations

import asyncio
import json
import threading
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Event, PrivateChannel
from broadcastkit.core.repeats import Debounce, Throttle, Unique
from broadcastkit.delivery import Background
from broadcastkit.delivery.repeats import AsyncRedisRepeats, MemoryRepeats, RedisRepeats
from broadcastkit.delivery.transactions import collect
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.errors import BadRequestError, BroadcastError, ConfigurationError, ConnectError
from broadcastkit.events import UserTyping
from broadcastkit.testing import fake_broadcasts
from tests.delivery.held import AsyncHeld, Held
from tests.delivery.repeats.sides import SECONDS, AsyncSide, SyncSide, dropped_by


class Moved(Event, throttle=2.0):
    n: int = 0

    def broadcast_on(self) -> str:
        return "news"


class Progress(Event, throttle=Throttle(2.0, per="job_id", unless_changed="status")):
    job_id: int
    percent: int = 0
    status: str = "running"

    def broadcast_on(self) -> PrivateChannel:
        return PrivateChannel("jobs")


class Saved(Event, debounce=Debounce(0.5, max_wait=2.0)):
    n: int = 0
    on: str = "news"

    def broadcast_on(self) -> str:
        return self.on


class Refresh(Event, unique=60.0):
    n: int = 0

    def broadcast_on(self) -> str:
        return "news"


class Plain(Event):
    n: int = 0

    def broadcast_on(self) -> str:
        return "news"


AnySide = SyncSide | AsyncSide


# --- throttle ---------------------------------------------------------------------------------------------------------


def test_of_a_throttled_event_one_goes_out_in_the_interval(side: AnySide) -> None:
    receipts = side.send(Moved(n=1)) + side.send(Moved(n=2))
    side.clock.now += 2.0
    receipts += side.send(Moved(n=3))

    assert side.sent() == ['{"n":1}', '{"n":3}']
    assert dropped_by(receipts) == [None, "throttle", None]
    first, second, _ = receipts
    assert (first.delivered, second.delivered, second.queued, second.error) == (True, False, False, None)
    assert (second.event, list(second.channels), second.connections) == ("moved", ["news"], ())


def test_other_hearers_are_not_concerned(side: AnySide) -> None:
    side.begin({"one": side.driver, "two": side.driver}, default="one")
    receipts = side.send(Moved())
    for to_others in ("1.1", "2.2", "1.1"):
        receipts += side.send(Moved(), to_others=to_others)
    receipts += side.send(Moved(), via=["two"]) + side.send(Moved(), via=["one"])

    assert dropped_by(receipts) == [None, None, None, "throttle", None, "throttle"]
    side.driver = MemoryDriver()


def test_what_has_changed_is_never_swallowed(side: AnySide) -> None:
    sent = [(1, 10, "running"), (1, 20, "running"), (2, 5, "running"), (1, 30, "done"), (1, 40, "running")]
    receipts = side.send(*(Progress(job_id=job, percent=percent, status=status) for job, percent, status in sent))

    assert dropped_by(receipts) == [None, "throttle", None, None, None]


class Typing(UserTyping, throttle=Throttle(2.0, per="user_id", unless_changed="typing")):
    pass


def test_who_stops_typing_is_always_heard_of(side: AnySide) -> None:
    def typing(now: bool, user: int = 1) -> Typing:
        return Typing(user_id=user, user_name="Ada", typing=now, conversation_id=7)

    receipts = side.send(typing(True))
    receipts += side.send(typing(True)) + side.send(typing(False)) + side.send(typing(True, user=2))
    side.clock.now += 1.9
    receipts += side.send(typing(True)) + side.send(typing(False)) + side.send(typing(False))

    assert dropped_by(receipts) == [None, "throttle", None, None, None, None, "throttle"]


def test_what_could_not_be_sent_does_not_count(side: AnySide) -> None:
    driver = Held(released=True) if isinstance(side, SyncSide) else AsyncHeld(released=True)
    driver.once["moved"] = ConnectError("nobody there")
    side.begin(driver, on_error="report")

    receipts = side.send(Moved()) + side.send(Moved()) + side.send(Moved())

    assert [type(receipt.error) for receipt in receipts] == [ConnectError, type(None), type(None)]
    assert dropped_by(receipts) == [None, None, "throttle"]


def test_what_was_queued_has_taken_its_turn_whatever_becomes_of_it() -> None:
    driver, background = Held(released=True), Background(patience=0.0)
    driver.outcomes["moved"] = BadRequestError("refused")
    broadcaster = Broadcaster(driver, delivery=background, on_error="report", repeats=MemoryRepeats(now=lambda: 0.0))
    assert broadcaster.broadcast(Moved()).to_everyone().queued
    assert background.flush(SECONDS)

    assert driver.requests == [["moved"]]
    assert broadcaster.broadcast(Moved()).to_everyone().dropped == "throttle"
    broadcaster.close()


def test_a_driver_that_breaks_takes_no_turn_either(side: AnySide) -> None:
    driver = Held(released=True) if isinstance(side, SyncSide) else AsyncHeld(released=True)
    driver.raises = ZeroDivisionError("a bug of the driver's")
    side.begin(driver)
    for event in (Moved(), Refresh()):
        with pytest.raises(ZeroDivisionError):
            side.send(event)
    driver.raises = None

    assert dropped_by(side.send(Moved(), Refresh())) == [None, None]


def test_an_event_that_is_not_to_be_sent_takes_no_turn(side: AnySide) -> None:
    class Sometimes(Moved, throttle=2.0):
        def broadcast_when(self) -> bool:
            return self.n > 1

    receipts = side.send(Sometimes(n=1)) + side.send(Sometimes(n=2))

    assert dropped_by(receipts) == [None, None]
    assert side.sent() == ['{"n":2}']


def test_several_at_once_keep_their_order_and_their_receipts(side: AnySide) -> None:
    anonymous: Any = AnonymousEvent("anonymous", {}, on="news")

    receipts = side.send(Plain(n=1), Moved(n=1), Moved(n=2), anonymous, Saved(n=1), Plain(n=2))

    assert [receipt.event for receipt in receipts] == ["plain", "moved", "moved", "anonymous", "saved", "plain"]
    assert dropped_by(receipts) == [None, None, "throttle", None, None, None]
    assert [receipt.queued for receipt in receipts] == [False, False, False, False, True, False]
    assert side.sent() == ['{"n":1}', '{"n":1}', "{}", '{"n":2}']


def test_errors_say_what_became_of_all(side: AnySide) -> None:
    driver = Held(released=True) if isinstance(side, SyncSide) else AsyncHeld(released=True)
    driver.outcomes["plain"] = BadRequestError("no")
    side.begin(driver)

    with pytest.raises(BadRequestError) as caught:
        side.send(Moved(), Moved(), Plain())

    assert caught.value.receipts is not None
    assert dropped_by(caught.value.receipts) == [None, "throttle", None]
    assert dropped_by(side.send(Moved())) == ["throttle"]


# --- with transactions ------------------------------------------------------------------------------------------------


def collected(side: AnySide, *events: Event, fail: bool = False) -> tuple[Any, ...]:
    """Broadcast inside a `collect()` block."""
    if isinstance(side, SyncSide):
        with collect():
            receipts = side.send(*events)
            assert not fail, "rolled back"
        return receipts

    async def run() -> Any:
        async with collect():
            receipts = await side.broadcaster.broadcast_many(events).to_everyone()
            assert not fail, "rolled back"
        return receipts

    found: tuple[Any, ...] = side.run(run)
    return found


@pytest.mark.parametrize("event", [Moved(), Refresh(), Saved()], ids=["throttle", "unique", "debounce"])
def test_what_is_rolled_back_has_taken_no_turn(side: AnySide, event: Event) -> None:
    with pytest.raises(AssertionError, match="rolled back"):
        collected(side, event, fail=True)
    collected(side, event)
    side.advance(0.5)

    assert len(side.driver.messages) == 1


def test_at_the_commit_repeats_are_dropped(side: AnySide) -> None:
    receipts = collected(side, Moved(n=1), Moved(n=2), Refresh(), Refresh(), Saved(n=1), Saved(n=2), Plain())

    assert all(receipt.queued for receipt in receipts)
    assert side.sent() == ['{"n":1}', '{"n":0}', '{"n":0}']
    side.advance(0.5)
    assert side.sent()[3:] == ['{"n":2,"on":"news"}']


# --- debounce ---------------------------------------------------------------------------------------------------------


def test_of_debounced_events_the_last_goes_out_when_it_is_quiet(side: AnySide) -> None:
    receipts = side.send(Saved(n=1))
    for n in (2, 3):
        side.advance(0.375)
        receipts += side.send(Saved(n=n))

    assert side.sent() == []
    assert [(receipt.queued, receipt.dropped) for receipt in receipts] == [(True, None)] * 3
    assert receipts[0].connections[0].connection == "default"
    side.advance(0.4375)
    assert side.sent() == []
    side.advance(0.0625)
    assert side.sent() == ['{"n":3,"on":"news"}']
    side.advance(10)
    assert len(side.sent()) == 1


def test_without_a_pause_it_goes_out_after_max_wait(side: AnySide) -> None:
    for n in range(13):
        side.send(Saved(n=n))
        side.advance(0.375)

    # said at 1.875 and 4.125, sent after 2 seconds and, since the next one came at 2.25, after 4.25
    assert side.sent() == ['{"n":5,"on":"news"}', '{"n":11,"on":"news"}']


def test_each_key_waits_for_itself(side: AnySide) -> None:
    side.send(Saved(n=1, on="a"))
    side.advance(0.25)
    side.send(Saved(n=1, on="b"), Saved(n=2, on="b"))
    side.advance(0.25)
    assert side.sent() == ['{"n":1,"on":"a"}']
    side.advance(0.25)
    assert side.sent()[1:] == ['{"n":2,"on":"b"}']


def test_closing_sends_the_last_at_once(side: AnySide) -> None:
    side.send(Saved(n=1), Saved(n=2), Saved(n=3, on="other"))
    side.close()
    assert side.sent() == ['{"n":2,"on":"news"}', '{"n":3,"on":"other"}']

    # and it may be used again
    side.send(Saved(n=4))
    side.advance(0.5)
    assert len(side.sent()) == 3


def test_a_background_gets_what_was_debounced_before_it_is_drained(side: AnySide) -> None:
    side.begin(delivery=Background())
    side.send(Saved(n=1), Saved(n=2))
    side.close()

    assert side.sent() == ['{"n":2,"on":"news"}']


def test_who_is_excluded_is_remembered(side: AnySide) -> None:
    side.send(Saved(), to_others="1.1")
    side.send(Saved(), to_others="2.2")
    side.advance(0.5)

    assert [message.exclude for message in side.driver.messages] == ["1.1", "2.2"]


def test_an_error_of_a_late_one_is_logged(side: AnySide, caplog: pytest.LogCaptureFixture) -> None:
    driver = Held(released=True) if isinstance(side, SyncSide) else AsyncHeld(released=True)
    driver.outcomes["saved"] = BadRequestError("refused")
    side.begin(driver)
    side.send(Saved())
    side.advance(0.5)
    driver.raises = ZeroDivisionError("a bug")
    side.send(Saved())
    side.advance(0.5)

    told = [record for record in caplog.records if record.name == "broadcastkit"]
    assert [record.getMessage() for record in told] == [
        "debounced broadcast failed: refused",
        "debounced broadcast failed: a bug",
    ]
    assert [record.exc_info is None for record in told] == [True, False]


def test_each_error_of_late_ones_is_logged(side: AnySide, caplog: pytest.LogCaptureFixture) -> None:
    driver = Held(released=True) if isinstance(side, SyncSide) else AsyncHeld(released=True)
    driver.outcomes |= {"saved": BadRequestError("refused"), "saved.too": ConnectError("nobody there")}
    side.begin(driver)

    class SavedToo(Saved): ...

    side.send(Saved(), SavedToo(), Saved(on="other"))
    side.advance(0.5)

    assert [record.getMessage() for record in caplog.records] == [
        "debounced broadcast failed: refused",
        "debounced broadcast failed: nobody there",
    ]
    assert [record.broadcast_event for record in caplog.records] == ["saved", "saved.too"]  # type: ignore[attr-defined]


def test_an_error_policy_is_told_of_late_ones(side: AnySide) -> None:
    errors: list[BroadcastError] = []
    driver = Held(released=True) if isinstance(side, SyncSide) else AsyncHeld(released=True)
    driver.outcomes["saved"] = BadRequestError("refused")
    side.begin(driver, on_error=errors.append)
    side.send(Saved())
    side.advance(0.5)

    assert [str(error) for error in errors] == ["refused"]


def test_too_many_that_wait_go_out_at_once(side: AnySide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broadcastkit.delivery.repeats.waiting.SIZE", 1)
    monkeypatch.setattr("broadcastkit.delivery.repeats.waiting_async.SIZE", 1)
    receipts = side.send(Saved(on="a"), Saved(on="b"), Saved(on="a"))

    assert [receipt.queued for receipt in receipts] == [True, False, True]
    assert side.sent() == ['{"n":0,"on":"b"}']


def test_a_broadcaster_that_nobody_holds_sends_what_waits() -> None:
    driver, sent = MemoryDriver(), threading.Event()

    class Telling(MemoryDriver):
        def send(self, messages: Any) -> list[Any]:
            sent.set()
            return driver.send(messages)

    class Soon(Saved, debounce=0.001): ...

    Broadcaster(Telling()).broadcast(Soon(n=7)).to_everyone()

    assert sent.wait(SECONDS)
    assert [message.data for message in driver.messages] == ['{"n":7,"on":"news"}']


def test_where_no_thread_can_be_started_the_next_one_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    side = SyncSide()
    side.begin()

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        assert side.send(Saved(n=1))[0].queued
    side.send(Saved(n=2))
    side.advance(0.5)
    side.end()

    assert side.sent() == ['{"n":2,"on":"news"}']


# --- unique -----------------------------------------------------------------------------------------------------------


def test_a_unique_event_is_not_sent_again_while_it_is_being_sent() -> None:
    driver = Held()
    broadcaster = Broadcaster(driver)
    first = threading.Thread(target=lambda: broadcaster.broadcast(Refresh()).to_everyone())
    first.start()
    driver.wait_for(1)

    assert broadcaster.broadcast(Refresh()).to_everyone().dropped == "unique"
    driver.release(2)
    assert broadcaster.broadcast(Refresh(n=1)).to_everyone().dropped is None
    first.join(SECONDS)
    driver.release()
    assert broadcaster.broadcast(Refresh()).to_everyone().delivered


def test_it_is_pending_while_it_waits_in_a_background() -> None:
    driver, delivery = Held(), Background()
    broadcaster = Broadcaster({"one": driver, "two": driver}, default="one", delivery=delivery)

    def send(event: Event) -> str | None:
        return broadcaster.broadcast(event).via("one", "two").to_everyone().dropped

    assert [send(Refresh()), send(Refresh()), send(Refresh(n=1))] == [None, "unique", None]
    driver.release(1)
    driver.wait_for(2)
    assert send(Refresh()) == "unique"  # one connection has not been answered for
    driver.release(10)
    assert delivery.flush(SECONDS)
    assert send(Refresh()) is None
    driver.release(10)
    broadcaster.close()


async def test_it_is_pending_while_it_waits_in_a_background_of_async_code() -> None:
    driver, delivery = AsyncHeld(), Background()
    broadcaster = AsyncBroadcaster(driver, delivery=delivery)

    async def send(event: Event) -> str | None:
        return (await broadcaster.broadcast(event).to_everyone()).dropped

    assert [await send(Refresh()), await send(Refresh())] == [None, "unique"]
    await driver.wait_for(1)
    driver.release_all()
    assert await delivery.aflush(SECONDS)
    assert await send(Refresh()) is None
    await broadcaster.aclose()


async def test_a_caller_who_is_cancelled_ends_it() -> None:
    driver = AsyncHeld()
    broadcaster = AsyncBroadcaster(driver)
    first = asyncio.ensure_future(broadcaster.broadcast(Refresh()).to_everyone())
    await driver.wait_for(1)
    first.cancel()
    await asyncio.wait([first])
    second = asyncio.ensure_future(broadcaster.broadcast(Refresh()).to_everyone())
    await driver.wait_for(2)
    driver.release_all()

    assert (await second).delivered


async def test_but_not_what_it_was_to_send_after_a_commit() -> None:
    driver = AsyncHeld()
    broadcaster = AsyncBroadcaster(driver)

    async def page() -> None:
        async with collect():
            await broadcaster.broadcast(Refresh()).to_everyone()

    caller = asyncio.ensure_future(page())
    await driver.wait_for(1)
    caller.cancel()
    await asyncio.wait([caller])

    assert (await broadcaster.broadcast(Refresh()).to_everyone()).dropped == "unique"
    driver.release_all()
    await broadcaster.aclose()
    assert (await broadcaster.broadcast(Refresh()).to_everyone()).delivered


def test_what_fails_or_is_dropped_in_a_background_is_pending_no_more() -> None:
    driver = Held()
    driver.outcomes["refresh"] = BadRequestError("no")
    delivery = Background(size=1, overflow="drop_oldest", on_failed=lambda *_: None)
    broadcaster = Broadcaster(driver, delivery=delivery)

    def send(event: Event) -> str | None:
        return broadcaster.broadcast(event).to_everyone().dropped

    assert send(Plain()) is None
    driver.wait_for(1)  # what follows waits
    assert [send(Refresh()), send(Refresh())] == [None, "unique"]
    assert send(Plain()) is None  # in its place
    assert send(Refresh()) is None
    driver.release(10)
    assert delivery.flush(SECONDS)
    assert send(Refresh()) is None
    broadcaster.close()


def test_its_time_is_limited(side: AnySide) -> None:
    class Forever(MemoryRepeats):
        """Nothing is ever released, as where a process was killed."""

        def release(self, claims: Any) -> None:
            del claims

    side.begin(repeats=Forever(now=side.clock))
    receipts = side.send(Refresh()) + side.send(Refresh())
    side.clock.now += 60.0
    receipts += side.send(Refresh())

    assert dropped_by(receipts) == [None, "unique", None]


def test_a_delivery_that_does_not_tell_has_it_when_it_has_taken_it(side: AnySide) -> None:
    class Mute(Background):
        settles = False

    side.begin(delivery=Mute())

    assert dropped_by(side.send(Refresh()) + side.send(Refresh())) == [None, None]


def test_named_fields_tell_repeats() -> None:
    class ByName(Refresh, unique=Unique(60.0, per=())): ...

    class Report(Event, unique=Unique(60.0, per="report_id")):
        report_id: int
        n: int

        def broadcast_on(self) -> str:
            return "news"

    driver = Held()
    broadcaster = Broadcaster(driver, delivery=Background())

    def send(event: Event) -> str | None:
        return broadcaster.broadcast(event).to_everyone().dropped

    assert [send(Report(report_id=1, n=1)), send(Report(report_id=1, n=2))] == [None, "unique"]
    assert [send(ByName(n=1)), send(ByName(n=2))] == [None, None]
    driver.release(10)
    broadcaster.close()


# --- all of them -----------------------------------------------------------------------------------------------------


@given(steps=st.lists(st.tuples(st.integers(0, 12), st.sampled_from([Moved, Saved, Refresh]), st.booleans())))
def test_whatever_comes_the_promises_are_kept(steps: list[tuple[int, type[Any], bool]]) -> None:
    side = AsyncSide()
    side.begin()
    moved: list[float] = []
    for number, (wait, kind, commits) in enumerate(steps):
        side.advance(wait / 4)
        event = kind(n=number)
        (receipt,) = collected(side, event) if commits else side.send(event)
        if kind is Moved and f'{{"n":{number}}}' in side.sent():
            moved.append(side.clock.now)
        assert receipt.dropped is None or kind is Moved
    side.end()

    # of the throttled never more than one in the interval; of the debounced always the last; of the others all
    assert all(later - sooner >= 2.0 for sooner, later in pairwise(moved))
    assert bool(moved) == any(kind is Moved for _, kind, _ in steps)
    numbers = {kind: [n for n, (_, of, _) in enumerate(steps) if of is kind] for kind in (Saved, Refresh)}
    sent = [message for message in side.driver.messages if message.event == "saved"]
    assert [json.loads(message.data)["n"] for message in sent[-1:]] == numbers[Saved][-1:]
    assert sum(message.event == "refresh" for message in side.driver.messages) == len(numbers[Refresh])


# --- and the rest -----------------------------------------------------------------------------------------------------


def test_a_fake_records_what_was_asked_for(side: AnySide) -> None:
    with fake_broadcasts(side.broadcaster) as broadcasts:
        receipts = side.send(Moved(), Moved(), Saved(n=1), Saved(n=2), Refresh(), Refresh())

        broadcasts.assert_broadcast(Moved, times=2)
        broadcasts.assert_broadcast(Saved, times=2)
        broadcasts.assert_broadcast(Refresh, times=2)
    assert all(receipt.delivered for receipt in receipts)
    assert dropped_by(side.send(Moved()) + side.send(Moved())) == [None, "throttle"]


def test_what_is_dropped_is_told_in_one_place(side: AnySide, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str, str]] = []
    original = type(side.broadcaster)._dropped

    def dropped(self: Any, event: Any, message: Any, reason: Any) -> Any:
        told.append((type(event).__name__, message.data, reason))
        return original(self, event, message, reason)

    monkeypatch.setattr(type(side.broadcaster), "_dropped", dropped)
    side.send(Moved(n=1), Moved(n=2), Saved(n=1), Saved(n=2))

    assert sorted(told) == [("Moved", '{"n":2}', "throttle"), ("Saved", '{"n":1,"on":"news"}', "debounce")]


def test_a_store_is_of_the_color_of_its_broadcaster() -> None:
    with pytest.raises(ConfigurationError, match="AsyncRedisRepeats is awaited"):
        Broadcaster(MemoryDriver(), repeats=AsyncRedisRepeats("redis://"))
    with pytest.raises(ConfigurationError, match="RedisRepeats would block the event loop"):
        AsyncBroadcaster(AsyncMemoryDriver(), repeats=RedisRepeats("redis://"))


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_on_trio_all_but_debounce_works(anyio_backend: str) -> None:
    driver = AsyncMemoryDriver()
    broadcaster = AsyncBroadcaster(driver)

    assert (await broadcaster.broadcast(Moved()).to_everyone()).delivered
    assert (await broadcaster.broadcast(Moved()).to_everyone()).dropped == "throttle"
    assert (await broadcaster.broadcast(Refresh()).to_everyone()).delivered
    with pytest.raises(ConfigurationError, match="waits on asyncio only"):
        await broadcaster.broadcast(Saved()).to_everyone()
    await broadcaster.aclose()
