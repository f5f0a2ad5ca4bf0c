"""Channels: where an event is heard. Frozen values; `.name` is the full name on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform, get_origin, get_type_hints

from broadcastkit.core.names import (
    CHANNEL_NAME_LIMIT,
    RESERVED_STARTS,
    ChannelKind,
    check_channel_name,
    check_user_id,
    parse_channel_name,
)
from broadcastkit.core.patterns import Pattern, compile_pattern
from broadcastkit.errors import ConfigurationError, InvalidChannelError

__all__ = [
    "Channel",
    "EncryptedChannel",
    "PresenceChannel",
    "PrivateChannel",
    "ServerToUser",
    "channel_from_name",
]


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Channel:
    """A public channel: anyone who knows the name may subscribe.

    Two channels are equal when their names are. Subclass with `pattern=` and annotated fields for a typed channel,
    whose fields are int, str, UUID, date, an Enum, a Literal or a union of these:

        >>> class OrderChannel(PrivateChannel, pattern="orders.{order_id}"):
        ...     order_id: int
        >>> OrderChannel(order_id=7).name
        'private-orders.7'
        >>> OrderChannel.parse("private-orders.7").order_id
        7

    `cache=True` gives the cache variant (`cache-…`, `private-cache-…`): the service keeps its last event for
    subscribers who come later.

    Raises:
        InvalidChannelError: the name breaks a rule of the wire, or repeats the prefix that the class adds.
    """

    kind: ClassVar[ChannelKind] = ChannelKind.PUBLIC
    pattern: ClassVar[Pattern | None] = None

    def __init__(self, name: str, *, cache: bool = False) -> None:
        if type(self).pattern is not None:
            raise InvalidChannelError(f"{type(self).__name__} is a typed channel: pass its fields by keyword")
        if not isinstance(name, str):
            raise InvalidChannelError(f"a channel name is a str, not {type(name).__name__}")
        if name.startswith(RESERVED_STARTS):
            raise InvalidChannelError(f"{type(self).__name__}({name!r}): {_better(name)}")
        if name.startswith("#"):
            raise InvalidChannelError(
                f"{type(self).__name__}({name!r}): for the channel of a user write ServerToUser(id)"
            )
        self.__dict__["name"] = check_channel_name(self.kind.prefix(cache=cache) + name)

    def __init_subclass__(cls, pattern: str | None = None, cache: bool = False) -> None:  # noqa: FBT001, FBT002
        super().__init_subclass__()
        if pattern is None:
            return
        where = cls.__qualname__
        if cls.kind is ChannelKind.SERVER_TO_USER:
            raise ConfigurationError(f"{where}: the channel of one user takes no pattern")
        annotations = _field_annotations(cls)
        taken = sorted(key for key in annotations if key == "self" or key.startswith("__") or hasattr(Channel, key))
        if taken:
            raise ConfigurationError(f"{where}: a field cannot be called {taken[0]!r}, as a part of every channel is")
        compiled = compile_pattern(cls.kind, pattern, annotations, where, cache=cache)
        if compiled.fields.keys() != annotations.keys():
            raise ConfigurationError(
                f"{where}: pattern {pattern!r} has the placeholders {sorted(compiled.fields)}, "
                f"the class has the annotated fields {sorted(annotations)}; they must be the same"
            )
        cls.pattern = compiled
        # the class body of a typed channel has annotations only; this is the constructor they describe
        cls.__init__ = _typed_init(compiled, where)  # type: ignore[method-assign]

    @property
    def name(self) -> str:
        """The full name on the wire, prefix included."""
        name: str = self.__dict__["name"]
        return name

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Return the channel of this class that has the full name, or None if it is none of this class."""
        if cls.pattern is not None:
            values = cls.pattern.match(name)
            return None if values is None else cls.from_match(name, values)
        try:
            fits = parse_channel_name(check_channel_name(name)).kind is cls.kind
        except ValueError:
            return None
        return cls.from_match(name, {}) if fits else None

    @classmethod
    def from_match(cls, name: str, values: Mapping[str, Any]) -> Self:
        """Build from a full name and values that a match has checked."""
        channel = object.__new__(cls)
        own = channel.__dict__
        own["name"] = name
        own.update(values)
        return channel

    def __str__(self) -> str:
        """Return the full wire name."""
        return self.name

    def __repr__(self) -> str:
        """Show how the channel would be written in code."""
        if type(self).pattern is None:
            parts = parse_channel_name(self.name)
            shown = f"{parts.bare!r}{', cache=True' if parts.cache else ''}"
        else:
            shown = ", ".join(f"{key}={value!r}" for key, value in self.__dict__.items() if key != "name")
        return f"{type(self).__name__}({shown})"

    def __eq__(self, other: object) -> bool:
        """Compare by wire name: it is what the service compares."""
        return self.name == other.name if isinstance(other, Channel) else NotImplemented

    def __hash__(self) -> int:
        """Hash the wire name."""
        return hash(self.name)

    def __setattr__(self, key: str, value: object) -> NoReturn:
        """Refuse: channels are values."""
        raise AttributeError(f"{type(self).__name__} is frozen; make another one instead of setting {key!r}")

    def __delattr__(self, key: str) -> NoReturn:
        """Refuse: channels are values."""
        raise AttributeError(f"{type(self).__name__} is frozen")


