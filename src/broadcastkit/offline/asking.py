"""Whom to ask who is there, and what the answer means. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from broadcastkit.channels.base import Channel
from broadcastkit.core.names import ChannelKind
from broadcastkit.drivers.base import ChannelInfo
from broadcastkit.drivers.serviceless import AsyncServiceless, Serviceless
from broadcastkit.drivers.wrapped import unwrapped
from broadcastkit.errors import BroadcastError, ConfigurationError, NoReplyError, UnreachableError

__all__ = ["REMEDY", "as_bool", "asked", "has_users", "is_somebody", "unanswered"]

REMEDY = "give Fallbacks(online=...), a callable that takes the channel and says whether somebody is there"


def asked(drivers: Mapping[str, Any]) -> list[Any]:
    """Return the drivers to ask; none where there is no service behind any: then nobody is reached by them.

    Raises:
        ConfigurationError: no one can be asked.
    """
    serving = {
        name: driver
        for name, driver in drivers.items()
        if not isinstance(unwrapped(driver), (Serviceless, AsyncServiceless))
    }
    telling = [driver for driver in serving.values() if getattr(driver, "tells_subscribers", True)]
    if serving and not telling:
        names = " and ".join(f"{name!r} ({unwrapped(driver)!r})" for name, driver in serving.items())
        raise ConfigurationError(f"the connection {names} cannot tell who is there: {REMEDY}", setting="when_offline:")
    return telling


def has_users(channel: Channel) -> bool:
    """Whether the users of a channel can be asked for, where the channel itself cannot."""
    return channel.kind is ChannelKind.PRESENCE


def is_somebody(info: ChannelInfo) -> bool:
    """Return what a service's answer means.

    Raises:
        ConfigurationError: it does not say.
    """
    if info.occupied is not None:
        return info.occupied
    counts = [count for count in (info.subscription_count, info.user_count) if count is not None]
    if not counts:
        raise ConfigurationError(f"the service does not say whether a channel is occupied: {REMEDY}")
    return any(counts)


def as_bool(answer: object) -> bool:
    """Return what `online` has answered.

    Raises:
        ConfigurationError: neither yes nor no: nobody is told by guess.
    """
    if not isinstance(answer, bool):
        raise ConfigurationError(f"must answer True or False, not {type(answer).__name__}", setting="online")
    return answer


def unanswered(error: BroadcastError) -> NoReturn:
    """Raise the error of a question: one that may be asked again, though an event might not be sent again."""
    if isinstance(error, NoReplyError):
        raise UnreachableError(f"who is there is not known: {error}") from None
    if isinstance(error, ConfigurationError):
        raise ConfigurationError(f"who is there cannot be asked ({error}): {REMEDY}") from None
    raise error
