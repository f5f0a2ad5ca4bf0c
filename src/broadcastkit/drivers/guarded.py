"""A connection that is guarded: a circuit breaker around its driver, and another driver to fall back on."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from broadcastkit.core.breaker import Breaker, Circuit
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome, Sent
from broadcastkit.drivers.wrapped import AsyncWrapped, DriverT, Wrapped, WrappedBase
from broadcastkit.errors import BroadcastError, CircuitOpenError, ConfigurationError, DeliveryError

__all__ = ["AsyncGuarded", "Breaker", "Guarded"]

_log = logging.getLogger("broadcastkit.delivery")

_NO_TURN = -1


class _GuardedBase(WrappedBase[DriverT]):
    """What has no colour: the circuit, and which messages fall back."""

    def __init__(self, driver: DriverT, *, breaker: Breaker | None = None, fallback: DriverT | None = None) -> None:
        if breaker is None and fallback is None:
            raise ConfigurationError("a guarded driver needs a breaker, a fallback, or both")
        super().__init__(driver)
        self._fallback: DriverT | None = fallback
        self._circuit = None if breaker is None else Circuit(breaker)
        # of each process its own: one that is held while forking would never be free in the child
        self._locks: dict[int, threading.Lock] = {}

    def __repr__(self) -> str:
        """Show both drivers."""
        fallback = "" if self._fallback is None else f", fallback={self._fallback!r}"
        return f"{type(self).__name__}({self._driver!r}{fallback})"

    def _lock(self) -> threading.Lock:
        process = os.getpid()
        return self._locks.get(process) or self._locks.setdefault(process, threading.Lock())

    def _refusal(self, messages: Sequence[Message]) -> tuple[list[Outcome] | None, int]:
        """Return what is said of messages that are not sent, or None to send them in this turn of the circuit."""
        if self._circuit is None or not messages:
            return None, _NO_TURN
        with self._lock():
            wait, turn = self._circuit.wait(time.monotonic()), self._circuit.turn
        if wait is None:
            return None, turn
        again = f"is asked again in {wait:.1f} s" if wait else "another message finds out whether it does again"
        text = f"not sent: {self._driver!r} did not answer, and {again}"
        error = CircuitOpenError(text, retry_after=wait or None)
        refused: list[Outcome] = [error] * len(messages)
        return refused, turn

    def _note(self, outcomes: Sequence[Outcome], turn: int) -> None:
        """Note what came of a send; nothing, if it was interrupted or the driver has a bug."""
        if self._circuit is None:
            return
        with self._lock():
            changed = self._circuit.note(outcomes, time.monotonic(), turn)
        if changed is None:
            return
        extra = {"broadcast_driver": repr(self._driver), "broadcast_circuit": "open" if changed else "closed"}
        if changed:
            extra["broadcast_error"] = type(outcomes[0]).__name__
            words = "%r does not answer: nothing more is sent to it for now (%s)"
            _log.error(words, self._driver, outcomes[0], extra=extra)
        else:
            _log.warning("%r answers again", self._driver, extra=extra)

    def _left(self, messages: Sequence[Message], outcomes: Sequence[Outcome]) -> dict[int, Message]:
        """Return the messages that fall back, by their places: what the service could not take for the moment."""
        left: dict[int, Message] = {}
        if self._fallback is not None:
            for index, (message, outcome) in enumerate(zip(messages, outcomes, strict=True)):
                if isinstance(outcome, DeliveryError) and outcome.retryable:
                    channels = tuple(name for name in message.channels if name not in outcome.delivered)
                    left[index] = message._replace(channels=channels)
        return left


class Guarded(_GuardedBase[Driver], Wrapped):
    """Spares callers a service that is down.

    With a `breaker`, a service that keeps failing is not asked for a while, and a broadcast costs microseconds and not
    a timeout: its error is a CircuitOpenError. With a `fallback`, what the service could not take for the moment (no
    connection, no answer in time, 429, 5xx, an open circuit) is sent by that driver, once, and its receipt says so;
    of an event with several channels, what the service has served already is left out. Where the fallback fails too,
    the service's error stays, with a note. Subscriptions are signed, and questions answered, by the guarded driver.
    Safe to use from several threads, and after a fork.
    """

    @property
    def blocking(self) -> bool:
        """Whether either driver waits for a network."""
        return self._driver.blocking or (self._fallback is not None and self._fallback.blocking)

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send, unless the circuit is open; then what is left goes to the fallback."""
        refused, turn = self._refusal(messages)
        outcomes = self._send(messages, turn) if refused is None else refused
        left = self._left(messages, outcomes)
        if left and self._fallback is not None:
            _replace(outcomes, left, _send(self._fallback, list(left.values())))
        return outcomes

    def _send(self, messages: Sequence[Message], turn: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            outcomes = _send(self._driver, messages)
        finally:
            self._note(outcomes, turn)
        return outcomes

    def close(self) -> None:
        """Close both drivers."""
        try:
            self._driver.close()
        finally:
            if self._fallback is not None:
                self._fallback.close()


class AsyncGuarded(_GuardedBase[AsyncDriver], AsyncWrapped):
    """The awaited twin of Guarded."""

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Guarded.send."""
        refused, turn = self._refusal(messages)
        outcomes = await self._send(messages, turn) if refused is None else refused
        left = self._left(messages, outcomes)
        if left and self._fallback is not None:
            _replace(outcomes, left, await _asend(self._fallback, list(left.values())))
        return outcomes

    async def _send(self, messages: Sequence[Message], turn: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            outcomes = await _asend(self._driver, messages)
        finally:
            self._note(outcomes, turn)
        return outcomes

    async def aclose(self) -> None:
        """See Guarded.close."""
        try:
            await self._driver.aclose()
        finally:
            if self._fallback is not None:
                await self._fallback.aclose()


def _send(driver: Driver, messages: Sequence[Message]) -> list[Outcome]:
    try:
        return list(driver.send(messages))
    except BroadcastError as error:
        return [error] * len(messages)


async def _asend(driver: AsyncDriver, messages: Sequence[Message]) -> list[Outcome]:
    try:
        return list(await driver.send(messages))
    except BroadcastError as error:
        return [error] * len(messages)


def _replace(outcomes: list[Outcome], left: Mapping[int, Message], instead: Sequence[Outcome]) -> None:
    """Put what the fallback has sent in the place of errors; where it failed too, the first error stays."""
    for index, outcome in zip(left, instead, strict=True):
        first = outcomes[index]
        if isinstance(outcome, Sent):
            outcomes[index] = replace(outcome, by_fallback=True)
        elif isinstance(first, DeliveryError):
            outcomes[index] = _noted(first, outcome)


def _noted(first: DeliveryError, second: BroadcastError) -> DeliveryError:
    error = first.twin()  # the notes of one event are not another's
    error.__notes__ = [*getattr(first, "__notes__", ()), f"the fallback failed too: {second}"]
    if isinstance(second, DeliveryError):
        error.delivered = (*first.delivered, *second.delivered)
    return error
