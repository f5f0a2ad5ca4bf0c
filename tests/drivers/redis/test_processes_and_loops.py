"""One driver in several processes, threads, tasks and event loops."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from anyio import to_thread

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.delivery import Inline
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver
from broadcastkit.errors import ConfigurationError, ConnectionLostError
from tests.drivers.redis.subscriber import Subscriber
from tests.interop.redis_servers import RedisServer, redis_server, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.real

PASSED_ON = re.compile("PATH$|PYTHONPATH$|COVERAGE_")
FORKING = """
import os, sys
from broadcastkit.core.message import Message
from broadcastkit.drivers.redis import RedisDriver

driver = RedisDriver.from_url(sys.argv[1])

def send(name):
    (outcome,) = driver.send([Message(name, ("news",), "{}")])
    assert outcome.requests == 1, outcome

send("before")
child = os.fork()
if not child:
    send("child")
    driver.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0, "the child could not send"
send("parent")
assert [*driver._transport._processes] == [os.getpid()]
driver.close()
"""


def message(name: str, channel: str = "news") -> Message:
    return Message(name, (channel,), "{}")


@pytest.fixture
def heard(redis_shared: RedisServer, prefix: str) -> Iterator[Subscriber]:
    with Subscriber(redis_shared.client(), prefix) as subscriber:
        yield subscriber


def test_a_child_has_connections_of_its_own(redis_shared: RedisServer, prefix: str, heard: Subscriber) -> None:
    environment = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKING, f"{redis_shared.url}?prefix={prefix}"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert [heard.next().event for _ in range(3)] == ["before", "child", "parent"]


def test_threads(redis_shared: RedisServer, prefix: str, heard: Subscriber) -> None:
    driver = RedisDriver.from_url(redis_shared.url, prefix=prefix)
    ready = threading.Barrier(8)

    def work(number: int) -> None:
        ready.wait(10)
        for turn in range(20):
            driver.send([message(f"{number}.{turn}", f"channel-{number}")])

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    driver.send([message("fence")])

    arrived = heard.events_until("fence")
    for number in range(8):
        mine = [event for event, channel in arrived if channel == f"channel-{number}"]
        assert mine == [f"{number}.{turn}" for turn in range(20)]
    driver.close()


def test_several_event_loops_one_after_another_and_at_once(
    redis_shared: RedisServer, prefix: str, heard: Subscriber
) -> None:
    driver = AsyncRedisDriver.from_url(redis_shared.url, prefix=prefix)
    both = threading.Barrier(2)

    async def send(name: str, *, together: bool = False) -> None:
        assert await driver.send([message(name)]) == [Sent(1)]
        if together:
            await asyncio.to_thread(both.wait, 10)
        assert await driver.send([message(name)]) == [Sent(1)]
        await driver.aclose()

    for name in ("first", "second"):
        asyncio.run(send(name))
    threads = [threading.Thread(target=lambda n=name: asyncio.run(send(n, together=True))) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert Counter(heard.next().event for _ in range(8)) == {"first": 2, "second": 2, "a": 2, "b": 2}


async def test_who_comes_together_shares_round_trips_and_connections(redis_shared: RedisServer, prefix: str) -> None:
    driver, inline = AsyncRedisDriver.from_url(redis_shared.url, prefix=prefix), Inline()
    with redis_shared.client() as admin, Subscriber(redis_shared.client(), prefix) as heard:
        before = admin.info("clients")["connected_clients"]

        outcomes = await asyncio.gather(
            *(inline.adeliver("main", driver, [message(f"{n}", f"channel-{n % 3}")]) for n in range(90))
        )

        assert outcomes == [[Sent(1)]] * 90
        assert before < admin.info("clients")["connected_clients"] <= before + 2
        await driver.send([message("fence")])
        arrived = heard.events_until("fence")
        for channel in range(3):
            mine = [event for event, name in arrived if name == f"channel-{channel}"]
            assert mine == [f"{number}" for number in range(channel, 90, 3)]
    await driver.aclose()


def test_a_cluster_has_no_round_trips_to_share() -> None:
    assert RedisDriver().batch_limit == AsyncRedisDriver().batch_limit == 100
    assert (
        AsyncRedisDriver(cluster=["127.0.0.1:1"]).batch_limit == RedisDriver(cluster=["127.0.0.1:1"]).batch_limit == 1
    )


async def blocked(admin: Any, count: int) -> None:
    """Wait until this many connections wait for Redis to go on."""
    await to_thread.run_sync(
        lambda: wait_until(lambda: admin.info("clients")["blocked_clients"] == count, f"{count} blocked")
    )


async def test_who_gives_up_takes_no_others_message_along(tmp_path: Path, prefix: str) -> None:
    with redis_server(tmp_path) as server, server.client() as admin, Subscriber(server.client(), prefix) as heard:
        driver = AsyncRedisDriver.from_url(server.url, prefix=prefix, retry=Retry(attempts=1))
        inline = Inline()

        async def delivered(name: str) -> Sequence[Outcome]:
            return await inline.adeliver("main", driver, [message(name)])

        def sending(name: str) -> asyncio.Task[Sequence[Outcome]]:
            return asyncio.create_task(delivered(name))

        admin.client_pause(60_000, all=False)  # takes what is published, and does not act on it
        first = sending("first")
        await blocked(admin, 1)
        gives_up, *others = [sending(name) for name in ("gives up", "a", "b", "c")]
        await asyncio.sleep(0)

        gives_up.cancel()  # before its turn: it is not sent
        await asyncio.wait([gives_up])
        admin.client_kill_filter(_type="normal", skipme=True)
        ((lost,),) = await asyncio.gather(first)
        # now the others are on their way together, and the first of them gives up
        await blocked(admin, 1)
        others[0].cancel()
        await asyncio.wait([others[0]])
        admin.client_unpause()

        assert isinstance(lost, ConnectionLostError)
        assert [task.cancelled() for task in (gives_up, others[0])] == [True, True]
        assert await asyncio.gather(*others[1:]) == [[Sent(1)], [Sent(1)]]
        assert await driver.send([message("fence")]) == [Sent(1)]
        assert [event for event, _ in heard.events_until("fence")] == ["a", "b", "c"]
        await driver.aclose()


def test_it_awaits_on_asyncio_only() -> None:
    with pytest.raises(ConfigurationError, match="on asyncio only"):
        AsyncRedisDriver().send([message("a")]).send(None)
