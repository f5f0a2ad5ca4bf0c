"""Drivers of other packages, found by their entry points: `name = "module:Class"` in the group `broadcastkit.drivers`.

Nothing is looked for until a name that is none of ours is asked for, and only the one that is asked for is imported.
"""

from __future__ import annotations

from collections.abc import Container
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from broadcastkit.errors import ConfigurationError, MissingDependencyError

__all__ = ["GROUP", "entry_point", "load", "names"]

GROUP = "broadcastkit.drivers"


def entry_point(name: str) -> EntryPoint | None:
    """Return the entry point of that name, if there is one.

    Raises:
        ConfigurationError: there are several.
    """
    found = list(entry_points(group=GROUP, name=name))
    if len(found) > 1:
        owners = " and ".join(sorted(_owner(one) for one in found))
        raise ConfigurationError(f"{name!r} is ambiguous: {owners} both register it; keep one", setting="driver")
    return found[0] if found else None


def names(taken: Container[str]) -> list[str]:
    """Return what is registered, for an error's text; one that is taken is said to be refused."""
    found = sorted(entry_points(group=GROUP), key=lambda one: one.name)
    return [f"{one.name} (refused to {_owner(one)}: taken)" if one.name in taken else one.name for one in found]


def load(found: EntryPoint, *, asynchronous: bool) -> Any:
    """Import a driver's class, or its twin, which has `Async` before its name and is in the same module.

    Raises:
        ConfigurationError: it cannot be imported, or is no driver; names the package.
    """
    class_name = f"Async{found.attr}" if asynchronous else found.attr
    try:
        module = import_module(found.module)
    except MissingDependencyError:
        raise
    except Exception as error:
        raise _broken(found, f"importing {found.module} raises {type(error).__name__}: {error}") from error
    cls = getattr(module, class_name, None)
    if not isinstance(cls, type) or not callable(getattr(cls, "send", None)):
        raise _broken(found, f"{found.module} has no class {class_name!r} with a send()")
    return cls


def _broken(found: EntryPoint, why: str) -> ConfigurationError:
    return ConfigurationError(f"{found.name!r} of {_owner(found)} cannot be used: {why}", setting="driver")


def _owner(found: EntryPoint) -> str:
    return "an unnamed package" if found.dist is None else f"{found.dist.name} {found.dist.version}"
