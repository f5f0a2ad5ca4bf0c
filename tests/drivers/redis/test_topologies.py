"""Clusters, sentinels, and clients that are passed in: redis-py's and valkey's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
import valkey
import valkey.asyncio

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Sent
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver
from broadcastkit.errors import BadRequestError, ConfigurationError, ConnectError
from tests.drivers.redis.subscriber import Subscriber
from tests.interop.redis_servers import RedisServer, redis_cluster, redis_sentinel, redis_server, wait_until
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.drivers.redis.colours import AsyncColour, SyncColour

pytestmark = pytest.mark.real

MESSAGES = (
    Message("a", ("x",), "{}"),
    Message("b", ("x", "y"), "{}"),
    Message("c", ("x",), "{}"),
    Message("fence", ("fence",), "{}"),
)
HEARD = [("a", "x"), ("b", "x"), ("b", "y"), ("c", "x")]
ONCE = Retry(attempts=1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[RedisServer]]:
    """Three masters."""
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


def test_every_node_of_a_cluster_hears_every_message(
    colour: SyncColour | AsyncColour, cluster: Sequence[RedisServer], prefix: str
) -> None:
    url = f"redis+cluster://127.0.0.1:1,127.0.0.1:{cluster[0].port}"  # the first one is not there
    listeners = [Subscriber(node.client(), prefix) for node in cluster]

    assert colour.send(colour.driver(url, prefix=prefix), *MESSAGES) == [Sent(1), Sent(2), Sent(1), Sent(1)]

    for listener in listeners:
        with listener:
            assert listener.events_until("fence") == HEARD


def test_one_node_of_a_cluster_is_enough(
    colour: SyncColour | AsyncColour, cluster: Sequence[RedisServer], prefix: str
) -> None:
    """Without `cluster`: what one node takes, all of them tell."""
    with Subscriber(cluster[2].client(), prefix) as listener:
        assert colour.send(colour.driver(cluster[0].url, prefix=prefix), *MESSAGES) == [Sent(1)] * 4
        assert listener.events_until("fence") == HEARD


def test_a_clusters_client_may_be_given(
    colour: SyncColour | AsyncColour, cluster: Sequence[RedisServer], prefix: str
) -> None:
    client = colour.cluster(host="127.0.0.1", port=cluster[0].port)
    driver = colour.driver(prefix=prefix, client=client)

    with Subscriber(cluster[1].client(), prefix) as listener:
        assert colour.send(driver, *MESSAGES) == [Sent(1), Sent(2), Sent(1), Sent(1)]
        assert listener.events_until("fence") == HEARD
    colour.run(getattr(client, "aclose", client.close)())


@pytest.mark.parametrize("package", [valkey, valkey.asyncio], ids=["sync", "async"])
def test_so_may_valkeys(package: Any, cluster: Sequence[RedisServer], prefix: str) -> None:
    with Subscriber(cluster[1].client(), prefix) as listener:
        if package is valkey:
            with valkey.ValkeyCluster(host="127.0.0.1", port=cluster[0].port) as client:
                assert RedisDriver(prefix=prefix, client=client).send(MESSAGES)[1] == Sent(2)
        else:
            asyncio.run(publish_with_valkey(cluster[0], prefix))
        assert listener.events_until("fence") == HEARD


async def publish_with_valkey(node: RedisServer, prefix: str) -> None:
    async with valkey.asyncio.ValkeyCluster(host="127.0.0.1", port=node.port) as client:
        outcomes = await AsyncRedisDriver(prefix=prefix, client=client).send(MESSAGES)
        assert outcomes[1] == Sent(2)


def test_a_node_that_goes_away_is_replaced(colour: SyncColour | AsyncColour, tmp_path: Path, prefix: str) -> None:
    with redis_cluster(tmp_path) as nodes:
        driver = colour.driver(f"redis+cluster://127.0.0.1:{nodes[0].port}", prefix=prefix)
        assert colour.send(driver, *MESSAGES)[0] == Sent(1)
        stays = next(node for node in nodes if not publishes(node))
        with Subscriber(stays.client(), prefix) as listener:
            next(node for node in nodes if publishes(node)).client().shutdown(nosave=True)

            assert colour.send(driver, *MESSAGES) == [Sent(1), Sent(2), Sent(1), Sent(1)]
            # over more than one node, meanwhile: they all arrive, and may overtake each other
            heard = [listener.next() for _ in range(5)]
            assert sorted((one.event, one.channel) for one in heard) == sorted([*HEARD, ("fence", "fence")])


def publishes(node: RedisServer) -> bool:
    """Whether messages went in here."""
    with node.client() as client:
        return "cmdstat_publish" in client.info("commandstats")


def test_a_cluster_that_is_not_there(colour: SyncColour | AsyncColour) -> None:
    driver = colour.driver(f"redis+cluster://127.0.0.1:{free_port()}", retry=ONCE)

    for outcome in colour.send(driver, *MESSAGES):
        assert isinstance(outcome, ConnectError)


def test_a_sentinel_says_which_server_it_is(colour: SyncColour | AsyncColour, tmp_path: Path, prefix: str) -> None:
    with redis_server(tmp_path) as master, redis_sentinel(tmp_path, master, "orders") as sentinel:
        url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel.port}/orders"
        with Subscriber(master.client(), prefix) as listener:
            assert colour.send(colour.driver(url, prefix=prefix), *MESSAGES) == [Sent(1)] * 4
            assert listener.events_until("fence") == HEARD

        (outcome,) = colour.send(colour.driver(url, service="unknown", retry=ONCE), MESSAGES[0])
        assert isinstance(outcome, ConnectError)
        assert "No master found for 'unknown'" in str(outcome)


CLIENTS = {
    "redis": redis.Redis,
    "decoding": lambda **o: redis.Redis(decode_responses=True, **o),
    "valkey": valkey.Valkey,
}
AWAITED = {
    "redis": redis.asyncio.Redis,
    "decoding": lambda **o: redis.asyncio.Redis(decode_responses=True, **o),
    "valkey": valkey.asyncio.Valkey,
}


@pytest.mark.parametrize("make", CLIENTS.values(), ids=CLIENTS)
def test_a_client_may_be_given_and_is_not_closed(
    make: Callable[..., Any], redis_shared: RedisServer, prefix: str
) -> None:
    client = make(host=redis_shared.host, port=redis_shared.port)
    driver = RedisDriver(client=client, prefix=prefix)

    with Subscriber(redis_shared.client(), prefix) as listener:
        assert driver.send(MESSAGES) == [Sent(1)] * 4
        assert listener.events_until("fence") == HEARD
    driver.close()
    assert len(client.connection_pool._available_connections) == 1
    assert client.connection_pool._available_connections[0]._sock is not None
    assert repr(driver) == f"RedisDriver(the {type(client).__name__} client given with prefix {prefix!r})"
    client.close()


@pytest.mark.parametrize("make", AWAITED.values(), ids=AWAITED)
async def test_so_may_an_awaited_one(make: Callable[..., Any], redis_shared: RedisServer, prefix: str) -> None:
    client = make(host=redis_shared.host, port=redis_shared.port)
    driver = AsyncRedisDriver(client=client, prefix=prefix)

    with Subscriber(redis_shared.client(), prefix) as listener:
        assert await driver.send(MESSAGES) == [Sent(1)] * 4
        assert listener.events_until("fence") == HEARD
    await driver.aclose()
    assert client.connection_pool._available_connections[0].is_connected
    await client.aclose()


def test_errors_of_valkey_are_ours(redis_shared: RedisServer) -> None:
    with valkey.Valkey(port=redis_shared.port, db=99) as client:
        (outcome,) = RedisDriver(client=client).send(MESSAGES[:1])
    assert isinstance(outcome, BadRequestError)


async def test_those_of_its_awaited_client_too(redis_shared: RedisServer) -> None:
    async with valkey.asyncio.Valkey(port=redis_shared.port, db=99) as awaited:
        (outcome,) = await AsyncRedisDriver(client=awaited).send(MESSAGES[:1])
    assert isinstance(outcome, BadRequestError)
    assert str(outcome).startswith("event 'a' was not published by the Valkey client given: ResponseError DB index is")


def test_a_client_of_the_other_colour_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="client must be a blocking client; AsyncRedisDriver takes this one"):
        RedisDriver(client=redis.asyncio.Redis())
    with pytest.raises(ConfigurationError, match=r"client must be a client of redis\.asyncio; RedisDriver takes this"):
        AsyncRedisDriver(client=redis.Redis())
    with pytest.raises(ConfigurationError, match="client must be a blocking client"):
        RedisDriver(client=valkey.asyncio.Valkey())


def test_the_shared_server_is_left_without_connections_of_ours(redis_shared: RedisServer) -> None:
    with redis_shared.client() as admin, RedisDriverScope(redis_shared.url) as driver:
        before = admin.info("clients")["connected_clients"]
        driver.send(MESSAGES)
        assert admin.info("clients")["connected_clients"] == before + 1
        driver.close()
        wait_until(lambda: admin.info("clients")["connected_clients"] == before, "the connection is closed")


class RedisDriverScope:
    """A driver that is closed with its block."""

    def __init__(self, url: str) -> None:
        self._driver = RedisDriver.from_url(url)

    def __enter__(self) -> RedisDriver:
        return self._driver

    def __exit__(self, *_: object) -> None:
        self._driver.close()
