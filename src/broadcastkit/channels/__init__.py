"""Where events are heard: the kinds of channel, and the ready-made typed ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from broadcastkit.channels.base import (
    Channel,
    EncryptedChannel,
    PresenceChannel,
    PrivateChannel,
    ServerToUser,
    channel_from_name,
)
from broadcastkit.core.lazy import lazy_names

if TYPE_CHECKING:
    from broadcastkit.channels.common import (
        AdminChannel,
        ConversationChannel,
        JobChannel,
        RoomChannel,
        RoomPresence,
        UserChannel,
    )

__getattr__: Callable[[str], Any] = lazy_names(
    __name__,
    dict.fromkeys(
        ("AdminChannel", "ConversationChannel", "JobChannel", "RoomChannel", "RoomPresence", "UserChannel"),
        f"{__name__}.common",
    ),
)

__all__ = [
    "AdminChannel",
    "Channel",
    "ConversationChannel",
    "EncryptedChannel",
    "JobChannel",
    "PresenceChannel",
    "PrivateChannel",
    "RoomChannel",
    "RoomPresence",
    "ServerToUser",
    "UserChannel",
    "channel_from_name",
]
