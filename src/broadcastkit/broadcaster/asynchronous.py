"""The broadcaster of async code: same words, awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from inspect import isawaitable, iscoroutinefunction
from itertools import repeat
from typing import TYPE_CHECKING, Any, Self, cast

from broadcastkit import config
from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, grant_user
from broadcastkit.broadcaster.alone import AloneBase
from broadcastkit.broadcaster.base import made
from broadcastkit.broadcaster.holding import Joined
from broadcastkit.calls import in_worker_thread
from broadcastkit.core.message import Message
from broadcastkit.core.repeats import Claim
from broadcastkit.delivery import Queued
from broadcastkit.delivery.transactions import Held, Sender
from broadcastkit.drivers.asked import asked_by_server
from broadcastkit.drivers.base import AsyncDriver, ChannelInfo, ChannelInfos, Outcome, UserInfo
from broadcastkit.errors import BroadcastError
from broadcastkit.events.base import Broadcastable
from broadcastkit.pending import PendingBroadcast, Receipt, Request

if TYPE_CHECKING:
    from broadcastkit.delivery.repeats.gate import Late, Round
    from broadcastkit.delivery.repeats.quiet import Due
    from broadcastkit.delivery.repeats.waiting_async import AsyncWaitingRoom

__all__ = ["AsyncBroadcaster"]


class AsyncBroadcaster(AloneBase[AsyncDriver]):
    """The awaited twin of Broadcaster: same words, `await broadcaster.broadcast(event).to_others()`.

    Rules may be `async`; others run in a worker thread, so that they may block.
    """

    awaited: bool = True

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """See Broadcaster.from_env."""
        return cls.from_settings(config.settings_from_env(environ), **options)

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """See Broadcaster.from_url."""
        return cls.from_settings(config.settings_from_url(url), **options)

    @classmethod
    def from_settings(cls, settings: config.Settings, **options: Any) -> Self:
        """See Broadcaster.from_settings."""
        connections, default = config.async_drivers_from_settings(settings)
        options = {"delivery": config.delivery_from_settings(settings), **options}
        return cls(connections, default=default, **options)

    def broadcast(self, event: Broadcastable) -> PendingBroadcast[Coroutine[Any, Any, Receipt]]:
        """See Broadcaster.broadcast; the terminals are awaited."""
        return PendingBroadcast(self._send_one, (event,))

    def broadcast_many(
        self, events: Iterable[Broadcastable]
    ) -> PendingBroadcast[Coroutine[Any, Any, tuple[Receipt, ...]]]:
        """See Broadcaster.broadcast_many; the terminals are awaited."""
        return PendingBroadcast(self._send, tuple(events))

    async def _send_one(self, request: Request) -> Receipt:
        alone = self._alone(request)
        if alone is None:
            return (await self._send(request))[0]
        if isinstance(alone, Receipt):
            return alone
        connection, driver, message = alone
        del request, alone  # hundreds of callers may wait here, and they should keep as little as they can
        outcome: Outcome | Queued
        try:
            (outcome,) = await self._delivery.adeliver(connection, driver, (message,))
        except BroadcastError as error:
            outcome = error
        return self._receipt(message, connection, outcome)

    async def _send(self, request: Request) -> tuple[Receipt, ...]:
        try:
            plans = self._plans(request)
            batches = self._batches(plans)
            if self._hold(request, plans):
                return self._queued(request, plans)
            round_ = self._round(request, plans)
        except BroadcastError as error:
            return self._unrendered(error, request)
        if round_ is not None:
            return (await self._send_round(round_))[0]
        return self._receipts(request, plans, await self._deliver(batches, self._within(request)))

    async def send_held(self, held: Sequence[Held]) -> None:
        """Send what was held back until a commit; see `broadcastkit.delivery.transactions`."""
        round_ = self._round_of_held(held)
        if round_ is not None:
            await self._send_round(round_)
            return
        batches = self._batches(plan for one in held for plan in one.plans)
        self._receipts_of_held(held, await self._deliver(batches))

    async def _send_round(self, round_: Round) -> list[tuple[Receipt, ...]]:
        """Send what the store of repeats lets pass."""
        store = self._repeats
        try:
            answers = await _answer(store.claim(round_.claims))
            round_.decide(answers, wait=self._waiting_room().put, free=self._free)
            delivered = await self._deliver(self._batches(round_.plans))
            outcomes = round_.answered(delivered, watched=self._delivery.settles)
        finally:
            if round_.over:
                await _answer(store.release(round_.over))
        return self._receipts_of_round(round_, outcomes)

    async def send_late(self, due: Sequence[Due[Late]]) -> None:
        """See Broadcaster.send_late."""
        store = self._repeats
        is_last = [True] * len(due) if store is None else await _answer(store.holds([late.claim for late, _ in due]))
        held = self._last_ones(due, is_last)
        batches = self._batches(plan for one in held for plan in one.plans)
        self._receipts_of_late(held, await self._deliver(batches))

    def _free(self, claim: Claim) -> None:
        if iscoroutinefunction(self._store.release):
            self._waiting_room().spawn(lambda: self._store.release([claim]))
        else:
            self._store.release([claim])

    def _new_room(self, now: Callable[[], float]) -> AsyncWaitingRoom:
        from broadcastkit.delivery.repeats.waiting_async import AsyncWaitingRoom

        return AsyncWaitingRoom(now)

    async def _deliver(
        self, batches: dict[str, tuple[AsyncDriver, list[Message]]], within: Joined | None = None
    ) -> dict[str, Iterator[Outcome | Queued]]:
        delivery = self._delivery
        outcomes: dict[str, Iterator[Outcome | Queued]] = {}
        for name, (driver, messages) in batches.items():
            if self._observers is not None:
                messages = self._observers.traced(messages)  # noqa: PLW2901
            try:
                delivering = (
                    delivery.adeliver(name, driver, messages)
                    if within is None
                    else within.delivery.adeliver_within(within.target, name, driver, messages)
                )
                outcomes[name] = iter(await delivering)
            except BroadcastError as error:
                outcomes[name] = repeat(error, len(messages))
        return outcomes

    async def authorize_channel(
        self, *, socket_id: str | None = None, channel_name: str, user: object | None, connection: str | None = None
    ) -> SubscriptionAuth:
        """See Broadcaster.authorize_channel."""
        driver = self.driver(connection)
        if socket_id is None:
            socket_id, channel_name = asked_by_server(driver, channel_name)
        rule, arguments = self.channels.ask(socket_id, channel_name, user)
        if rule.is_async:
            answer = await rule.callback(user, **arguments)
        else:
            answer = await in_worker_thread(rule.callback, user, **arguments)
        grant = SubscriptionGrant(socket_id, channel_name, rule.read(answer))
        return driver.answer_subscription(grant)

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
        from broadcastkit.delivery.transactions.outliving import finished

        await finished(cast("Sender", self))
        if "_room" in vars(self):
            await self._waiting_room().aclose()
        await self._delivery.aclose()
        if "_room" in vars(self):  # what that has settled is being freed
            await self._waiting_room().aclose()
        close_store: Callable[[], Awaitable[None]] | None = getattr(self._store, "aclose", None)
        if close_store is not None:
            await close_store()
        for driver in made(self._connections):
            await driver.aclose()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.aclose()


async def _answer(answer: Any) -> Any:
    """Return what a store of either color answers: one that waits for nothing need not be awaited."""
    return await answer if isawaitable(answer) else answer
