"""A broadcast that is being put together, and what came of one that was sent.

A pending broadcast is a value: its modifiers return another one, and only `to_others()` and `to_everyone()` send. One
that is dropped unsent warns, as a coroutine does that is never awaited.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any, Generic, NamedTuple, Self, TypeVar

from broadcastkit.channels.base import Channel
from broadcastkit.core.names import check_channel_name, usable_socket_id
from broadcastkit.core.repeats import Dropped
from broadcastkit.delivery.transactions.base import AMBIENT
from broadcastkit.drivers.base import ChannelInfo
from broadcastkit.errors import BroadcastError, BroadcastNotSentWarning, ConfigurationError
from broadcastkit.events.base import Broadcastable, EventChannels
from broadcastkit.socket_id import current_socket_id

__all__ = ["ConnectionReceipt", "Pending", "PendingBroadcast", "Receipt", "Request", "channel_names", "stack_depth"]

ResultT = TypeVar("ResultT")
_PACKAGE = __file__.removesuffix("pending.py")
_INFO = frozenset({"user_count", "subscription_count"})
_tuple = tuple.__new__


@dataclass(frozen=True, slots=True)
class ConnectionReceipt:
    """What became of an event on one connection.

    `error` only where the error policy does not raise; `by_fallback` where the connection's fallback has sent it.
    """

    connection: str
    requests: int = 0
    queued: bool = False
    error: BroadcastError | None = None
    by_fallback: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an event.

    `channels` has the full name of every channel, with its `user_count` and `subscription_count` if they were asked
    for. `connections` is empty if nothing was to be sent: no channels, `broadcast_when()` said no, or it was a repeat;
    then `dropped` is the class option of the event that says so.
    """

    event: str
    channels: Mapping[str, ChannelInfo]
    excluded_socket: str | None = None
    connections: tuple[ConnectionReceipt, ...] = ()
    dropped: Dropped | None = None

    @property
    def requests(self) -> int:
        """How many requests it took, over all connections; a request shared with other events counts for each."""
        return sum(connection.requests for connection in self.connections)

    @property
    def queued(self) -> bool:
        """Whether it waits to be sent, on any connection."""
        return any(connection.queued for connection in self.connections)

    @property
    def delivered(self) -> bool:
        """Whether every connection's service has accepted it."""
        return bool(self.connections) and not self.queued and self.error is None

    @property
    def error(self) -> BroadcastError | None:
        """The first connection's error, under a policy that does not raise."""
        for connection in self.connections:  # a generator would cost every event 0.3 µs
            if connection.error is not None:
                return connection.error
        return None


class Request(NamedTuple):
    """What a terminal hands to its broadcaster; `to_others` without `exclude`: there was no current client."""

    events: tuple[Broadcastable, ...]
    exclude: str | None
    via: tuple[str, ...] = ()
    on: tuple[str, ...] | None = None
    info: tuple[str, ...] = ()
    to_others: bool = False
    after: object | None = None


