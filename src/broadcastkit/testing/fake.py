"""The fake: real broadcasters over a driver whose service always says yes, and a record of what they sent.

Nothing is patched: broadcasters let their connections be substituted, and tell an observer what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar, overload

from broadcastkit import default
from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.drivers.pusher import Profile
from broadcastkit.events.base import EventChannels
from broadcastkit.pending import Receipt, Request
from broadcastkit.testing.explain import Wanted, explain, listed
from broadcastkit.testing.records import RecordedBroadcast, Unsent, read_request
from broadcastkit.testing.stand_in import AsyncFakeDriver, FakeDriver, StandIn

__all__ = ["Broadcasts", "fake_broadcasts"]

EventT = TypeVar("EventT")


class Broadcasts:
    """What was broadcast inside a `fake_broadcasts()` block, in order, and assertions about it.

    `recorded` is a plain list: count it, index it, compare it, clear it. Each assertion takes an event class
    (subclasses fit too) or a name on the wire, and filters that must all fit:

    - `on`: channels or full names that it was sent on, maybe among others.
    - `to_others`: whether it was sent with `to_others()`, whoever the current client was, or with `to_everyone()`.
    - `via`: connections that it was sent over.
    - `where`: a callable that gets the event object and says yes or no.

    A failure lists every broadcast and says of each why it does not fit.
    """

    def __init__(self) -> None:
        self.recorded: list[RecordedBroadcast] = []
        self._unsent: list[Unsent] = []

    @overload
    def assert_broadcast(
        self,
        event: type[EventT],
        *,
        on: EventChannels | None = ...,
        times: int | None = ...,
        to_others: bool | None = ...,
        via: str | Iterable[str] | None = ...,
        where: Callable[[EventT], object] | None = ...,
    ) -> None: ...
    @overload
    def assert_broadcast(
        self,
        event: str,
        *,
        on: EventChannels | None = ...,
        times: int | None = ...,
        to_others: bool | None = ...,
        via: str | Iterable[str] | None = ...,
        where: Callable[[Any], object] | None = ...,
    ) -> None: ...
    def assert_broadcast(
        self,
        event: type[Any] | str,
        *,
        on: EventChannels | None = None,
        times: int | None = None,
        to_others: bool | None = None,
        via: str | Iterable[str] | None = None,
        where: Callable[[Any], object] | None = None,
    ) -> None:
        """Fail unless the event was broadcast: at least once, or exactly `times`.

        An event that went over two connections was broadcast once.
        """
        __tracebackhide__ = True
        wanted = Wanted.of(event, on, to_others, via, where)
        found = self._count(wanted)
        if found == times or (times is None and found):
            return
        expected = "a broadcast" if times is None else f"{times} broadcast{'' if times == 1 else 's'}"
        headline = f"expected {expected} of {wanted}, found {found or 'none'}"
        raise AssertionError(explain(headline, wanted, self.recorded, self._unsent))

    @overload
    def assert_not_broadcast(
        self,
        event: type[EventT],
        *,
        on: EventChannels | None = ...,
        to_others: bool | None = ...,
        via: str | Iterable[str] | None = ...,
        where: Callable[[EventT], object] | None = ...,
    ) -> None: ...
    @overload
    def assert_not_broadcast(
        self,
        event: str,
        *,
        on: EventChannels | None = ...,
        to_others: bool | None = ...,
        via: str | Iterable[str] | None = ...,
        where: Callable[[Any], object] | None = ...,
    ) -> None: ...
    def assert_not_broadcast(
        self,
        event: type[Any] | str,
        *,
        on: EventChannels | None = None,
        to_others: bool | None = None,
        via: str | Iterable[str] | None = None,
        where: Callable[[Any], object] | None = None,
    ) -> None:
        """Fail if the event was broadcast; with filters, if it was broadcast so."""
        __tracebackhide__ = True
        wanted = Wanted.of(event, on, to_others, via, where)
        found = self._count(wanted)
        if found:
            headline = f"expected no broadcast of {wanted}, found {found}"
            raise AssertionError(explain(headline, wanted, self.recorded, self._unsent))

    def assert_nothing_broadcast(self) -> None:
        """Fail if anything was broadcast."""
        __tracebackhide__ = True
        if self.recorded:
            raise AssertionError(listed("expected no broadcast at all", self.recorded, ()))

    def __repr__(self) -> str:
        """Show what was broadcast."""
        return f"<Broadcasts {self.recorded}>"

    def _count(self, wanted: Wanted) -> int:
        return sum(not wanted.differences(record) for record in self.recorded)

    def _observe(self, request: Request, messages: Sequence[Message | None], receipts: Sequence[Receipt]) -> None:
        for entry in read_request(request, messages, receipts):
            if isinstance(entry, Unsent):
                self._unsent.append(entry)
            else:
                self.recorded.append(entry)


@contextmanager
def fake_broadcasts(
    *broadcasters: Broadcaster | AsyncBroadcaster, profile: str | Profile = "pusher", connections: Iterable[str] = ()
) -> Iterator[Broadcasts]:
    """Record what is broadcast inside the block instead of sending it.

    Concerns `broadcast()` and `aio.broadcast()`, in every thread and task, and the broadcasters given. What was
    configured keeps its connection names, rules and error policy, also if it is configured inside the block; where
    nothing is, any connection name will do, or those given as `connections`, the first being the default one.

    Strict: what the service would refuse is refused with the same errors, by the limits of `profile`; answers to
    subscriptions are given by the same rules, with an empty signature. Queued deliveries are skipped: each broadcast
    is recorded when it is sent. Blocks may be nested: the innermost records.

        >>> from broadcastkit import AnonymousEvent, broadcast
        >>> with fake_broadcasts() as broadcasts:
        ...     receipt = broadcast(AnonymousEvent("ping", {"n": 1}, on="news")).to_others()
        >>> broadcasts.assert_broadcast("ping", on="news", times=1, to_others=True)
        >>> broadcasts.recorded[0].payload
        {'n': 1}
    """
    broadcasts = Broadcasts()
    names = tuple(connections)
    with ExitStack() as stack:
        observe = broadcasts._observe  # noqa: SLF001 - the other half of this function
        sync = StandIn(Broadcaster, FakeDriver(profile), names, observe, stack)
        asynchronous = StandIn(AsyncBroadcaster, AsyncFakeDriver(profile), names, observe, stack)
        for broadcaster in broadcasters:
            if isinstance(broadcaster, Broadcaster):
                sync(broadcaster)
            else:
                asynchronous(broadcaster)
        with default.swapped(sync, asynchronous):
            yield broadcasts
