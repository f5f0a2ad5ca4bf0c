"""Remembers in a Redis, for all processes that ask it; both colors over the transport of the Redis driver."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, MutableMapping, Sequence
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from broadcastkit.core.repeats import Claim
from broadcastkit.delivery.repeats.memory import MemoryRepeats
from broadcastkit.drivers.checks import check_seconds, check_text
from broadcastkit.drivers.redis.endpoint import Endpoint, settings_from_url
from broadcastkit.drivers.redis_io.server import Server
from broadcastkit.drivers.redis_io.transport import (
    async_connections,
    async_transport,
    is_cluster,
    sync_connections,
    sync_transport,
)
from broadcastkit.drivers.redis_io.wire import Command, Reply
from broadcastkit.errors import ConfigurationError, MissingDependencyError

__all__ = ["AsyncRedisRepeats", "RedisRepeats"]

_log = logging.getLogger("broadcastkit")

_PAUSE = 5.0
# Of an event loop: redis-py would open one for each task that asks.
_CONNECTIONS = 8
_NO_SETTINGS: dict[str, Any] = {
    "host": "127.0.0.1",
    "port": 6379,
    "username": None,
    "password": None,
    "db": 0,
    "tls": False,
    "path": None,
    "cluster": (),
    "sentinels": (),
    "service": "mymaster",
}

# The value of a key is its holder (32 characters), and the state that it was claimed in.
_CLAIM = """\
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 33) == ARGV[2] and ARGV[4] == '0' then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3])
return 1
"""
_HOLDS = """\
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, 32) ~= ARGV[1] then return 0 end
return 1
"""
_RELEASE = """\
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, 32) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


