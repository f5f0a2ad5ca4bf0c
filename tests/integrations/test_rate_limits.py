"""What counts requests, in both colors, in memory and in a real Redis; and for whom a request counts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import limits.aio.storage
import limits.storage
import pytest
import redis
import valkey.asyncio  # noqa: F401 - limits looks for it, and it reads files, which no event loop should wait for
from anyio.to_thread import run_sync

from broadcastkit import AsyncBroadcaster, Broadcaster, PresenceMember
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.errors import ConfigurationError
from broadcastkit.integrations.endpoints import AsyncEndpoints, Endpoints
from broadcastkit.integrations.rate_limits import (
    AsyncFixedWindow,
    AsyncRateLimit,
    FixedWindow,
    RateLimit,
    client_key,
)
from tests.interop.redis_servers import RedisServer, redis_server, wait_until
from tests.interop.servers import free_port


class Blocking:
    """The blocking color, asked as the awaited one is."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._window = FixedWindow(*args, **options)

    async def hit(self, key: str, cost: int = 1) -> float | None:
        return await run_sync(self._window.hit, key, cost)

    async def aclose(self) -> None:
        self._window.close()


Window = Blocking | AsyncFixedWindow
Make = Callable[..., Window]


@pytest.fixture(params=[Blocking, AsyncFixedWindow], ids=["blocking", "awaited"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    made: list[Window] = []

    def window(*args: Any, **options: Any) -> Window:
        made.append(request.param(*args, **options))
        return made[-1]

    yield window
    for one in made:
        await one.aclose()


async def admitted(window: Window, key: str, times: int, cost: int = 1) -> int:
    return [await window.hit(key, cost) for _ in range(times)].count(None)


async def test_so_many_for_each_and_then_a_time_to_wait(make: Make) -> None:
    window = make("3/hour")

    assert await admitted(window, "user:1", 5) == 3
    assert await admitted(window, "user:2", 5) == 3
    wait = await window.hit("user:1")
    assert wait is not None
    assert 3590 < wait <= 3600


async def test_each_channel_counts_and_so_does_what_was_refused(make: Make) -> None:
    window = make("10 per minute")

    assert await window.hit("a", 6) is None
    assert await window.hit("a", 6) is not None
    assert await window.hit("a", 1) is not None
    assert await window.hit("b", 10) is None


async def test_windows_in_memory_count_for_themselves(make: Make) -> None:
    assert await admitted(make("2/hour"), "a", 3) == 2
    assert await admitted(make("2/hour"), "a", 3) == 2


@pytest.mark.parametrize("rate", ["", "often", "3", "3/fortnight", "0/minute", "-1/minute", "2/second;100/hour"])
async def test_a_rate_that_is_none(make: Make, rate: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^rate must be one rate such as '120/minute', not '"):
        make(rate)


@pytest.mark.parametrize(
    "storage",
    ["", "memory", "ftp://user:hunter2@host/", "redis://:hunter2@host:port", "memcached://:hunter2@host", 7, None],
)
async def test_a_storage_that_cannot_be_used(make: Make, storage: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^storage must be 'memory://', the URL of a Redis") as caught:
        make("3/hour", storage=storage)
    assert "hunter2" not in str(caught.value)


async def test_a_storage_that_was_made() -> None:
    together = limits.storage.MemoryStorage()
    one, other = Blocking("3/hour", storage=together), Blocking("3/hour", storage=together)
    assert [await admitted(one, "a", 2), await admitted(other, "a", 2)] == [2, 1]

    awaited = AsyncFixedWindow("3/hour", storage=limits.aio.storage.MemoryStorage())
    assert await admitted(awaited, "a", 4) == 3
    with pytest.raises(ConfigurationError, match="or a storage of limits, not MemoryStorage"):
        AsyncFixedWindow("3/hour", storage=together)


async def test_while_the_store_fails_everybody_is_admitted(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    now = [1000.0]
    window = make("1/hour", storage=f"redis://:hunter2@127.0.0.1:{free_port()}/0", now=lambda: now[0])

    with caplog.at_level(logging.WARNING, "broadcastkit.authorization"):
        assert await admitted(window, "a", 3) == 3
        now[0] += 4.9
        assert await admitted(window, "a", 3) == 3
        assert len(caplog.records) == 1  # once for all of them
        now[0] += 0.2
        assert await admitted(window, "a", 3) == 3

    assert [record.getMessage() for record in caplog.records] == [
        "the store of the rate limit failed (ConnectionError): for 5 s everybody is admitted"
    ] * 2


# -- a real Redis ------------------------------------------------------------------------------------------------------


@pytest.mark.real
async def test_all_who_use_a_redis_count_together(make: Make, redis_shared: RedisServer) -> None:
    given = {"storage": f"redis://127.0.0.1:{redis_shared.port}", "key_prefix": f"limit-{uuid4()}"}
    one, other = make("5/hour", **given), make("5/hour", **given)

    assert [await admitted(one, "user:1", 3), await admitted(other, "user:1", 3)] == [3, 2]
    wait = await one.hit("user:1")
    assert wait is not None
    assert 3590 < wait <= 3600
    assert await one.hit("user:2", 5) is None
    # nothing of it stays for ever
    lifetimes = await run_sync(_lifetimes, redis_shared.port, given["key_prefix"])
    assert len(lifetimes) == 2
    assert all(0 < lifetime <= 3600 for lifetime in lifetimes)


def _lifetimes(port: int, prefix: str) -> list[int]:
    with redis.Redis(port=port) as client:
        return [int(client.ttl(key)) for key in client.scan_iter(f"{prefix}:*")]


@pytest.mark.real
async def test_both_colors_count_together(redis_shared: RedisServer) -> None:
    given: dict[str, Any] = {"storage": f"redis://127.0.0.1:{redis_shared.port}", "key_prefix": f"limit-{uuid4()}"}
    blocking, awaited = FixedWindow("4/hour", **given), AsyncFixedWindow("4/hour", **given)

    assert [await run_sync(blocking.hit, "a"), await awaited.hit("a")] == [None, None]
    assert await run_sync(blocking.hit, "a", 2) is None
    assert await run_sync(blocking.hit, "a") is not None
    assert await awaited.hit("a") is not None
    blocking.close()
    await awaited.aclose()


@pytest.mark.real
async def test_a_redis_that_has_gone_keeps_nobody_out(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server(tmp_path) as server:
        window = make("2/hour", storage=f"redis://:hunter2@127.0.0.1:{server.port}/0")
        assert await admitted(window, "a", 3) == 2
    assert await admitted(window, "a", 3) == 3

    assert "the store of the rate limit failed (ConnectionError)" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.real
async def test_the_connections_that_it_made_end_with_it(make: Make, tmp_path: Path) -> None:
    with redis_server(tmp_path) as server, server.client() as admin:

        def connected() -> int:
            return int(admin.info("clients")["connected_clients"])

        before = await run_sync(connected)
        window = make("2/hour", storage=server.url)
        await window.hit("a")
        assert await run_sync(connected) == before + 1
        await window.aclose()
        await run_sync(wait_until, lambda: connected() == before, "its connection is closed")


# -- for whom ----------------------------------------------------------------------------------------------------------


@dataclass
class Person:
    id: int | str


class Row:
    """As Django's models have it, whatever the field of the key is called."""

    pk = 7


@pytest.mark.parametrize(
    ("user", "address", "key"),
    [
        (Person(7), "10.0.0.1", "user:7"),
        (Person("a/b"), None, "user:a/b"),
        (Row(), None, "user:7"),
        ({"id": 7}, None, "user:7"),
        (PresenceMember(7), None, "user:7"),
        (7, None, "user:7"),
        ("ann", None, "user:ann"),
        (None, "10.0.0.1", "address:10.0.0.1"),
        ({"name": "Ann"}, "10.0.0.1", "address:10.0.0.1"),
        (object(), "10.0.0.1", "address:10.0.0.1"),
        (None, None, "address:"),
        (None, "2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        (None, "2001:db8:1:2::1", "address:2001:db8:1:2::/64"),
        (None, "2001:db8:1:3::1", "address:2001:db8:1:3::/64"),
        (None, "fe80::1%eth0", "address:fe80::/64"),
        (None, "::ffff:10.0.0.1", "address:10.0.0.1"),
        (None, "unix:", "address:unix:"),
    ],
)
def test_a_request_counts_for_the_user_or_else_for_the_address(user: object, address: str | None, key: str) -> None:
    assert client_key(user, address) == key


# -- what the endpoints take -------------------------------------------------------------------------------------------


class Own:
    """A limit of an application's own."""

    def hit(self, key: str, cost: int = 1) -> float | None:
        return 0.2 if key == "late" else None


class AsyncOwn:
    async def hit(self, key: str, cost: int = 1) -> float | None:
        return 61.5


def no_address(_: object) -> None:
    return None


async def later(request: object, user: object) -> str:
    return "key"


FORM = "application/x-www-form-urlencoded"


async def test_a_limit_of_ones_own_says_how_long_to_wait() -> None:
    own: RateLimit = Own()
    awaited: AsyncRateLimit = AsyncOwn()
    endpoints: Endpoints[None] = Endpoints("a test", no_address, rate_limit=own, rate_key=lambda _, user: "late")
    answer = endpoints.authenticate_user(Broadcaster(MemoryDriver()), FORM, b"socket_id=1.2", 7, None)
    assert (answer.status, answer.headers) == (429, (("Retry-After", "1"),))

    other: AsyncEndpoints[None] = AsyncEndpoints("a test", no_address, rate_limit=awaited)
    waiting = await other.authenticate_user(AsyncBroadcaster(AsyncMemoryDriver()), FORM, b"socket_id=1.2", 7, None)
    assert (waiting.status, waiting.headers) == (429, (("Retry-After", "62"),))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate_limit": AsyncOwn()}, "a test cannot await its rate limit: use FixedWindow, not AsyncOwn.hit"),
        ({"rate_limit": "3/minute"}, "rate_limit must be one such as FixedWindow('120/minute'), not str"),
        ({"rate_key": lambda *_: ""}, "rate_key is for a rate_limit, and there is none"),
        ({"rate_limit": Own(), "rate_key": later}, "rate_key is called, not awaited: use def"),
        ({"max_channels": 0}, "max_channels must be a number from 1, not 0"),
        ({"max_channels": True}, "max_channels must be a number from 1, not True"),
        ({"max_channels": "50"}, "max_channels must be a number from 1, not '50'"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Endpoints("a test", no_address, **options)

    assert str(caught.value) == message


def test_async_code_takes_no_limit_that_would_hold_it_up() -> None:
    with pytest.raises(ConfigurationError, match=r"awaits its rate limit: use AsyncFixedWindow, not FixedWindow\.hit"):
        AsyncEndpoints("a test", no_address, rate_limit=FixedWindow("3/minute"))  # type: ignore[arg-type]
