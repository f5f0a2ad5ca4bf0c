"""What hooks are told, and the class to write them in."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

__all__ = ["Drop", "DropReason", "HasStatistics", "Hooks", "Sending", "Trace"]

Trace: TypeAlias = Mapping[str, str]
"""Headers of W3C Trace Context (`traceparent`, `tracestate`): who has caused a message."""

DropReason: TypeAlias = Literal["failed", "overflow", "unsent", "rollback", "throttle", "unique", "debounce"]
"""Why a message will not arrive: given up after it failed, taken out of a full queue, left or on its way when time
was up, rolled back, or one too many of its kind."""


class HasStatistics(Protocol):
    """A `Background` or a `Relay`: says how many messages are `waiting`, among other figures."""

    def statistics(self) -> Any:
        """Return figures."""
        ...


@dataclass(frozen=True, slots=True)
class Sending:
    """Messages that were handed to a driver together: one flight, or the part of it that met the same end."""

    connection: str
    system: str
    """What carries them: `pusher`, `redis`, `socketio`, …"""
    events: tuple[str, ...]
    """The name of each message's event, in order."""
    channels: int
    """To how many channels in all. Their names, which often hold a user's id, are not told."""
    server: tuple[str, int] | None = None
    """Host and port of the service, where the driver has one."""
    seconds: float = 0.0
    """How long it took, retries and a fallback included; 0 until it is over."""
    by_fallback: int = 0
    """How many of the messages another driver has sent, since the service could not take them."""
    traces: tuple[Trace | None, ...] = field(default=(), repr=False)
    """Who has caused each message, as `Hooks.trace` said when it was broadcast; empty where nobody was asked."""

    @property
    def messages(self) -> int:
        """How many messages."""
        return len(self.events)


@dataclass(frozen=True, slots=True)
class Drop:
    """Messages that will not arrive, and whose broadcast was told *queued*, or that there was nothing to send."""

    connection: str | None
    """None where it did not come to that: of what is throttled, for one."""
    events: tuple[str, ...]
    reason: DropReason
    error: Exception | None = None
    """What it failed with, if that is the reason."""

    @property
    def messages(self) -> int:
        """How many messages."""
        return len(self.events)


class Hooks:
    """Is told what becomes of messages; override what you want to know. Used from several threads and tasks at once.

    `on_sent` and `on_failed` are about every try to send, by whatever delivery and in whichever process: a flight of
    ten messages, of which one is refused, is one call of each. What failed may be tried again, by a queue or a relay;
    what will not be, and had no caller to tell, ends with `on_dropped`.

    A hook runs where the sending does: it must be quick, and in async code it must not block. One that raises is
    logged and ends nothing.
    """

    def on_sent(self, sending: Sending) -> None:
        """Messages were accepted by the service."""

    def on_failed(self, sending: Sending, error: Exception) -> None:
        """Messages were not accepted, all with the same error; `error.retryable` says whether another try may help."""

    def on_dropped(self, drop: Drop) -> None:
        """Messages will not arrive."""

    def around(self, sending: Sending) -> AbstractContextManager[object]:
        """Return what is entered before a flight, and left when the other hooks have heard of it."""
        del sending
        return nullcontext()

    def trace(self) -> Trace | None:
        """Return what is to travel with a message that is broadcast now; `sending.traces` has it when it is sent."""
        return None
