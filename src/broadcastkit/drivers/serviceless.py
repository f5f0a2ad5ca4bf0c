"""What the drivers without a service have in common: nothing to wait for, nothing to sign with, nobody to ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import ClientOptions, Outcome, Sent
from broadcastkit.drivers.unasked import AsyncUnasked, Unasked
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


class Serviceless(_Unsigned, Unasked):
    """The blocking form; override `take`."""

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Take each message."""
        return [self.take(message) for message in messages]

    def close(self) -> None:
        """Do nothing: nothing is open."""


class AsyncServiceless(_Unsigned, AsyncUnasked):
    """The awaited form; override `take`."""

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Take each message."""
        return [self.take(message) for message in messages]

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""
