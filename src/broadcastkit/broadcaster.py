"""The objects behind the functions: named connections, rules, a delivery and an error policy.

Both colours render, read outcomes and decide about errors with the same functions; only sending differs.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar

from broadcastkit import config
from broadcastkit.authorization import (
    ChannelRegistry,
    SubscriptionAuth,
    SubscriptionGrant,
    UserAuth,
    grant_user,
)
from broadcastkit.core.message import Message
from broadcastkit.delivery import Delivery, Inline, Queued
from broadcastkit.drivers.base import AsyncDriver, ChannelInfo, ChannelInfos, Driver, Outcome, Sent, UserInfo
from broadcastkit.errors import BroadcastError, ConfigurationError, SyncInEventLoopWarning
from broadcastkit.events.base import Broadcastable
from broadcastkit.pending import ConnectionReceipt, PendingBroadcast, Receipt, Request, channel_names

__all__ = ["AsyncBroadcaster", "Broadcaster", "ErrorPolicy", "Observer"]

_log = logging.getLogger("broadcastkit")

ErrorPolicy: TypeAlias = 'Literal["raise", "report"] | Callable[[BroadcastError], None]'
"""What to do with an error: raise it, log it, or hand it to a callable. Without raising, the receipt carries it."""

Observer: TypeAlias = Callable[[Request, Sequence[Message | None], Sequence[Receipt]], None]
"""Told what became of a request, before the error policy is applied: for each event its message (None where there was
nothing to send, or rendering failed) and its receipt."""

DriverT = TypeVar("DriverT")


_Plan: TypeAlias = tuple[Message, tuple[str, ...]]
# One event, rendered, and the connections that carry it.


class _BroadcasterBase(Generic[DriverT]):
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
        self.channels = ChannelRegistry() if channels is None else channels
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

    def _plans(self, request: Request) -> list[_Plan | None]:
        """Render each event; None for one that is not to be sent."""
        events, exclude, via, on, info, _ = request
        plans: list[_Plan | None] = []
        for event in events:
            names = () if not event.broadcast_when() else channel_names(event.broadcast_on()) if on is None else on
            if names:
                message = Message(event.event_name, names, event.broadcast_payload(), exclude, info)
                plans.append((message, via or event.event_via or (self._default,)))
            else:
                plans.append(None)
        return plans

    def _batches(self, plans: list[_Plan | None]) -> dict[str, tuple[DriverT, list[Message]]]:
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
        self, request: Request, plans: list[_Plan | None], outcomes: dict[str, Sequence[Outcome | Queued]]
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


class Broadcaster(_BroadcasterBase[Driver]):
    """Sends events from blocking code.

    `connections` is a driver, or several by name with `default` naming one; `channels` holds the rules;
    `on_error="report"` logs errors instead of raising them, so that a broken service takes no page down.

        >>> from broadcastkit import AnonymousEvent
        >>> from broadcastkit.drivers.memory import MemoryDriver
        >>> broadcaster = Broadcaster(MemoryDriver())
        >>> broadcaster.broadcast(AnonymousEvent("ping", on="news")).to_everyone().delivered
        True

    A broadcast returns when the service has answered (with the default delivery); events to one channel arrive in the
    order of the calls. Safe to use from several threads.
    """

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """Make a broadcaster from the environment: `BROADCAST_CONNECTION`, `PUSHER_*`, `REVERB_*`.

        Raises:
            ConfigurationError: a variable is missing or wrong; it is named, with what it should hold.
        """
        return cls.from_settings(config.settings_from_env(environ), **options)

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """Make a broadcaster with one connection: `pusher://…`, `https://…/apps/id`, `log://`, `null://`, `memory://`."""
        return cls.from_settings(config.settings_from_url(url), **options)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], **options: Any) -> Self:
        """Make a broadcaster from `{"default": name, "connections": {name: {"driver": …, …}}}`, or one connection."""
        connections, default = config.drivers_from_settings(settings)
        return cls(connections, default=default, **options)

    def broadcast(self, event: Broadcastable) -> PendingBroadcast[Receipt]:
        """Begin a broadcast of one event; `.to_others()` or `.to_everyone()` sends it."""
        return PendingBroadcast(self._send_one, (event,))

    def broadcast_many(self, events: Iterable[Broadcastable]) -> PendingBroadcast[tuple[Receipt, ...]]:
        """Begin a broadcast of several events, in as few requests as the service allows; one receipt each, in order.

        An error of one does not keep the others from being sent: the first is raised when all were tried, and its
        `receipts` say what became of each.
        """
        return PendingBroadcast(self._send, tuple(events))

    def _send_one(self, request: Request) -> Receipt:
        return self._send(request)[0]

    def _send(self, request: Request) -> tuple[Receipt, ...]:
        try:
            plans = self._plans(request)
            batches = self._batches(plans)
        except BroadcastError as error:
            return self._unrendered(error, request)
        outcomes: dict[str, Sequence[Outcome | Queued]] = {}
        for name, (driver, messages) in batches.items():
            _warn_in_event_loop(driver)
            try:
                outcomes[name] = self._delivery.deliver(name, driver, messages)
            except BroadcastError as error:
                outcomes[name] = [error] * len(messages)
        return self._receipts(request, plans, outcomes)

    def authorize_channel(
        self, *, socket_id: str, channel_name: str, user: object | None, connection: str | None = None
    ) -> SubscriptionAuth:
        """Ask the channel's rule and return the signed answer for the client.

        Raises:
            InvalidSocketIdError, InvalidChannelError: malformed: answer 400.
            DeniedError: public, no rule, no user, or anything but a clear yes: answer 403.
            ConfigurationError: the rule is `async`.
        """
        rule, arguments = self.channels.ask(socket_id=socket_id, channel_name=channel_name, user=user)
        if rule.is_async:
            raise ConfigurationError(f"{rule.name} is async: use AsyncBroadcaster, or write it with def")
        member = rule.read(rule.callback(user, **arguments))
        driver = self._connections[self._default] if connection is None else self.driver(connection)
        # a NamedTuple's own constructor takes twice as long, and this is asked for every channel of every page
        grant = tuple.__new__(SubscriptionGrant, (socket_id, channel_name, member))
        return driver.answer_subscription(grant)

    def authenticate_user(self, *, socket_id: str, user: object, connection: str | None = None) -> UserAuth:
        """Return the signed answer that tells the service who the client is; only the user's `id` is sent.

        A mapping or a PresenceMember may say more: see `broadcastkit.authorization.grant_user`.

        Raises:
            InvalidSocketIdError: malformed: answer 400.
            DeniedError: no user: answer 403.
        """
        return self.driver(connection).answer_user(grant_user(socket_id=socket_id, user=user))

    def channels_info(
        self, *, prefix: str = "", info: Sequence[str] = (), connection: str | None = None
    ) -> ChannelInfos:
        """Return the occupied channels by name."""
        return self.driver(connection).channels_info(prefix=prefix, info=info)

    def channel_info(
        self, channel_name: str, *, info: Sequence[str] = (), connection: str | None = None
    ) -> ChannelInfo:
        """Return what the service knows of one channel."""
        return self.driver(connection).channel_info(channel_name, info=info)

    def users_info(self, channel_name: str, *, connection: str | None = None) -> Sequence[UserInfo]:
        """Return who is in a presence channel."""
        return self.driver(connection).users_info(channel_name)

    def terminate_user_connections(self, user_id: str, *, connection: str | None = None) -> None:
        """Close every connection on which a user has signed in."""
        self.driver(connection).terminate_user_connections(user_id)

    def close(self) -> None:
        """Close every connection's driver."""
        for driver in _made(self._connections):
            driver.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


