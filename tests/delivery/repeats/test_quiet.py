"""What waits for quiet, and when it is due."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.delivery.repeats.quiet import Due, Put, Quiet


def test_the_last_is_due_once_it_was_quiet() -> None:
    quiet: Quiet[str] = Quiet(10)

    assert quiet.put("k", "first", now=0, seconds=2, max_wait=None) == Put(taken=True)
    assert quiet.put("k", "last", now=1, seconds=2, max_wait=None) == Put(taken=True, replaced="first")
    assert quiet.due(2) == []
    assert quiet.next() == 3
    assert quiet.due(3) == [Due("last", at_last=False)]
    assert (quiet.next(), len(quiet)) == (None, 0)


def test_it_waits_no_longer_than_it_may() -> None:
    quiet: Quiet[int] = Quiet(10)
    for now in range(5):
        quiet.put("k", now, now=now, seconds=2, max_wait=5)

    assert quiet.due(4) == []
    assert quiet.due(5) == [Due(4, at_last=True)]


def test_keys_wait_for_themselves_and_come_in_order() -> None:
    quiet: Quiet[str] = Quiet(10)
    quiet.put("long", "long", now=0, seconds=9, max_wait=None)
    quiet.put("again", "x", now=0, seconds=2, max_wait=None)
    quiet.put("short", "short", now=0, seconds=3, max_wait=None)
    quiet.put("again", "again", now=2, seconds=2, max_wait=None)

    assert [due.item for due in quiet.due(4)] == ["short", "again"]
    assert [due.item for due in quiet.clear()] == ["long"]
    assert quiet.due(100) == []


def test_a_new_key_is_not_taken_where_there_is_no_room() -> None:
    quiet: Quiet[int] = Quiet(1)
    quiet.put("a", 1, now=0, seconds=1, max_wait=None)

    assert quiet.put("b", 2, now=0, seconds=1, max_wait=None) == Put(taken=False)
    assert quiet.put("a", 3, now=0, seconds=1, max_wait=None) == Put(taken=True, replaced=1)


@given(
    seconds=st.integers(1, 6),
    max_wait=st.none() | st.integers(6, 20),
    steps=st.lists(st.tuples(st.integers(0, 4), st.sampled_from("ab"))),
)
def test_of_each_burst_the_last_comes_and_no_other(
    seconds: int, max_wait: int | None, steps: list[tuple[int, str]]
) -> None:
    quiet: Quiet[tuple[str, int]] = Quiet(10)
    bursts: dict[str, list[list[int]]] = defaultdict(list)  # the times at which each key was heard of, by burst
    found: dict[str, list[int]] = defaultdict(list)
    now = 0

    def look() -> None:
        for (key, since), at_last in quiet.due(now):
            burst = bursts[key][-1]
            assert since == burst[-1], "it is the last"
            assert at_last == (max_wait is not None and now == burst[0] + max_wait)
            assert at_last or now == since + seconds
            found[key].append(since)

    for wait, key in [*steps, (100, "")]:
        for _ in range(wait):
            now += 1
            look()
        if key:
            if len(bursts[key]) == len(found[key]):
                bursts[key].append([])
            bursts[key][-1].append(now)
            quiet.put(key, (key, now), now=now, seconds=seconds, max_wait=max_wait)

    assert len(quiet) == 0
    assert found == {key: [burst[-1] for burst in each] for key, each in bursts.items()}
