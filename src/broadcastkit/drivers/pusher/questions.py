"""Asking the service what it knows, and having it close connections. Generators of effects, as in exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from broadcastkit.core.encryption import MasterKey
from broadcastkit.core.names import ChannelKind, check_channel_name, check_user_id, parse_channel_name
from broadcastkit.drivers.base import ChannelInfo, ChannelInfos, UserInfo
from broadcastkit.drivers.pusher import replies
from broadcastkit.drivers.pusher.exchange import Client
from broadcastkit.drivers.pusher.profiles import Feature, Profile
from broadcastkit.drivers.pusher.wire import Exchange
from broadcastkit.errors import InvalidChannelError

__all__ = ["Questions"]


class Questions:
    """The questions about one app; each checks first that its service has an answer."""

    def __init__(self, client: Client, profile: Profile, keys: tuple[MasterKey, ...]) -> None:
        self._query = client.query
        self._require = profile.require
        self._keys = keys

    def channels(self, prefix: str, info: Sequence[str]) -> Exchange[ChannelInfos]:
        """Ask which channels are occupied."""
        self._require(Feature.CHANNELS_INFO)
        wanted = {"filter_by_prefix": prefix} if prefix else {}
        return replies.channel_infos((yield from self._query("GET", "/channels", wanted | _info(info))))

    def channel(self, channel_name: str, info: Sequence[str]) -> Exchange[ChannelInfo]:
        """Ask about one channel; the last event of an encrypted cache channel is opened."""
        self._require(Feature.CHANNEL_INFO)
        known = replies.channel_info((yield from self._query("GET", _channel_path(channel_name), _info(info))))
        return known if known.cache is None else replace(known, cache=known.cache.opened(channel_name, self._keys))

    def users(self, channel_name: str) -> Exchange[tuple[UserInfo, ...]]:
        """Ask who is in a presence channel."""
        self._require(Feature.USERS_INFO)
        return replies.user_infos((yield from self._query("GET", _users_path(channel_name), {})))

    def terminate(self, user_id: str) -> Exchange[None]:
        """Have a user's connections closed."""
        self._require(Feature.TERMINATE)
        yield from self._query("POST", f"/users/{check_user_id(user_id)}/terminate_connections", {}, b"{}")


def _info(info: Sequence[str]) -> dict[str, str]:
    return {"info": ",".join(info)} if info else {}


def _channel_path(channel_name: str) -> str:
    if parse_channel_name(check_channel_name(channel_name)).kind is ChannelKind.SERVER_TO_USER:
        raise InvalidChannelError(f"{channel_name!r} is not a channel that can be asked about")
    return f"/channels/{channel_name}"


def _users_path(channel_name: str) -> str:
    path = _channel_path(channel_name)
    if not channel_name.startswith(ChannelKind.PRESENCE.value):
        raise InvalidChannelError(f"{channel_name!r} is not a presence channel: it has no users to list")
    return f"{path}/users"
