"""Which waiting messages share a request: the rules, and their properties under any traffic."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.core.message import Message
from broadcastkit.delivery.batching import (
    Batch,
    Batcher,
    Item,
    batch_limit,
    distribute,
    messages_of,
    result_of,
)
from broadcastkit.drivers.base import Sent
from broadcastkit.drivers.null import NullDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import ConnectError


def item(*channels: str, event: str = "e") -> Item:
    return Item([Message(event, channels, "{}")])


def added(batcher: Batcher, *items: Item) -> list[Batch | None]:
    return [batcher.add(one) for one in items]


def land(batcher: Batcher, batches: list[Batch | None], one: Item) -> None:
    batcher.done(next(batch for batch in batches if batch is not None and one in batch))


def test_a_lone_item_leaves_at_once() -> None:
    batcher = Batcher(10, most=8, free=2)
    one = item("a")
    assert batcher.add(one) == [one]
    assert len(batcher) == 0


def test_while_the_free_ones_are_on_their_way_others_wait_and_share_the_next_request() -> None:
    batcher = Batcher(10, most=8, free=2)
    first, second, third, fourth = item("a"), item("b"), item("c"), item("d")
    batches = added(batcher, first, second, third, fourth)
    assert batches == [[first], [second], None, None]
    land(batcher, batches, first)
    assert batcher.take() == [third, fourth]


def test_a_full_batch_leaves_beyond_the_free_ones_up_to_the_most() -> None:
    batcher = Batcher(3, most=3, free=2)
    added(batcher, item("a"), item("b"))
    waiting = [item(name) for name in "cdefgh"]
    leaving = [batch for batch in added(batcher, *waiting) if batch]
    assert leaving == [waiting[:3]]
    assert batcher.take() is None
    batcher.done(leaving[0])
    assert batcher.take() == waiting[3:]


def test_a_channel_that_is_on_its_way_is_waited_for() -> None:
    batcher = Batcher(10, most=8, free=2)
    first, same, other = item("a"), item("a"), item("b")
    batches = added(batcher, first, same, other)
    assert batches == [[first], None, [other]]
    land(batcher, batches, first)
    assert batcher.take() == [same]


def test_nobody_overtakes_over_a_shared_channel() -> None:
    batcher = Batcher(10, most=8, free=2)
    first, both, late = item("a"), item("a", "b"), item("b")
    batches = added(batcher, first, both, late)
    assert batches == [[first], None, None]
    land(batcher, batches, first)
    assert batcher.take() == [both, late]


def test_an_item_with_more_channels_than_a_request_holds_travels_alone() -> None:
    batcher = Batcher(3, most=8, free=2)
    first = item("x")
    batches = added(batcher, first, item("y"))
    small, large = item("a"), item(*"bcdef")
    added(batcher, small, large)
    land(batcher, batches, first)
    assert batcher.take() == [small]
    assert batcher.take() == [large]


def test_what_is_to_be_sent_again_goes_to_the_front() -> None:
    batcher = Batcher(10, most=1, free=1)
    first, second, third = item("a"), item("b"), item("a")
    batch = batcher.add(first)
    assert batch is not None
    assert batch == [first]
    added(batcher, second, third)
    batcher.done(batch, again=[first])
    assert batcher.take() == [first, second, third]


def test_a_waiting_item_can_be_withdrawn_and_a_leaving_one_cannot() -> None:
    batcher = Batcher(10, most=8, free=1)
    leaving, waiting = item("a"), item("b")
    added(batcher, leaving, waiting)
    assert batcher.withdraw(waiting)
    assert not batcher.withdraw(waiting)
    assert not batcher.withdraw(leaving)


CHANNELS = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True)


@given(st.lists(st.one_of(CHANNELS, st.integers(0, 7)), max_size=120), st.integers(1, 6), st.integers(1, 4))
def test_whatever_comes_and_lands_order_is_kept_and_nothing_is_lost(steps: list[Any], limit: int, most: int) -> None:
    batcher = Batcher(limit, most=most, free=min(2, most))
    flying: list[Batch] = []
    queued: list[Item] = []
    left: list[Item] = []

    def leave(batch: Batch | None) -> None:
        if batch is None:
            return
        assert sum(one.weight for one in batch) <= limit or len(batch) == 1
        on_the_way = {name for other in flying for one in other for name in one.channels}
        assert on_the_way.isdisjoint(name for one in batch for name in one.channels)
        flying.append(batch)
        assert len(flying) <= most
        left.extend(batch)

    for step in steps:
        if isinstance(step, list):
            queued.append(item(*step))
            leave(batcher.add(queued[-1]))
        elif flying:
            batcher.done(flying.pop(step % len(flying)))
            for batch in iter(batcher.take, None):
                leave(batch)
    while flying:
        batcher.done(flying.pop())
        for batch in iter(batcher.take, None):
            leave(batch)

    assert Counter(map(id, left)) == Counter(map(id, queued))
    for name in "abcde":
        assert [one for one in left if name in one.channels] == [one for one in queued if name in one.channels]


class Traffic:
    """Items on their way through a batcher, and what is done to them."""

    def __init__(self, limit: int, most: int) -> None:
        self.batcher = Batcher(limit, most=most, free=1)
        self.waiting: list[Item] = []
        self.flying: list[Batch] = []
        self.landed: list[Item] = []

    def add(self, channels: list[str], _: int) -> None:
        self.waiting.append(item(*channels))
        self._left(self.batcher.add(self.waiting[-1]))

    def done(self, _: list[str], number: int, *, again: bool = False) -> None:
        if self.flying:
            batch = self.flying.pop(number % len(self.flying))
            position = number % len(batch) if again else len(batch)
            self.landed += batch[:position]
            self.waiting[:0] = batch[position:]
            self.batcher.done(batch, again=batch[position:])

    def again(self, channels: list[str], number: int) -> None:
        self.done(channels, number, again=True)

    def withdraw(self, _: list[str], number: int) -> None:
        if self.waiting:
            assert self.batcher.withdraw(self.waiting.pop(number % len(self.waiting)))

    def drop(self, _: list[str], __: int) -> None:
        if self.waiting:
            assert self.batcher.drop_oldest() is self.waiting.pop(0)

    def leave(self) -> None:
        while self._left(self.batcher.take(part=True)):
            pass
        assert len(self.batcher) == len(self.waiting)
        assert self.flying or not self.waiting, "something waits for nothing"

    def _left(self, batch: Batch | None) -> bool:
        if batch is None:
            return False
        self.flying.append(batch)
        for one in batch:
            self.waiting.remove(one)
        return True


STEPS = st.tuples(st.sampled_from(["add", "add", "done", "again", "withdraw", "drop"]), CHANNELS, st.integers(0, 7))


@given(st.lists(STEPS, max_size=120), st.integers(1, 6), st.integers(1, 4))
def test_nor_where_some_are_taken_back_and_others_sent_again(
    steps: list[tuple[str, list[str], int]], limit: int, most: int
) -> None:
    traffic = Traffic(limit, most)

    for step, channels, number in steps:
        getattr(traffic, step)(channels, number)
        traffic.leave()
    while traffic.flying:
        traffic.done([], 0)
        traffic.leave()

    assert not traffic.waiting
    assert len(traffic.landed) == len({id(one) for one in traffic.landed})


def test_a_lone_waiting_item_never_waits_with_nothing_on_the_way() -> None:
    batcher = Batcher(1, most=1, free=1)
    batch = batcher.add(item("a"))
    assert batch
    waiting = item("a")
    assert batcher.add(waiting) is None
    batcher.done(batch)
    assert batcher.take() == [waiting]


def test_outcomes_come_back_to_those_whose_messages_they_are() -> None:
    one = Item([Message("a", ("x",), "{}"), Message("b", ("y",), "{}")])
    two = item("z", event="c")
    assert [message.event for message in messages_of([one, two])] == ["a", "b", "c"]
    distribute([one, two], [Sent(1), Sent(2), Sent(3)])
    assert list(result_of(one)) == [Sent(1), Sent(2)]
    assert list(result_of(two)) == [Sent(3)]


def test_a_shared_error_is_an_object_of_each_caller() -> None:
    cause = OSError("refused")
    error = ConnectError("nobody there")
    error.__cause__ = cause
    one, two = item("a"), item("b")
    distribute([one, two], [error, error])
    (first,), (second,) = result_of(one), result_of(two)
    assert isinstance(first, ConnectError)
    assert isinstance(second, ConnectError)
    assert first is not second
    assert str(second) == "nobody there"
    assert second.__cause__ is cause


def test_a_bug_of_a_driver_reaches_every_caller() -> None:
    one, two = item("a"), item("b")
    distribute([one, two], ZeroDivisionError("a bug"))
    for each in (one, two):
        with pytest.raises(ZeroDivisionError, match="a bug"):
            result_of(each)


def test_a_driver_says_how_many_channels_a_request_serves() -> None:
    pusher = PusherDriver(app_id="1", key="k", secret="s", profile="reverb", host="h")
    assert batch_limit(pusher) == 10
    assert batch_limit(NullDriver()) == 0