class PrivateChannel(Channel):
    """A channel that only authorized users may subscribe to: `private-…`."""

    kind: ClassVar[ChannelKind] = ChannelKind.PRIVATE

    def __init__(self, name: str, *, cache: bool = False) -> None:
        super().__init__(name, cache=cache)


class PresenceChannel(Channel):
    """A private channel whose subscribers see one another: `presence-…`."""

    kind: ClassVar[ChannelKind] = ChannelKind.PRESENCE

    def __init__(self, name: str, *, cache: bool = False) -> None:
        super().__init__(name, cache=cache)


class EncryptedChannel(Channel):
    """A private channel whose payloads the service cannot read: `private-encrypted-…`. Needs a master key."""

    kind: ClassVar[ChannelKind] = ChannelKind.ENCRYPTED

    def __init__(self, name: str, *, cache: bool = False) -> None:
        super().__init__(name, cache=cache)


class ServerToUser(Channel):
    """Every connection on which one user has signed in: `#server-to-user-…`. Clients need no subscription."""

    kind: ClassVar[ChannelKind] = ChannelKind.SERVER_TO_USER

    def __init__(self, user_id: str | int) -> None:
        self.__dict__["name"] = self.kind.value + check_user_id(user_id)


# An exact value is an int below _BIG or a UUID: never longer than this.
_LONGEST_EXACT = 36
_BIG = 10**30

_KINDS: dict[ChannelKind, type[Channel]] = {
    cls.kind: cls for cls in (Channel, PrivateChannel, PresenceChannel, EncryptedChannel, ServerToUser)
}


def channel_from_name(name: str) -> Channel:
    """Return the plain channel for a full wire name, of the class that its prefix says.

    Raises:
        InvalidChannelError: the name breaks a rule of the wire.
    """
    checked = check_channel_name(name)
    return _KINDS[parse_channel_name(checked).kind].from_match(checked, {})


# The fields are parameters: a name in here without __ before it could be one of theirs.
_INIT = """
def __init__(self, *, {fields}):
    __own = self.__dict__
    if {quick}:
        __own["name"] = __template % {first}
        __own["{first}"] = {first}
    else:
        __own["name"], __values = __write({{{arguments}}}, __owner)
        __own.update(__values)
"""


def _typed_init(pattern: Pattern, owner: str) -> Any:
    """Return the constructor of a typed channel, written out as dataclasses' are.

    It runs for every channel of every event, and has the fields as keyword parameters, as type checkers and editors
    show it. One exact id, the usual case, needs no check but its length.
    """
    fields = list(pattern.fields)
    if not fields:
        return lambda self: self.__dict__.update(name=pattern.template)
    short = len(pattern.template) < CHANNEL_NAME_LIMIT - _LONGEST_EXACT
    quick = "False"
    if len(fields) == 1 and short and not pattern.ambiguous:
        one = fields[0]
        quick = f"__type({one}) in __exact and (__type({one}) is not __int or -__big < {one} < __big)"
    arguments = ", ".join(f"'{name}': {name}" for name in fields)
    source = _INIT.format(fields=", ".join(fields), quick=quick, first=fields[0], arguments=arguments)
    scope: dict[str, Any] = {
        "__big": _BIG,
        "__exact": pattern.fields[fields[0]].exact,
        "__int": int,
        "__owner": owner,
        "__template": pattern.template,
        "__type": type,
        "__write": pattern.write,
    }
    exec(source, scope)  # noqa: S102 - field names were checked to be identifiers
    init = scope["__init__"]
    init.__qualname__ = f"{owner}.__init__"
    return init


def _field_annotations(cls: type[Channel]) -> dict[str, Any]:
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"{cls.__qualname__}: an annotation cannot be resolved ({error}); channel fields need names that exist "
            "when the class is made"
        ) from None
    return {key: hint for key, hint in hints.items() if hint is not ClassVar and get_origin(hint) is not ClassVar}


def _better(name: str) -> str:
    """Say how a name with a prefix should be written instead."""
    parts = parse_channel_name("private-" + name if name.startswith("encrypted-") else name)
    cache = ", cache=True" if parts.cache else ""
    cls = _KINDS[parts.kind].__name__
    return f"the class adds the prefix; write {cls}({parts.bare!r}{cache}), or choose another name"
