"""Publishing to Redis: ours against bare redis-py (with hiredis, if it is installed), on the same server.

python -m benchmarks.publishing
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import redis
import redis.asyncio
import uvloop

from benchmarks.event import CHANNEL, MESSAGE, NAME, PLAIN
from benchmarks.sink import free_port, listening
from benchmarks.turns import Contender, Goal, awaited, blocking, goals_table, medians, table_of
from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver

ROUNDS = 7
BATCH = 100
BARE, ONE = "redis-py", "**broadcastkit**"
PIPELINE, MANY = f"redis-py, pipelines of {BATCH}", f"**broadcastkit**, `broadcast_many` of {BATCH}"
BARE_1, BARE_50, SHARED = "redis.asyncio, one caller", "redis.asyncio, 50 callers", "**broadcastkit**, 50 callers"
GOALS = [
    Goal("50 callers, events per second, against bare redis.asyncio", SHARED, BARE_50, 3, by_rate=True),
    Goal("a batch, events per second, against redis-py's own pipeline", MANY, PIPELINE, 0.8, by_rate=True),
]


def text() -> str:
    """Write the event as the driver publishes it, and as `pusher` writes it too: from a dict."""
    return json.dumps({"event": NAME, "data": PLAIN, "socket": None})


@contextmanager
def redis_server() -> Iterator[int]:
    """Run a Redis of our own for the block; gives its port."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise RuntimeError("this benchmark needs redis-server: apt-get install redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                listening(port, process)
                yield port
            finally:
                process.terminate()
                process.wait(timeout=10)


def contenders(port: int, stack: ExitStack) -> dict[str, Contender]:
    """Return all of them."""
    runner = stack.enter_context(asyncio.Runner())
    fast = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
    client = stack.enter_context(redis.Redis(port=port))
    shared: Any = redis.asyncio.Redis(port=port)
    ours = stack.enter_context(Broadcaster(RedisDriver(port=port)))
    mine = AsyncBroadcaster(AsyncRedisDriver(port=port))
    over = AsyncBroadcaster(AsyncRedisDriver(client=shared))
    stack.callback(lambda: runner.run(shared.aclose()))
    stack.callback(lambda: runner.run(mine.aclose()))
    stack.callback(lambda: fast.run(mine.aclose()))

    def send() -> Any:
        return mine.broadcast(MESSAGE).to_everyone()

    def pipeline() -> None:
        commands = client.pipeline(transaction=False)
        for _ in range(BATCH):
            commands.publish(CHANNEL, text())
        commands.execute()

    return {
        BARE: blocking(lambda: client.publish(CHANNEL, text()), 1000),
        ONE: blocking(lambda: ours.broadcast(MESSAGE).to_everyone(), 1000),
        PIPELINE: blocking(pipeline, 50, each=BATCH),
        MANY: blocking(lambda: ours.broadcast_many([MESSAGE] * BATCH).to_everyone(), 50, each=BATCH),
        BARE_1: awaited(runner, lambda: shared.publish(CHANNEL, text()), 1000),
        BARE_50: awaited(runner, lambda: shared.publish(CHANNEL, text()), 3000, callers=50),
        "**broadcastkit**, one caller": awaited(runner, send, 1000),
        SHARED: awaited(runner, send, 5000, callers=50),
        f"{SHARED}, uvloop": awaited(fast, send, 5000, callers=50),
        f"{SHARED}, `client=redis.asyncio.Redis()`": awaited(
            runner, lambda: over.broadcast(MESSAGE).to_everyone(), 5000, callers=50
        ),
    }


def main() -> bool:
    """Print what was measured; returns whether every goal was reached."""
    with redis_server() as port, ExitStack() as stack:
        rows = medians(contenders(port, stack), rounds=ROUNDS)
    table_of("Redis", rows)
    return goals_table(rows, GOALS, [])


if __name__ == "__main__":
    main()
