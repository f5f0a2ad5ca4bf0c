"""What an assertion looks for, why a broadcast is not it, and how that is told."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from textwrap import indent
from typing import Any

from broadcastkit.core.names import check_event_name
from broadcastkit.events.base import EventChannels
from broadcastkit.pending import channel_names
from broadcastkit.testing.payloads import payload_differences, shortened
from broadcastkit.testing.records import RecordedBroadcast, Unsent

__all__ = ["NOT_GIVEN", "Wanted", "explain", "listed"]

_ONE_LINE = 100
_PAYLOAD_SHOWN = 2000


class _NotGiven(Enum):
    NOT_GIVEN = "not given"


NOT_GIVEN = _NotGiven.NOT_GIVEN
"""Where None is a payload like any other."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The broadcast that an assertion is about; None means that it does not matter."""

    event: type[Any] | str
    channels: tuple[str, ...]
    to_others: bool | None
    after_commit: bool | None
    via: tuple[str, ...]
    payload: object
    payload_contains: Mapping[str, object] | None
    where: Callable[[Any], object] | None
    shown: str

    @classmethod
    def of(
        cls,
        event: type[Any] | str,
        *,
        on: EventChannels | None,
        to_others: bool | None,
        after_commit: bool | None,
        via: str | Iterable[str] | None,
        payload: object,
        payload_contains: Mapping[str, object] | None,
        where: Callable[[Any], object] | None,
    ) -> Wanted:
        """Check what an assertion was given.

        Raises:
            InvalidEventError, InvalidChannelError: a name that nothing could have been broadcast under.
        """
        if isinstance(event, str):
            check_event_name(event)
        elif not isinstance(event, type):
            raise TypeError(
                f"an assertion takes an event class or a name on the wire, not {event!r}; "
                "compare fields with where=lambda event: ..."
            )
        if not isinstance(payload_contains, Mapping | None):
            raise TypeError(f"payload_contains= takes a mapping of fields, not {payload_contains!r}; or give payload=")
        connections = () if via is None else (via,) if isinstance(via, str) else tuple(via)
        channels = () if on is None else channel_names(on)
        # before anything is compared: what dirty-equals compares with shows the value it was last equal to
        shown = ""
        if payload is not NOT_GIVEN:
            shown += f" with the payload {shortened(payload)}"
        if payload_contains is not None:
            shown += f" with a payload that contains {shortened(payload_contains)}"
        return cls(event, channels, to_others, after_commit, connections, payload, payload_contains, where, shown)

    def differences(self, record: RecordedBroadcast) -> list[str]:
        """Say why a broadcast is not the one; an empty list means that it is."""
        if isinstance(self.event, str):
            if record.event_name != self.event:
                return ["another event"]
        elif not isinstance(record.event, self.event):
            return [f"another event: {type(record.event).__name__} is no {self.event.__name__}"]
        return list(self._other_differences(record))

    def _other_differences(self, record: RecordedBroadcast) -> Iterator[str]:
        missing = [name for name in self.channels if name not in record.channels]
        if missing:
            yield f"channels missing: {', '.join(missing)}"
        if self.to_others is not None and self.to_others is not record.to_others:
            yield "sent to everyone, not to others" if self.to_others else "sent to others, not to everyone"
        if self.after_commit is not None and self.after_commit is not record.after_commit:
            yield "sent at once, not after a commit" if self.after_commit else "sent after a commit, not at once"
        over = [name for name in self.via if name not in record.connections]
        if over:
            yield f"not sent over: {', '.join(over)}"
        if self.payload is not NOT_GIVEN:
            yield from payload_differences(self.payload, record.payload)
        if self.payload_contains is not None:
            yield from payload_differences(self.payload_contains, record.payload, partial=True)
        if self.where is not None:
            answer = self.where(record.event)
            if not answer:
                yield f"where(event) was {answer!r}"

    def __str__(self) -> str:
        """Say it in words, as an assertion's message needs it."""
        parts = [repr(self.event) if isinstance(self.event, str) else self.event.__name__]
        if self.channels:
            parts.append(f"on {', '.join(self.channels)}")
        if self.to_others is not None:
            parts.append("to others" if self.to_others else "to everyone")
        if self.after_commit is not None:
            parts.append("after a commit" if self.after_commit else "at once")
        if self.via:
            parts.append(f"over {', '.join(self.via)}")
        where = "" if self.where is None else f" where {_place(self.where)}"
        return " ".join(parts) + self.shown + where


def explain(headline: str, wanted: Wanted, recorded: Sequence[RecordedBroadcast], unsent: Sequence[Unsent]) -> str:
    """Return a failure's text: each broadcast, and why it is not the one, or that it is."""
    reasons = [wanted.differences(record) or ["fits"] for record in recorded]
    return listed(headline, recorded, unsent, reasons)


def listed(
    headline: str,
    recorded: Sequence[RecordedBroadcast],
    unsent: Sequence[Unsent],
    reasons: Sequence[Sequence[str]] = (),
) -> str:
    """Return a failure's text with all that was broadcast, and what was asked for and not sent."""
    lines = [headline, f"{len(recorded)} recorded:" if recorded else "nothing was broadcast"]
    for number, record in enumerate(recorded):
        lines.append(f"  {number + 1}. {_described(record)}")
        lines += [f"     - {reason}" for reason in (reasons[number] if reasons else ())]
        lines.append(indent(f"payload: {_shown(record.payload)}", "     "))
    if unsent:
        lines.append("asked for and not sent:")
        lines += [f"  - {name}: {reason}" for name, reason in unsent]
    return "\n".join(lines)


def _described(record: RecordedBroadcast) -> str:
    audience = "to everyone"
    if record.to_others:
        who = "no current client" if record.excluded_socket is None else f"except {record.excluded_socket}"
        audience = f"to others ({who})"
    kind = type(record.event).__name__
    channels, connections = ", ".join(record.channels), ", ".join(record.connections)
    when = ", after a commit" if record.after_commit else ""
    return f"{record.event_name} ({kind}) on {channels}, {audience}{when}, over {connections}"


def _shown(payload: Any) -> str:
    text = json.dumps(payload, ensure_ascii=False)
    if len(text) > _ONE_LINE:
        text = json.dumps(payload, ensure_ascii=False, indent=2)
    return text if len(text) <= _PAYLOAD_SHOWN else f"{text[:_PAYLOAD_SHOWN]}… ({len(text)} characters)"


def _place(where: Callable[[Any], object]) -> str:
    """Name a predicate so that it can be found: a lambda has no name worth reading."""
    code = getattr(inspect.unwrap(where), "__code__", None)
    name = getattr(where, "__qualname__", repr(where)).rpartition("<locals>.")[2]
    return f"{name} (line {code.co_firstlineno})" if code is not None else name
