"""What broadcasters of both colours share: connections, rendering, receipts and the error policy."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar, cast

from broadcastkit.authorization import ChannelRegistry
from broadcastkit.broadcaster.receipts import receipt_of
from broadcastkit.core.message import Message
from broadcastkit.delivery import Delivery, Inline, Queued
from broadcastkit.delivery.repeats import AsyncRepeatStore, MemoryRepeats, RepeatStore
from broadcastkit.delivery.repeats.base import check_store
from broadcastkit.delivery.telling import Failures
from broadcastkit.drivers.base import ClientOptions, Outcome
from broadcastkit.drivers.client_options import client_options
from broadcastkit.errors import BroadcastError, ConfigurationError
from broadcastkit.events.base import Broadcastable
from broadcastkit.pending import ConnectionReceipt, Receipt, Request, channel_names

if TYPE_CHECKING:
    from broadcastkit.observability.hooks import Hooks
    from broadcastkit.observability.observers import Observers
    from broadcastkit.offline import Fallbacks

__all__ = ["BroadcasterBase", "ErrorPolicy", "Observer", "Plan", "made"]

_log = logging.getLogger("broadcastkit")

ErrorPolicy: TypeAlias = 'Literal["raise", "report"] | Callable[[BroadcastError], None]'
"""What to do with an error: raise it, log it, or hand it to a callable. Without raising, the receipt carries it."""

Observer: TypeAlias = Callable[[Request, Sequence[Message | None], Sequence[Receipt]], None]
"""Told what became of a request, before the error policy is applied: for each event its message (None where there was
nothing to send, or rendering failed) and its receipt."""

DriverT = TypeVar("DriverT")
_tuple = tuple.__new__


Plan: TypeAlias = tuple[Message, tuple[str, ...]]
# One event, rendered, and the connections that carry it.


class BroadcasterBase(Generic[DriverT]):
    """What has no colour: connections, rendering, receipts and the error policy."""

    awaited: bool = False

    def __init__(
        self,
        connections: DriverT | Mapping[str, DriverT],
        *,
        default: str | None = None,
        channels: ChannelRegistry | None = None,
        delivery: Delivery | None = None,
        on_error: ErrorPolicy = "raise",
        transaction: object | None = None,
        repeats: RepeatStore | AsyncRepeatStore | None = None,
        hooks: Hooks | Iterable[Hooks] | None = None,
        when_offline: Fallbacks | None = None,
    ) -> None:
        self._connections: Mapping[str, DriverT] = (
            connections if isinstance(connections, Mapping) else {"default": connections}
        )
        if not self._connections:
            raise ConfigurationError("a broadcaster needs at least one connection")
        if isinstance(connections, type):
            raise ConfigurationError(f"connections: {connections.__name__} is a class; give a driver made of it")
        if channels is not None and not isinstance(channels, ChannelRegistry):
            raise ConfigurationError(f"channels must be a ChannelRegistry, not {type(channels).__name__}")
        if default is None and len(self._connections) > 1:
            raise ConfigurationError(f"default= must name one of the connections: {', '.join(self._connections)}")
        self._default = next(iter(self._connections)) if default is None else default
        if self._default not in self._connections:
            raise ConfigurationError(f"default={default!r} is none of: {', '.join(self._connections)}")
        if on_error not in {"raise", "report"} and not callable(on_error):
            raise ConfigurationError(f"on_error must be 'raise', 'report' or a callable, not {on_error!r}")
        self.channels: ChannelRegistry = ChannelRegistry() if channels is None else channels
        self._delivery: Delivery = Inline() if delivery is None else delivery
        self._on_error = on_error
        self._transaction = transaction
        self._store: Any = MemoryRepeats() if repeats is None else repeats
        check_store(self._store, awaited=self.awaited)
        self._repeats: Any = self._store  # None where repeats are none
        self._commits = True
        self._observer: Observer | None = None
        self.failures: Failures = Failures(_log)
        self._observers: Observers | None = None
        self._fallbacks: Fallbacks | None = None
        # what few programs need, few programs pay for; it is loaded where hooks were set for the whole process, too
        if when_offline is not None:
            self._fall_back(when_offline)
        if hooks is not None or "broadcastkit.observability" in sys.modules:
            self._observe(hooks)

    def __repr__(self) -> str:
        """Name the connections, and the drivers that were made so far."""
        return f"{type(self).__name__}({', '.join(self._connections)}; {made(self._connections)})"

    def _fall_back(self, fallbacks: Fallbacks) -> None:
        from broadcastkit.offline import Fallbacks

        given: object = fallbacks
        if not isinstance(given, Fallbacks):
            raise ConfigurationError(f"must be Fallbacks, not {type(given).__name__}", setting="when_offline")
        self._fallbacks = given
        attached: Any = given.attached(self._connections, default=self._default, asynchronous=self.awaited)
        self._connections = attached

    def _observe(self, hooks: Hooks | Iterable[Hooks] | None) -> None:
        from broadcastkit.drivers.observed import ObservedConnections
        from broadcastkit.observability.observers import observers

        self._observers = observers(hooks)
        if self._observers is not None:
            observed: Any = ObservedConnections(
                cast("Any", self._connections), self._observers, asynchronous=self.awaited
            )
            self._connections = observed

    @contextmanager
    def substituted(self, driver: DriverT | Mapping[str, DriverT], observer: Observer | None = None) -> Iterator[None]:
        """Serve every connection by one driver inside the block, at once and in every thread. For tests.

        A mapping replaces the connections themselves. `observer` is told of each request. Nothing waits for a commit,
        since a test's own transaction never does; the end of a `collect()` block comes there as everywhere. Nothing
        is dropped as a repeat, nor waits to be the last.
        """
        before = self._connections, self._delivery, self._observer, self._commits, self._repeats
        self._connections = driver if isinstance(driver, Mapping) else dict.fromkeys(self._connections, driver)
        self._delivery = Inline()
        self._observer = observer
        self._commits = False
        self._repeats = None
        try:
            yield
        finally:
            self._connections, self._delivery, self._observer, self._commits, self._repeats = before

    @property
    def repeats(self) -> RepeatStore | AsyncRepeatStore:
        """What remembers events that are throttled, debounced or unique."""
        store: RepeatStore | AsyncRepeatStore = self._store
        return store

    def driver(self, connection: str | None = None) -> DriverT:
        """Return a connection's driver; the default one's if no name is given."""
        name = self._default if connection is None else connection
        try:
            return self._connections[name]
        except KeyError:
            raise ConfigurationError(
                f"there is no connection {name!r}; there are: {', '.join(self._connections)}{_hint(name)}"
            ) from None

    def client_options(self, *, url: str | None = None, connection: str | None = None) -> ClientOptions:
        """Return what a page connects with; see `broadcastkit.drivers.client_options`."""
        return client_options(self.driver(connection), url=url)

    def needs_socket_id(self, connection: str | None = None) -> bool:
        """Whether who asks for a subscription must send a socket id.

        A client does; a server that asks for its clients, as laravel-echo-server, has none to send.
        """
        return bool(getattr(self.driver(connection), "needs_socket_id", True))

    def _plans(self, request: Request) -> list[Plan | None]:
        """Render each event; None for one that is not to be sent."""
        plans: list[Plan | None] = []
        for event in request.events:
            message = self._message(event, request)
            via = request.via or event.event_via or (self._default,)
            plans.append(None if message is None else (message, via))
        return plans if self._fallbacks is None else self._with_fallbacks(self._fallbacks, request.events, plans)

    def _message(self, event: Broadcastable, request: Request) -> Message | None:
        """Render an event; None if it is not to be sent."""
        _, exclude, _, on, info, _, _ = request
        names = () if not event.broadcast_when() else channel_names(event.broadcast_on()) if on is None else on
        if not names:
            return None
        # a NamedTuple's own constructor takes twice as long
        parts = (event.event_name, names, event.broadcast_payload(), exclude, info, event.event_options)
        return _tuple(Message, parts)

    def _with_fallbacks(
        self, fallbacks: Fallbacks, events: Sequence[Broadcastable], plans: list[Plan | None]
    ) -> list[Plan | None]:
        """Have fallbacks follow the events that they want to know of; a test's substitutes may have none."""
        known, default = self._connections, self._default
        return fallbacks.planned(plans, events, default=default, known=known, asynchronous=self.awaited)

    def _batches(self, plans: Iterable[Plan | None]) -> dict[str, tuple[DriverT, list[Message]]]:
        """Group messages by connection, in order; every connection exists before anything is sent."""
        batches: dict[str, tuple[DriverT, list[Message]]] = {}
        for plan in plans:
            if plan is not None:
                message, connections = plan
                for connection in connections:
                    if connection not in batches:
                        batches[connection] = (self.driver(connection), [])
                    batches[connection][1].append(message)
        return batches

    def _receipts(
        self,
        request: Request,
        plans: Sequence[Plan | None],
        outcomes: Mapping[str, Iterator[Outcome | Queued]],
        instead: Mapping[int, Receipt] | None = None,
    ) -> tuple[Receipt, ...]:
        """Take each event's outcomes, and do with errors as the policy says; some may have receipts already."""
        found: list[Receipt] = []
        for event, plan in zip(request.events, plans, strict=True):  # a generator would cost every event 0.5 µs
            if plan is None:
                found.append(Receipt(event.event_name, {}, request.exclude))
            else:
                found.append(receipt_of(plan[0], [(name, next(outcomes[name])) for name in plan[1]]))
        receipts = tuple(found)
        if instead:
            receipts = tuple(instead.get(number, receipt) for number, receipt in enumerate(receipts))
        if self._observer is not None:
            self._observer(request, [None if plan is None else plan[0] for plan in plans], receipts)
        for receipt in receipts:
            if receipt.error is not None:
                self._handle([c.error for one in receipts for c in one.connections if c.error is not None], receipts)
                break
        return receipts

    def _handle(self, errors: list[BroadcastError], receipts: tuple[Receipt, ...]) -> None:
        if self._on_error == "raise":
            first = errors[0]
            if sum(len(receipt.connections) for receipt in receipts) > 1:
                first.receipts = receipts
                first.add_note(f"{len(errors)} failed in all; .receipts says what became of each")
            raise first
        if callable(self._on_error):
            for error in errors:
                self._on_error(error)
            return
        for receipt in receipts:
            for one in receipt.connections:
                if one.error is not None:
                    self.failures.log(
                        "broadcast failed", error=one.error, connection=one.connection, event=receipt.event
                    )

    def _unrendered(self, error: BroadcastError, request: Request) -> tuple[Receipt, ...]:
        """Treat an error before sending as the policy says; then no event of the request was sent."""
        failed = (ConnectionReceipt(connection=self._default, error=error),)
        receipts = tuple(Receipt(event.event_name, {}, request.exclude, failed) for event in request.events)
        if self._observer is not None:
            self._observer(request, [None] * len(receipts), receipts)
        self._handle([error], receipts)
        return receipts


def _hint(name: str) -> str:
    """Say what a worker or a relay lacks that was given none of the fallbacks which others have."""
    return "; it is a fallback: this broadcaster needs when_offline=, too" if name.startswith("offline.") else ""


def made(connections: Mapping[str, DriverT]) -> list[DriverT]:
    """Return the drivers that exist; connections from settings make theirs at first use."""
    lazily: Callable[[], list[DriverT]] | None = getattr(connections, "made", None)
    return list(connections.values()) if lazily is None else lazily()
