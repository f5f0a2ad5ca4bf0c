"""The part of a driver that has nobody to ask about subscribers: every question is a ConfigurationError."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NoReturn

from broadcastkit.drivers.base import ChannelInfo, ChannelInfos, UserInfo

__all__ = ["AsyncUnasked", "Unasked"]


class _Unasked(ABC):
    tells_subscribers: bool = False
    """Whether it can be asked who listens; a driver without this can."""

    @abstractmethod
    def _nobody(self) -> NoReturn:
        """Raise ConfigurationError, which says who could be asked instead."""
        raise NotImplementedError  # a checker takes a body without it for one that returns


class Unasked(_Unasked):
    """The blocking form."""

    def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """Raise ConfigurationError: there is nobody to ask."""
        del prefix, info
        self._nobody()

    def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """Raise ConfigurationError: there is nobody to ask."""
        del channel_name, info
        self._nobody()

    def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        """Raise ConfigurationError: there is nobody to ask."""
        del channel_name
        self._nobody()

    def terminate_user_connections(self, user_id: str) -> None:
        """Raise ConfigurationError: there is nobody who could."""
        del user_id
        self._nobody()


class AsyncUnasked(_Unasked):
    """The awaited form."""

    async def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """See Unasked.channels_info."""
        del prefix, info
        self._nobody()

    async def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """See Unasked.channel_info."""
        del channel_name, info
        self._nobody()

    async def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        """See Unasked.users_info."""
        del channel_name
        self._nobody()

    async def terminate_user_connections(self, user_id: str) -> None:
        """See Unasked.terminate_user_connections."""
        del user_id
        self._nobody()