class _RedisRepeats(ABC):
    """What both colors share: commands, answers, and what is done without an answer."""

    blocking: bool = True
    shared: bool = True

    def __init__(
        self,
        url: str | None = None,
        *,
        client: Any = None,
        key_prefix: str = "broadcastkit:repeats:",
        timeout: float = 1.0,
        verify: bool | str = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        if (url is None) == (client is None):
            raise ConfigurationError("takes the URL of a Redis such as 'redis://host/0', or a client", setting="url")
        check_seconds("timeout", timeout)
        self._prefix = check_text("key_prefix", key_prefix)
        self.now: Callable[[], float] = now
        self._alone = MemoryRepeats(now=now)
        self._alone_until = -math.inf
        endpoint = None if url is None else _endpoint(check_text("url", url))
        if endpoint is not None and not endpoint.sentinels:
            self._connect(endpoint.one(timeout, verify=verify))
        else:
            make = None if endpoint is None else _maker(endpoint, timeout, verify=verify, client=self._client)
            self._ask(make, client, timeout)
        if client is not None and is_cluster(client):
            raise _no_cluster("client")

    @abstractmethod
    def _client(self, options: Any) -> Any:
        """Make a client of this color."""

    @abstractmethod
    def _connect(self, server: Server) -> None:
        """Make the transport of this color: connections of our own to one server."""

    @abstractmethod
    def _ask(self, make: Callable[[], Any] | None, client: Any, timeout: float) -> None:
        """Make the transport of this color: over clients, which know sentinels."""

    def _claims(self, claims: Sequence[Claim]) -> list[Command]:
        return [
            self._script(_CLAIM, claim, claim.state, max(1, round(claim.seconds * 1000)), int(claim.wins))
            for claim in claims
        ]

    def _script(self, script: str, claim: Claim, *arguments: str | int) -> Command:
        return "EVAL", script, 1, self._prefix + claim.key, claim.holder, *arguments

    def _by_itself(self) -> bool:
        """Whether this process decides alone for now."""
        return self.now() < self._alone_until

    def _answers(self, replies: Sequence[Reply]) -> list[bool] | None:
        """Return what Redis says, or None if it does not."""
        errors = [reply for reply in replies if isinstance(reply, Exception)]
        if not errors:
            self._alone_until = -math.inf
            return [reply == 1 for reply in replies]
        if self._alone_until == -math.inf:
            kind = type(errors[0]).__name__  # the text may quote the URL, and with it a password
            words = "Redis does not tell about repeats (%s): until it does, each process decides alone"
            _log.warning(words, kind, extra={"broadcast_error": kind})
        self._alone_until = self.now() + _PAUSE
        return None


class RedisRepeats(_RedisRepeats):
    """Remembers events in a Redis, together with all processes that use it: `RedisRepeats("redis://host/0")`.

    Of a debounced event, the process that was last sends it; with `max_wait`, each process counts for itself. Keys
    begin with `key_prefix`, are digests of what they stand for, and expire. While Redis does not answer within
    `timeout` seconds, each process decides by itself, as MemoryRepeats does: a warning says so once, and Redis is asked
    again every 5 seconds. `client` may be a client of redis-py or valkey, used as it is and not closed. Sentinels will
    do (`redis+sentinel://`), a cluster will not.

    Raises:
        ConfigurationError: a setting is wrong; it is named.
        MissingDependencyError: sentinels, for which redis-py is needed, and it is not installed.
    """

    def _client(self, options: Any) -> Any:
        from broadcastkit.drivers.redis.clients import sync_client

        return sync_client(options)

    def _connect(self, server: Server) -> None:
        self._transport = sync_connections(server)

    def _ask(self, make: Callable[[], Any] | None, client: Any, timeout: float) -> None:
        self._transport = sync_transport(make or _nothing, client=client, cluster=False, timeout=timeout)

    def claim(self, claims: Sequence[Claim]) -> Sequence[bool]:
        """See RepeatStore.claim."""
        answers = None if self._by_itself() else self._answers(self._transport.run(self._claims(claims)))
        return self._alone.claim(claims) if answers is None else answers

    def holds(self, claims: Sequence[Claim]) -> Sequence[bool]:
        """See RepeatStore.holds."""
        if self._by_itself():
            return self._alone.holds(claims)
        answers = self._answers(self._transport.run([self._script(_HOLDS, claim) for claim in claims]))
        return self._alone.holds(claims) if answers is None else answers

    def release(self, claims: Sequence[Claim]) -> None:
        """See RepeatStore.release."""
        self._alone.release(claims)
        if not self._by_itself():
            self._answers(self._transport.run([self._script(_RELEASE, claim) for claim in claims]))

    def close(self) -> None:
        """Close connections; a later broadcast opens new ones."""
        self._transport.close()


class AsyncRedisRepeats(_RedisRepeats):
    """The awaited twin of RedisRepeats, for an AsyncBroadcaster; `client` is one of `redis.asyncio`. Needs asyncio."""

    blocking: bool = False

    def _client(self, options: Any) -> Any:
        from broadcastkit.drivers.redis.clients import async_client

        return async_client(options)

    def _connect(self, server: Server) -> None:
        self._transport = async_connections(server)

    def _ask(self, make: Callable[[], Any] | None, client: Any, timeout: float) -> None:
        self._transport = async_transport(make or _nothing, client=client, cluster=False, timeout=timeout)

    @cached_property
    def _limits(self) -> MutableMapping[asyncio.AbstractEventLoop, asyncio.Semaphore]:
        return WeakKeyDictionary()

    async def _run(self, commands: Sequence[Command]) -> Sequence[Reply]:
        limit = self._limits.get(asyncio.get_running_loop())
        if limit is None:
            limit = self._limits[asyncio.get_running_loop()] = asyncio.Semaphore(_CONNECTIONS)
        async with limit:
            return await self._transport.run(commands)

    async def claim(self, claims: Sequence[Claim]) -> Sequence[bool]:
        """See RepeatStore.claim."""
        answers = None if self._by_itself() else self._answers(await self._run(self._claims(claims)))
        return self._alone.claim(claims) if answers is None else answers

    async def holds(self, claims: Sequence[Claim]) -> Sequence[bool]:
        """See RepeatStore.holds."""
        if self._by_itself():
            return self._alone.holds(claims)
        answers = self._answers(await self._run([self._script(_HOLDS, claim) for claim in claims]))
        return self._alone.holds(claims) if answers is None else answers

    async def release(self, claims: Sequence[Claim]) -> None:
        """See RepeatStore.release."""
        self._alone.release(claims)
        if not self._by_itself():
            self._answers(await self._run([self._script(_RELEASE, claim) for claim in claims]))

    async def aclose(self) -> None:
        """Close this event loop's connections; a later broadcast opens new ones."""
        await self._transport.aclose()


def _endpoint(url: str) -> Endpoint:
    settings = settings_from_url(url)
    if "cluster" in settings:
        raise _no_cluster("url")
    if "prefix" in settings:
        raise ConfigurationError("takes no prefix: there is key_prefix=", setting="url")
    return Endpoint.make(**_NO_SETTINGS | settings)


def _maker(
    endpoint: Endpoint, timeout: float, *, verify: bool | str, client: Callable[[Any], Any]
) -> Callable[[], Any]:
    """Return what makes a client; redis-py is imported now, so that it is missed when it is configured."""
    try:
        from broadcastkit.drivers.redis.clients import ClientOptions
    except MissingDependencyError:
        raise MissingDependencyError("redis", "redis", "a store of repeats behind sentinels") from None
    options = ClientOptions(endpoint, timeout, verify)
    return lambda: client(options)


def _nothing() -> None:
    """Stand in for what makes a client where one is given."""


def _no_cluster(setting: str) -> ConfigurationError:
    return ConfigurationError("must be one Redis, or sentinels: not a cluster", setting=setting)
