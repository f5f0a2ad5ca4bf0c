"""The broadcaster of blocking code."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, Self

from broadcastkit import config
from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, grant_user
from broadcastkit.broadcaster.alone import AloneBase
from broadcastkit.broadcaster.base import made
from broadcastkit.broadcaster.holding import Joined
from broadcastkit.core.message import Message
from broadcastkit.core.repeats import Claim
from broadcastkit.delivery import Queued
from broadcastkit.delivery.transactions import Held
from broadcastkit.drivers.asked import asked_by_server
from broadcastkit.drivers.base import ChannelInfo, ChannelInfos, Driver, Outcome, UserInfo
from broadcastkit.errors import BroadcastError, ConfigurationError, SyncInEventLoopWarning
from broadcastkit.events.base import Broadcastable
from broadcastkit.pending import PendingBroadcast, Receipt, Request, stack_depth

if TYPE_CHECKING:
    from broadcastkit.delivery.repeats.gate import Late, Round
    from broadcastkit.delivery.repeats.quiet import Due
    from broadcastkit.delivery.repeats.waiting import WaitingRoom

__all__ = ["Broadcaster"]

_tuple = tuple.__new__


class Broadcaster(AloneBase[Driver]):
    """Sends events from blocking code.

    `connections` is a driver, or several by name with `default` naming one; `channels` holds the rules; `delivery` says
    when messages leave (`broadcastkit.delivery`); `on_error="report"` logs errors instead of raising them, so that a
    broken service takes no page down; `transaction` is what `.after_commit()` waits for, a session or a callable that
    returns one; `repeats` is where throttled events are counted; `hooks`, one or several, are told what becomes of
    messages (`broadcastkit.observability`); `when_offline`, where nobody hears of an event, tells them in another way
    (`broadcastkit.offline`).

        >>> from broadcastkit import AnonymousEvent
        >>> from broadcastkit.drivers.memory import MemoryDriver
        >>> broadcaster = Broadcaster(MemoryDriver())
        >>> broadcaster.broadcast(AnonymousEvent("ping", on="news")).to_everyone().delivered
        True

    A broadcast returns when the service has answered (with the default delivery); events to one channel arrive in the
    order of the calls. Safe to use from several threads.
    """

    awaited: bool = False

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """Make a broadcaster from the environment: `BROADCAST_CONNECTION`, `PUSHER_*`, `REVERB_*`, `REDIS_*`.

        Raises:
            ConfigurationError: a variable is missing or wrong; it is named, with what it should hold.
        """
        return cls.from_settings(config.settings_from_env(environ), **options)

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """Make a broadcaster with one connection: `pusher://…`, `https://…/apps/id`, `redis://…`, `log://`, `null://`."""
        return cls.from_settings(config.settings_from_url(url), **options)

    @classmethod
    def from_settings(cls, settings: config.Settings, **options: Any) -> Self:
        """Make a broadcaster from `{"default": name, "connections": {name: {"driver": …, …}}}`, or one connection.

        An option wins over what the settings say, which may be `delivery`.
        """
        connections, default = config.drivers_from_settings(settings)
        options = {"delivery": config.delivery_from_settings(settings), **options}
        return cls(connections, default=default, **options)

    def broadcast(self, event: Broadcastable) -> PendingBroadcast[Receipt]:
        """Begin a broadcast of one event; `.to_others()` or `.to_everyone()` sends it."""
        return PendingBroadcast(self._send_one, (event,))

    def broadcast_many(self, events: Iterable[Broadcastable]) -> PendingBroadcast[tuple[Receipt, ...]]:
        """Begin a broadcast of several events, in as few requests as the service allows; one receipt each, in order.

        One that cannot be rendered keeps all of them back. After that, an error of one does not keep the others from
        being sent: the first is raised when all were tried, and its `receipts` say what became of each.
        """
        return PendingBroadcast(self._send, tuple(events))

    def _send_one(self, request: Request) -> Receipt:
        alone = self._alone(request)
        if alone is None:
            return self._send(request)[0]
        if isinstance(alone, Receipt):
            return alone
        connection, driver, message = alone
        if driver.blocking and self._delivery.waits:
            _warn_in_event_loop()
        outcome: Outcome | Queued
        try:
            (outcome,) = self._delivery.deliver(connection, driver, (message,))
        except BroadcastError as error:
            outcome = error
        return self._receipt(message, connection, outcome)

    def _send(self, request: Request) -> tuple[Receipt, ...]:
        try:
            plans = self._plans(request)
            batches = self._batches(plans)
            if self._hold(request, plans):
                return self._queued(request, plans)
            round_ = self._round(request, plans)
        except BroadcastError as error:
            return self._unrendered(error, request)
        if round_ is not None:
            return self._send_round(round_)[0]
        return self._receipts(request, plans, self._deliver(batches, self._within(request)))

    def send_held(self, held: Sequence[Held]) -> None:
        """Send what was held back until a commit; see `broadcastkit.delivery.transactions`."""
        round_ = self._round_of_held(held)
        if round_ is not None:
            self._send_round(round_)
            return
        batches = self._batches(plan for one in held for plan in one.plans)
        self._receipts_of_held(held, self._deliver(batches))

    def _send_round(self, round_: Round) -> list[tuple[Receipt, ...]]:
        """Send what the store of repeats lets pass."""
        store = self._repeats
        try:
            round_.decide(store.claim(round_.claims), wait=self._waiting_room().put, free=self._free)
            outcomes = round_.answered(self._deliver(self._batches(round_.plans)), watched=self._delivery.settles)
        finally:
            if round_.over:
                store.release(round_.over)
        return self._receipts_of_round(round_, outcomes)

    def send_late(self, due: Sequence[Due[Late]]) -> None:
        """Send what was debounced, now that it was quiet; see `broadcastkit.delivery.repeats`."""
        store = self._repeats
        is_last = [True] * len(due) if store is None else store.holds([late.claim for late, _ in due])
        held = self._last_ones(due, is_last)
        self._receipts_of_late(held, self._deliver(self._batches(plan for one in held for plan in one.plans)))

    def _free(self, claim: Claim) -> None:
        self._store.release([claim])

    def _new_room(self, now: Callable[[], float]) -> WaitingRoom:
        from broadcastkit.delivery.repeats.waiting import WaitingRoom

        return WaitingRoom(now)

    def _deliver(
        self, batches: dict[str, tuple[Driver, list[Message]]], within: Joined | None = None
    ) -> dict[str, Iterator[Outcome | Queued]]:
        delivery = self._delivery
        outcomes: dict[str, Iterator[Outcome | Queued]] = {}
        for name, (driver, messages) in batches.items():
            if driver.blocking and delivery.waits:
                _warn_in_event_loop()
            if self._observers is not None:
                messages = self._observers.traced(messages)  # noqa: PLW2901
            try:
                outcomes[name] = iter(
                    delivery.deliver(name, driver, messages)
                    if within is None
                    else within.delivery.deliver_within(within.target, name, driver, messages)
                )
            except BroadcastError as error:
                outcomes[name] = repeat(error, len(messages))
        return outcomes

    def authorize_channel(
        self, *, socket_id: str | None = None, channel_name: str, user: object | None, connection: str | None = None
    ) -> SubscriptionAuth:
        """Ask the channel's rule and return the signed answer for the client, in the form of the connection's service.

        `socket_id` may be left out where the client's server asks for it, as laravel-echo-server does: see
        `needs_socket_id`.

        Raises:
            InvalidSocketIdError, InvalidChannelError: malformed: answer 400.
            DeniedError: public, no rule, no user, or anything but a clear yes: answer 403.
            ConfigurationError: the rule is `async`.
        """
        driver = self._connections[self._default] if connection is None else self.driver(connection)
        if socket_id is None:
            socket_id, channel_name = asked_by_server(driver, channel_name)
        rule, arguments = self.channels.ask(socket_id, channel_name, user)
        if rule.is_async:
            raise ConfigurationError(f"{rule.name} is async: use AsyncBroadcaster, or write it with def")
        answer = rule.callback(user, **arguments)
        member = None if answer is True and not rule.presence else rule.read(answer)
        # a NamedTuple's own constructor takes twice as long, and this is asked for every channel of every page
        grant = _tuple(SubscriptionGrant, (socket_id, channel_name, member))
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
        """Have what waits sent, then close every connection's driver."""
        if "_room" in vars(self):
            self._waiting_room().close()
        self._delivery.close()
        close_store: Callable[[], None] | None = getattr(self._store, "close", None)
        if close_store is not None:
            close_store()
        for driver in made(self._connections):
            driver.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _warn_in_event_loop() -> None:
    # asyncio is looked up rather than imported: it takes a third of this package's import time
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:  # noqa: SLF001
        warnings.warn(
            "a blocking broadcast inside an event loop holds up every other task; "
            "`from broadcastkit.aio import broadcast` and await it",
            SyncInEventLoopWarning,
            stacklevel=stack_depth(),
        )
