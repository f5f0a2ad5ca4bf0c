"""One driver in several event loops, in several threads, and on both sides of a fork; the Redis is real."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Sent
from broadcastkit.drivers.socketio import AsyncSocketIODriver, SocketIODriver

if TYPE_CHECKING:
    from tests.interop.redis_servers import RedisServer

pytestmark = pytest.mark.real


def message(name: str) -> Message:
    return Message(name, ("news",), "{}")


def test_several_event_loops_one_after_another(redis_shared: RedisServer) -> None:
    driver = AsyncSocketIODriver.from_url(f"socketio+{redis_shared.url}?channel=loops")

    async def send(*, close: bool) -> object:
        (outcome,) = await driver.send([message("a")])
        if close:
            await driver.aclose()
            await driver.aclose()
            (outcome,) = await driver.send([message("b")])
            await driver.aclose()
        return outcome

    for _ in range(3):
        assert asyncio.run(send(close=True)) == Sent(1)


def test_several_event_loops_at_once(redis_shared: RedisServer) -> None:
    driver = AsyncSocketIODriver.from_url(f"socketio+{redis_shared.url}?channel=loops")

    async def send(number: int) -> list[object]:
        outcomes = [await driver.send([message(f"{number}.{turn}")]) for turn in range(10)]
        await driver.aclose()
        return [outcome for (outcome,) in outcomes]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda number: asyncio.run(send(number)), range(4))) == [[Sent(1)] * 10] * 4


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_both_sides_of_a_fork(redis_shared: RedisServer) -> None:
    """Each has a connection of its own, and every message arrives whole."""
    with (
        contextlib.closing(SocketIODriver.from_url(f"socketio+{redis_shared.url}?channel=forked")) as driver,
        redis_shared.client() as client,
        client.pubsub(ignore_subscribe_messages=True) as heard,
    ):
        heard.subscribe("forked")
        heard.get_message(timeout=5)
        driver.send([message("before")])

        child = os.fork()
        if child == 0:
            outcomes = driver.send([message(f"child.{turn}") for turn in range(50)])
            os._exit(0 if outcomes == [Sent(1)] * 50 else 1)
        outcomes = driver.send([message(f"parent.{turn}") for turn in range(50)])
        _, status = os.waitpid(child, 0)

        assert (outcomes, os.waitstatus_to_exitcode(status)) == ([Sent(1)] * 50, 0)
        events = [json.loads(found["data"])["event"] for found in iter(lambda: heard.get_message(timeout=0.5), None)]

    for side in ("child", "parent"):
        assert [event for event in events if event.startswith(side)] == [f"{side}.{turn}" for turn in range(50)]
