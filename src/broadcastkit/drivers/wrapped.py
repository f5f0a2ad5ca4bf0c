"""What stands around a driver and is one itself: all but the sending is the inner one's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.drivers.base import AsyncDriver, ChannelInfo, ChannelInfos, Driver, UserInfo

__all__ = ["AsyncWrapped", "DriverT", "Wrapped", "WrappedBase", "unwrapped"]

DriverT = TypeVar("DriverT", bound=Driver | AsyncDriver)


class WrappedBase(Generic[DriverT]):
    """What has no colour."""

    def __init__(self, driver: DriverT) -> None:
        self._driver: DriverT = driver

    def __getattr__(self, name: str) -> Any:
        """Have what a driver may have besides (needs_socket_id, batch_limit, client_options) if the inner one has."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._driver, name)

    def __repr__(self) -> str:
        """Show the inner driver."""
        return f"{type(self).__name__}({self._driver!r})"

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """Answer as the inner driver does."""
        return self._driver.answer_subscription(grant)

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """Answer as the inner driver does."""
        return self._driver.answer_user(grant)


class Wrapped(WrappedBase[Driver]):
    """Passes everything on but the sending."""

    @property
    def blocking(self) -> bool:
        """Whether the inner driver waits for a network."""
        return self._driver.blocking

    def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """Ask the inner driver."""
        return self._driver.channels_info(prefix=prefix, info=info)

    def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """Ask the inner driver."""
        return self._driver.channel_info(channel_name, info=info)

    def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        """Ask the inner driver."""
        return self._driver.users_info(channel_name)

    def terminate_user_connections(self, user_id: str) -> None:
        """Have the inner driver do it."""
        self._driver.terminate_user_connections(user_id)

    def close(self) -> None:
        """Close the inner driver."""
        self._driver.close()


class AsyncWrapped(WrappedBase[AsyncDriver]):
    """The awaited twin of Wrapped."""

    async def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """See Wrapped.channels_info."""
        return await self._driver.channels_info(prefix=prefix, info=info)

    async def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """See Wrapped.channel_info."""
        return await self._driver.channel_info(channel_name, info=info)

    async def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        """See Wrapped.users_info."""
        return await self._driver.users_info(channel_name)

    async def terminate_user_connections(self, user_id: str) -> None:
        """See Wrapped.terminate_user_connections."""
        await self._driver.terminate_user_connections(user_id)

    async def aclose(self) -> None:
        """See Wrapped.close."""
        await self._driver.aclose()


def unwrapped(driver: object) -> object:
    """Return the innermost driver."""
    while isinstance(driver, (Wrapped, AsyncWrapped)):
        driver = driver._driver  # noqa: SLF001 - of this module
    return driver