class Pending(Generic[ResultT]):
    """The modifiers, and the memory of whether anything came of it; the colours add their terminals."""

    __slots__ = ("_after", "_events", "_info", "_line", "_on", "_place", "_send", "_used", "_via")

    def __init__(self, send: Callable[[Request], ResultT], events: tuple[Broadcastable, ...]) -> None:
        self._send = send
        self._events = events
        self._via: tuple[str, ...] = ()
        self._on: tuple[str, ...] | None = None
        self._info: tuple[str, ...] = ()
        self._after: object | None = None
        # where broadcast() was called, for the warning; the frame itself is not kept
        frame = sys._getframe(2)  # noqa: SLF001 - inspect.stack() reads source files
        while frame.f_code.co_filename.startswith(_PACKAGE) and frame.f_back is not None:
            frame = frame.f_back
        self._place, self._line = frame.f_code.co_filename, frame.f_lineno
        self._used = False

    def via(self, *connections: str) -> Self:
        """Send over these connections instead of the event's own or the default one."""
        return self._changed("_via", tuple(dict.fromkeys(connections)))

    def on(self, *channels: Channel | str) -> Self:
        """Send on these channels instead of the event's own."""
        return self._changed("_on", channel_names(channels))

    def with_info(self, *attributes: str) -> Self:
        """Ask for `user_count` (presence channels) or `subscription_count`; the receipt's channels have them."""
        unknown = set(attributes) - _INFO
        if unknown:
            raise ConfigurationError(f"with_info takes {sorted(_INFO)}, not {sorted(unknown)}")
        return self._changed("_info", attributes)

    def after_commit(self, transaction: object = AMBIENT) -> Self:
        """Send when the transaction commits, the outermost one; drop it on rollback. The receipt says *queued*.

        `transaction` is a session of SQLAlchemy (blocking or awaited, scoped too), the alias of a Django database, or
        anything with `hold(held)`; by default what the broadcaster was given as `transaction`, or the enclosing
        `collect()` block. Payloads are rendered now. If no transaction is open, it is sent at once. An error after the
        commit is logged and not raised (unless the broadcaster's `on_error` is a callable): the commit stands.

        Raises:
            ConfigurationError: None, which would be to wait for nothing.
        """
        if transaction is None:
            self._used = True  # there is an error: no need to warn, too
            raise ConfigurationError("after_commit was given None: name a session or a database, or leave it out")
        return self._changed("_after", transaction)

    def _changed(self, slot: str, value: Any) -> Self:
        other = object.__new__(type(self))
        for name in Pending.__slots__:
            setattr(other, name, getattr(self, name))
        setattr(other, slot, value)
        self._used = True
        return other

    def _sent(self, exclude: str | None, *, to_others: bool = False) -> ResultT:
        self._used = True
        parts = (self._events, exclude, self._via, self._on, self._info, to_others, self._after)
        return self._send(_tuple(Request, parts))  # a NamedTuple's own constructor takes twice as long

    def __del__(self) -> None:
        # an instance whose constructor failed has no slots filled
        if getattr(self, "_used", True):
            return
        names = ", ".join(event.event_name for event in self._events)
        warnings.warn_explicit(
            f"broadcast of {names} was never sent: end it with .to_others() or .to_everyone()",
            category=BroadcastNotSentWarning,
            filename=self._place,
            lineno=self._line,
        )

    def __repr__(self) -> str:
        """Name the events."""
        return f"<pending broadcast of {', '.join(event.event_name for event in self._events)}>"


class PendingBroadcast(Pending[ResultT]):
    """A broadcast that waits for its terminal. Of an AsyncBroadcaster, the terminals are awaited."""

    __slots__ = ()

    def to_others(self, socket_id: str | None = None) -> ResultT:
        """Send to everyone but the client whose request this is, and return the receipt.

        The client is known by its socket id: the one given, else the current one (see `broadcastkit.socket_id`). If
        there is none, everyone hears it.
        """
        exclude = current_socket_id() if socket_id is None else usable_socket_id(socket_id)
        return self._sent(exclude, to_others=True)

    def to_everyone(self) -> ResultT:
        """Send to everyone, the current client included, and return the receipt."""
        return self._sent(None)


def stack_depth() -> int:
    """Return how far up the stack the code is that uses this package: a `stacklevel` for the caller's warnings."""
    depth = 1
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - inspect.stack() reads source files
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        depth += 1
    return depth


def channel_names(where: EventChannels) -> tuple[str, ...]:
    """Return the full names of channels, each once, in order.

    Raises:
        InvalidChannelError: a name breaks a rule of the wire.
        ConfigurationError: something that is neither a channel nor a name.
    """
    if isinstance(where, Channel):
        return (where.name,)
    if isinstance(where, str):
        return (check_channel_name(where),)
    if where is None:
        raise ConfigurationError("broadcast_on() returned None; return channels, or an empty list for nobody")
    names: dict[str, None] = {}
    for channel in where:
        if isinstance(channel, Channel):
            names[channel.name] = None
        elif isinstance(channel, str):
            names[check_channel_name(channel)] = None
        else:
            raise ConfigurationError(f"a channel is a Channel or a full name, not {type(channel).__name__}")
    return tuple(names)
