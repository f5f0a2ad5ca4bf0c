"""The Pusher driver, blocking and awaited: two shells over one core."""

from __future__ import annotations

import os
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

import anyio

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.core.encryption import MasterKeys, master_keys
from broadcastkit.core.message import Message
from broadcastkit.core.names import ChannelKind
from broadcastkit.core.payload import byte_length
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import ChannelInfo, ChannelInfos, ClientOptions, Outcome, UserInfo
from broadcastkit.drivers.checks import check_retry, check_verify
from broadcastkit.drivers.client_options import PublicAddress, public_address, pusher_options
from broadcastkit.drivers.pusher.endpoint import Endpoint, settings_from_url
from broadcastkit.drivers.pusher.exchange import Client, Sources
from broadcastkit.drivers.pusher.http import TransportOptions, async_transport, sync_transport
from broadcastkit.drivers.pusher.profiles import Feature, Profile, profile_named
from broadcastkit.drivers.pusher.questions import Questions
from broadcastkit.drivers.pusher.requests import RequestBuilder
from broadcastkit.drivers.pusher.wire import Exchange, HttpReply, Send
from broadcastkit.errors import ConfigurationError, InvalidUserError, UnreachableError
from broadcastkit.signing import Signer

if TYPE_CHECKING:
    import ssl

    import httpx

__all__ = ["AsyncPusherDriver", "PusherBase", "PusherDriver"]

T = TypeVar("T")
_ENCRYPTED = ChannelKind.ENCRYPTED.value
_tuple = tuple.__new__
_SOURCES = Sources(time.time, time.monotonic, random.random, os.urandom)


