"""What is done about an event that is broadcast again and again: throttle, debounce, unique. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic_core import PydanticSerializationError, to_json

from broadcastkit.core.message import Message
from broadcastkit.errors import ConfigurationError

__all__ = ["Claim", "Debounce", "Dropped", "Repeats", "Throttle", "Unique", "claim_of", "repeats_of"]

Dropped: TypeAlias = Literal["throttle", "debounce", "unique"]
"""The class option by which an event was dropped."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most one in `seconds`, for each key: the first one is sent, and others are dropped until the time is over.

    The key is who hears it: the event's name, its channels, connections and excluded socket; with `per` also the
    values of these fields (or properties). `unless_changed` names fields whose change always goes out: without it, the
    last state may be one of those that are dropped. One that could not be sent does not count,
    but one that was queued does.
    """

    seconds: float
    per: str | Iterable[str] = ()
    unless_changed: str | Iterable[str] = ()

    def __post_init__(self) -> None:
        _check_seconds(self.seconds, "throttle")
        object.__setattr__(self, "per", _names(self.per))
        object.__setattr__(self, "unless_changed", _names(self.unless_changed))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of fields in it."""
        return (*self.per, *self.unless_changed)


@dataclass(frozen=True, slots=True)
class Debounce:
    """Only the last one, once there was none for `seconds`, for each key; or `max_wait` seconds after the first one.

    The key is as in Throttle. It waits in the memory of this process, rendered when it was broadcast: its receipt says
    *queued*. What waits is sent when the broadcaster is closed or the process ends in good order, and is lost when it
    is killed. Without `max_wait`, one that is broadcast without a pause is never sent.
    """

    seconds: float
    per: str | Iterable[str] = ()
    max_wait: float | None = None

    def __post_init__(self) -> None:
        _check_seconds(self.seconds, "debounce")
        if self.max_wait is not None and not _check_seconds(self.max_wait, "max_wait") >= self.seconds:
            raise ConfigurationError(f"must be {self.seconds} or more, not {self.max_wait!r}", setting="max_wait")
        object.__setattr__(self, "per", _names(self.per))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of fields in it."""
        return tuple(self.per)


@dataclass(frozen=True, slots=True)
class Unique:
    """Not again while it is pending, for each key: while it waits in a Background, or is being sent.

    A repeat is the same event for the same hearers with the same payload; with `per`, with the same values of these
    fields. It is pending until the service has answered, in its last try, or its caller is cancelled, and for `seconds`
    at most. With a task queue it is, too, where the worker's broadcaster has the same `RedisRepeats`; otherwise, and
    with the outbox, it is pending until that has taken it.
    """

    seconds: float
    per: str | Iterable[str] = ()

    def __post_init__(self) -> None:
        _check_seconds(self.seconds, "unique")
        object.__setattr__(self, "per", _names(self.per))

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of fields in it."""
        return tuple(self.per)


Repeats: TypeAlias = Throttle | Debounce | Unique
"""What an event's class asks for."""


class Claim(NamedTuple):
    """What an event needs before it may go: its key, for so many seconds, which nobody else has in the same state.

    `wins` takes the key from whoever has it.
    """

    key: str
    holder: str
    seconds: float
    state: str = ""
    wins: bool = False


_MARGIN = 60.0
# How much longer it is known who was last than the last one waits.


def repeats_of(
    *, throttle: float | Throttle | None, debounce: float | Debounce | None, unique: float | Unique | None
) -> Repeats | None:
    """Return what class options ask for; None for 0 seconds.

    Raises:
        ConfigurationError: more than one, or what is no number of seconds.
    """
    given = {"throttle": throttle, "debounce": debounce, "unique": unique}
    asked = {name: value for name, value in given.items() if value is not None}
    if len(asked) > 1:
        raise ConfigurationError(f"an event takes one of throttle, debounce and unique, not {' and '.join(asked)}")
    for name, value in asked.items():
        if value == 0:
            break
        kind = _KINDS[name]
        repeats: Repeats = value if isinstance(value, kind) else kind(value)
        return repeats
    return None


def claim_of(event: Any, repeats: Repeats, message: Message, connections: Iterable[str], holder: str) -> Claim:
    """Return what an event claims. Keys are digests: a store shows nothing of what was broadcast.

    Raises:
        ConfigurationError: the value of a field is none that could be written as JSON.
    """
    fields: list[object] = [getattr(event, name) for name in repeats.per]
    if isinstance(repeats, Unique) and not repeats.per:
        fields = [message.data]
    hearers = (message.event, sorted(message.channels), message.exclude, sorted(connections))
    key = _digest(event, [type(repeats).__name__, *hearers, fields])
    if isinstance(repeats, Debounce):
        return Claim(key, holder, max(repeats.seconds, repeats.max_wait or 0.0) + _MARGIN, wins=True)
    state = ""
    if isinstance(repeats, Throttle) and repeats.unless_changed:
        state = _digest(event, [getattr(event, name) for name in repeats.unless_changed])
    return Claim(key, holder, repeats.seconds, state)


def _digest(event: object, values: object) -> str:
    try:
        text = to_json(values)
    except PydanticSerializationError:
        name = type(event).__name__
        raise ConfigurationError(f"{name}: what its repeats are told by cannot be written as JSON") from None
    return blake2b(text, digest_size=16).hexdigest()


_KINDS: dict[str, type[Any]] = {"throttle": Throttle, "debounce": Debounce, "unique": Unique}


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _check_seconds(value: object, setting: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise ConfigurationError(f"must be a number of seconds over 0, not {value!r}", setting=setting)
    return value
