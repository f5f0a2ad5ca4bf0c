"""Makes redis-py's clients. The only module that imports it: a client passed in may be of another package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from broadcastkit.drivers.redis.endpoint import Endpoint
from broadcastkit.errors import MissingDependencyError

try:
    import redis
    import redis.asyncio as aredis
    from redis.asyncio.cluster import ClusterNode as AsyncClusterNode
    from redis.asyncio.cluster import RedisCluster as AsyncRedisCluster
    from redis.asyncio.retry import Retry as AsyncRetry
    from redis.asyncio.sentinel import Sentinel as AsyncSentinel
    from redis.backoff import NoBackoff
    from redis.cluster import ClusterNode, RedisCluster
    from redis.retry import Retry
    from redis.sentinel import Sentinel
except ImportError:
    raise MissingDependencyError("redis", "redis", "the redis driver") from None

__all__ = ["ClientOptions", "async_client", "sync_client"]


class ClientOptions(NamedTuple):
    """How to connect: seconds for connecting and for each answer, and whom to trust."""

    endpoint: Endpoint
    timeout: float
    verify: bool | str


class _Kit(NamedTuple):
    """One colour's classes."""

    plain: Callable[..., Any]
    cluster: Callable[..., Any]
    node: Callable[..., Any]
    sentinel: Callable[..., Any]
    # that of the cluster follows its nodes as they come and go; for all else `core.retry` decides
    retry: Callable[..., Any]


_ABOUT: dict[str, Any] = {}
try:
    from redis.driver_info import DriverInfo
except ImportError:  # an earlier release
    pass
else:
    # left to itself, it reads its own version from the disk for each client: that would block an event loop
    _ABOUT["driver_info"] = DriverInfo("redis-py", redis.__version__)
_SYNC = _Kit(redis.Redis, RedisCluster, ClusterNode, Sentinel, Retry)
_ASYNC = _Kit(aredis.Redis, AsyncRedisCluster, AsyncClusterNode, AsyncSentinel, AsyncRetry)


def sync_client(options: ClientOptions) -> Any:
    """Return a blocking client; that of a cluster connects at once."""
    return _client(_SYNC, options)


def async_client(options: ClientOptions) -> Any:
    """Return an awaited client, for the event loop that runs."""
    return _client(_ASYNC, options)


def _client(kit: _Kit, options: ClientOptions) -> Any:
    endpoint = options.endpoint
    common = {
        "username": endpoint.username,
        "password": endpoint.password,
        # publishing needs nothing of RESP3, and an old server does not know it
        "protocol": 2,
        # awaited, a whole round trip has one timer, and not each answer: see `transport`
        "socket_timeout": None if kit is _ASYNC and not endpoint.cluster else options.timeout,
        "socket_connect_timeout": options.timeout,
        **_ABOUT,
        **_tls(options),
    }
    if endpoint.cluster:
        nodes = [kit.node(host, port) for host, port in endpoint.cluster]
        return kit.cluster(startup_nodes=nodes, require_full_coverage=False, **common)
    common |= {"db": endpoint.db, "retry": kit.retry(NoBackoff(), 0)}
    if endpoint.sentinels:
        # the sentinels have no databases, and passwords of their own if any
        of_sentinels = {**common, "db": 0, "username": None, "password": None}
        sentinel = kit.sentinel(endpoint.sentinels, sentinel_kwargs=of_sentinels, **common)
        return sentinel.master_for(endpoint.service)
    if endpoint.path:
        return kit.plain(unix_socket_path=endpoint.path, **common)
    host, port = endpoint.server
    return kit.plain(host=host, port=port, **common)


def _tls(options: ClientOptions) -> dict[str, Any]:
    if not options.endpoint.tls:
        return {}
    if isinstance(options.verify, str):
        return {"ssl": True, "ssl_ca_certs": options.verify}
    return {"ssl": True} if options.verify else {"ssl": True, "ssl_cert_reqs": "none", "ssl_check_hostname": False}
