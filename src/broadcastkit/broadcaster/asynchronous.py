"""The broadcaster of async code: same words, awaited."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from inspect import isawaitable
from itertools import repeat
from typing import Any, Self

from broadcastkit import config
from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, grant_user
from broadcastkit.broadcaster.base import BroadcasterBase, asked_by_server, made
from broadcastkit.core.message import Message
from broadcastkit.delivery import Queued
from broadcastkit.delivery.transactions import Held
from broadcastkit.drivers.base import AsyncDriver, ChannelInfo, ChannelInfos, Outcome, UserInfo
from broadcastkit.errors import BroadcastError
from broadcastkit.events.base import Broadcastable
from broadcastkit.pending import PendingBroadcast, Receipt, Request

__all__ = ["AsyncBroadcaster"]


class AsyncBroadcaster(BroadcasterBase[AsyncDriver]):
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
        return (await self._send(request))[0]

    async def _send(self, request: Request) -> tuple[Receipt, ...]:
        try:
            plans = self._plans(request)
            batches = self._batches(plans)
            if self._hold(request, plans):
                return self._queued(request, plans)
        except BroadcastError as error:
            return self._unrendered(error, request)
        return self._receipts(request, plans, await self._deliver(batches, self._within(request)))

    async def send_held(self, held: Sequence[Held]) -> None:
        """Send what was held back until a commit; see `broadcastkit.delivery.transactions`."""
        batches = self._batches(plan for one in held for plan in one.plans)
        self._receipts_of_held(held, await self._deliver(batches))

    async def _deliver(
        self, batches: dict[str, tuple[AsyncDriver, list[Message]]], within: object | None = None
    ) -> dict[str, Iterator[Outcome | Queued]]:
        delivery = self._delivery
        outcomes: dict[str, Iterator[Outcome | Queued]] = {}
        for name, (driver, messages) in batches.items():
            try:
                delivering = (
                    delivery.adeliver(name, driver, messages)
                    if within is None
                    else delivery.adeliver_within(within, name, driver, messages)
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
            from anyio.to_thread import run_sync  # takes 12 ms to import, and only this needs it

            answer = await run_sync(lambda: rule.callback(user, **arguments))
            if isawaitable(answer):  # a lambda or partial around a coroutine function
                answer = await answer
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
        await self._delivery.aclose()
        for driver in made(self._connections):
            await driver.aclose()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.aclose()
