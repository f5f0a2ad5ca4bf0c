"""Drivers that do as they are told, in both colours, and both broadcasters behind one face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.serviceless import AsyncServiceless, Serviceless
from broadcastkit.errors import BroadcastError

__all__ = ["Answer", "Both", "Told", "refused"]

Answer = Callable[[Message], Outcome]


class Told:
    """What a connection was asked to send, and what it answers to each message.

    `raises` is raised instead of returned; `blocking` is what the drivers say of themselves.
    """

    def __init__(
        self, answer: Answer = lambda message: Sent(1), *, raises: BaseException | None = None, blocking: bool = False
    ) -> None:
        self.sent: list[list[Message]] = []
        self.closed = 0
        self.blocking = blocking
        self._answer = answer
        self._raises = raises

    @property
    def events(self) -> list[str]:
        return [message.event for messages in self.sent for message in messages]

    def perform(self, messages: Sequence[Message]) -> list[Outcome]:
        self.sent.append(list(messages))
        if self._raises is not None:
            raise self._raises
        return [self._answer(message) for message in messages]

    def sync(self) -> SyncTold:
        return SyncTold(self)

    def asynchronous(self) -> AsyncTold:
        return AsyncTold(self)


class SyncTold(Serviceless):
    def __init__(self, told: Told) -> None:
        self._told = told
        self.blocking = told.blocking

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return self._told.perform(messages)

    def close(self) -> None:
        self._told.closed += 1


class AsyncTold(AsyncServiceless):
    def __init__(self, told: Told) -> None:
        self._told = told

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        await asyncio.sleep(0)
        return self._told.perform(messages)

    async def aclose(self) -> None:
        self._told.closed += 1


class Both:
    """A broadcaster of one colour, called in the same way for both."""

    def __init__(self, colour: str, connections: Told | Mapping[str, Told], **options: Any) -> None:
        self.colour = colour
        self._runner = asyncio.Runner()
        named = connections if isinstance(connections, Mapping) else {"default": connections}
        self.broadcaster: Any
        if colour == "sync":
            self.broadcaster = Broadcaster({name: told.sync() for name, told in named.items()}, **options)
        else:
            self.broadcaster = AsyncBroadcaster({name: told.asynchronous() for name, told in named.items()}, **options)

    def run(self, result: Any) -> Any:
        """Return it, awaited if need be."""
        return self._runner.run(result) if asyncio.iscoroutine(result) else result

    def close(self) -> None:
        self.run(self.broadcaster.close() if self.colour == "sync" else self.broadcaster.aclose())

    def end(self) -> None:
        self._runner.close()


def refused(error: BroadcastError, *events: str) -> Answer:
    """Answer with an error to these events (to all if none is named)."""
    return lambda message: error if not events or message.event in events else Sent(1)
