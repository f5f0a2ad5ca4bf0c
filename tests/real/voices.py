"""Both colours of the broadcaster behind the same blocking words, so that one test is about either."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from broadcastkit import AsyncBroadcaster, Broadcaster, Receipt
from broadcastkit.drivers.base import ChannelInfo, ChannelInfos, UserInfo
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.events import Broadcastable
from tests.interop.servers import PusherServer
from tests.real.chat import MASTER_KEY

__all__ = ["COLOURS", "AwaitedVoice", "BlockingVoice", "Voice"]

T = TypeVar("T")


class Voice(Protocol):
    """Sends to one app; `but` is a socket id that must not hear it."""

    def send(self, event: Broadcastable, *, but: str | None = None, info: Sequence[str] = ()) -> Receipt: ...

    def send_many(self, events: Iterable[Broadcastable], *, but: str | None = None) -> tuple[Receipt, ...]: ...

    def channels_info(self, prefix: str, *info: str) -> ChannelInfos: ...

    def channel_info(self, channel_name: str, *info: str) -> ChannelInfo: ...

    def users_info(self, channel_name: str) -> Sequence[UserInfo]: ...

    def terminate_user_connections(self, user_id: str) -> None: ...

    def close(self) -> None: ...


class BlockingVoice:
    """`PusherDriver`."""

    def __init__(self, server: PusherServer, profile: str, **options: Any) -> None:
        driver = PusherDriver.from_url(server.url, profile=profile, **{"encryption_master_key": MASTER_KEY, **options})
        self._broadcaster = Broadcaster(driver)

    def send(self, event: Broadcastable, *, but: str | None = None, info: Sequence[str] = ()) -> Receipt:
        pending = self._broadcaster.broadcast(event).with_info(*info)
        return pending.to_everyone() if but is None else pending.to_others(but)

    def send_many(self, events: Iterable[Broadcastable], *, but: str | None = None) -> tuple[Receipt, ...]:
        pending = self._broadcaster.broadcast_many(events)
        return pending.to_everyone() if but is None else pending.to_others(but)

    def channels_info(self, prefix: str, *info: str) -> ChannelInfos:
        return self._broadcaster.channels_info(prefix=prefix, info=info)

    def channel_info(self, channel_name: str, *info: str) -> ChannelInfo:
        return self._broadcaster.channel_info(channel_name, info=info)

    def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        return self._broadcaster.users_info(channel_name)

    def terminate_user_connections(self, user_id: str) -> None:
        self._broadcaster.terminate_user_connections(user_id)

    def close(self) -> None:
        self._broadcaster.close()


class AwaitedVoice:
    """`AsyncPusherDriver`, on an event loop of its own that runs while something is awaited."""

    def __init__(self, server: PusherServer, profile: str, **options: Any) -> None:
        driver = AsyncPusherDriver.from_url(
            server.url, profile=profile, **{"encryption_master_key": MASTER_KEY, **options}
        )
        self._broadcaster = AsyncBroadcaster(driver)
        self._runner = asyncio.Runner()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def send(self, event: Broadcastable, *, but: str | None = None, info: Sequence[str] = ()) -> Receipt:
        async def send() -> Receipt:
            pending = self._broadcaster.broadcast(event).with_info(*info)
            return await (pending.to_everyone() if but is None else pending.to_others(but))

        return self._run(send())

    def send_many(self, events: Iterable[Broadcastable], *, but: str | None = None) -> tuple[Receipt, ...]:
        async def send() -> tuple[Receipt, ...]:
            pending = self._broadcaster.broadcast_many(events)
            return await (pending.to_everyone() if but is None else pending.to_others(but))

        return self._run(send())

    def channels_info(self, prefix: str, *info: str) -> ChannelInfos:
        return self._run(self._broadcaster.channels_info(prefix=prefix, info=info))

    def channel_info(self, channel_name: str, *info: str) -> ChannelInfo:
        return self._run(self._broadcaster.channel_info(channel_name, info=info))

    def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        return self._run(self._broadcaster.users_info(channel_name))

    def terminate_user_connections(self, user_id: str) -> None:
        self._run(self._broadcaster.terminate_user_connections(user_id))

    def close(self) -> None:
        self._run(self._broadcaster.aclose())
        self._runner.close()


COLOURS: dict[str, Callable[..., Voice]] = {"blocking": BlockingVoice, "awaited": AwaitedVoice}
