"""The memory driver: keeps messages in a list. What the fake of `broadcastkit.testing` is made of."""

from __future__ import annotations

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.serviceless import AsyncServiceless, Serviceless
from broadcastkit.errors import ConfigurationError

__all__ = ["AsyncMemoryDriver", "MemoryDriver"]


class _Keeps:
    def __init__(self, messages: list[Message] | None = None) -> None:
        given: object = messages
        if given is not None and not isinstance(given, list):
            raise ConfigurationError(f"must be a list, not {type(given).__name__}", setting="messages")
        self.messages: list[Message] = [] if messages is None else messages

    def take(self, message: Message) -> Outcome:
        """Append the message."""
        self.messages.append(message)
        return Sent()


class MemoryDriver(_Keeps, Serviceless):
    """Appends each message to `messages`, or to the list given, so that both colours can share one."""


class AsyncMemoryDriver(_Keeps, AsyncServiceless):
    """The awaited twin of MemoryDriver."""