class PusherBase(ABC):
    """What both colours share: settings, signing, and the core that decides."""

    blocking: bool = True
    # asked for every channel of every page, and found faster than missed
    needs_socket_id: bool = True

    def __init__(
        self,
        *,
        app_id: str,
        key: str,
        secret: str,
        cluster: str = "mt1",
        host: str | None = None,
        port: int | None = None,
        scheme: str = "https",
        path: str = "",
        encryption_master_key: MasterKeys = None,
        profile: str | Profile = "pusher",
        timeout: float | httpx.Timeout = 10.0,
        verify: ssl.SSLContext | bool | str = True,
        retry: Retry | None = None,
        client: Any = None,
    ) -> None:
        self._profile = profile_named(profile)
        self._endpoint = Endpoint.make(
            app_id=app_id,
            cluster=cluster,
            host=host,
            port=port,
            scheme=scheme,
            path=path,
            profile=self._profile,
        )
        self._signer = Signer(key, secret)
        self._sign = self._signer.sign_checked
        self.batch_limit: int = self._profile.batch_limit
        self._surely_small = self._profile.member_limit // 4  # characters, of at most four bytes each
        keys = master_keys(encryption_master_key)
        self._master_key = keys[0] if keys else None
        self._core = Client(
            self._endpoint,
            RequestBuilder(self._endpoint, self._signer),
            master_key=self._master_key,
            retry=check_retry(retry),
            sources=_SOURCES,
        )
        self._questions = Questions(self._core, self._profile, keys)
        check_verify(verify, tls=self._endpoint.scheme == "https", contexts=True)
        options = TransportOptions(self._endpoint.origin, timeout=timeout, verify=verify)
        self._connect(options, client)

    @abstractmethod
    def _connect(self, options: TransportOptions, client: Any) -> None:
        """Make the transport of this color."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """Make a driver from `https://key:secret@host:port/apps/app-id` or `pusher://key:secret@host:port/app-id`.

        `pusher://` means TLS unless the query says `scheme=http`; it also takes `cluster=` and `profile=`. Keyword
        arguments are the constructor's, and win.

        Raises:
            ConfigurationError: a part is missing or wrong; the URL itself is never shown.
        """
        return cls(**{**settings_from_url(url), **options})

    @property
    def endpoint(self) -> Endpoint:
        """Where it sends to, and for which app; the secret is not in it."""
        return self._endpoint

    @property
    def signer(self) -> Signer:
        """What signs for the app, and verifies what the service signs: the `keys` of a webhook receiver."""
        return self._signer

    @property
    def server_address(self) -> tuple[str, int]:
        """Host and port, for those who watch."""
        return self._endpoint.host.strip("[]"), self._endpoint.port

    @property
    def tells_subscribers(self) -> bool:
        """Whether the service can be asked who listens, of presence channels at least."""
        return not {Feature.CHANNEL_INFO, Feature.USERS_INFO} <= self._profile.unsupported

    def client_options(self, *, url: str | None = None) -> ClientOptions:
        """Return what a page connects with; `url` is where, if that is not where this driver sends to."""
        at = self._endpoint
        address = PublicAddress(at.host.strip("[]"), at.port, at.scheme == "https", at.path)
        return pusher_options(
            self._signer.key,
            address if url is None else public_address(url),
            broadcaster="reverb" if self._profile.name == "reverb" else "pusher",
        )

    def __repr__(self) -> str:
        """Show where it sends to; neither secret nor key."""
        return f"{type(self).__name__}({self._endpoint.app_id!r} at {self._endpoint.origin}{self._endpoint.path})"

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """Sign a subscription; of an encrypted channel the answer also has its key.

        Raises:
            ConfigurationError: an encrypted channel, and no encryption_master_key; or the service has none.
            InvalidUserError: the presence member is larger than the service takes.
        """
        socket_id, channel_name, member = grant
        if member is not None and len(member) > self._surely_small:
            self._check_member(member)
        auth = self._sign(socket_id, channel_name, member)
        if not channel_name.startswith(_ENCRYPTED):
            # a NamedTuple's own constructor takes twice as long, and this is asked for every channel of every page
            return _tuple(SubscriptionAuth, (auth, member, None))
        self._profile.require(Feature.ENCRYPTED, channel_name)
        if self._master_key is None:
            raise ConfigurationError("encrypted channels need encryption_master_key (base64 of 32 bytes)")
        return SubscriptionAuth(auth, member, self._master_key.shared_secret_base64(channel_name))

    def _check_member(self, member: str) -> None:
        size, limit = byte_length(member), self._profile.member_limit
        if size > limit:
            raise InvalidUserError(
                f"the presence member has {size} bytes, {self._profile.name} takes {limit}: send less info"
            )

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """Sign a user in.

        Raises:
            ConfigurationError: the service knows no users.
        """
        self._profile.require(Feature.SIGN_IN)
        return UserAuth(self._signer.sign_user(grant.socket_id, grant.user_data), grant.user_data)


class PusherDriver(PusherBase):
    """Sends through Pusher's HTTP API: Pusher Channels, Reverb, soketi, AnyCable, Ably, the embedded server.

    `send` returns when the service has answered. Connection errors, dropped connections, 429 and 502-504 are tried
    again as `retry` says (by default 3 attempts within 10 seconds), so a message may arrive twice where a connection
    broke after the service acted. `timeout` is in seconds for each phase, or an `httpx.Timeout`. `verify` takes a CA
    file's path or an `ssl.SSLContext`. `client` is any client of httpx's shape, or one of pyreqwest's; it is used as it
    is (its timeouts, proxies and TLS), and not closed. `encryption_master_key` may be followed by retired keys, which
    only read.
    Safe to use from several threads, and after a fork.

    Raises:
        ConfigurationError: a setting is wrong; it is named.
    """

    def _connect(self, options: TransportOptions, client: Any) -> None:
        self._transport = sync_transport(options, client)

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send messages; several go in batches where that takes fewer requests."""
        return self._run(self._core.send(messages))

    def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """Return the occupied channels by name; `info=("user_count",)` only with a presence prefix."""
        return self._run(self._questions.channels(prefix, info))

    def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """Return one channel's attributes: `user_count` (presence) or `subscription_count` (others), and `cache`."""
        return self._run(self._questions.channel(channel_name, info))

    def users_info(self, channel_name: str) -> tuple[UserInfo, ...]:
        """Return who is in a presence channel."""
        return self._run(self._questions.users(channel_name))

    def terminate_user_connections(self, user_id: str) -> None:
        """Close every connection on which the user has signed in."""
        self._run(self._questions.terminate(user_id))

    def close(self) -> None:
        """Close kept connections; the driver stays usable."""
        self._transport.close()

    def _run(self, exchange: Exchange[T]) -> T:
        answer: HttpReply | UnreachableError | None = None
        while True:
            try:
                effect = exchange.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(effect, Send):
                try:
                    answer = self._transport.send(effect.request)
                except UnreachableError as error:
                    answer = error
            else:
                time.sleep(effect.seconds)
                answer = None


class AsyncPusherDriver(PusherBase):
    """The awaited twin of PusherDriver: same arguments, same promises; `client` is an AsyncClient.

    May be used from several event loops; each has connections of its own.
    """

    def _connect(self, options: TransportOptions, client: Any) -> None:
        self._transport = async_transport(options, client)

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See PusherDriver.send."""
        return await self._run(self._core.send(messages))

    async def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """See PusherDriver.channels_info."""
        return await self._run(self._questions.channels(prefix, info))

    async def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """See PusherDriver.channel_info."""
        return await self._run(self._questions.channel(channel_name, info))

    async def users_info(self, channel_name: str) -> tuple[UserInfo, ...]:
        """See PusherDriver.users_info."""
        return await self._run(self._questions.users(channel_name))

    async def terminate_user_connections(self, user_id: str) -> None:
        """See PusherDriver.terminate_user_connections."""
        await self._run(self._questions.terminate(user_id))

    async def aclose(self) -> None:
        """Close the connections kept for this event loop; the driver stays usable."""
        await self._transport.aclose()

    async def _run(self, exchange: Exchange[T]) -> T:
        answer: HttpReply | UnreachableError | None = None
        while True:
            try:
                effect = exchange.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(effect, Send):
                try:
                    answer = await self._transport.send(effect.request)
                except UnreachableError as error:
                    answer = error
            else:
                await anyio.sleep(effect.seconds)
                answer = None
