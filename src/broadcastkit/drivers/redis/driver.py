"""The Redis driver, blocking and awaited: two shells over one core."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Self

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.asked import answer
from broadcastkit.drivers.base import ClientOptions, Outcome
from broadcastkit.drivers.checks import check_retry, check_seconds, check_text, check_verify
from broadcastkit.drivers.client_options import socket_io_options
from broadcastkit.drivers.exchange import Sources
from broadcastkit.drivers.playing import aplay, play
from broadcastkit.drivers.redis.endpoint import Endpoint, settings_from_url
from broadcastkit.drivers.redis.payload import check_carried, without_prefix
from broadcastkit.drivers.redis.plan import Publisher
from broadcastkit.drivers.redis_io.server import Server
from broadcastkit.drivers.redis_io.transport import (
    async_connections,
    async_transport,
    is_cluster,
    sync_connections,
    sync_transport,
)
from broadcastkit.drivers.unasked import AsyncUnasked, Unasked
from broadcastkit.errors import ConfigurationError

__all__ = ["AsyncRedisDriver", "RedisDriver"]

_SOURCES = Sources(time.monotonic, random.random)
# channels in a round trip that callers share: many more, and the first would wait for the last
_BATCH = 100


class _RedisBase(ABC):
    """What both colours share: settings, answers, and the core that decides."""

    blocking: bool = True
    needs_socket_id: bool = False

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 6379,
        username: str | None = None,
        password: str | None = None,
        db: int = 0,
        tls: bool = False,
        verify: bool | str = True,
        path: str | None = None,
        cluster: Sequence[str] = (),
        sentinels: Sequence[str] = (),
        service: str = "mymaster",
        prefix: str = "",
        timeout: float = 10.0,
        retry: Retry | None = None,
        client: Any = None,
    ) -> None:
        endpoint = Endpoint.make(
            host=host,
            port=port,
            username=username,
            password=password,
            db=db,
            tls=tls,
            path=path,
            cluster=cluster,
            sentinels=sentinels,
            service=service,
        )
        is_one = client is None and not (path or cluster or sentinels)
        self.server_address: tuple[str, int] | None = endpoint.server if is_one else None
        """Host and port, for those who watch, where it is one server."""
        check_seconds("timeout", timeout)
        check_verify(verify, tls=endpoint.tls)
        self._prefix = check_text("prefix", prefix)
        self._where = str(endpoint) if client is None else f"the {type(client).__name__} client given"
        clustered = bool(cluster) if client is None else is_cluster(client)
        self.batch_limit: int = 1 if clustered else _BATCH
        self._core = Publisher(
            prefix=prefix, where=self._where, cluster=clustered, retry=check_retry(retry), sources=_SOURCES
        )
        if client is None and not (cluster or sentinels):
            self._connect(endpoint.one(timeout, verify=verify))
            return
        # a client that is given has its own, and that of a cluster may ask several nodes
        limit = None if client is not None or clustered else timeout
        make = self._maker(endpoint, timeout, client, verify=verify)
        self._ask(make, client, cluster=clustered, timeout=limit)

    def _maker(self, endpoint: Endpoint, timeout: float, client: Any, *, verify: bool | str) -> Callable[[], Any]:
        """Return what makes a client, without importing redis-py where one is given."""
        if client is not None:
            return lambda: client
        from broadcastkit.drivers.redis.clients import ClientOptions

        options = ClientOptions(endpoint, timeout, verify)
        return lambda: self._client(options)

    @abstractmethod
    def _client(self, options: Any) -> Any:
        """Make a client of this color."""

    @abstractmethod
    def _connect(self, server: Server) -> None:
        """Make the transport of this color: connections of our own to one server."""

    @abstractmethod
    def _ask(self, make: Callable[[], Any], client: Any, *, cluster: bool, timeout: float | None) -> None:
        """Make the transport of this color: over clients, which know clusters and sentinels."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """Make a driver from `redis://user:password@host:port/db`, or `rediss://` with TLS.

        Also `redis+sentinel://…@host:port,host:port/service`, `redis+cluster://…@host:port,host:port` and
        `unix://…@/path`. The query takes `prefix`, `db` and `service`. Keyword arguments are the constructor's, and
        win.

        Raises:
            ConfigurationError: a part is wrong; the URL itself is never shown.
        """
        return cls(**{**settings_from_url(url), **options})

    def __repr__(self) -> str:
        """Show where it publishes to; neither user nor password."""
        prefix = f" with prefix {self._prefix!r}" if self._prefix else ""
        return f"{type(self).__name__}({self._where}{prefix})"

    def client_options(self, *, url: str | None = None) -> ClientOptions:
        """Return what a page connects to laravel-echo-server with; `url` is where, if not where the page came from."""
        return socket_io_options(url)

    def channel_asked_for(self, channel_name: str) -> str:
        """Return the channel's own name: clients of a laravel-echo-server without `keyPrefix` ask with the prefix."""
        return without_prefix(channel_name, self._prefix)

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """Return the answer for laravel-echo-server: `true`, or the presence member. Nothing is signed.

        Raises:
            ConfigurationError: an encrypted channel.
        """
        check_carried(grant.channel_name)
        return answer(grant)

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """Raise ConfigurationError: what listens on Redis signs nobody in."""
        del grant
        raise ConfigurationError(f"{type(self).__name__} cannot sign users in: what listens on Redis does not know it")

    def _nobody(self) -> NoReturn:
        # PUBSUB would count the servers that listen, and not one of their clients
        raise ConfigurationError(f"{type(self).__name__} cannot tell who listens: ask the server that listens on Redis")


