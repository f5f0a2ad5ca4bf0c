"""The embedded drivers: what is sent goes to the server in this process, with no HTTP in between."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.core.encryption import NONCE_BYTES, MasterKey, MasterKeys, master_keys
from broadcastkit.core.message import Message
from broadcastkit.core.names import ChannelKind
from broadcastkit.core.payload import check_size
from broadcastkit.drivers.base import CachedEvent, ChannelInfo, ChannelInfos, ClientOptions, Outcome, Sent, UserInfo
from broadcastkit.drivers.checks import check_text
from broadcastkit.drivers.client_options import public_address, pusher_options
from broadcastkit.errors import BadRequestError, BroadcastError, ConfigurationError, ForbiddenError
from broadcastkit.server.app import EmbeddedServer
from broadcastkit.server.questions import Questions
from broadcastkit.server.refusal import RefusedRequestError

__all__ = ["AsyncEmbeddedDriver", "EmbeddedDriver"]

T = TypeVar("T")
_ENCRYPTED = ChannelKind.ENCRYPTED.value


class _Embedded:
    """What both colours share, which is everything: nothing here waits."""

    blocking: bool = False

    def __init__(
        self,
        server: EmbeddedServer,
        *,
        app_id: str | None = None,
        encryption_master_key: MasterKeys = None,
    ) -> None:
        given: object = server
        if not isinstance(given, EmbeddedServer):
            raise ConfigurationError(f"must be an EmbeddedServer, not {type(given).__name__}", setting="server")
        if app_id is not None:
            check_text("app_id", app_id)
        self._live = server.live(app_id)
        self._master_keys = master_keys(encryption_master_key)

    def __repr__(self) -> str:
        """Show which app it publishes to."""
        return f"{type(self).__name__}({self._live.app.id!r})"

    def client_options(self, *, url: str | None = None) -> ClientOptions:
        """Return what a page connects with; without `url` the page must say where, such as where it came from."""
        return pusher_options(self._live.app.key, None if url is None else public_address(url))

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """Sign a subscription; of an encrypted channel the answer also has its key.

        Raises:
            ConfigurationError: an encrypted channel, and no encryption_master_key.
        """
        auth = self._live.app.signer.sign_checked(grant.socket_id, grant.channel_name, grant.member)
        if not grant.channel_name.startswith(_ENCRYPTED):
            return SubscriptionAuth(auth, grant.member)
        return SubscriptionAuth(
            auth, grant.member, self._key(grant.channel_name).shared_secret_base64(grant.channel_name)
        )

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """Sign a user in."""
        return UserAuth(self._live.app.signer.sign_user(grant.socket_id, grant.user_data), grant.user_data)

    def _key(self, channel_name: str) -> MasterKey:
        if not self._master_keys:
            raise ConfigurationError(
                f"{channel_name!r} is an encrypted channel: the driver needs encryption_master_key (base64 of 32 bytes)"
            )
        return self._master_keys[0]

    # -- messages ------------------------------------------------------------------------------------------------

    def _send(self, messages: Sequence[Message]) -> list[Outcome]:
        return [self._outcome(message) for message in messages]

    def _outcome(self, message: Message) -> Outcome:
        try:
            parts = self._parts(message)
        except BroadcastError as error:
            return error
        infos = self._infos(message) if message.info else {}
        self._live.publish(parts)
        return Sent(channels=infos)

    def _parts(self, message: Message) -> list[Message]:
        """Check a message, and encrypt it for each encrypted channel by itself."""
        if not self._live.app.enabled:
            raise ForbiddenError(f"event {message.event!r}: the app is disabled", status=403)
        limit = self._live.limits.event_data_size
        secret = [name for name in message.channels if name.startswith(_ENCRYPTED)]
        parts: list[Message] = []
        for name in secret:
            sealed = self._key(name).encrypt(name, message.data, nonce=os.urandom(NONCE_BYTES))
            check_size(message.event, sealed, limit, plain=message.data)
            parts.append(message._replace(channels=(name,), data=sealed))
        plain = tuple(name for name in message.channels if name not in secret) if secret else message.channels
        if plain:
            check_size(message.event, message.data, limit)
            parts.append(message._replace(channels=plain))
        return parts

    def _infos(self, message: Message) -> ChannelInfos:
        return self._live.ask(
            lambda questions, _: {name: _known(questions.attributes(name, message.info)) for name in message.channels}
        )

    # -- questions -----------------------------------------------------------------------------------------------

    def _ask(self, question: Callable[[Questions, float], T]) -> T:
        try:
            return self._live.ask(question)
        except RefusedRequestError as refused:
            raise BadRequestError(refused.text, status=refused.status) from None

    def _channels_info(self, prefix: str, info: Sequence[str]) -> ChannelInfos:
        channels = self._ask(lambda questions, _: questions.channels(prefix, info))
        return {name: _known(attributes) for name, attributes in channels.items()}

    def _channel_info(self, channel_name: str, info: Sequence[str]) -> ChannelInfo:
        answer = self._ask(lambda questions, now: questions.channel(channel_name, info, now))
        cache = answer.pop("cache", None)
        cached = None if cache is None else CachedEvent(**cache).opened(channel_name, self._master_keys)
        return ChannelInfo(**answer, cache=cached)

    def _users_info(self, channel_name: str) -> tuple[UserInfo, ...]:
        return tuple(UserInfo(user_id) for user_id in self._ask(lambda questions, _: questions.users(channel_name)))


class EmbeddedDriver(_Embedded):
    """Publishes to an EmbeddedServer in this process, and signs with its app's key and secret.

    `send` returns when the messages are queued for every connection that hears them. It may be called from any
    thread, inside an event loop or outside. The limits are the server's.

    Args:
        server: the server; it need not be running yet.
        app_id: which of its apps; may be left out if it has one.
        encryption_master_key: base64 of 32 bytes, for encrypted channels; retired ones after it only read.
    """

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Queue messages for their subscribers, in order."""
        return self._send(messages)

    def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """Return the occupied channels by name; `user_count` only with a presence prefix."""
        return self._channels_info(prefix, info)

    def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """Return one channel's attributes: `user_count` (presence) and `subscription_count`."""
        return self._channel_info(channel_name, info)

    def users_info(self, channel_name: str) -> tuple[UserInfo, ...]:
        """Return who is in a presence channel, in order of arrival."""
        return self._users_info(channel_name)

    def terminate_user_connections(self, user_id: str) -> None:
        """Close every connection on which the user has signed in."""
        self._live.terminate_user(user_id)

    def close(self) -> None:
        """Do nothing: the server is not the driver's to close."""


class AsyncEmbeddedDriver(_Embedded):
    """The awaited twin of EmbeddedDriver: same arguments, same promises."""

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See EmbeddedDriver.send."""
        return self._send(messages)

    async def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """See EmbeddedDriver.channels_info."""
        return self._channels_info(prefix, info)

    async def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """See EmbeddedDriver.channel_info."""
        return self._channel_info(channel_name, info)

    async def users_info(self, channel_name: str) -> tuple[UserInfo, ...]:
        """See EmbeddedDriver.users_info."""
        return self._users_info(channel_name)

    async def terminate_user_connections(self, user_id: str) -> None:
        """See EmbeddedDriver.terminate_user_connections."""
        self._live.terminate_user(user_id)

    async def aclose(self) -> None:
        """See EmbeddedDriver.close."""


def _known(attributes: Mapping[str, int]) -> ChannelInfo:
    return ChannelInfo(user_count=attributes.get("user_count"), subscription_count=attributes.get("subscription_count"))
