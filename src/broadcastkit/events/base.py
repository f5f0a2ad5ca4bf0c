"""Events: what happened. Typed, frozen, and only their declared fields reach the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticSerializationError, SchemaSerializer, SchemaValidator

from broadcastkit.channels.base import Channel
from broadcastkit.core import payload
from broadcastkit.core.names import check_event_name, default_event_name
from broadcastkit.core.options import EventOptions
from broadcastkit.core.repeats import Debounce, Repeats, Throttle, Unique, repeats_of
from broadcastkit.core.retry import Retry
from broadcastkit.errors import ConfigurationError, InvalidPayloadError

__all__ = ["AnonymousEvent", "Broadcastable", "Event", "EventChannels", "Id"]

Id: TypeAlias = int | UUID | str
"""An id as databases have them; written as it is."""

EventChannels: TypeAlias = "Channel | str | Iterable[Channel | str]"
"""What `broadcast_on` gives: channels, or full wire names, one or many."""

_UNSET: Any = object()


class Broadcastable(Protocol):
    """What a broadcaster needs of an event; Event and AnonymousEvent have it."""

    @property
    def event_name(self) -> str:
        """The name on the wire."""
        ...

    @property
    def event_via(self) -> tuple[str, ...]:
        """The connections that carry it; empty means the default one."""
        ...

    @property
    def event_after_commit(self) -> bool:
        """Whether it waits for the transaction of the broadcaster."""
        ...

    @property
    def event_repeats(self) -> Repeats | None:
        """What is done when it is broadcast again and again; None if nothing is."""
        ...

    @property
    def event_options(self) -> EventOptions | None:
        """Its wishes about how it is sent; None if it has none."""
        ...

    def broadcast_on(self) -> EventChannels:
        """Say where it is heard."""
        ...

    def broadcast_when(self) -> bool:
        """Say whether to send at all."""
        ...

    def broadcast_payload(self) -> str:
        """Return the payload as JSON text."""
        ...


if TYPE_CHECKING:
    # Type checkers would take pydantic's synthesized constructor, which knows no positional argument, over ours. This
    # stands in for BaseModel with the methods that events are used with; at run time events are pydantic models.
    class _Model:
        model_config: ClassVar[ConfigDict]
        model_fields: ClassVar[dict[str, Any]]
        __pydantic_validator__: ClassVar[SchemaValidator]
        __pydantic_serializer__: ClassVar[SchemaSerializer]

        def model_dump(self, **options: Any) -> dict[str, Any]: ...
        def model_dump_json(self, **options: Any) -> str: ...
        def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self: ...
        @classmethod
        def model_validate(cls, obj: Any, **options: Any) -> Self: ...
        @classmethod
        def model_validate_json(cls, json_data: str | bytes, **options: Any) -> Self: ...
        @classmethod
        def model_json_schema(cls, **options: Any) -> dict[str, Any]: ...
        @classmethod
        def model_rebuild(cls, **options: Any) -> bool | None: ...
else:
    _Model = BaseModel


class Event(_Model):
    """Base class of typed events: a pydantic model that knows its name on the wire and where it is heard.

    The one positional argument is *read from*: attributes of any object (an ORM row, a dataclass, a model) or the keys
    of a mapping, declared fields only. Keyword arguments override what was read. Class options:

    - `name`: the name on the wire; by default the class name in dotted snake case (`MessageSent` → `message.sent`).
      A name that was given is inherited by subclasses, a derived one is not.
    - `via`: the connection (or several) that carries the event when the caller does not say.
    - `after_commit=True`: sent when the broadcaster's transaction commits, as by `.after_commit()`.
    - `retry`: a `Retry` for this event, in place of its driver's.
    - `queue`, `tries`, `backoff`: where a task queue delivers, the queue's name, how often it is tried at most, and the
      seconds before the second try.
    - `throttle`, `debounce`, `unique`: what to do when it is broadcast again and again, in seconds, or as a `Throttle`,
      `Debounce` or `Unique`, which can say more; 0 undoes what a parent class says.

    Any other class option is pydantic configuration.

        >>> class OrderShipped(Event):
        ...     order_id: int
        ...     def broadcast_on(self):
        ...         return f"private-orders.{self.order_id}"
        >>> OrderShipped({"order_id": 7, "internal_note": "never sent"}).broadcast_payload()
        '{"order_id":7}'

    A field declared with `Field(exclude=True)` can route the event and stays off the wire.

    Raises:
        pydantic.ValidationError: a field is missing or does not fit. Values are left out of the text.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        from_attributes=True,
        populate_by_name=True,
    )

    # for pydantic these must be class variables; a type checker would then not take events for Broadcastable
    if TYPE_CHECKING:
        event_name: str = "event"
        """The name on the wire."""
        event_via: tuple[str, ...] = ()
        """The connections of the class option `via`; empty means the default connection."""
        event_after_commit: bool = False
        """The class option `after_commit`."""
        event_repeats: Repeats | None = None
        """The class option `throttle`, `debounce` or `unique`; None without any."""
        event_options: EventOptions | None = None
        """The class options `retry`, `queue`, `tries` and `backoff`; None without any."""
    else:
        event_name: ClassVar[str] = "event"
        event_via: ClassVar[tuple[str, ...]] = ()
        event_after_commit: ClassVar[bool] = False
        event_repeats: ClassVar[Repeats | None] = None
        event_options: ClassVar[EventOptions | None] = None
    _name_given: ClassVar[bool] = False
    _own_payload: ClassVar[bool] = False

    def __init__(self, source: object = _UNSET, /, **values: Any) -> None:
        if source is not _UNSET:
            values = _read(type(self), source, values) | values
        try:
            self.__pydantic_validator__.validate_python(values, self_instance=self)
        except ValidationError:
            pass
        else:
            return
        # Nested models may be given as rows too; looking for attributes at once would slow every event by a fifth.
        self.__pydantic_validator__.validate_python(values, self_instance=self, from_attributes=True)

    # Without this mark pydantic would call __init__ for nested and ORM validation too, with what it cannot take.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def __init_subclass__(
        cls,
        *,
        name: str | None = None,
        via: str | Iterable[str] = (),
        after_commit: bool | None = None,
        retry: Retry | None = None,
        queue: str | None = None,
        tries: int | None = None,
        backoff: float | None = None,
        throttle: float | Throttle | None = None,
        debounce: float | Debounce | None = None,
        unique: float | Unique | None = None,
        **config: Any,
    ) -> None:
        if vars(cls).keys() & {"event_name", "event_via", "event_after_commit", "event_options", "event_repeats"}:
            raise ConfigurationError(
                f"{cls.__name__}: these are class options of an event: "
                f"class {cls.__name__}(Event, name=..., via=..., after_commit=...)"
            )
        super().__init_subclass__(**config)
        if name is not None:
            cls.event_name = check_event_name(name)
            cls._name_given = True
        elif not cls._name_given and not cls.__name__.endswith("]"):  # Changed[int] is called as Changed is
            cls.event_name = check_event_name(default_event_name(cls.__name__))
        if via:
            cls.event_via = (via,) if isinstance(via, str) else tuple(via)
        if after_commit is not None:
            cls.event_after_commit = after_commit
        options = {"retry": retry, "queue": queue, "tries": tries, "backoff": backoff}
        given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        if given:
            cls.event_options = replace(cls.event_options or EventOptions(), **given)
        if throttle is not None or debounce is not None or unique is not None:
            cls.event_repeats = repeats_of(throttle=throttle, debounce=debounce, unique=unique)
        cls._own_payload = cls.broadcast_with is not Event.broadcast_with

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Check the names of fields in class options, now that it is known which there are."""
        for field in () if cls.event_repeats is None else cls.event_repeats.fields:
            if field not in cls.model_fields and not hasattr(cls, field):
                raise ConfigurationError(f"{cls.__name__} has no field {field!r}, by which to tell its repeats")

    def broadcast_on(self) -> EventChannels:
        """Say where the event is heard: channels or full wire names, one or many, returned or yielded.

        No channels at all mean that nobody is to hear it, and nothing is sent.
        """
        raise ConfigurationError(
            f"{type(self).__name__} does not say where it is heard: define broadcast_on(), or pass channels to "
            "broadcast(event).on(...)"
        )

    def broadcast_with(self) -> Any:
        """Return the payload: the declared fields. Override it for anything else that can be written as JSON."""
        return self.model_dump(mode="json", by_alias=True)

    def broadcast_when(self) -> bool:
        """Say whether to send at all; asked once, when the broadcast is sent."""
        return True

    def broadcast_payload(self) -> str:
        """Return the payload as JSON text, as it goes out.

        Raises:
            InvalidPayloadError: a value cannot be written as JSON.
        """
        if self._own_payload:
            return payload.encode(self.broadcast_with(), f"the payload of {type(self).__name__}")
        try:
            # not a setting: that would leave out the aliases of nested models, and is new in pydantic 2.11
            return self.__pydantic_serializer__.to_json(self, by_alias=True).decode()
        except (PydanticSerializationError, ValueError):
            raise InvalidPayloadError(f"{type(self).__name__} holds a value that cannot be written as JSON") from None

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: events are values; pydantic's own error would quote the one that was given."""
        if not name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} is frozen; make a copy with model_copy(update=...)")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        """Refuse: events are values."""
        if not name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} is frozen")
        super().__delattr__(name)

    def __repr__(self) -> str:
        """Name the event and leave its values out: events end up in logs and tracebacks."""
        return f"<{type(self).__name__} {self.event_name!r}>"

    __str__ = __repr__

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return ()


class AnonymousEvent:
    """An event without a class: `AnonymousEvent("order.shipped", {"id": 7}, on=PrivateChannel("orders.7"))`."""

    __slots__ = ("_channels", "event_name", "event_via", "payload")

    event_after_commit: bool = False
    event_repeats: Repeats | None = None
    event_options: EventOptions | None = None

    def __init__(
        self, name: str, payload: object = None, *, on: EventChannels = (), via: str | Iterable[str] = ()
    ) -> None:
        self.event_name: str = check_event_name(name)
        self.event_via: tuple[str, ...] = (via,) if isinstance(via, str) else tuple(via)
        self.payload: object = {} if payload is None else payload
        if on is None:
            raise ConfigurationError(f"the anonymous event {name!r}: on= takes channels or full names, not None")
        self._channels = on if isinstance(on, (Channel, str)) else tuple(on)

    def broadcast_on(self) -> EventChannels:
        """Return the channels given."""
        if self._channels == ():
            raise ConfigurationError(
                f"the anonymous event {self.event_name!r} was given no channels: pass on=..., or use .on(...)"
            )
        return self._channels

    def broadcast_when(self) -> bool:
        """Return True: an anonymous event has no condition."""
        return True

    def broadcast_payload(self) -> str:
        """Return the payload as JSON text."""
        return payload.encode(self.payload, f"the payload of {self.event_name!r}")

    def __repr__(self) -> str:
        """Leave the payload out."""
        return f"<AnonymousEvent {self.event_name!r}>"


def _read(cls: type[Event], source: object, given: Mapping[str, Any]) -> dict[str, Any]:
    """Read the declared fields that were not given, from a mapping or from attributes; the rest is left to defaults."""
    found: dict[str, Any] = {}
    get: Callable[[str, Any], Any] = (
        source.get if isinstance(source, Mapping) else lambda key, default: getattr(source, key, default)
    )
    for field, info in cls.model_fields.items():
        alias = info.validation_alias if isinstance(info.validation_alias, str) else field
        if field in given or alias in given:
            continue
        value = get(field, _UNSET)
        if value is _UNSET and alias != field:
            value = get(alias, _UNSET)
        if value is not _UNSET:
            found[field] = value
    return found
