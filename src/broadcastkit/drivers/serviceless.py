"""What the drivers without a service have in common: nothing to wait for, nothing to sign with, nobody to ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import ChannelInfo, ChannelInfos, ClientOptions, Outcome, Sent, UserInfo
from broadcastkit.errors import ConfigurationError

__all__ = ["AsyncServiceless", "Serviceless"]


class _Unsigned:
    """Answers that are well-formed and open nothing."""

    blocking: bool = False

    def client_options(self, *, url: str | None = None) -> ClientOptions:
        """Return what makes Echo connect to nothing."""
        return {"broadcaster": "null"}

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """Return an empty signature; the rule was asked all the same."""
        return SubscriptionAuth(auth="", channel_data=grant.member)

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """Return an empty signature."""
        return UserAuth(auth="", user_data=grant.user_data)

    def take(self, message: Message) -> Outcome:
        """Do with one message what this driver is for."""
        del message
        return Sent()

    def _nobody(self) -> NoReturn:
        raise ConfigurationError(
            f"{type(self).__name__} has no service behind it: there are no subscribers to ask about"
        )


class Serviceless(_Unsigned):
    """The blocking form; override `take`."""

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Take each message."""
        return [self.take(message) for message in messages]

    def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """Raise ConfigurationError: there is nobody to ask."""
        self._nobody()

    def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """Raise ConfigurationError: there is nobody to ask."""
        self._nobody()

    def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        """Raise ConfigurationError: there is nobody to ask."""
        self._nobody()

    def terminate_user_connections(self, user_id: str) -> None:
        """Raise ConfigurationError: there is nobody to disconnect."""
        self._nobody()

    def close(self) -> None:
        """Do nothing: nothing is open."""


class AsyncServiceless(_Unsigned):
    """The awaited form; override `take`."""

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Take each message."""
        return [self.take(message) for message in messages]

    async def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """Raise ConfigurationError: there is nobody to ask."""
        self._nobody()

    async def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """Raise ConfigurationError: there is nobody to ask."""
        self._nobody()

    async def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        """Raise ConfigurationError: there is nobody to ask."""
        self._nobody()

    async def terminate_user_connections(self, user_id: str) -> None:
        """Raise ConfigurationError: there is nobody to disconnect."""
        self._nobody()

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""
