"""A driver in both colours that answers when the test says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.serviceless import AsyncServiceless, Serviceless

__all__ = ["AsyncHeld", "Held", "message"]

SECONDS = 10.0


def message(event: str, *channels: str) -> Message:
    return Message(event, channels or (event,), "{}")


class Answers:
    """What is answered: by event an outcome, each time or the first time; or something is raised."""

    batch_limit = 10

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.outcomes: dict[str, Outcome] = {}
        self.once: dict[str, Outcome] = {}
        self.raises: Exception | None = None

    def answer(self, messages: Sequence[Message]) -> list[Outcome]:
        if self.raises is not None:
            raise self.raises
        return [
            self.once.pop(message.event) if message.event in self.once else self.outcomes.get(message.event, Sent(1))
            for message in messages
        ]


class Held(Answers, Serviceless):
    """Each `send` waits for a `release()`: the first for the first one."""

    def __init__(self, *, released: bool = False) -> None:
        super().__init__()
        self._released = 10**6 if released else 0
        self._changed = threading.Condition()

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        with self._changed:
            self.requests.append([message.event for message in messages])
            turn = len(self.requests)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._released >= turn, SECONDS), self.requests
        return self.answer(messages)

    def release(self, requests: int = 1) -> None:
        with self._changed:
            self._released += requests
            self._changed.notify_all()

    def wait_for(self, requests: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= requests, SECONDS), self.requests


class AsyncHeld(Answers, AsyncServiceless):
    """The awaited twin of Held."""

    def __init__(self, *, released: bool = False) -> None:
        super().__init__()
        self._released = released
        self._gates: list[asyncio.Event] = []

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        self.requests.append([message.event for message in messages])
        if self._released:
            await asyncio.sleep(0)
        else:
            gate = asyncio.Event()
            self._gates.append(gate)
            async with asyncio.timeout(SECONDS):
                await gate.wait()
        return self.answer(messages)

    def release(self, requests: int = 1) -> None:
        for _ in range(requests):
            self._gates.pop(0).set()

    def release_all(self) -> None:
        self._released = True
        self.release(len(self._gates))

    async def wait_for(self, requests: int) -> None:
        async with asyncio.timeout(SECONDS):
            while len(self.requests) < requests:  # noqa: ASYNC110 - what comes, comes from tasks of this loop
                await asyncio.sleep(0)
