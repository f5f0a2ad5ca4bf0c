"""What broadcasts claim before they leave, and what becomes of them by the answers. No I/O: both colors are its shells.

A broadcast inside a transaction comes here when that has committed: what is rolled back has claimed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import uuid4

from broadcastkit.core.message import Message
from broadcastkit.core.repeats import Claim, Debounce, Dropped, Repeats, Throttle, Unique, claim_of
from broadcastkit.delivery.base import Queued
from broadcastkit.delivery.repeats.quiet import Put
from broadcastkit.delivery.transactions import Held
from broadcastkit.delivery.watched import Watched
from broadcastkit.drivers.base import Outcome

__all__ = ["Late", "Round"]

_Outcomes: TypeAlias = "Mapping[str, Iterator[Outcome | Queued]]"
_Place: TypeAlias = tuple[int, int]


class Late(NamedTuple):
    """An event that waits until there was none like it for a while."""

    held: Held
    claim: Claim
    repeats: Debounce

    @property
    def event(self) -> Any:
        """The event."""
        return self.held.request.events[0]

    @property
    def message(self) -> Message:
        """The event, rendered."""
        message: Message = self.held.plans[0][0]
        return message


class _Entry(NamedTuple):
    event: Any
    repeats: Repeats
    claim: Claim


class Round:
    """Broadcasts that leave together: a lot of them are `passing`, what is not is `None` there.

    First `claims` are put to the store, then `decide` takes its answers; what passes is delivered, `answered` looks at
    the outcomes, and `over` is what the store is to free. `carried`: the claims of unique events that are queued travel
    to who sends them, and are freed there.
    """

    def __init__(self, held: Sequence[Held], holder: str, *, carried: bool = False) -> None:
        self.held = held
        self.passing: list[list[Any]] = [list(one.plans) for one in held]
        self.dropped: dict[_Place, Dropped] = {}
        self.waiting: set[_Place] = set()
        self.replaced: list[Late] = []
        self.over: list[Claim] = []
        self._carried = carried
        self._entries = dict(_entries(held, holder))
        self._watches: dict[_Place, list[None]] = {}

    @property
    def claims(self) -> list[Claim]:
        """What is put to the store, in order."""
        return [entry.claim for entry in self._entries.values()]

    @property
    def plans(self) -> Iterator[Any]:
        """What passes, in order."""
        return (plan for plans in self.passing for plan in plans)

    def decide(
        self, answers: Iterable[bool], *, wait: Callable[[Late], Put[Late]], free: Callable[[Claim], None]
    ) -> None:
        """Take the store's answers: drop, have wait (`wait`), or let pass; `free` is for what is queued until then."""
        found = list(zip(list(self._entries), answers, strict=True))
        # until it is known better: what comes to an end by an exception is pending no more, and was not sent
        self.over = [self._entries[place].claim for place, admitted in found if admitted]
        for place, admitted in found:
            entry = self._entries[place]
            if isinstance(entry.repeats, Debounce):
                self._have_wait(place, entry, entry.repeats, wait)
            elif not admitted:
                self.dropped[place] = "throttle" if isinstance(entry.repeats, Throttle) else "unique"
                self._leave(place)
            elif isinstance(entry.repeats, Unique):
                self._watch(place, entry.claim, free)

    def _leave(self, place: _Place) -> None:
        del self._entries[place]
        self.passing[place[0]][place[1]] = None

    def _have_wait(self, place: _Place, entry: _Entry, repeats: Debounce, wait: Callable[[Late], Put[Late]]) -> None:
        sender, request, plans = self.held[place[0]]
        alone = Held(sender, request._replace(events=(entry.event,)), [plans[place[1]]])
        put = wait(Late(alone, entry.claim, repeats))
        if put.replaced is not None:
            self.replaced.append(put.replaced)
        if put.taken:
            self.waiting.add(place)
            self._leave(place)
        else:  # too many wait: one too many is better than none
            del self._entries[place]

    def _watch(self, place: _Place, claim: Claim, free: Callable[[Claim], None]) -> None:
        message, connections = self.passing[place[0]][place[1]]
        left: list[None] = [None] * len(connections)

        def settled() -> None:
            if left:
                left.pop()
            if not left:
                free(claim)

        self._watches[place] = left
        watched = Watched.of(message, settled)
        if self._carried and len(connections) == 1:  # of several, nobody would know which is the last
            watched.claim = claim
        self.passing[place[0]][place[1]] = watched, connections

    def answered(self, outcomes: _Outcomes, *, watched: bool) -> _Outcomes:
        """Look at the outcomes and return them; `watched`: the delivery tells when it is done with what it queued."""
        kept = {name: list(each) for name, each in outcomes.items()}
        each = {name: iter(found) for name, found in kept.items()}
        self.over = []
        for i, plans in enumerate(self.passing):
            for j, plan in enumerate(plans):
                results = [] if plan is None else [next(each[name]) for name in plan[1]]
                entry = self._entries.get((i, j))
                if entry is not None and self._is_over((i, j), entry, results, watched=watched):
                    self.over.append(entry.claim)
        return {name: iter(found) for name, found in kept.items()}

    def _is_over(self, place: _Place, entry: _Entry, results: list[Outcome | Queued], *, watched: bool) -> bool:
        if isinstance(entry.repeats, Throttle):
            return all(isinstance(result, Exception) for result in results)
        left = self._watches[place]
        watched = watched or self._is_carried(place)
        for result in results:
            if left and not (watched and isinstance(result, Queued)):
                left.pop()
        return not left

    def _is_carried(self, place: _Place) -> bool:
        message: Watched = self.passing[place[0]][place[1]][0]
        return message.claim is not None


def _entries(held: Sequence[Held], holder: str) -> Iterator[tuple[_Place, _Entry]]:
    for i, (_, request, plans) in enumerate(held):
        for j, (event, plan) in enumerate(zip(request.events, plans, strict=True)):
            repeats: Repeats | None = event.event_repeats
            if repeats is not None and plan is not None:
                message, connections = plan
                # those that wait share a holder: which of them is the last, this process knows by itself
                own = holder if isinstance(repeats, Debounce) else uuid4().hex
                yield (i, j), _Entry(event, repeats, claim_of(event, repeats, message, connections, own))
