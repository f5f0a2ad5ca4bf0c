"""The record of what was broadcast, and the assertions about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from broadcastkit.events.base import EventChannels
from broadcastkit.testing.explain import NOT_GIVEN, Wanted, explain, listed
from broadcastkit.testing.records import RecordedBroadcast, Unsent

__all__ = ["Broadcasts"]

EventT = TypeVar("EventT")


class Broadcasts:
    """What was broadcast inside a `fake_broadcasts()` block, in order, and assertions about it.

    `recorded` is a plain list: count it, index it, compare it, clear it. Each assertion takes an event class
    (subclasses fit too) or a name on the wire, and filters that must all fit:

    - `on`: channels or full names that it was sent on, maybe among others.
    - `to_others`: whether it was sent with `to_others()`, whoever the current client was, or with `to_everyone()`.
    - `after_commit`: whether it waits for a commit, by `.after_commit()` or by its class option.
    - `via`: connections that it was sent over.
    - `payload`: what a client has after `JSON.parse`, compared with `==`; what lets several values through, as
      dirty-equals' `IsInt()` does, may stand for the whole or for any part.
    - `payload_contains`: some of its fields, compared alike; objects in it may have other fields, too.
    - `where`: a callable that gets the event object and says yes or no.

    A failure lists every broadcast and says of each why it does not fit.
    """

    def __init__(self) -> None:
        self.recorded: list[RecordedBroadcast] = []
        self._unsent: list[Unsent] = []
        self._captures: list[Broadcasts] = []

    @contextmanager
    def capture(self) -> Iterator[Broadcasts]:
        """Yield what is broadcast inside the block, by whatever thread or task; this record goes on.

        It is of the same kind, for use inside the block and after it. Blocks may be nested and may overlap.

            >>> from broadcastkit import AnonymousEvent, broadcast
            >>> from broadcastkit.testing import fake_broadcasts
            >>> with fake_broadcasts() as broadcasts:
            ...     first = broadcast(AnonymousEvent("first", on="news")).to_everyone()
            ...     with broadcasts.capture() as captured:
            ...         second = broadcast(AnonymousEvent("second", on="news")).to_everyone()
            >>> captured.recorded
            [<RecordedBroadcast 'second' on news>]
            >>> len(broadcasts.recorded)
            2
        """
        captured = Broadcasts()
        self._captures.append(captured)
        try:
            yield captured
        finally:
            self._captures.remove(captured)

    @overload
    def assert_broadcast(
        self,
        event: type[EventT],
        *,
        on: EventChannels | None = ...,
        times: int | None = ...,
        to_others: bool | None = ...,
        after_commit: bool | None = ...,
        via: str | Iterable[str] | None = ...,
        payload: object = ...,
        payload_contains: Mapping[str, object] | None = ...,
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
        after_commit: bool | None = ...,
        via: str | Iterable[str] | None = ...,
        payload: object = ...,
        payload_contains: Mapping[str, object] | None = ...,
        where: Callable[[Any], object] | None = ...,
    ) -> None: ...
    def assert_broadcast(
        self,
        event: type[Any] | str,
        *,
        on: EventChannels | None = None,
        times: int | None = None,
        to_others: bool | None = None,
        after_commit: bool | None = None,
        via: str | Iterable[str] | None = None,
        payload: object = NOT_GIVEN,
        payload_contains: Mapping[str, object] | None = None,
        where: Callable[[Any], object] | None = None,
    ) -> None:
        """Fail unless the event was broadcast: at least once, or exactly `times`.

        An event that went over two connections was broadcast once.
        """
        __tracebackhide__ = True
        wanted = Wanted.of(
            event,
            on=on,
            to_others=to_others,
            after_commit=after_commit,
            via=via,
            payload=payload,
            payload_contains=payload_contains,
            where=where,
        )
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
        after_commit: bool | None = ...,
        via: str | Iterable[str] | None = ...,
        payload: object = ...,
        payload_contains: Mapping[str, object] | None = ...,
        where: Callable[[EventT], object] | None = ...,
    ) -> None: ...
    @overload
    def assert_not_broadcast(
        self,
        event: str,
        *,
        on: EventChannels | None = ...,
        to_others: bool | None = ...,
        after_commit: bool | None = ...,
        via: str | Iterable[str] | None = ...,
        payload: object = ...,
        payload_contains: Mapping[str, object] | None = ...,
        where: Callable[[Any], object] | None = ...,
    ) -> None: ...
    def assert_not_broadcast(
        self,
        event: type[Any] | str,
        *,
        on: EventChannels | None = None,
        to_others: bool | None = None,
        after_commit: bool | None = None,
        via: str | Iterable[str] | None = None,
        payload: object = NOT_GIVEN,
        payload_contains: Mapping[str, object] | None = None,
        where: Callable[[Any], object] | None = None,
    ) -> None:
        """Fail if the event was broadcast; with filters, if it was broadcast so."""
        __tracebackhide__ = True
        wanted = Wanted.of(
            event,
            on=on,
            to_others=to_others,
            after_commit=after_commit,
            via=via,
            payload=payload,
            payload_contains=payload_contains,
            where=where,
        )
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

    def _note(self, entries: Sequence[RecordedBroadcast | Unsent]) -> None:
        for entry in entries:
            if isinstance(entry, Unsent):
                self._unsent.append(entry)
            else:
                self.recorded.append(entry)
        for captured in tuple(self._captures):
            captured._note(entries)  # noqa: SLF001 - another of this class
