"""What several processes know together, in a real Redis."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import redis
import redis.asyncio

from broadcastkit import AsyncBroadcaster, Broadcaster, Event
from broadcastkit.core.repeats import Claim
from broadcastkit.delivery import Background
from broadcastkit.delivery.repeats import AsyncRedisRepeats, RedisRepeats
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.errors import ConfigurationError, MissingDependencyError
from tests.delivery.held import AsyncHeld
from tests.delivery.repeats.sides import Clock
from tests.interop.redis_servers import RedisServer, redis_server
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSED_ON = re.compile("PATH$|PYTHONPATH$|COVERAGE_")


class Moved(Event, throttle=60.0):
    n: int = 0

    def broadcast_on(self) -> str:
        return "news"


def claim(key: str = "k", state: str = "", *, seconds: float = 60.0, wins: bool = False) -> Claim:
    return Claim(key, uuid4().hex, seconds, state, wins)


class SyncStore:
    """The blocking store."""

    def __init__(self, url: str | None, **options: Any) -> None:
        self.store: Any = RedisRepeats(url, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def end(self, client: Any = None) -> None:
        self.store.close()
        if client is not None:
            client.close()


class AsyncStore:
    """The awaited one, in an event loop of its own."""

    def __init__(self, url: str | None, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self.store: Any = AsyncRedisRepeats(url, **options)

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> Any:
            return await getattr(self.store, name)(*arguments)

        return lambda *arguments: self._runner.run(call(*arguments))

    def end(self, client: Any = None) -> None:
        self._runner.run(self.store.aclose())
        if client is not None:
            self._runner.run(client.aclose())
        self._runner.close()


@pytest.fixture
def prefix() -> str:
    return f"test:{uuid4().hex}:"


@pytest.fixture(params=[SyncStore, AsyncStore], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def store(kind: Any, redis_shared: RedisServer, prefix: str) -> Iterator[Any]:
    store = kind(redis_shared.url, key_prefix=prefix)
    yield store
    store.end()


@pytest.mark.real
def test_the_first_has_the_key(store: Any, kind: Any, redis_shared: RedisServer, prefix: str) -> None:
    first, second = claim(), claim()
    other = kind(redis_shared.url, key_prefix=prefix)

    assert store.claim([first, second, claim("other")]) == [True, False, True]
    assert other.claim([claim(), claim("third")]) == [False, True]
    other.release([second])
    assert other.claim([claim()]) == [False]
    store.release([first])
    assert other.claim([claim()]) == [True]
    other.end()


@pytest.mark.real
def test_another_state_takes_the_key(store: Any) -> None:
    claims = [claim(state="on"), claim(state="off"), claim(state="off"), claim(state="on")]

    assert store.claim(claims) == [True, True, False, True]


@pytest.mark.real
def test_the_last_that_wins_holds(store: Any) -> None:
    first, last = claim(wins=True), claim(wins=True)

    assert store.holds([first]) == [True]
    assert store.claim([first, last]) == [True, True]
    assert store.holds([first, last]) == [False, True]


@pytest.mark.real
def test_keys_expire_and_show_nothing(store: Any, redis_shared: RedisServer, prefix: str) -> None:
    store.claim([claim(seconds=30.0), claim("short", seconds=0.0001)])
    client = redis_shared.client()
    client.ping()

    assert 29_000 < int(client.pttl(f"{prefix}k")) <= 30_000
    assert set(client.scan_iter(f"{prefix}*")) <= {f"{prefix}k", f"{prefix}short"}
    client.close()


@pytest.mark.real
def test_a_client_may_be_given(kind: Any, redis_shared: RedisServer, prefix: str) -> None:
    url = redis_shared.url
    client: Any = redis.Redis.from_url(url) if kind is SyncStore else redis.asyncio.Redis.from_url(url)
    store = kind(None, client=client, key_prefix=prefix)

    assert store.claim([claim(), claim()]) == [True, False]
    store.end(client)


# --- without Redis ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", [RedisRepeats, AsyncRedisRepeats])
def test_only_sentinels_need_redis_py(
    store: type[RedisRepeats | AsyncRedisRepeats], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "broadcastkit.drivers.redis.clients", raising=False)
    monkeypatch.setitem(sys.modules, "redis.asyncio.cluster", None)
    store("redis://127.0.0.1:1")
    needs = r"^a store of repeats behind sentinels needs redis: run `pip install 'broadcastkit\[redis\]'`$"
    with pytest.raises(MissingDependencyError, match=needs):
        store("redis+sentinel://127.0.0.1:1/mymaster")


def test_while_redis_is_gone_each_process_decides_alone(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    store = kind(f"redis://user:secret@127.0.0.1:{free_port()}", now=clock)

    first = claim()
    assert store.claim([first]) == [True]
    assert store.claim([claim(), claim("other")]) == [False, True]
    assert store.holds([first, claim()]) == [True, False]
    clock.now += 5.0
    store.release([first])
    clock.now += 5.0
    assert store.claim([claim()]) == [True]

    (record,) = caplog.records
    assert "Redis does not tell about repeats (ConnectError)" in record.getMessage()
    assert "secret" not in caplog.text
    store.end()


@pytest.mark.real
def test_it_is_asked_again_and_says_so_if_it_is_gone_once_more(
    kind: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, port = Clock(), free_port()
    store = kind(f"redis://127.0.0.1:{port}", now=clock)
    for times in (1, 2):
        with redis_server(tmp_path, port=port):
            assert [store.claim([claim()]), store.claim([claim()])] == [[True], [False]]
        assert store.claim([claim()]) == [True]  # one too many is better than none
        clock.now += 5.0
        assert store.claim([claim()]) == [False]
        assert len(caplog.records) == times
        clock.now += 60.0
    store.end()


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        ((), {}, "url takes the URL of a Redis such as 'redis://host/0', or a client"),
        (("redis://",), {"client": redis.Redis()}, "url takes the URL of a Redis"),
        (("http://host",), {}, "url must start with redis://"),
        (("redis+cluster://a,b",), {}, "url must be one Redis, or sentinels: not a cluster"),
        (("redis://host?prefix=a",), {}, "url takes no prefix: there is key_prefix="),
        (("redis://",), {"timeout": 0}, "timeout must be a number of seconds over 0"),
        (("redis://",), {"key_prefix": None}, "key_prefix must be a str"),
        ((), {"client": object()}, "client must be a client of redis-py or valkey"),
    ],
)
@pytest.mark.parametrize("store", [RedisRepeats, AsyncRedisRepeats])
def test_a_wrong_setting_is_named(store: Any, arguments: Any, options: Any, text: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(text)):
        store(*arguments, **options)


# --- processes --------------------------------------------------------------------------------------------------------

PROCESS = """
import json, sys
from broadcastkit import Broadcaster, Event
from broadcastkit.core.repeats import Debounce
from broadcastkit.delivery.repeats import RedisRepeats
from broadcastkit.drivers.memory import MemoryDriver
from tests.delivery.repeats.sides import SyncSide

