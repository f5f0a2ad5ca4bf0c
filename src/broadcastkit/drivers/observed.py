"""A connection that is observed: hooks are told of every flight, whichever delivery has sent it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome, Sent
from broadcastkit.drivers.wrapped import AsyncWrapped, Wrapped, unwrapped
from broadcastkit.observability.hooks import Sending
from broadcastkit.observability.observers import Observers

__all__ = ["AsyncObserved", "Observed", "ObservedConnections"]

DriverT = TypeVar("DriverT")


class Observed(Wrapped):
    """Tells hooks what becomes of messages."""

    def __init__(self, driver: Driver, connection: str, observers: Observers) -> None:
        super().__init__(driver)
        self.broadcast_observers: Observers = observers
        self._flights = _Flights(driver, connection, observers)

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send, and tell."""
        with self._flights.of(messages) as flight:
            flight.outcomes = self._driver.send(messages)
        return flight.outcomes


class AsyncObserved(AsyncWrapped):
    """The awaited twin of Observed."""

    def __init__(self, driver: AsyncDriver, connection: str, observers: Observers) -> None:
        super().__init__(driver)
        self.broadcast_observers: Observers = observers
        self._flights = _Flights(driver, connection, observers)

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send, and tell."""
        with self._flights.of(messages) as flight:
            flight.outcomes = await self._driver.send(messages)
        return flight.outcomes


class _Flights:
    """What is said of a driver's flights; nothing here waits."""

    def __init__(self, driver: object, connection: str, observers: Observers) -> None:
        inner = unwrapped(driver)
        self.observers = observers
        self._connection = connection
        self._system = _system(inner)
        self._server: tuple[str, int] | None = getattr(inner, "server_address", None)

    def of(self, messages: Sequence[Message]) -> _Flight:
        """Return what is entered around a send."""
        return _Flight(self, messages)

    def sending(self, messages: Sequence[Message], seconds: float = 0.0, by_fallback: int = 0) -> Sending:
        """Return what is said of messages."""
        return Sending(
            self._connection,
            self._system,
            tuple([message.event for message in messages]),
            sum([len(message.channels) for message in messages]),
            self._server,
            seconds,
            by_fallback,
            tuple([getattr(message, "trace", None) for message in messages]) if self.observers.traces else (),
        )


class _Flight:
    """One send: what comes back, and what is said of that."""

    __slots__ = ("_around", "_flights", "_messages", "_start", "outcomes")

    outcomes: Sequence[Outcome]

    def __init__(self, flights: _Flights, messages: Sequence[Message]) -> None:
        self._flights = flights
        self._messages = messages

    def __enter__(self) -> Self:
        flights = self._flights
        observers = flights.observers
        self._around = observers.around(flights.sending(self._messages)) if observers.surrounds else None
        self._start = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        seconds = time.perf_counter() - self._start
        try:
            if error is None:
                self._tell(seconds)
            elif isinstance(error, Exception):
                self._flights.observers.failed(self._flights.sending(self._messages, seconds), error)
        finally:
            if self._around is not None:
                self._around.close()

    def _tell(self, seconds: float) -> None:
        sent: list[Message] = []
        failed: dict[tuple[type, str], tuple[Exception, list[Message]]] = {}
        by_fallback = 0
        for message, outcome in zip(self._messages, self.outcomes, strict=True):
            if isinstance(outcome, Sent):
                sent.append(message)
                by_fallback += outcome.by_fallback
            else:
                failed.setdefault((type(outcome), str(outcome)), (outcome, []))[1].append(message)
        flights = self._flights
        if sent:
            flights.observers.sent(flights.sending(sent, seconds, by_fallback))
        for error, of_it in failed.values():
            flights.observers.failed(flights.sending(of_it, seconds), error)


def _system(driver: object) -> str:
    """Return what a driver is called in settings, which its class says too."""
    return type(driver).__name__.removeprefix("Async").removesuffix("Driver").lower()


class ObservedConnections(Mapping[str, DriverT], Generic[DriverT]):
    """Connections whose drivers are observed, each from when it is first asked for."""

    def __init__(self, connections: Mapping[str, DriverT], observers: Observers, *, asynchronous: bool) -> None:
        self._connections = connections
        self._observers = observers
        self._observed: dict[str, DriverT] = {}
        self._wrap: Any = AsyncObserved if asynchronous else Observed

    def __getitem__(self, name: str) -> DriverT:
        """Return a connection's driver, observed."""
        driver = self._observed.get(name)
        if driver is None:
            # of two threads that come at once, both get the same
            driver = self._observed.setdefault(name, self._wrap(self._connections[name], name, self._observers))
        return driver

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._connections)

    def __len__(self) -> int:
        """Count the names."""
        return len(self._connections)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a connection; makes nothing."""
        return name in self._connections

    def made(self) -> list[DriverT]:
        """Return the drivers that exist, as they are: for closing them."""
        lazily = getattr(self._connections, "made", None)
        return list(self._connections.values()) if lazily is None else cast("list[DriverT]", lazily())
