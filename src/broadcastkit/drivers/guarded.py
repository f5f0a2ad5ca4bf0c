"""A connection that is guarded: a circuit breaker around its driver, and another driver to fall back on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.core.breaker import Breaker, Circuit
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import AsyncDriver, ChannelInfo, ChannelInfos, Driver, Outcome, Sent, UserInfo
from broadcastkit.errors import BroadcastError, CircuitOpenError, ConfigurationError, DeliveryError

__all__ = ["AsyncGuarded", "Guarded"]

_log = logging.getLogger("broadcastkit.delivery")
DriverT = TypeVar("DriverT", Driver, AsyncDriver)


class _GuardedBase(Generic[DriverT]):
    """What has no colour: the circuit, which messages fall back, and what is asked of the guarded driver as ever."""

    def __init__(self, driver: DriverT, *, breaker: Breaker | None = None, fallback: DriverT | None = None) -> None:
        if breaker is None and fallback is None:
            raise ConfigurationError("a guarded driver needs a breaker, a fallback, or both")
        self._driver: DriverT = driver
        self._fallback: DriverT | None = fallback
        self._circuit = None if breaker is None else Circuit(breaker)
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        """Have what a driver may have besides (needs_socket_id, batch_limit, client_options) if the guarded one has."""
        if name.startswith("__") or "_driver" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self._driver, name)

    def __repr__(self) -> str:
        """Show both drivers."""
        return f"{type(self).__name__}({self._driver!r}, fallback={self._fallback!r})"

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """Answer as the guarded driver does."""
        return self._driver.answer_subscription(grant)

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """Answer as the guarded driver does."""
        return self._driver.answer_user(grant)

    def _refusal(self, messages: Sequence[Message]) -> list[Outcome] | None:
        """Return what is said of messages that are not sent, or None to send them."""
        if self._circuit is None:
            return None
        with self._lock:
            wait = self._circuit.wait(time.monotonic())
        if wait is None:
            return None
        error = CircuitOpenError(
            f"not sent: {self._driver!r} did not answer, and is asked again in {wait:.1f} s", retry_after=wait
        )
        return [error] * len(messages)

    def _note(self, outcomes: Sequence[Outcome]) -> None:
        if self._circuit is None:
            return
        with self._lock:
            changed = self._circuit.note(outcomes, time.monotonic())
        if changed is True:
            _log.error("%r does not answer: nothing more is sent to it for now (%s)", self._driver, outcomes[0])
        elif changed is False:
            _log.warning("%r answers again", self._driver)

    def _left(self, messages: Sequence[Message], outcomes: Sequence[Outcome]) -> list[tuple[int, Message]]:
        """Return the messages that fall back, with their places: what the service could not take for the moment."""
        left: list[tuple[int, Message]] = []
        if self._fallback is not None:
            for index, (message, outcome) in enumerate(zip(messages, outcomes, strict=True)):
                if isinstance(outcome, DeliveryError) and outcome.retryable:
                    channels = tuple(name for name in message.channels if name not in outcome.delivered)
                    left.append((index, message._replace(channels=channels)))
        return left


class Guarded(_GuardedBase[Driver]):
    """Spares callers a service that is down.

    With a `breaker`, a service that keeps failing is not asked for a while, and a broadcast costs microseconds and not
    a timeout: its error is a CircuitOpenError. With a `fallback`, what the service could not take for the moment (no
    connection, no answer in time, 429, 5xx, an open circuit) is sent by that driver, once, and its receipt says so.
    Subscriptions are signed, and questions answered, by the guarded driver.
    """

    @property
    def blocking(self) -> bool:
        """Whether either driver waits for a network."""
        return self._driver.blocking or (self._fallback is not None and self._fallback.blocking)

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send, unless the circuit is open; then what is left goes to the fallback."""
        outcomes = self._refusal(messages) or self._send(messages)
        left = self._left(messages, outcomes)
        if left and self._fallback is not None:
            _replace(outcomes, left, _send(self._fallback, [message for _, message in left]))
        return outcomes

    def _send(self, messages: Sequence[Message]) -> list[Outcome]:
        outcomes = _send(self._driver, messages)
        self._note(outcomes)
        return outcomes

    def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """Ask the guarded driver."""
        return self._driver.channels_info(prefix=prefix, info=info)

    def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """Ask the guarded driver."""
        return self._driver.channel_info(channel_name, info=info)

    def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        """Ask the guarded driver."""
        return self._driver.users_info(channel_name)

    def terminate_user_connections(self, user_id: str) -> None:
        """Have the guarded driver do it."""
        self._driver.terminate_user_connections(user_id)

    def close(self) -> None:
        """Close both drivers."""
        self._driver.close()
        if self._fallback is not None:
            self._fallback.close()


class AsyncGuarded(_GuardedBase[AsyncDriver]):
    """The awaited twin of Guarded."""

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Guarded.send."""
        outcomes = self._refusal(messages) or await self._send(messages)
        left = self._left(messages, outcomes)
        if left and self._fallback is not None:
            _replace(outcomes, left, await _asend(self._fallback, [message for _, message in left]))
        return outcomes

    async def _send(self, messages: Sequence[Message]) -> list[Outcome]:
        outcomes = await _asend(self._driver, messages)
        self._note(outcomes)
        return outcomes

    async def channels_info(self, *, prefix: str = "", info: Sequence[str] = ()) -> ChannelInfos:
        """See Guarded.channels_info."""
        return await self._driver.channels_info(prefix=prefix, info=info)

    async def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """See Guarded.channel_info."""
        return await self._driver.channel_info(channel_name, info=info)

    async def users_info(self, channel_name: str) -> Sequence[UserInfo]:
        """See Guarded.users_info."""
        return await self._driver.users_info(channel_name)

    async def terminate_user_connections(self, user_id: str) -> None:
        """See Guarded.terminate_user_connections."""
        await self._driver.terminate_user_connections(user_id)

    async def aclose(self) -> None:
        """See Guarded.close."""
        await self._driver.aclose()
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


def _replace(outcomes: list[Outcome], left: Sequence[tuple[int, Message]], instead: Sequence[Outcome]) -> None:
    """Put what the fallback has sent in the place of errors; where it failed too, the first error stays."""
    for (index, _), outcome in zip(left, instead, strict=True):
        if isinstance(outcome, Sent):
            outcomes[index] = replace(outcome, by_fallback=True)
