"""What workers of every queue send over, in processes of their own: what the test says in a Redis beside the queue's.

They note there which events were sent, which failed for good, and how often one failed at all.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from functools import cache
from typing import Any

from redis import Redis

from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import AsyncDriver, Driver, Outcome, Sent
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver
from broadcastkit.drivers.wrapped import AsyncWrapped, Wrapped
from tests.faults.deliveries import RETRY, numbered

__all__ = ["FAILED", "SENT", "SERVICE", "TOLD", "options"]

SERVICE, SENT, FAILED, TOLD = "service", "sent", "failed", "told"
"""The keys of what the test says, and of what workers note; each below `NOTES_PREFIX`."""
NOBODY = ".invalid"


@cache
def notes() -> Redis:
    return Redis.from_url(os.environ["NOTES_REDIS"])


def key(name: str) -> str:
    return f"{os.environ['NOTES_PREFIX']}{name}"


def note(messages: Sequence[Message], outcomes: Sequence[Outcome]) -> None:
    for message, outcome in zip(messages, outcomes, strict=True):
        if isinstance(outcome, Sent):
            notes().sadd(key(SENT), numbered(message))
        else:
            notes().incr(key(FAILED))


class Noted(Wrapped):
    """Notes what came of each message."""

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        outcomes = self._driver.send(messages)
        note(messages, outcomes)
        return outcomes


class AsyncNoted(AsyncWrapped):
    """The awaited twin of Noted."""

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        outcomes = await self._driver.send(messages)
        note(messages, outcomes)
        return outcomes


def on_failed(connection: str, message: Message, error: Exception) -> None:
    notes().rpush(key(TOLD), json.dumps([numbered(message), type(error).__name__]))


@cache
def blocking(service: bytes) -> Broadcaster:
    said = json.loads(service)
    url, given = said.pop("url", None), {"retry": RETRY, **said}
    driver: Driver = RedisDriver(**given) if url is None else PusherDriver.from_url(url, **given)
    return Broadcaster({"pusher": Noted(driver)})


@cache
def asynchronous(service: bytes) -> AsyncBroadcaster:
    said = json.loads(service)
    url, given = said.pop("url", None), {"retry": RETRY, **said}
    driver: AsyncDriver = AsyncRedisDriver(**given) if url is None else AsyncPusherDriver.from_url(url, **given)
    return AsyncBroadcaster({"pusher": AsyncNoted(driver)})


def service() -> bytes:
    said: Any = notes().get(key(SERVICE))
    assert isinstance(said, bytes), "no test has said where events go"
    return said


def options(*, awaited: bool = False) -> dict[str, Any]:
    """Return what a delivery is given."""
    make: Any = asynchronous if awaited else blocking
    return {"broadcaster": lambda: make(service()), "on_failed": on_failed}


def remember_who_is_unknown() -> None:
    """Ask the resolver once for a name that there can never be: some take seconds for it."""
    ask = socket.getaddrinfo
    unknown: dict[object, OSError] = {}

    def asked(host: Any, *rest: Any, **options: Any) -> Any:
        if host in unknown:
            raise unknown[host]
        try:
            return ask(host, *rest, **options)
        except OSError as error:
            if isinstance(host, str) and host.endswith(NOBODY):
                unknown[host] = error
            raise

    socket.getaddrinfo = asked


if "QUEUE_OPTIONS" in os.environ:
    remember_who_is_unknown()