class Moved(Event, throttle=60.0):
    n: int
    def broadcast_on(self):
        return "news"

class Saved(Event, debounce=Debounce(0.5, max_wait=2.0)):
    n: int
    def broadcast_on(self):
        return "news"

side = SyncSide()
side.begin(repeats=RedisRepeats(sys.argv[1], key_prefix=sys.argv[2], now=side.clock))
for line in sys.stdin:
    name, value = line.split()
    if name == "advance":
        side.advance(float(value))
    elif name == "moved":
        side.send(*(Moved(n=n) for n in range(int(value))))
    else:
        side.send(Saved(n=int(value)))
    print(json.dumps(side.sent()), flush=True)
side.end()
print(json.dumps(side.sent()), flush=True)
"""


class Process:
    """A process that broadcasts what it is told, and says what it has sent so far."""

    def __init__(self, url: str, prefix: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, url, prefix],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if PASSED_ON.match(name)},
        )

    def tell(self, name: str, value: float) -> None:
        assert self._process.stdin is not None
        print(name, value, file=self._process.stdin, flush=True)

    def sent(self) -> list[int]:
        assert self._process.stdout is not None
        return [json.loads(data)["n"] for data in json.loads(self._process.stdout.readline())]

    def do(self, name: str, value: float) -> list[int]:
        self.tell(name, value)
        return self.sent()

    def end(self) -> list[int]:
        assert self._process.stdin is not None
        self._process.stdin.close()
        sent = self.sent()
        assert self._process.wait(10) == 0
        assert self._process.stdout is not None
        self._process.stdout.close()
        return sent


@pytest.fixture
def processes(redis_shared: RedisServer, prefix: str) -> list[Process]:
    return [Process(redis_shared.url, prefix) for _ in range(2)]


@pytest.mark.real
def test_of_two_processes_that_broadcast_at_once_one_sends_one(processes: list[Process]) -> None:
    for process in processes:
        process.tell("moved", 200)

    assert sorted(len(process.sent()) for process in processes) == [0, 1]
    for process in processes:
        process.end()


@pytest.mark.real
def test_the_process_that_was_last_sends_what_is_debounced(processes: list[Process]) -> None:
    one, other = processes
    assert one.do("saved", 1) == []
    assert other.do("saved", 2) == []
    assert one.do("advance", 0.5) == []
    assert other.do("advance", 0.5) == [2]
    # a process whose clock is late does not send what is older
    assert (one.do("saved", 3), other.do("saved", 4)) == ([], [2])
    assert other.do("advance", 0.5) == [2, 4]
    assert one.do("advance", 0.5) == []
    # what waits at the end is sent, by the one that was last
    one.do("saved", 5)
    other.do("saved", 6)
    assert (one.end(), other.end()) == ([], [2, 4, 6])


@pytest.mark.real
def test_without_a_pause_each_process_sends_after_max_wait(processes: list[Process]) -> None:
    for n in range(8):
        for process in processes:
            process.do("saved", n)
            process.do("advance", 0.25)

    assert [process.end() for process in processes] == [[7], [7]]


# --- whole ------------------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_a_broadcaster_closes_it_and_may_be_used_again(redis_shared: RedisServer, prefix: str) -> None:
    driver = MemoryDriver()
    broadcaster = Broadcaster(driver, repeats=RedisRepeats(redis_shared.url, key_prefix=prefix))

    receipts = [broadcaster.broadcast(Moved(n=1)).to_everyone()]
    broadcaster.close()
    receipts.append(broadcaster.broadcast(Moved(n=2)).to_everyone())
    broadcaster.close()

    assert [receipt.dropped for receipt in receipts] == [None, "throttle"]


@pytest.mark.real
async def test_awaited_too(redis_shared: RedisServer, prefix: str) -> None:
    class Refresh(Event, unique=60.0):
        def broadcast_on(self) -> str:
            return "news"

    driver = AsyncMemoryDriver()
    store = AsyncRedisRepeats(redis_shared.url, key_prefix=prefix)
    async with AsyncBroadcaster(driver, repeats=store) as broadcaster:
        many = await asyncio.gather(*(broadcaster.broadcast(Moved(n=n)).to_everyone() for n in range(20)))
        again = [(await broadcaster.broadcast(Refresh()).to_everyone()).dropped for _ in range(2)]

    assert sorted(receipt.dropped or "" for receipt in many) == [""] + ["throttle"] * 19
    assert again == [None, None]


@pytest.mark.real
async def test_many_tasks_share_a_few_connections(redis_shared: RedisServer, prefix: str) -> None:
    store = AsyncRedisRepeats(redis_shared.url, key_prefix=prefix)
    with redis_shared.client() as watching:
        others = len(watching.client_list())

        answers = await asyncio.gather(*(store.claim([claim(str(number % 100))]) for number in range(300)))

        assert sum(map(sum, answers)) == 100
        assert 0 < len(watching.client_list()) - others <= 8
    await store.aclose()


@pytest.mark.real
async def test_what_a_background_has_sent_is_free_for_every_process(redis_shared: RedisServer, prefix: str) -> None:
    class Refresh(Event, unique=60.0):
        def broadcast_on(self) -> str:
            return "news"

    def begin(delivery: Background | None = None) -> tuple[AsyncHeld, AsyncBroadcaster]:
        driver, store = AsyncHeld(), AsyncRedisRepeats(redis_shared.url, key_prefix=prefix)
        return driver, AsyncBroadcaster(driver, repeats=store, delivery=delivery)

    driver, one = begin(Background())
    _, other = begin(Background())
    assert (await one.broadcast(Refresh()).to_everyone()).queued
    await driver.wait_for(1)
    assert (await other.broadcast(Refresh()).to_everyone()).dropped == "unique"
    driver.release_all()
    await one.aclose()
    assert (await other.broadcast(Refresh()).to_everyone()).queued
    other.driver().release_all()  # type: ignore[attr-defined]
    await other.aclose()
