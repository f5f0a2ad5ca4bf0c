"""A broadcaster's connections, and beside them one for each fallback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from broadcastkit.errors import ConfigurationError
from broadcastkit.offline.driver import AsyncOfflineDriver, OfflineDriver
from broadcastkit.offline.fallbacks import PREFIX, asked_of

if TYPE_CHECKING:
    from broadcastkit.offline.fallbacks import Fallbacks

__all__ = ["OfflineConnections"]

DriverT = TypeVar("DriverT")


class OfflineConnections(Mapping[str, DriverT], Generic[DriverT]):
    """Goes through the broadcaster's own; a fallback's is found by its name, and made when it is first asked for."""

    def __init__(
        self, connections: Mapping[str, DriverT], fallbacks: Fallbacks, *, default: str, asynchronous: bool
    ) -> None:
        self._connections = connections
        self._fallbacks = fallbacks
        self._default = default
        self._asynchronous = asynchronous
        self._drivers: dict[str, Any] = {}

    def __getitem__(self, name: str) -> DriverT:
        """Return a connection's driver.

        Raises:
            ConfigurationError: no such fallback was registered, or nobody can be asked who is there.
        """
        if not self._is_fallback(name):
            return self._connections[name]
        driver = self._drivers.get(name)
        if driver is None:
            # of two threads that come at once, both get the same
            driver = self._drivers.setdefault(name, self._make(name))
        return cast("DriverT", driver)

    def _make(self, connection: str) -> Any:
        name, via = asked_of(connection, self._default)
        fallback = self._fallbacks.named(name)
        if fallback is None:
            there = ", ".join(one.name for one in self._fallbacks) or "none"
            raise ConfigurationError(
                f"there is no fallback {name!r} here (there are: {there}): import the module that registers it, "
                "or keep its old name with when_offline(..., name=...)"
            )
        make: Any = AsyncOfflineDriver if self._asynchronous else OfflineDriver
        return make(fallback, {one: self._asked(one) for one in via}, online=self._fallbacks.online)

    def _asked(self, name: str) -> DriverT:
        try:
            return self._connections[name]
        except KeyError:
            raise ConfigurationError(
                f"there is no connection {name!r} to ask who is there; there are: {', '.join(self._connections)}"
            ) from None

    def _is_fallback(self, name: object) -> bool:
        return isinstance(name, str) and name.startswith(PREFIX) and name not in self._connections

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the broadcaster's own."""
        return iter(self._connections)

    def __len__(self) -> int:
        """Count the broadcaster's own."""
        return len(self._connections)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a connection, of either kind; makes nothing."""
        if not self._is_fallback(name):
            return name in self._connections
        return self._fallbacks.named(asked_of(str(name), self._default)[0]) is not None

    def made(self) -> list[DriverT]:
        """Return the broadcaster's own drivers that exist: a fallback has nothing to close."""
        lazily = getattr(self._connections, "made", None)
        return list(self._connections.values()) if lazily is None else cast("list[DriverT]", lazily())
