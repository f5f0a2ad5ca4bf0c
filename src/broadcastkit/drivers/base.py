"""The two protocols that a driver implements, and what it answers.

A driver gets messages whose names and payloads were checked and whose JSON is written. It never sees an event, a user
or a rule. Prove one with `broadcastkit.testing.check_driver`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol, TypeAlias

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.core.encryption import MasterKey, open_sealed
from broadcastkit.core.message import Message
from broadcastkit.core.names import ChannelKind
from broadcastkit.errors import BroadcastError, InvalidPayloadError

__all__ = [
    "NO_SOCKET_ID",
    "AskedByServer",
    "AsyncDriver",
    "CachedEvent",
    "ChannelInfo",
    "ChannelInfos",
    "ClientOptions",
    "ConnectsPages",
    "Driver",
    "Message",
    "Outcome",
    "Sent",
    "UserInfo",
]


@dataclass(frozen=True, slots=True)
class CachedEvent:
    """The last event of a cache channel. `sealed`: it was encrypted, and no master key here opens it."""

    data: str = field(repr=False)
    ttl: int | None = None
    """Seconds that it will be kept for."""
    sealed: bool = False

    def opened(self, channel_name: str, keys: tuple[MasterKey, ...]) -> CachedEvent:
        """Return it as it is read: decrypted, if its channel is an encrypted one."""
        if not channel_name.startswith(ChannelKind.ENCRYPTED.value):
            return self
        try:
            return replace(self, data=open_sealed(channel_name, self.data, keys))
        except InvalidPayloadError:
            return replace(self, sealed=True)


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """What a service knows of a channel; None where it was not asked, or did not say."""

    occupied: bool | None = None
    user_count: int | None = None
    subscription_count: int | None = None
    cache: CachedEvent | None = None


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A subscriber of a presence channel."""

    id: str


ChannelInfos: TypeAlias = Mapping[str, ChannelInfo]
"""What a service said of channels, by their full names."""

_NOTHING: ChannelInfos = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the service accepted: how many requests it took, and what the service said of the channels."""

    requests: int = 0
    channels: ChannelInfos = field(default_factory=lambda: _NOTHING)
    by_fallback: bool = False
    """Whether another driver has sent it, since the service could not take it."""


ClientOptions: TypeAlias = "dict[str, str | int | bool | list[str]]"
"""What a page connects with, in the words of Laravel Echo and pusher-js."""

Outcome: TypeAlias = "Sent | BroadcastError"
"""What became of one message."""


NO_SOCKET_ID = "0.0"
"""Stands in a grant where there is no socket id, for drivers that need none."""


class AskedByServer(Protocol):
    """What a driver has besides if its clients do not ask themselves: their server does, and sends no socket id.

    A driver without these is asked by clients, and every request must have a socket id.
    """

    @property
    def needs_socket_id(self) -> bool:
        """False."""
        ...

    def channel_asked_for(self, channel_name: str) -> str:
        """Return the name that rules know, for the one that was sent."""
        ...


class ConnectsPages(Protocol):
    """What a driver has besides if it knows what a page connects with; `client_options()` asks it."""

    def client_options(self, *, url: str | None = None) -> ClientOptions:
        """Return options of Laravel Echo, ready for JSON and without a secret; `url` is where pages connect to."""
        ...


class Driver(Protocol):
    """A blocking driver. Used from several threads at once."""

    @property
    def blocking(self) -> bool:
        """Whether `send` waits for a network, so that calling it inside an event loop deserves a warning."""
        ...

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send messages and return one outcome for each, in order, once the service has answered.

        Messages to one channel arrive in the order given. Raising instead of returning means that the error is
        every message's outcome.
        """
        ...

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """Return what tells the service that the client may subscribe."""
        ...

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """Return what tells the service who the client is; ConfigurationError if it knows no users."""
        ...

    def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """Return the occupied channels by name."""
        ...

    def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """Return what the service knows of one channel."""
        ...

    def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        """Return who is in a presence channel."""
        ...

    def terminate_user_connections(self, user_id: str) -> None:
        """Close every connection on which a user has signed in."""
        ...

    def close(self) -> None:
        """Give back connections. The driver may be used again; it reconnects."""
        ...


class AsyncDriver(Protocol):
    """The awaited twin of Driver: same methods, same promises."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """See Driver.send."""
        ...

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """See Driver.answer_subscription; signing needs no I/O, so it is not awaited."""
        ...

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """See Driver.answer_user."""
        ...

    async def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """See Driver.channels_info."""
        ...

    async def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """See Driver.channel_info."""
        ...

    async def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        """See Driver.users_info."""
        ...

    async def terminate_user_connections(self, user_id: str) -> None:
        """See Driver.terminate_user_connections."""
        ...

    async def aclose(self) -> None:
        """See Driver.close."""
        ...
