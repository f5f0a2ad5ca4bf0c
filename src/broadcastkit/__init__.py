"""Broadcasting for Python: typed events to browsers and phones, from any web framework."""

from __future__ import annotations

from collections.abc import Callable as _Callable
from typing import TYPE_CHECKING
from typing import Any as _Any

from broadcastkit.authorization import ChannelRegistry as ChannelRegistry
from broadcastkit.authorization import PresenceMember as PresenceMember
from broadcastkit.broadcaster import AsyncBroadcaster as AsyncBroadcaster
from broadcastkit.broadcaster import Broadcaster as Broadcaster
from broadcastkit.channels import Channel as Channel
from broadcastkit.channels import EncryptedChannel as EncryptedChannel
from broadcastkit.channels import PresenceChannel as PresenceChannel
from broadcastkit.channels import PrivateChannel as PrivateChannel
from broadcastkit.channels import ServerToUser as ServerToUser
from broadcastkit.core.lazy import lazy_names as _lazy_names
from broadcastkit.default import broadcast as broadcast
from broadcastkit.default import broadcast_many as broadcast_many
from broadcastkit.default import configure as configure
from broadcastkit.delivery.transactions import collect as collect
from broadcastkit.errors import BroadcastError as BroadcastError
from broadcastkit.errors import BroadcastNotSentWarning as BroadcastNotSentWarning
from broadcastkit.events import AnonymousEvent as AnonymousEvent
from broadcastkit.events import Event as Event
from broadcastkit.pending import PendingBroadcast as PendingBroadcast
from broadcastkit.pending import Receipt as Receipt

if TYPE_CHECKING:
    from broadcastkit.events.chat import MessageSent as MessageSent
    from broadcastkit.events.jobs import JobUpdated as JobUpdated
    from broadcastkit.events.notifications import NotificationSent as NotificationSent
    from broadcastkit.events.plans import PlanSubmitted as PlanSubmitted

__getattr__: _Callable[[str], _Any] = _lazy_names(
    __name__,
    {
        "JobUpdated": "broadcastkit.events.jobs",
        "MessageSent": "broadcastkit.events.chat",
        "NotificationSent": "broadcastkit.events.notifications",
        "PlanSubmitted": "broadcastkit.events.plans",
    },
)

__version__ = "0.1.0"

__all__ = [
    "AnonymousEvent",
    "AsyncBroadcaster",
    "BroadcastError",
    "BroadcastNotSentWarning",
    "Broadcaster",
    "Channel",
    "ChannelRegistry",
    "EncryptedChannel",
    "Event",
    "JobUpdated",
    "MessageSent",
    "NotificationSent",
    "PendingBroadcast",
    "PlanSubmitted",
    "PresenceChannel",
    "PresenceMember",
    "PrivateChannel",
    "Receipt",
    "ServerToUser",
    "broadcast",
    "broadcast_many",
    "collect",
    "configure",
]