class AsyncBroadcaster(_BroadcasterBase[AsyncDriver]):
    """The awaited twin of Broadcaster: same words, `await broadcaster.broadcast(event).to_others()`.

    Rules may be `async`; others run in a worker thread, so that they may block.
    """

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """See Broadcaster.from_env."""
        return cls.from_settings(config.settings_from_env(environ), **options)

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """See Broadcaster.from_url."""
        return cls.from_settings(config.settings_from_url(url), **options)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], **options: Any) -> Self:
        """See Broadcaster.from_settings."""
        connections, default = config.async_drivers_from_settings(settings)
        return cls(connections, default=default, **options)

    def broadcast(self, event: Broadcastable) -> PendingBroadcast[Awaitable[Receipt]]:
        """See Broadcaster.broadcast; the terminals are awaited."""
        return PendingBroadcast(self._send_one, (event,))

    def broadcast_many(self, events: Iterable[Broadcastable]) -> PendingBroadcast[Awaitable[tuple[Receipt, ...]]]:
        """See Broadcaster.broadcast_many; the terminals are awaited."""
        return PendingBroadcast(self._send, tuple(events))

    async def _send_one(self, request: Request) -> Receipt:
        return (await self._send(request))[0]

    async def _send(self, request: Request) -> tuple[Receipt, ...]:
        try:
            plans = self._plans(request)
            batches = self._batches(plans)
        except BroadcastError as error:
            return self._unrendered(error, request)
        outcomes: dict[str, Sequence[Outcome | Queued]] = {}
        for name, (driver, messages) in batches.items():
            try:
                outcomes[name] = await self._delivery.adeliver(name, driver, messages)
            except BroadcastError as error:
                outcomes[name] = [error] * len(messages)
        return self._receipts(request, plans, outcomes)

    async def authorize_channel(
        self, *, socket_id: str, channel_name: str, user: object | None, connection: str | None = None
    ) -> SubscriptionAuth:
        """See Broadcaster.authorize_channel."""
        rule, arguments = self.channels.ask(socket_id=socket_id, channel_name=channel_name, user=user)
        if rule.is_async:
            answer = await rule.callback(user, **arguments)
        else:
            from anyio.to_thread import run_sync  # takes 12 ms to import, and only this needs it

            answer = await run_sync(lambda: rule.callback(user, **arguments))
            if isawaitable(answer):  # a lambda or partial around a coroutine function
                answer = await answer
        grant = SubscriptionGrant(socket_id, channel_name, rule.read(answer))
        return self.driver(connection).answer_subscription(grant)

    async def authenticate_user(self, *, socket_id: str, user: object, connection: str | None = None) -> UserAuth:
        """See Broadcaster.authenticate_user."""
        return self.driver(connection).answer_user(grant_user(socket_id=socket_id, user=user))

    async def channels_info(
        self, *, prefix: str = "", info: Sequence[str] = (), connection: str | None = None
    ) -> ChannelInfos:
        """See Broadcaster.channels_info."""
        return await self.driver(connection).channels_info(prefix=prefix, info=info)

    async def channel_info(
        self, channel_name: str, *, info: Sequence[str] = (), connection: str | None = None
    ) -> ChannelInfo:
        """See Broadcaster.channel_info."""
        return await self.driver(connection).channel_info(channel_name, info=info)

    async def users_info(self, channel_name: str, *, connection: str | None = None) -> Sequence[UserInfo]:
        """See Broadcaster.users_info."""
        return await self.driver(connection).users_info(channel_name)

    async def terminate_user_connections(self, user_id: str, *, connection: str | None = None) -> None:
        """See Broadcaster.terminate_user_connections."""
        await self.driver(connection).terminate_user_connections(user_id)

    async def aclose(self) -> None:
        """See Broadcaster.close."""
        for driver in _made(self._connections):
            await driver.aclose()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.aclose()


def _made(connections: Mapping[str, DriverT]) -> list[DriverT]:
    """Return the drivers that exist; connections from settings make theirs at first use."""
    made: Callable[[], list[DriverT]] | None = getattr(connections, "made", None)
    return list(connections.values()) if made is None else made()


def _warn_in_event_loop(driver: Driver) -> None:
    # asyncio is looked up rather than imported: it takes a third of this package's import time
    asyncio = sys.modules.get("asyncio")
    if driver.blocking and asyncio is not None and asyncio._get_running_loop() is not None:  # noqa: SLF001
        warnings.warn(
            "a blocking broadcast inside an event loop holds up every other task; "
            "`from broadcastkit.aio import broadcast` and await it",
            SyncInEventLoopWarning,
            stacklevel=5,
        )
