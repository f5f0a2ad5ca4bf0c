"""One rule: the channels it is about, how its callback is called, and how the answer is read."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_type_hints

from broadcastkit.authorization.members import PresenceMember, member_from
from broadcastkit.calls import is_async
from broadcastkit.channels.base import Channel, EncryptedChannel, PresenceChannel, PrivateChannel
from broadcastkit.core.names import ChannelKind, parse_channel_name
from broadcastkit.core.patterns import Pattern, compile_pattern
from broadcastkit.errors import ConfigurationError, DeniedError, InvalidInputError

__all__ = ["Rule", "callback_name", "make_rule"]

_log = logging.getLogger("broadcastkit.authorization")
_PLAIN: dict[ChannelKind, type[Channel]] = {
    cls.kind: cls for cls in (PrivateChannel, PresenceChannel, EncryptedChannel)
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A callback and the channels that it decides about."""

    pattern: Pattern
    callback: Callable[..., Any] = field(repr=False)
    name: str
    guest: bool
    presence: bool
    is_async: bool
    channel_class: type[Channel]
    channel_parameter: str | None
    value_parameters: tuple[str, ...]

    def arguments(self, channel_name: str) -> dict[str, Any] | None:
        """Return the callback's keyword arguments for a channel, or None if the rule is not about it."""
        values = self.pattern.match(channel_name)
        if values is None:
            return None
        arguments = {key: values[key] for key in self.value_parameters} if self.value_parameters else {}
        if self.channel_parameter is not None:
            arguments[self.channel_parameter] = self.channel_class.from_match(channel_name, values)
        return arguments

    def read(self, answer: object) -> str | None:
        """Read the callback's answer: the JSON text of the presence member, or None for a plain yes.

        Raises:
            DeniedError: for anything but a clear yes.
        """
        if self.presence:
            member = answer if type(answer) is PresenceMember else member_from(answer)
            if member is not None:
                return self._member_json(member)
        elif answer is True:
            return None
        if answer is not None and answer is not False:
            _log.warning(
                "%s (%s) answered %s, which is no clear yes: denied; return %s",
                *(self.name, self.pattern.text, type(answer).__name__, "a PresenceMember" if self.presence else "True"),
                extra=self._extra,
            )
        raise DeniedError(f"{self.name} said no")

    @property
    def _extra(self) -> dict[str, str]:
        return {"broadcast_rule": self.name, "broadcast_pattern": self.pattern.text}

    def _member_json(self, member: PresenceMember) -> str:
        try:
            return member.as_json()
        except InvalidInputError as error:
            # the application's fault, not the client's: no subscription, and a line that says why
            extra = {**self._extra, "broadcast_error": type(error).__name__}
            _log.error("%s (%s): %s; denied", self.name, self.pattern.text, error, extra=extra)
            raise DeniedError(f"{self.name} gave a member that cannot be sent") from None


def make_rule(where: str | type[Channel], callback: Callable[..., Any], *, guest: bool) -> Rule:
    """Check a callback against the channels it is for; ConfigurationError says what does not fit."""
    name = callback_name(callback)
    pattern = _pattern(where, callback, name)
    if not pattern.kind.guarded:
        raise ConfigurationError(
            f"{name}: {pattern.text!r} is public and needs no rule; write it with its prefix "
            "(private-, presence- or private-encrypted-) if it is not"
        )
    channel_class = _PLAIN[pattern.kind] if isinstance(where, str) else where
    channel_parameter, value_parameters = _parameters(callback, name, pattern, channel_class)
    return Rule(
        pattern=pattern,
        callback=callback,
        name=name,
        guest=guest,
        presence=pattern.kind is ChannelKind.PRESENCE,
        is_async=is_async(callback),
        channel_class=channel_class,
        channel_parameter=channel_parameter,
        value_parameters=value_parameters,
    )


def callback_name(callback: Callable[..., Any]) -> str:
    """Return what an error calls a callback."""
    return str(getattr(callback, "__qualname__", type(callback).__name__))


def _pattern(where: str | type[Channel], callback: Callable[..., Any], name: str) -> Pattern:
    if not isinstance(where, str):
        if where.pattern is None:
            raise ConfigurationError(f"{name}: {where.__name__} has no pattern; give a typed channel class or a str")
        return where.pattern
    kind, cache, bare = parse_channel_name(where)
    return compile_pattern(kind, bare, _placeholder_hints(callback, bare, name), name, cache=cache)


def _placeholder_hints(callback: Callable[..., Any], bare: str, name: str) -> dict[str, Any]:
    """Resolve the annotations of the placeholders only: a user's type may exist for type checkers alone."""
    function: Any = callback
    while isinstance(function, partial):
        function = function.func
    if not inspect.isroutine(function):
        function = type(function).__call__
    function = inspect.unwrap(function)
    annotations = getattr(function, "__annotations__", {})
    wanted = type("_Wanted", (), {})
    wanted.__annotations__ = {key: hint for key, hint in annotations.items() if f"{{{key}}}" in bare}
    try:
        return get_type_hints(wanted, globalns=getattr(function, "__globals__", {}), include_extras=True)
    except NameError as error:
        raise ConfigurationError(f"{name}: an annotation cannot be resolved ({error})") from None


def _parameters(
    callback: Callable[..., Any], name: str, pattern: Pattern, channel_class: type[Channel]
) -> tuple[str | None, tuple[str, ...]]:
    """Return the parameter that gets the channel, and those that get values; the first parameter is the user."""
    parameters = list(inspect.signature(callback).parameters.values())
    if not parameters or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise ConfigurationError(f"{name}: a rule takes the user as its first parameter")
    channel: str | None = None
    values: list[str] = []
    for parameter in parameters[1:]:
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise ConfigurationError(f"{name}: {parameter.name!r} is passed by name; it must not stand before a /")
        if parameter.name in pattern.fields:
            values.append(parameter.name)
        elif channel is None and (
            parameter.name == "channel" or parameter.annotation in {channel_class, channel_class.__name__}
        ):
            channel = parameter.name
        elif parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            known = ", ".join([*pattern.fields, "channel"])
            raise ConfigurationError(f"{name}: nothing fills the parameter {parameter.name!r}; there are: {known}")
    return channel, tuple(values)
