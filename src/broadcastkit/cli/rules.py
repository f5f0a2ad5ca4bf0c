"""`broadcastkit rules`: which rule decides about which channels, as Laravel's `channel:list` shows."""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated, Any

import typer

from broadcastkit.authorization import ChannelRegistry
from broadcastkit.authorization.rules import Rule
from broadcastkit.cli.connections import JsonOption
from broadcastkit.cli.modules import import_from
from broadcastkit.cli.output import note, show_json, table
from broadcastkit.errors import ConfigurationError

__all__ = ["find_registry", "rules"]

_WHERE = "MODULE:ATTRIBUTE"


def rules(
    *,
    where: Annotated[
        str,
        typer.Argument(
            metavar=_WHERE,
            help="Where the rules are: a ChannelRegistry, or a broadcaster, such as chat.rules:channels.",
        ),
    ],
    app_dir: Annotated[str, typer.Option(metavar="FOLDER", help="Where modules are looked for first.")] = ".",
    as_json: JsonOption = False,
) -> None:
    """List the rules of an application: which callback decides about which channels."""
    registry = find_registry(where, app_dir)
    if as_json:
        show_json({"rules": [_document(rule) for rule in registry.rules]})
    elif registry.rules:
        table([rule.pattern.text, _callback(rule), _remarks(rule)] for rule in registry.rules)
    else:
        note(f"{where} has no rules yet: a module that registers them may have to be imported there.")


def find_registry(where: str, app_dir: str) -> ChannelRegistry:
    """Import an application's registry.

    Raises:
        ConfigurationError: there is no such module or attribute, importing it failed, or it is something else.
    """
    module_name, _, attribute = where.partition(":")
    if not module_name or not attribute:
        raise ConfigurationError("takes a module and an attribute of it, such as chat.rules:channels", setting=_WHERE)
    module = import_from(module_name, app_dir, setting=f"{_WHERE}:")
    try:
        found: Any = attrgetter(attribute)(module)
    except AttributeError:
        there = [name for name, value in vars(module).items() if isinstance(_registry_of(value), ChannelRegistry)]
        known = f"; there is {', '.join(there)}" if there else ""
        raise ConfigurationError(f"{module_name} has no {attribute}{known}", setting=f"{_WHERE}:") from None
    registry = _registry_of(found)
    if not isinstance(registry, ChannelRegistry):
        raise ConfigurationError(
            f"{attribute} in {module_name} is a {type(found).__name__}; it must be a ChannelRegistry, or a broadcaster "
            "that has one",
            setting=f"{_WHERE}:",
        )
    return registry


def _registry_of(value: object) -> object:
    # not getattr on whatever a module holds: that may be an object which answers to every name
    return (
        value
        if isinstance(value, ChannelRegistry)
        else vars(value).get("channels")
        if hasattr(value, "__dict__")
        else None
    )


def _document(rule: Rule) -> dict[str, object]:
    return {
        "pattern": rule.pattern.text,
        "kind": rule.pattern.kind.name.lower(),
        "callback": _callback(rule),
        "channel_class": rule.channel_class.__qualname__ if rule.channel_class.pattern is not None else None,
        "guest": rule.guest,
        "async": rule.is_async,
    }


def _callback(rule: Rule) -> str:
    module = getattr(rule.callback, "__module__", None)
    return f"{module}.{rule.name}" if isinstance(module, str) else rule.name


def _remarks(rule: Rule) -> str:
    return ", ".join(word for word, holds in (("guests", rule.guest), ("async", rule.is_async)) if holds)
