"""Makes redis-py's clients of clusters, and of what sentinels know. A client passed in may be of another package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from broadcastkit.drivers.redis.endpoint import Endpoint
from broadcastkit.drivers.redis_io.clients import PUBLISHING, redis_kit
from broadcastkit.errors import MissingDependencyError

_PURPOSE = "the redis driver with cluster= or sentinels="

try:
    from redis.asyncio.cluster import ClusterNode as AsyncClusterNode
    from redis.asyncio.cluster import RedisCluster as AsyncRedisCluster
    from redis.asyncio.sentinel import Sentinel as AsyncSentinel
    from redis.cluster import ClusterNode, RedisCluster
    from redis.sentinel import Sentinel
except ImportError:
    raise MissingDependencyError("redis", "redis", _PURPOSE) from None

__all__ = ["ClientOptions", "async_client", "sync_client"]


class ClientOptions(NamedTuple):
    """How to connect: seconds for connecting and for each answer, and whom to trust."""

    endpoint: Endpoint
    timeout: float
    verify: bool | str


class _Kinds(NamedTuple):
    """One color's classes."""

    cluster: Callable[..., Any]
    node: Callable[..., Any]
    sentinel: Callable[..., Any]


_SYNC = _Kinds(RedisCluster, ClusterNode, Sentinel)
_ASYNC = _Kinds(AsyncRedisCluster, AsyncClusterNode, AsyncSentinel)


def sync_client(options: ClientOptions) -> Any:
    """Return a blocking client; that of a cluster connects at once."""
    return _client(_SYNC, options, awaited=False)


def async_client(options: ClientOptions) -> Any:
    """Return an awaited client, for the event loop that runs."""
    return _client(_ASYNC, options, awaited=True)


def _client(kinds: _Kinds, options: ClientOptions, *, awaited: bool) -> Any:
    endpoint, kit = options.endpoint, redis_kit("redis", _PURPOSE, awaited=awaited)
    common = {
        "username": endpoint.username,
        "password": endpoint.password,
        # awaited, a whole round trip has one timer, and not each answer: see `transport`
        "socket_timeout": None if awaited and not endpoint.cluster else options.timeout,
        "socket_connect_timeout": options.timeout,
        **PUBLISHING,
        **kit.options,
        **_tls(options),
    }
    if endpoint.cluster:
        nodes = [kinds.node(host, port) for host, port in endpoint.cluster]
        return kinds.cluster(startup_nodes=nodes, require_full_coverage=False, **common)
    # the retry of a cluster follows its nodes as they come and go; for all else `core.retry` decides
    common |= {"db": endpoint.db, "retry": kit.retry}
    # the sentinels have no databases, and passwords of their own if any
    of_sentinels = {**common, "db": 0, "username": None, "password": None}
    sentinel = kinds.sentinel(endpoint.sentinels, sentinel_kwargs=of_sentinels, **common)
    return sentinel.master_for(endpoint.service)


def _tls(options: ClientOptions) -> dict[str, Any]:
    if not options.endpoint.tls:
        return {}
    if isinstance(options.verify, str):
        return {"ssl": True, "ssl_ca_certs": options.verify}
    return {"ssl": True} if options.verify else {"ssl": True, "ssl_cert_reqs": "none", "ssl_check_hostname": False}