class RedisDriver(_RedisBase, Unasked):
    """Publishes to Redis as Laravel does, for laravel-echo-server and whatever else listens there.

    `send` returns when Redis has taken the messages: that somebody listens is not promised. Connections that cannot
    be made or break are tried again as `retry` says (by default 3 attempts within 10 seconds), so a message may
    arrive twice where one broke after Redis acted. `prefix` stands before each channel's name, as in Laravel.
    `timeout` is in seconds, for connecting and for a whole round trip; `verify` takes a CA file's path. `cluster` and
    `sentinels` are addresses such as `"10.0.0.1:6379"`. `client` is any client of redis-py or valkey; it is used as
    it is (address, retries and all), and not closed.
    Safe to use from several threads, and after a fork.

    Raises:
        ConfigurationError: a setting is wrong; it is named.
        MissingDependencyError: a cluster or sentinels, for which redis-py is needed, and it is not installed.
    """

    def _client(self, options: Any) -> Any:
        from broadcastkit.drivers.redis.clients import sync_client

        return sync_client(options)

    def _connect(self, server: Server) -> None:
        self._transport = sync_connections(server)

    def _ask(self, make: Callable[[], Any], client: Any, *, cluster: bool, timeout: float | None) -> None:
        self._transport = sync_transport(make, client=client, cluster=cluster, timeout=timeout)

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Publish messages, all in one round trip; on a cluster one after the other."""
        return play(self._core.send(messages), self._transport.run)

    def close(self) -> None:
        """Close kept connections; the driver stays usable."""
        self._transport.close()


class AsyncRedisDriver(_RedisBase, AsyncUnasked):
    """The awaited twin of RedisDriver: same arguments, same promises; `client` is one of `redis.asyncio`.

    Needs asyncio. May be used from several event loops; each has connections of its own.
    """

    def _client(self, options: Any) -> Any:
        from broadcastkit.drivers.redis.clients import async_client

        return async_client(options)

    def _connect(self, server: Server) -> None:
        self._transport = async_connections(server)

    def _ask(self, make: Callable[[], Any], client: Any, *, cluster: bool, timeout: float | None) -> None:
        self._transport = async_transport(make, client=client, cluster=cluster, timeout=timeout)

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See RedisDriver.send."""
        return await aplay(self._core.send(messages), self._transport.run)

    async def aclose(self) -> None:
        """Close the connections kept for this event loop; the driver stays usable."""
        await self._transport.aclose()
