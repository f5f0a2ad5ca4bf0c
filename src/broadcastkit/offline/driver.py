"""A fallback as a connection: who carries the event is asked who is there, and the function runs where nobody is."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from inspect import isawaitable, iscoroutine
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.calls import in_worker_thread, is_async
from broadcastkit.channels.base import Channel
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome, Sent
from broadcastkit.drivers.unasked import AsyncUnasked, Unasked
from broadcastkit.drivers.wrapped import unwrapped
from broadcastkit.errors import BroadcastError, ConfigurationError, DeliveryError
from broadcastkit.offline.asking import as_bool, asked, has_users, is_somebody, unanswered
from broadcastkit.offline.failures import failure
from broadcastkit.offline.fallbacks import PREFIX, Fallback, Online
from broadcastkit.offline.missed import Missed, channels_of, id_of, missed_of

__all__ = ["AsyncOfflineDriver", "OfflineDriver"]

_log = logging.getLogger("broadcastkit.offline")

DriverT = TypeVar("DriverT", bound=Driver | AsyncDriver)
_Talk: TypeAlias = "Generator[Missed[Any] | Channel, bool | Exception | None, Outcome]"


class _OfflineBase(Generic[DriverT]):
    """What both colors share: whom to ask, and what comes of the answers."""

    # a mail may take a second: each is a flight of its own, in order per channel, and short of a relay's lease
    batch_limit: int = 1

    def __init__(self, fallback: Fallback, drivers: Mapping[str, DriverT], *, online: Online | None) -> None:
        self._fallback = fallback
        self._online = online
        self._asked: list[DriverT] = [] if online is not None else asked(drivers)
        self._runs = online is not None or bool(self._asked)
        self.blocking: bool = self._runs
        if not self._runs:
            kinds = ", ".join(repr(unwrapped(driver)) for driver in drivers.values())
            extra = {"broadcast_connection": f"{PREFIX}{fallback.name}"}
            _log.info("%r does not run: over %s, nobody can be there or not", fallback.name, kinds, extra=extra)

    def __repr__(self) -> str:
        """Name the fallback."""
        return f"{type(self).__name__}({self._fallback.name!r})"

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """Raise ConfigurationError: nobody subscribes to a fallback."""
        del grant
        self._nobody()

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """Raise ConfigurationError: nobody signs in to a fallback."""
        del grant
        self._nobody()

    def _nobody(self) -> NoReturn:
        raise ConfigurationError(f"the fallback {self._fallback.name!r} is a connection that only takes what is missed")

    def _talk(self, message: Message) -> _Talk:
        """Ask about each channel (yields it) and have the function run (yields what was missed).

        What another try may mend ends it: the rest is left to that try. What it may not, ends nothing.
        """
        done: list[str] = []
        failed: list[BroadcastError] = []
        runs = 0
        broadcast = id_of(message)
        for channel in channels_of(self._fallback.channel, message.channels) if self._runs else ():
            answer = yield channel
            if answer is False:
                runs += 1
                answer = yield missed_of(broadcast, self._fallback.name, channel, message)
            if not isinstance(answer, Exception):
                done.append(channel.name)
                continue
            failed.append(failure(answer, self._fallback.name, self._fallback.call))
            if isinstance(failed[-1], DeliveryError) and failed[-1].retryable:
                break
        return _told(failed[-1], done) if failed else Sent(requests=runs)


def _told(error: BroadcastError, done: Sequence[str]) -> BroadcastError:
    """Return the error with the channels that need not be tried again."""
    told = error.twin()
    if isinstance(told, DeliveryError):
        told.delivered = tuple(done)
    return told


class OfflineDriver(_OfflineBase[Driver], Unasked):
    """Runs a function for each of a message's channels that nobody is subscribed to."""

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Ask, and run the function, for one message after the other."""
        return [self._attend(self._talk(message)) for message in messages]

    def close(self) -> None:
        """Do nothing: what is asked is the broadcaster's to close."""

    def _attend(self, talk: _Talk) -> Outcome:
        answer: bool | Exception | None = None
        while True:
            try:
                step = talk.send(answer)
            except StopIteration as done:
                outcome: Outcome = done.value
                return outcome
            try:
                answer = self._answer(step)
            except Exception as error:  # noqa: BLE001 - the outcome of the message
                answer = error

    def _answer(self, step: Missed[Any] | Channel) -> bool | None:
        if isinstance(step, Channel):
            return self._is_there(step)
        _refuse_awaitable(self._fallback.call(step), f"the fallback {self._fallback.name!r}")
        return None

    def _is_there(self, channel: Channel) -> bool:
        if self._online is not None:
            answer = self._online(channel)
            _refuse_awaitable(answer, "online")
            return as_bool(answer)
        try:
            return any(self._is_heard_by(driver, channel) for driver in self._asked)
        except BroadcastError as error:
            unanswered(error)

    def _is_heard_by(self, driver: Driver, channel: Channel) -> bool:
        try:
            return is_somebody(driver.channel_info(channel.name))
        except ConfigurationError:
            if not has_users(channel):
                raise
            return bool(driver.users_info(channel.name))


class AsyncOfflineDriver(_OfflineBase[AsyncDriver], AsyncUnasked):
    """The awaited twin of OfflineDriver: an async function is awaited, another one runs in a worker thread."""

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See OfflineDriver.send."""
        return [await self._attend(self._talk(message)) for message in messages]

    async def aclose(self) -> None:
        """See OfflineDriver.close."""

    async def _attend(self, talk: _Talk) -> Outcome:
        answer: bool | Exception | None = None
        while True:
            try:
                step = talk.send(answer)
            except StopIteration as done:
                outcome: Outcome = done.value
                return outcome
            try:
                answer = await self._answer(step)
            except Exception as error:  # noqa: BLE001 - the outcome of the message
                answer = error

    async def _answer(self, step: Missed[Any] | Channel) -> bool | None:
        if isinstance(step, Channel):
            return await self._is_there(step)
        await _called(self._fallback.call, step, is_async=self._fallback.is_async)
        return None

    async def _is_there(self, channel: Channel) -> bool:
        if self._online is not None:
            return as_bool(await _called(self._online, channel, is_async=is_async(self._online)))
        try:
            for driver in self._asked:
                if await self._is_heard_by(driver, channel):
                    return True
        except BroadcastError as error:
            unanswered(error)
        return False

    async def _is_heard_by(self, driver: AsyncDriver, channel: Channel) -> bool:
        try:
            return is_somebody(await driver.channel_info(channel.name))
        except ConfigurationError:
            if not has_users(channel):
                raise
            return bool(await driver.users_info(channel.name))


async def _called(call: Any, argument: object, *, is_async: bool) -> Any:
    return await call(argument) if is_async else await in_worker_thread(call, argument)


def _refuse_awaitable(answer: object, what: str) -> None:
    if isawaitable(answer):
        if iscoroutine(answer):
            answer.close()
        raise ConfigurationError(f"{what} is async: use AsyncBroadcaster, or write it with def")
