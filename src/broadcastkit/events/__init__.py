"""What happened: the base class of typed events, and the ready-made ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from broadcastkit.core.lazy import lazy_names
from broadcastkit.core.repeats import Debounce, Throttle, Unique
from broadcastkit.events.base import AnonymousEvent, Broadcastable, Event

if TYPE_CHECKING:
    from broadcastkit.events.chat import MessageSent, MessagesRead, Sender, UserTyping
    from broadcastkit.events.jobs import JobUpdated
    from broadcastkit.events.notifications import NotificationSent
    from broadcastkit.events.plans import PlanAccepted, PlanSubmitted
    from broadcastkit.events.rooms import ActivityLogged, RoomMessageSent, UserStatusChanged

_MODULES = {
    "chat": ("MessageSent", "MessagesRead", "Sender", "UserTyping"),
    "jobs": ("JobUpdated",),
    "notifications": ("NotificationSent",),
    "plans": ("PlanAccepted", "PlanSubmitted"),
    "rooms": ("ActivityLogged", "RoomMessageSent", "UserStatusChanged"),
}
__getattr__: Callable[[str], Any] = lazy_names(
    __name__, {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
)

__all__ = [
    "ActivityLogged",
    "AnonymousEvent",
    "Broadcastable",
    "Debounce",
    "Event",
    "JobUpdated",
    "MessageSent",
    "MessagesRead",
    "NotificationSent",
    "PlanAccepted",
    "PlanSubmitted",
    "RoomMessageSent",
    "Sender",
    "Throttle",
    "Unique",
    "UserStatusChanged",
    "UserTyping",
]
