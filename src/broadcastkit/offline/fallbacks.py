"""`Fallbacks`: which functions run for which events, where nobody is there to hear them. No I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from uuid import uuid4

from broadcastkit.calls import is_async
from broadcastkit.channels.base import Channel
from broadcastkit.core.message import Message, identified
from broadcastkit.core.names import ChannelKind, check_event_name
from broadcastkit.drivers.checks import instead_of
from broadcastkit.errors import ConfigurationError
from broadcastkit.events.base import Broadcastable
from broadcastkit.offline.asking import asked
from broadcastkit.offline.missed import Missed, channels_of

if TYPE_CHECKING:
    from broadcastkit.offline.connections import OfflineConnections

__all__ = ["PREFIX", "Fallback", "Fallbacks", "Online", "asked_of"]

ChannelT = TypeVar("ChannelT", bound=Channel)
AnswerT = TypeVar("AnswerT")
DriverT = TypeVar("DriverT")
Plan: TypeAlias = "tuple[Message, tuple[str, ...]]"
Online: TypeAlias = Callable[[Any], "bool | Awaitable[bool]"]
"""Takes a channel and says whether somebody is there."""

PREFIX = "offline."
"""What the names of the connections begin with that are fallbacks."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """A function, and what it wants to be told of."""

    name: str
    call: Callable[[Missed[Any]], object]
    channel: type[Channel]
    events: tuple[type[Any] | str, ...]
    is_async: bool

    def wants(self, event: Broadcastable, channels: tuple[str, ...]) -> bool:
        """Whether it is to be asked about an event on these channels."""
        wanted = not self.events or any(
            event.event_name == one if isinstance(one, str) else isinstance(event, one) for one in self.events
        )
        return wanted and any(True for _ in channels_of(self.channel, channels))


class Fallbacks:
    """Functions that tell somebody in another way of what they were not there to hear: by email, by push.

        >>> from broadcastkit.channels import UserChannel
        >>> from broadcastkit.events import MessageSent
        >>> fallbacks = Fallbacks()
        >>> @fallbacks.when_offline(UserChannel, MessageSent)
        ... def email_them(missed: Missed[UserChannel]) -> None:
        ...     print(missed.channel.user_id, missed.payload["content"])

    Give it to a broadcaster, `Broadcaster(…, when_offline=fallbacks)`, and in a queue's worker or a relay to the
    broadcaster there. Each function is a connection of its own, `offline.email_them`: whatever delivers events runs it
    after the event itself, in order per channel, and tries again what failed for the moment, without sending the event
    again. The receipt, hooks and errors tell of it as of any connection; `requests` is how often the function ran.

    Whether somebody is there is asked of the connections that have carried the event; `online`, a callable that takes
    the channel, is asked in their place, and must be there where they do not know: Redis, or Socket.IO in other
    processes. Over `log`, `null` and `memory`, which carry nothing to anybody, no function runs without it.

    Raises:
        ConfigurationError: `online` is no callable.
    """

    def __init__(self, *, online: Online | None = None) -> None:
        if online is not None and not callable(online):
            raise ConfigurationError(
                f"must be a callable that takes a channel and says whether somebody is there{instead_of(online)}",
                setting="online",
            )
        self.online: Online | None = online
        self._by_name: dict[str, Fallback] = {}

    def __repr__(self) -> str:
        """Name the functions."""
        return f"Fallbacks({', '.join(self._by_name)})"

    def when_offline(
        self, channel: type[ChannelT], *events: type[Broadcastable] | str, name: str | None = None
    ) -> Callable[[Callable[[Missed[ChannelT]], AnswerT]], Callable[[Missed[ChannelT]], AnswerT]]:
        """Register the decorated function, blocking or async, for events on channels of a class.

        `events` are classes (subclasses are meant too) or names on the wire; none: every event. The function runs once
        for each channel of this class to which nobody is subscribed. Its `name` is what deliveries know it by, which
        must not change while some wait: its own name, unless given.

        Choose a channel that is one person's. In the channel of a conversation the sender may be the one who is
        there, and `to_others()` makes no difference: one subscription cannot be told from another.

        Raises:
            ConfigurationError: no class of channels, no event, or a name that is another function's; or a
                `ServerToUser`, about which no service can be asked: that needs `online`.
        """
        self._check(channel, events)

        def register(call: Callable[[Missed[ChannelT]], AnswerT]) -> Callable[[Missed[ChannelT]], AnswerT]:
            chosen = _name(call, name)
            if chosen in self._by_name:
                raise ConfigurationError(f"there is a fallback {chosen!r} already: give this one a name=")
            self._by_name[chosen] = Fallback(chosen, call, channel, events, is_async(call))
            return call

        return register

    def _check(self, channel: Any, events: tuple[Any, ...]) -> None:
        if not (isinstance(channel, type) and issubclass(channel, Channel)):
            raise ConfigurationError(
                f"when_offline takes a class of channels, such as UserChannel{instead_of(channel)}"
            )
        if channel.kind is ChannelKind.SERVER_TO_USER and self.online is None:
            raise ConfigurationError(
                f"no service can be asked whether a user of {channel.__name__} is there: "
                "register a channel that they subscribe to, or give Fallbacks(online=...)"
            )
        for event in events:
            if isinstance(event, str):
                check_event_name(event)
            elif not (isinstance(event, type) and hasattr(event, "broadcast_payload")):
                raise ConfigurationError(f"when_offline takes event classes, or names on the wire{instead_of(event)}")

    # -- for broadcasters --------------------------------------------------------------------------------------------

    def named(self, name: str) -> Fallback | None:
        """Return the fallback of a name."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Fallback]:
        """Go through the fallbacks, in the order of registration."""
        return iter(self._by_name.values())

    def attached(
        self, connections: Mapping[str, DriverT], *, default: str, asynchronous: bool
    ) -> OfflineConnections[DriverT]:
        """Return a broadcaster's connections, and those of the fallbacks.

        Raises:
            ConfigurationError: its only connection cannot be asked who is there. Of several, that is known when an
                event is sent over one.
        """
        from broadcastkit.offline.connections import OfflineConnections

        if self.online is None and len(connections) == 1 and not hasattr(connections, "made"):
            asked(connections)
        return OfflineConnections(connections, self, default=default, asynchronous=asynchronous)

    def planned(
        self,
        plans: Sequence[Plan | None],
        events: Sequence[Broadcastable],
        *,
        default: str,
        known: Container[str],
        asynchronous: bool,
    ) -> list[Plan | None]:
        """Return plans with the fallbacks behind the connections of each event; `known` are those that there are."""
        return [
            plan if plan is None else self._with_fallbacks(event, plan, default, known, asynchronous=asynchronous)
            for event, plan in zip(events, plans, strict=True)
        ]

    def _with_fallbacks(
        self, event: Broadcastable, plan: Plan, default: str, known: Container[str], *, asynchronous: bool
    ) -> Plan:
        message, via = plan
        carrying = tuple(name for name in via if not name.startswith(PREFIX))
        names = list(via)
        for fallback in self._by_name.values() if carrying else ():  # else the caller wants certain fallbacks alone
            if fallback.wants(event, message.channels):
                if fallback.is_async and not asynchronous:
                    raise ConfigurationError(
                        f"the fallback {fallback.name!r} is async: use AsyncBroadcaster, or write it with def"
                    )
                name = _connection(fallback.name, carrying, default)
                if name in known and name not in via:
                    names.append(name)
        if len(names) == len(carrying):
            return plan
        return identified(message, uuid4().hex), tuple(names)


def _name(call: object, given: str | None) -> str:
    """Return what a fallback is called: a part of its connection's name, which has two other parts."""
    name: object = getattr(call, "__name__", None) if given is None else given
    if not isinstance(name, str) or not name or "@" in name:
        raise ConfigurationError("a fallback needs a name=, without an @ in it: deliveries know it by that")
    return name


def _connection(name: str, via: tuple[str, ...], default: str) -> str:
    """Return the name of a fallback's connection, after certain connections."""
    return f"{PREFIX}{name}" if via == (default,) else f"{PREFIX}{name}@{','.join(via)}"


def asked_of(connection: str, default: str) -> tuple[str, tuple[str, ...]]:
    """Read that name: which fallback, and the connections that are asked who is there."""
    name, _, via = connection.removeprefix(PREFIX).partition("@")
    return name, tuple(via.split(",")) if via else (default,)
