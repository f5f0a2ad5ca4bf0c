"""Who has which key, in the memory of a process."""

from __future__ import annotations

import os
import threading
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.core.repeats import Claim
from broadcastkit.delivery.repeats import MemoryRepeats
from broadcastkit.errors import ConfigurationError
from tests.delivery.repeats.sides import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> MemoryRepeats:
    return MemoryRepeats(now=clock)


def test_the_first_has_the_key_until_its_time_is_over(memory: MemoryRepeats, clock: Clock) -> None:
    assert memory.claim([Claim("k", "a", 2.0)]) == [True]
    clock.now += 1.99
    assert memory.claim([Claim("k", "b", 2.0), Claim("other", "b", 2.0)]) == [False, True]
    clock.now += 0.01
    assert memory.claim([Claim("k", "c", 2.0), Claim("k", "d", 2.0)]) == [True, False]


def test_another_state_takes_the_key(memory: MemoryRepeats) -> None:
    claims = [Claim("k", "a", 2.0, "on"), Claim("k", "b", 2.0, "off"), Claim("k", "c", 2.0, "off")]

    assert memory.claim([*claims, Claim("k", "d", 2.0, "on")]) == [True, True, False, True]


def test_only_the_holder_can_release(memory: MemoryRepeats) -> None:
    memory.claim([Claim("k", "a", 2.0)])
    memory.release([Claim("k", "b", 2.0), Claim("absent", "b", 2.0)])
    assert memory.claim([Claim("k", "b", 2.0)]) == [False]
    memory.release([Claim("k", "a", 2.0)])
    assert memory.claim([Claim("k", "b", 2.0)]) == [True]


def test_the_last_that_wins_holds(memory: MemoryRepeats, clock: Clock) -> None:
    one, other = Claim("k", "a", 2.0, wins=True), Claim("k", "b", 2.0, wins=True)

    assert memory.holds([one]) == [True]
    assert memory.claim([one, other]) == [True, True]
    assert memory.holds([one, other]) == [False, True]
    clock.now += 2.0
    assert memory.holds([one, other]) == [True, True]


@pytest.mark.parametrize("size", [1, 4, 100])
def test_it_is_bounded_and_forgets_the_oldest(size: int, clock: Clock) -> None:
    memory = MemoryRepeats(size=size, now=clock)

    for number in range(1000):
        assert memory.claim([Claim(str(number), "a", 60.0)]) == [True]
        assert len(memory._mine().keys) <= size
        assert memory.claim([Claim(str(number), "b", 60.0)]) == [False]

    assert memory.claim([Claim("0", "b", 60.0)]) == [True]


def test_what_is_over_goes_first(clock: Clock) -> None:
    memory = MemoryRepeats(size=4, now=clock)
    memory.claim([Claim("long", "a", 60.0), *(Claim(str(number), "a", 1.0) for number in range(3))])
    clock.now += 1.0
    memory.claim([Claim("new", "a", 1.0)])

    assert memory.claim([Claim("long", "b", 60.0)]) == [False]


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "9"])
def test_a_size_is_a_number_from_one(size: object) -> None:
    with pytest.raises(ConfigurationError, match="size must be a number from 1"):
        MemoryRepeats(size=size)  # type: ignore[arg-type]


def test_of_many_threads_one_wins(memory: MemoryRepeats) -> None:
    answers: list[bool] = []
    start = threading.Barrier(8)

    def claim(holder: str) -> None:
        start.wait()
        answers.extend(memory.claim([Claim(str(number), holder, 60.0) for number in range(200)]))

    threads = [threading.Thread(target=claim, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(answers) == 200


def test_a_fork_while_it_is_in_use_does_no_harm(memory: MemoryRepeats) -> None:
    memory.claim([Claim("k", "a", 60.0)])
    with memory._mine().lock:  # as another thread may have it
        child = os.fork()
        if not child:
            os._exit(0 if memory.claim([Claim("k", "b", 60.0)]) == [True] else 1)
    assert os.waitpid(child, 0)[1] == 0


@given(
    seconds=st.integers(1, 8),
    steps=st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc"))),
)
def test_never_more_than_one_in_the_interval_and_never_too_few(seconds: int, steps: list[tuple[int, str]]) -> None:
    clock = Clock()
    memory = MemoryRepeats(now=clock)
    admitted: dict[str, list[float]] = defaultdict(list)

    for wait, key in steps:
        clock.now += wait
        before = admitted[key][-1:]
        (passes,) = memory.claim([Claim(key, "a", seconds)])
        if passes:
            admitted[key].append(clock.now)
        # dropped is only what comes within the interval of one that went
        assert passes == (not before or clock.now - before[0] >= seconds)
