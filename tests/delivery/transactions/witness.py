"""A driver that looks into the database, by a connection of its own, at the moment it sends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Any

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.serviceless import AsyncServiceless, Serviceless
from broadcastkit.errors import BroadcastError

__all__ = ["AsyncWitness", "Look", "Witness"]

Look = Callable[[], "object | Awaitable[object]"]


class _Seen:
    """Each request: its events, and what was to be seen in the database then; `raises` by event."""

    def __init__(self, look: Look = lambda: None) -> None:
        self._look = look
        self.seen: list[tuple[list[str], Any]] = []
        self.messages: list[Message] = []
        self.answers: dict[str, BroadcastError] = {}
        self.raises: Exception | None = None

    @property
    def events(self) -> list[list[str]]:
        return [events for events, _ in self.seen]

    def _answer(self, messages: Sequence[Message], seen: object) -> list[Outcome]:
        self.seen.append(([message.event for message in messages], seen))
        self.messages += messages
        if self.raises is not None:
            raise self.raises
        return [self.answers.get(message.event) or Sent(1) for message in messages]


class Witness(_Seen, Serviceless):
    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return self._answer(messages, self._look())


class AsyncWitness(_Seen, AsyncServiceless):
    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        seen = self._look()
        return self._answer(messages, await seen if isawaitable(seen) else seen)
