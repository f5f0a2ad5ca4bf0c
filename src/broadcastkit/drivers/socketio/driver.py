"""The Socket.IO driver, blocking and awaited: two shells over one core."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from typing import Any, NamedTuple, NoReturn, Self

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.core.message import Message
from broadcastkit.core.names import check_channel_name
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.asked import answer
from broadcastkit.drivers.base import ChannelInfo, Outcome
from broadcastkit.drivers.checks import check_retry, check_seconds
from broadcastkit.drivers.exchange import Sources
from broadcastkit.drivers.playing import aplay, play
from broadcastkit.drivers.redis_io.clients import clients_of_url
from broadcastkit.drivers.redis_io.transport import async_transport, is_cluster, sync_transport
from broadcastkit.drivers.socketio.carriers import (
    AsyncManagerCarrier,
    AsyncRedisCarrier,
    ManagerCarrier,
    RedisCarrier,
    Render,
    is_shared,
    watch,
)
from broadcastkit.drivers.socketio.emission import check_carried
from broadcastkit.drivers.socketio.endpoint import address, check_namespace, settings_from_url, shown
from broadcastkit.drivers.socketio.plan import Sending
from broadcastkit.drivers.socketio.rooms import Rooms
from broadcastkit.drivers.unasked import AsyncUnasked, Unasked
from broadcastkit.errors import ConfigurationError

__all__ = ["AsyncSocketIODriver", "SocketIODriver"]

_SOURCES = Sources(time.monotonic, random.random)
# messages in a round trip that callers share: many more, and the first would wait for the last
_BATCH = 100
_ONE_WAY = "give one of url, client, manager and server"


class _Way(NamedTuple):
    """How to publish: by a client for the URL, or by the one given."""

    url: str | None
    client: Any
    channel: str
    timeout: float


class _SocketIOBase(ABC):
    """What both colours share: settings, answers, and the core that decides."""

    blocking: bool = True
    needs_socket_id: bool = False
    server_address: tuple[str, int] | None = None
    """Host and port, for those who watch, where they are known."""
    batch_limit: int = 1
    """Channels that callers may share a round trip for; a manager emits to them one after the other."""
    tells_subscribers: bool = False
    """Whether it can be asked who listens: where all clients are those of a server in this process."""
    _asynchronous: bool
    _rooms: Rooms | None = None

    def __init__(
        self,
        *,
        url: str | None = None,
        client: Any = None,
        manager: Any = None,
        server: Any = None,
        channel: str | None = None,
        namespace: str = "/",
        timeout: float = 10.0,
        retry: Retry | None = None,
    ) -> None:
        if sum(way is not None for way in (url, client, manager, server)) != 1:
            raise ConfigurationError(f"{type(self).__name__} sends in one way: {_ONE_WAY}")
        namespace = check_namespace(namespace)
        if url is None and client is None:
            if channel is not None or retry is not None:
                raise ConfigurationError("goes with url and client: a manager has its own", setting="channel or retry")
            self._over_manager(manager, server, namespace)
        else:
            url = None if url is None else settings_from_url(url)["url"]
            way = _Way(url, client, _channel(channel), check_seconds("timeout", timeout))
            self._over_redis(way, namespace, check_retry(retry))

    def _over_redis(self, way: _Way, namespace: str, retry: Retry) -> None:
        client = way.client
        if client is not None:
            if is_cluster(client):
                raise ConfigurationError("must be of one server: python-socketio knows no cluster", setting="client")
            if not callable(getattr(client, "execute_command", None)):
                raise ConfigurationError("must be a client of redis-py or valkey", setting="client")
            self._check_colour(client, "client", asynchronous=hasattr(client, "aclose"))
        self.batch_limit = _BATCH
        # here, so that what is not installed is known before the first message
        from broadcastkit.drivers.socketio.managers import texts

        where = f"the {type(client).__name__} client given" if way.url is None else shown(way.url)
        self._where = f"{where}, channel {way.channel!r}"
        self.server_address = None if way.url is None else address(way.url)
        self._core = Sending(where=where, requests=1, retry=retry, sources=_SOURCES)
        self._publish(way, lambda emissions: texts(emissions, namespace))

    def _over_manager(self, manager: Any, server: Any, namespace: str) -> None:
        setting, given = ("server", server) if manager is None else ("manager", manager)
        if manager is None:
            manager = getattr(server, "manager", None)
        if not callable(getattr(manager, "emit", None)):
            raise ConfigurationError(f"is no {setting} of python-socketio's", setting=setting)
        self._check_colour(manager, setting, asynchronous=iscoroutinefunction(manager.emit))
        watch(manager, asynchronous=self._asynchronous)
        self.blocking: bool = is_shared(manager)
        self.tells_subscribers: bool = not self.blocking and server is not None
        self._rooms = Rooms(manager, namespace) if self.tells_subscribers else None
        self._where = f"the {type(given).__name__} given"
        requests = int(self.blocking)
        # no second attempt: the clients of this process have heard the first
        self._core = Sending(where=self._where, requests=requests, retry=Retry(attempts=1), sources=_SOURCES)
        self._emit(manager, namespace)

    def _check_colour(self, given: Any, setting: str, *, asynchronous: bool) -> None:
        if asynchronous != self._asynchronous:
            other = SocketIODriver if self._asynchronous else AsyncSocketIODriver
            wanted = "an awaited" if self._asynchronous else "a blocking"
            raise ConfigurationError(
                f"must be {wanted} one; {other.__name__} takes this {type(given).__name__}", setting=setting
            )

    def _clients(self, way: _Way) -> Callable[[], Any]:
        if way.url is None:
            return lambda: way.client
        extra, purpose = "socketio", "the socketio driver"
        return clients_of_url(way.url, timeout=way.timeout, extra=extra, purpose=purpose, awaited=self._asynchronous)

    @abstractmethod
    def _publish(self, way: _Way, render: Render) -> None:
        """Publish over this color's client."""

    @abstractmethod
    def _emit(self, manager: Any, namespace: str) -> None:
        """Emit over this color's manager."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """Make a driver from `socketio+redis://user:password@host:port/db`, or `socketio+rediss://` with TLS.

        Also `socketio+unix:///path`. The query takes `channel` and `namespace`. Keyword arguments are the
        constructor's, and win.

        Raises:
            ConfigurationError: a part is wrong; the URL itself is never shown.
        """
        return cls(**{**settings_from_url(url), **options})

    def __repr__(self) -> str:
        """Show by what it sends; neither user nor password."""
        return f"{type(self).__name__}({self._where})"

    def channel_asked_for(self, channel_name: str) -> str:
        """Return the name as it is: a room has the full name of its channel."""
        return channel_name

    def answer_subscription(self, grant: SubscriptionGrant) -> SubscriptionAuth:
        """Return the answer for a Socket.IO server that asks in its client's name: `true`, or the presence member.

        Nothing is signed: it means nothing if a client shows it.

        Raises:
            ConfigurationError: an encrypted channel.
        """
        check_carried(grant.channel_name)
        return answer(grant)

    def answer_user(self, grant: UserGrant) -> UserAuth:
        """Raise ConfigurationError: who a client is, its server finds out when it connects."""
        del grant
        raise ConfigurationError(f"{type(self).__name__} cannot sign users in: do so when their clients connect")

    def _channel_info(self, channel_name: str, info: Sequence[str]) -> ChannelInfo:
        check_channel_name(channel_name)
        return self._nobody() if self._rooms is None else self._rooms.info(channel_name, info)

    def _nobody(self) -> NoReturn:
        # a server knows its own clients, and not those of the others
        raise ConfigurationError(f"{type(self).__name__} cannot tell who listens, nor disconnect: ask your servers")


def _channel(channel: str | None) -> str:
    if channel is None:
        return "socketio"  # python-socketio's
    given: object = channel
    if not isinstance(given, str) or not given:
        raise ConfigurationError("must be the name of a Redis channel, such as 'socketio'", setting="channel")
    return given


class SocketIODriver(_SocketIOBase, Unasked):
    """Emits to the rooms of python-socketio's servers, from their process or from any other.

    A channel is the room of its full name, an event is emitted with its payload as the one argument, and the excluded
    socket is `skip_sid`. A client in several of a message's rooms hears it once, and is not told for which.

    One of: `url` of the Redis that the servers' `RedisManager` listens to, or `client`, of redis-py or valkey, for it;
    `manager`, any of python-socketio's (write-only, or a server's); `server`, one in this process. Over `url` and
    `client`, several messages are one round trip on `channel` (`socketio`, as python-socketio has it), what fails is
    tried again as `retry` says, and `send` returns when Redis has taken the messages: that a server listens is not
    promised. `timeout` is in seconds, for connecting and for each answer. A manager for Redis that gives up is an
    error too; what another one logs and keeps to itself cannot be seen. What is given is not closed.

    Raises:
        ConfigurationError: a setting is wrong; it is named.
        MissingDependencyError: python-socketio or redis-py is not installed.
    """

    _asynchronous = False

    def _publish(self, way: _Way, render: Render) -> None:
        timeout = None if way.url is None else way.timeout
        transport = sync_transport(self._clients(way), client=way.client, cluster=False, timeout=timeout)
        self._carrier: RedisCarrier | ManagerCarrier = RedisCarrier(transport, render, way.channel)

    def _emit(self, manager: Any, namespace: str) -> None:
        self._carrier = ManagerCarrier(manager, namespace)

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Emit messages; over Redis, all in one round trip."""
        return play(self._core.send(messages), self._carrier.run)

    def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """Return whether clients are in the channel's room, and how many; ConfigurationError but for a `server`'s own.

        A server with a manager that others share knows some of the clients only, and is not asked.
        """
        return self._channel_info(channel_name, info)

    def close(self) -> None:
        """Close kept connections; the driver stays usable."""
        self._carrier.close()


class AsyncSocketIODriver(_SocketIOBase, AsyncUnasked):
    """The awaited twin of SocketIODriver: same arguments, same promises, over python-socketio's async classes.

    Needs asyncio. Over `url` it may be used from several event loops; each has connections of its own. A `server` in
    this process is used on its own event loop only.
    """

    _asynchronous = True

    def _publish(self, way: _Way, render: Render) -> None:
        timeout = None if way.url is None else way.timeout
        transport = async_transport(self._clients(way), client=way.client, cluster=False, timeout=timeout)
        self._carrier: AsyncRedisCarrier | AsyncManagerCarrier = AsyncRedisCarrier(transport, render, way.channel)

    def _emit(self, manager: Any, namespace: str) -> None:
        self._carrier = AsyncManagerCarrier(manager, namespace)

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See SocketIODriver.send."""
        return await aplay(self._core.send(messages), self._carrier.run)

    async def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        """See SocketIODriver.channel_info."""
        return self._channel_info(channel_name, info)

    async def aclose(self) -> None:
        """Close the connections kept for this event loop; the driver stays usable."""
        await self._carrier.aclose()
