"""What stands beside a driver's own settings: `breaker`, and `fallback`, which names another connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from broadcastkit.core.breaker import Breaker
from broadcastkit.drivers.checks import instead_of
from broadcastkit.errors import ConfigurationError

__all__ = ["GUARDS", "check_fallbacks", "guarded"]

GUARDS = {"breaker", "fallback"}


def check_fallbacks(connections: Mapping[str, Mapping[str, Any]]) -> None:
    """Follow the fallback of each connection to its end.

    Raises:
        ConfigurationError: one is no other connection, or leads back to where it came from.
    """
    for name in connections:
        way = [name]
        while (fallback := connections[way[-1]].get("fallback")) is not None:
            setting = f"connections.{way[-1]}.fallback"
            if not isinstance(fallback, str) or fallback not in connections or fallback == way[-1]:
                others = ", ".join(other for other in connections if other != way[-1])
                there = f"must be the name of another connection ({others})" if others else "needs another connection"
                raise ConfigurationError(f"{there}{instead_of(fallback)}", setting=setting)
            if fallback in way:
                raise ConfigurationError(f"leads back: {' → '.join([*way, fallback])}", setting=setting)
            way.append(fallback)


def guarded(
    driver: Any, breaker: Breaker | None, fallback: str | None, connection: Callable[[str], Any], *, asynchronous: bool
) -> Any:
    """Return a driver as its connection has it: guarded, if that is asked for."""
    if breaker is None and fallback is None:
        return driver
    from broadcastkit.drivers.guarded import AsyncGuarded, Guarded

    make: Any = AsyncGuarded if asynchronous else Guarded
    return make(driver, breaker=breaker, fallback=None if fallback is None else connection(fallback))
