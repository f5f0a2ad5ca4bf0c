"""A connection that is observed: hooks are told of every flight, whichever delivery has sent it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Generic, TypeVar, cast

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


class _Flight:
    """What comes back."""

    __slots__ = ("outcomes",)

    outcomes: Sequence[Outcome]


class _Flights:
    """What is said of a driver's flights; nothing here waits."""

    def __init__(self, driver: object, connection: str, observers: Observers) -> None:
        inner = unwrapped(driver)
        self._observers = observers
        self._blank = Sending(connection, _system(inner), (), 0, getattr(inner, "server_address", None))

    @contextmanager
    def of(self, messages: Sequence[Message]) -> Iterator[_Flight]:
        flight = _Flight()
        sending = self._part(messages)
        with self._observers.around(sending):
            start = time.perf_counter()
            try:
                yield flight
            except Exception as error:
                self._observers.failed(replace(sending, seconds=time.perf_counter() - start), error)
                raise
            self._tell(sending, messages, flight.outcomes, time.perf_counter() - start)

    def _part(self, messages: Sequence[Message]) -> Sending:
        traces = tuple(getattr(message, "trace", None) for message in messages)
        return replace(
            self._blank,
            events=tuple(message.event for message in messages),
            channels=sum(len(message.channels) for message in messages),
            traces=traces if any(trace is not None for trace in traces) else (),
        )

    def _tell(self, all_: Sending, messages: Sequence[Message], outcomes: Sequence[Outcome], seconds: float) -> None:
        sent: list[Message] = []
        failed: dict[tuple[type, str], tuple[Exception, list[Message]]] = {}
        by_fallback = 0
        for message, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, Sent):
                sent.append(message)
                by_fallback += outcome.by_fallback
            else:
                failed.setdefault((type(outcome), str(outcome)), (outcome, []))[1].append(message)
        if sent:
            part = all_ if len(sent) == len(messages) else self._part(sent)
            self._observers.sent(replace(part, seconds=seconds, by_fallback=by_fallback))
        for error, of_it in failed.values():
            self._observers.failed(replace(self._part(of_it), seconds=seconds), error)


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
