"""`broadcastkit rules`: which rule decides about which channels, as Laravel's `channel:list` shows."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from broadcastkit.authorization import ChannelRegistry
from broadcastkit.authorization.rules import Rule
from broadcastkit.cli.connections import JsonOption
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
    module = _import(module_name, app_dir)
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


def _import(name: str, app_dir: str) -> ModuleType:
    # as `python -m` does; the command itself runs from a folder of scripts
    folder = str(Path(app_dir).resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigurationError(
                f"there is no module {error.name} in {folder} or installed", setting=f"{_WHERE}:"
            ) from None
        raise ConfigurationError(
            f"importing {name} failed: it needs the module {error.name}", setting=f"{_WHERE}:"
        ) from None
    except Exception as error:  # noqa: BLE001 - its text may hold anything, settings too
        raise ConfigurationError(
            f"importing {name} failed: {type(error).__name__} at {_place(error)}; "
            f"`python -c 'import {name}'` shows the whole of it",
            setting=f"{_WHERE}:",
        ) from None


def _place(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"{at.filename}:{at.lineno}"


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
