"""The rule of claiming: order per channel holds whatever relays do, and in whichever order they do it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.delivery.outbox.base import Waiting
from broadcastkit.delivery.outbox.claims import chunks, claimable


def row(number: int, channels: str, *, free: bool = True, connection: str = "main") -> Waiting:
    return Waiting(number, connection, tuple(channels), free)


def test_one_channel_is_claimed_as_one_run() -> None:
    assert claimable([row(1, "a"), row(2, "a"), row(3, "a")], 10) == [1, 2, 3]


def test_a_run_ends_at_what_is_claimed_by_another_or_not_due() -> None:
    assert claimable([row(1, "a"), row(2, "a", free=False), row(3, "a"), row(4, "b")], 10) == [1, 4]


def test_what_is_blocked_blocks_its_other_channels_too() -> None:
    """3 waits for 2, which waits for 1, though 1 and 3 have no channel in common."""
    rows = [row(1, "a", free=False), row(2, "ab"), row(3, "bc"), row(4, "c"), row(5, "d")]

    assert claimable(rows, 10) == [5]


def test_a_channel_of_another_connection_is_another_channel() -> None:
    assert claimable([row(1, "a", free=False), row(2, "a", connection="other")], 10) == [2]


def test_no_more_than_asked_for() -> None:
    assert claimable([row(n, "a") for n in range(1, 9)], 3) == [1, 2, 3]


def test_what_others_were_quicker_to_claim_is_not_overtaken() -> None:
    rows = [row(1, "a"), row(2, "a"), row(3, "b")]

    assert claimable(rows, 10, got={2, 3}) == [3]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1, 1, 1, 1, 1], [[1, 1], [1, 1], [1]]),
        ([1, 2, 1], [[1], [2], [1]]),
        ([5, 1], [[5], [1]]),
        ([1, 0, 1, 1], [[1], [0], [1, 1]]),
        ([], []),
    ],
)
def test_requests_hold_so_much_and_what_is_to_be_alone_is(weights: list[int], expected: list[list[int]]) -> None:
    assert list(chunks(weights, 2, weight=int)) == expected


@given(st.lists(st.integers(0, 5)), st.integers(1, 5))
def test_cutting_loses_and_moves_nothing(weights: list[int], limit: int) -> None:
    assert [one for chunk in chunks(weights, limit, weight=int) for one in chunk] == weights


@dataclass
class Table:
    """A table as a database shows it: rows in the order of their ids, some of them not committed yet."""

    visible: dict[int, str] = field(default_factory=dict)
    pending: list[tuple[int, str]] = field(default_factory=list)
    owner: dict[int, int] = field(default_factory=dict)
    # for each row the rows that were committed when it was written, and share a channel
    before: dict[int, set[int]] = field(default_factory=dict)
    ever: dict[int, str] = field(default_factory=dict)
    written: int = 0

    def write(self, channels: str) -> None:
        self.written += 1
        self.before[self.written] = {n for n, other in self.ever.items() if set(other) & set(channels)}
        self.pending.append((self.written, channels))

    def commit(self, index: int) -> None:
        number, channels = self.pending.pop(index)
        self.visible[number] = self.ever[number] = channels

    def view(self) -> list[Waiting]:
        return [Waiting(n, "main", tuple(c), n not in self.owner) for n, c in sorted(self.visible.items())]


class FakeRelay:
    """One relay, of which each step may come at any time: look, claim by the old look, deliver a part, die."""

    def __init__(self, name: int, table: Table, arrived: list[int]) -> None:
        self.name, self.table, self.arrived = name, table, arrived
        self.seen: list[Waiting] | None = None
        self.mine: list[int] = []

    def step(self, dice: random.Random) -> None:
        table = self.table
        if self.mine and dice.random() < 0.1:  # killed: the lease runs out, and what it has is free again
            self._release()
        elif self.mine:
            run = self.mine[: dice.randint(1, 3)]
            self.arrived.extend(run)
            if dice.random() < 0.2:  # killed after the service has answered, or the service failed
                self._release()
                return
            self.mine = self.mine[len(run) :]
            for number in run:
                del table.owner[number], table.visible[number]
        elif self.seen is None:
            self.seen = table.view()
        else:
            chosen = claimable(self.seen, dice.randint(1, 6))
            got = {n for n in chosen if n in table.visible and n not in table.owner and dice.random() < 0.9}
            self.mine = claimable(self.seen, len(chosen) or 1, got=got)
            table.owner.update(dict.fromkeys(self.mine, self.name))
            self.seen = None

    def _release(self) -> None:
        for number in self.mine:
            del self.table.owner[number]
        self.mine = []


@pytest.mark.parametrize("seed", range(200))
def test_nothing_arrives_before_what_it_follows_with_many_relays(seed: int) -> None:
    """Writers commit out of order, relays look, claim, deliver and die in any order: 200 seeded histories."""
    dice = random.Random(seed)
    table, arrived = Table(), list[int]()
    relays = [FakeRelay(n, table, arrived) for n in range(dice.randint(1, 4))]
    for _ in range(400):
        action = dice.random()
        if action < 0.2 and table.written < 60:
            table.write("".join(dice.sample("abcd", dice.choice([1, 1, 1, 2]))))
        elif action < 0.4 and table.pending:
            table.commit(dice.randrange(len(table.pending)))
        else:
            dice.choice(relays).step(dice)
    while table.pending:
        table.commit(0)
    while table.visible:
        dice.choice(relays).step(dice)

    first = {number: arrived.index(number) for number in set(arrived)}
    assert len(first) == table.written, "nothing is lost"
    for number, earlier in table.before.items():
        for other in earlier:
            assert first[other] < first[number], f"{number} came before {other} (seed {seed})"
