"""What broadcasters of both colours share: connections, rendering, receipts and the error policy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Generic, Literal, TypeAlias, TypeVar, cast

from broadcastkit.authorization import ChannelRegistry
from broadcastkit.core.message import Message
from broadcastkit.delivery import Delivery, Inline, Queued
from broadcastkit.drivers.base import NO_SOCKET_ID, AskedByServer, ChannelInfo, Outcome, Sent
from broadcastkit.errors import BroadcastError, ConfigurationError
from broadcastkit.pending import ConnectionReceipt, Receipt, Request, channel_names

__all__ = ["BroadcasterBase", "ErrorPolicy", "Observer", "Plan", "asked_by_server", "made"]

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

    def __init__(
        self,
        connections: DriverT | Mapping[str, DriverT],
        *,
        default: str | None = None,
        channels: ChannelRegistry | None = None,
        delivery: Delivery | None = None,
        on_error: ErrorPolicy = "raise",
    ) -> None:
        self._connections: Mapping[str, DriverT] = (
            connections if isinstance(connections, Mapping) else {"default": connections}
        )
        if not self._connections:
            raise ConfigurationError("a broadcaster needs at least one connection")
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
        self._observer: Observer | None = None

    @contextmanager
    def substituted(self, driver: DriverT | Mapping[str, DriverT], observer: Observer | None = None) -> Iterator[None]:
        """Serve every connection by one driver inside the block, at once and in every thread. For tests.

        A mapping replaces the connections themselves. `observer` is told of each request.
        """
        before = self._connections, self._delivery, self._observer
        self._connections = driver if isinstance(driver, Mapping) else dict.fromkeys(self._connections, driver)
        self._delivery = Inline()
        self._observer = observer
        try:
            yield
        finally:
            self._connections, self._delivery, self._observer = before

    def driver(self, connection: str | None = None) -> DriverT:
        """Return a connection's driver; the default one's if no name is given."""
        name = self._default if connection is None else connection
        try:
            return self._connections[name]
        except KeyError:
            raise ConfigurationError(
                f"there is no connection {name!r}; there are: {', '.join(self._connections)}"
            ) from None

    def needs_socket_id(self, connection: str | None = None) -> bool:
        """Whether who asks for a subscription must send a socket id.

        A client does; a server that asks for its clients, as laravel-echo-server, has none to send.
        """
        return bool(getattr(self.driver(connection), "needs_socket_id", True))

    def _plans(self, request: Request) -> list[Plan | None]:
        """Render each event; None for one that is not to be sent."""
        events, exclude, via, on, info, _ = request
        plans: list[Plan | None] = []
        for event in events:
            names = () if not event.broadcast_when() else channel_names(event.broadcast_on()) if on is None else on
            if names:
                # a NamedTuple's own constructor takes twice as long
                message = _tuple(Message, (event.event_name, names, event.broadcast_payload(), exclude, info))
                plans.append((message, via or event.event_via or (self._default,)))
            else:
                plans.append(None)
        return plans

    def _batches(self, plans: list[Plan | None]) -> dict[str, tuple[DriverT, list[Message]]]:
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
        self, request: Request, plans: list[Plan | None], outcomes: dict[str, Sequence[Outcome | Queued]]
    ) -> tuple[Receipt, ...]:
        remaining = {connection: iter(results) for connection, results in outcomes.items()}
        receipts = tuple(
            Receipt(event.event_name, {}, request.exclude)
            if plan is None
            else _receipt(plan[0], [(name, next(remaining[name])) for name in plan[1]])
            for event, plan in zip(request.events, plans, strict=True)
        )
        if self._observer is not None:
            self._observer(request, [None if plan is None else plan[0] for plan in plans], receipts)
        errors = [c.error for receipt in receipts for c in receipt.connections if c.error is not None]
        if errors:
            self._handle(errors, receipts)
        return receipts

    def _handle(self, errors: list[BroadcastError], receipts: tuple[Receipt, ...]) -> None:
        if self._on_error == "raise":
            first = errors[0]
            if sum(len(receipt.connections) for receipt in receipts) > 1:
                first.receipts = receipts
                first.add_note(f"{len(errors)} failed in all; .receipts says what became of each")
            raise first
        for error in errors:
            if callable(self._on_error):
                self._on_error(error)
            else:
                _log.error("broadcast failed: %s", error, extra={"broadcast_error": type(error).__name__})

    def _unrendered(self, error: BroadcastError, request: Request) -> tuple[Receipt, ...]:
        """Treat an error before sending as the policy says; then no event of the request was sent."""
        failed = (ConnectionReceipt(connection=self._default, error=error),)
        receipts = tuple(Receipt(event.event_name, {}, request.exclude, failed) for event in request.events)
        if self._observer is not None:
            self._observer(request, [None] * len(receipts), receipts)
        self._handle([error], receipts)
        return receipts


def _receipt(message: Message, outcomes: list[tuple[str, Outcome | Queued]]) -> Receipt:
    channels = dict.fromkeys(message.channels, _UNKNOWN)
    connections: list[ConnectionReceipt] = []
    for connection, outcome in outcomes:
        if isinstance(outcome, Sent):
            if outcome.channels:
                channels.update(outcome.channels)
            connections.append(ConnectionReceipt(connection, outcome.requests))
        elif isinstance(outcome, Queued):
            connections.append(ConnectionReceipt(connection, queued=True))
        else:
            connections.append(ConnectionReceipt(connection, error=outcome))
    return Receipt(message.event, channels, message.exclude, tuple(connections))


_UNKNOWN = ChannelInfo()


def asked_by_server(driver: object, channel_name: str) -> tuple[str, str]:
    """Return the socket id and the channel to ask about, where no socket id came: a server asks for its clients.

    Another driver gets an id that is none, which the rules refuse.
    """
    if getattr(driver, "needs_socket_id", True):
        return "", channel_name
    asked = cast("AskedByServer", driver)
    # what is no str is refused by the rules, as everywhere
    return NO_SOCKET_ID, asked.channel_asked_for(channel_name) if type(channel_name) is str else channel_name


def made(connections: Mapping[str, DriverT]) -> list[DriverT]:
    """Return the drivers that exist; connections from settings make theirs at first use."""
    lazily: Callable[[], list[DriverT]] | None = getattr(connections, "made", None)
    return list(connections.values()) if lazily is None else lazily()
