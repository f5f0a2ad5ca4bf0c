"""What can be asked about channels and users; over HTTP and from within the process the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broadcastkit.core.names import ChannelKind, check_channel_name, parse_channel_name
from broadcastkit.errors import InvalidInputError
from broadcastkit.server.hub import Hub
from broadcastkit.server.refusal import RefusedRequestError

__all__ = ["Questions"]

_PRESENCE = ChannelKind.PRESENCE


class Questions:
    """The questions of one app's hub. What makes no sense is refused with 400, as Pusher does."""

    def __init__(self, hub: Hub[Any]) -> None:
        self._hub = hub

    def attributes(self, channel: str, info: Sequence[str]) -> dict[str, int]:
        """Return those of the attributes asked for that a channel has."""
        attributes: dict[str, int] = {}
        if "user_count" in info and parse_channel_name(channel).kind is _PRESENCE:
            attributes["user_count"] = self._hub.user_count(channel)
        if "subscription_count" in info:
            attributes["subscription_count"] = self._hub.subscription_count(channel)
        return attributes

    def channels(self, prefix: str, info: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return the occupied channels whose names start with `prefix`, and their attributes."""
        if "user_count" in info and not prefix.startswith(_PRESENCE.value):
            raise RefusedRequestError(400, "user_count is for presence channels: filter_by_prefix=presence-")
        return {channel: self.attributes(channel, info) for channel in self._hub.channels(prefix)}

    def channel(self, channel: str, info: Sequence[str], now: float) -> dict[str, Any]:
        """Return whether a channel is occupied, and its attributes; `cache` holds its last event."""
        name = parse_channel_name(_checked(channel))
        if "user_count" in info and name.kind is not _PRESENCE:
            raise RefusedRequestError(400, "user_count is for presence channels only")
        if "cache" in info and not name.cache:
            raise RefusedRequestError(400, "cache is for cache channels only")
        answer: dict[str, Any] = {"occupied": self._hub.subscription_count(channel) > 0}
        answer |= self.attributes(channel, info)
        if "cache" in info:
            cached = self._hub.cached(channel, now)
            answer["cache"] = cached and {"data": cached.data, "ttl": int(cached.expires - now)}
        return answer

    def users(self, channel: str) -> list[str]:
        """Return the ids of the users in a presence channel."""
        if parse_channel_name(_checked(channel)).kind is not _PRESENCE:
            raise RefusedRequestError(400, "only presence channels have users")
        return self._hub.users(channel)


def _checked(channel: str) -> str:
    try:
        return check_channel_name(channel)
    except InvalidInputError as error:
        raise RefusedRequestError(400, str(error)) from None
