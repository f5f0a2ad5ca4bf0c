"""Sending messages: which of them to try again, and what came of each.

A generator of effects: no I/O, no clock, no randomness. Both shells run the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TypeAlias, TypeVar

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.exchange import Exchange, Run, Sleep, Sources
from broadcastkit.drivers.policies import by_policy
from broadcastkit.drivers.socketio.emission import Emission, emission
from broadcastkit.errors import BroadcastError, DeliveryError

__all__ = ["Reply", "Sending"]

T = TypeVar("T")

Reply: TypeAlias = "DeliveryError | None"
"""Why an emission failed, or None."""


_Exchange: TypeAlias = Exchange[Emission, Reply, T]


class Sending:
    """Everything about sending that needs no I/O; `requests` is what one message takes."""

    def __init__(self, *, where: str, requests: int, retry: Retry, sources: Sources) -> None:
        self._where = where
        self._sent = Sent(requests)
        self._retry = retry
        self._sources = sources

    def send(self, messages: Sequence[Message]) -> _Exchange[list[Outcome]]:
        """Send messages in order; returns one outcome each. One that cannot be carried touches no other."""
        return by_policy(messages, self._retry, self._send)

    def _send(self, messages: Sequence[Message], retry: Retry) -> _Exchange[list[Outcome]]:
        outcomes: list[Outcome] = [self._sent] * len(messages)
        emissions: dict[int, Emission] = {}
        for index, message in enumerate(messages):
            try:
                emissions[index] = emission(message)
            except BroadcastError as error:
                outcomes[index] = error
        if emissions:
            failed = yield from self._attempt(emissions, retry)
            for index, failure in failed.items():
                outcomes[index] = self._told(failure, messages[index])
        return outcomes

    def _attempt(self, emissions: dict[int, Emission], retry: Retry) -> _Exchange[dict[int, DeliveryError]]:
        """Emit, and those again that failed, as the policy says; returns the errors that remain."""
        sources = self._sources
        started = sources.monotonic()
        failed: dict[int, DeliveryError] = {}
        attempt = 0
        while True:
            attempt += 1
            replies = yield Run(list(emissions.values()))
            if replies is None:
                raise TypeError("a Run is answered with replies")
            errors = {i: error for i, error in zip(emissions, replies, strict=True) if error is not None}
            elapsed, jitter = sources.monotonic() - started, sources.random() if errors else 0.0
            waits = {
                i: retry.wait(error, attempt=attempt, elapsed=elapsed, jitter=jitter) for i, error in errors.items()
            }
            failed |= {i: error for i, error in errors.items() if waits[i] is None}
            emissions = {i: emissions[i] for i, wait in waits.items() if wait is not None}
            if not emissions:
                return failed
            yield Sleep(max(wait for wait in waits.values() if wait is not None))

    def _told(self, error: DeliveryError, message: Message) -> DeliveryError:
        told = copy(error)
        told.args = (f"event {message.event!r} was not sent by {self._where}: {error}",)
        told.__cause__ = error.__cause__
        return told
