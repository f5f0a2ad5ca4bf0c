"""Triggers over loopback: ours over every HTTP library there is, against `pusher`'s own, on the same sink.

python -m benchmarks.triggers
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pusher
import pusher.aiohttp
from pyreqwest.client import ClientBuilder, SyncClientBuilder

from benchmarks.sink import nginx_sink
from benchmarks.timing import table
from broadcastkit import AsyncBroadcaster, Broadcaster, MessageSent
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver

EVENTS = 400
ROUNDS = 9
BATCH = 10
OURS, CLIENT, REQWEST, PEER = "broadcastkit", "broadcastkit, httpx client", "broadcastkit, pyreqwest", "pusher"
BATCHED = f"broadcastkit, batches of {BATCH}"

FIELDS: dict[str, Any] = {
    "id": 1,
    "sender_id": 2,
    "recipient_id": 3,
    "content": "Hello there, how are you today?",
    "sender": {"id": 2, "name": "Ann", "avatar": None},
}
MESSAGE = MessageSent(**FIELDS, created_at=datetime(2026, 1, 1, tzinfo=UTC))
PLAIN = FIELDS | {"created_at": "2026-01-01T00:00:00Z", "is_read": False, "message_type": "text"}
NAMES = ["private-user.2", "private-user.3"]


class Samples:
    """Events per second and CPU per event of several contenders, in turns; the CPU is that of all threads."""

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[float, float]]] = {}
        self._began = (0.0, 0.0)

    def begin(self) -> None:
        """Start a turn."""
        self._began = (time.perf_counter(), time.process_time())

    def end(self, name: str, events: int) -> None:
        """End a turn."""
        seconds, cpu = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        self._found.setdefault(name, []).append((events / seconds, cpu / events * 1e6))

    def tables(self, title: str, pairs: list[tuple[str, str]]) -> None:
        """Print the medians."""
        for kind, unit, better, at in (("events per second", "/s", "more", 0), ("CPU per event", "us", "less", 1)):
            rows = {name: statistics.median(turn[at] for turn in turns) for name, turns in self._found.items()}
            table(f"{title}: {kind}", rows, unit, better=better, pairs=pairs)


def blocking(port: int) -> None:
    """Measure one caller that waits for each answer."""
    app: dict[str, Any] = {"app_id": "1", "key": "key", "secret": "secret", "host": "127.0.0.1", "port": port}
    client, reqwest = httpx.Client(), SyncClientBuilder().build()
    drivers = {
        OURS: PusherDriver(**app, scheme="http"),
        CLIENT: PusherDriver(**app, scheme="http", client=client),
        REQWEST: PusherDriver(**app, scheme="http", client=reqwest),
    }
    peer = pusher.Pusher("1", "key", "secret", host="127.0.0.1", port=port, ssl=False)
    contenders: dict[str, Callable[[], object]] = {
        name: partial(_broadcast, Broadcaster(driver)) for name, driver in drivers.items()
    }
    batches = Broadcaster(drivers[OURS])
    contenders[BATCHED] = lambda: batches.broadcast_many([MESSAGE] * BATCH).to_everyone()
    contenders[PEER] = lambda: peer.trigger(NAMES, "message.sent", PLAIN)
    samples = Samples()
    for _ in range(ROUNDS):
        for name, call in contenders.items():
            samples.begin()
            for _ in range(EVENTS):
                call()
            samples.end(name, EVENTS * BATCH if name == BATCHED else EVENTS)
    drivers[OURS].close()
    client.close()
    reqwest.close()
    samples.tables("blocking triggers, kept connection", [(OURS, PEER), (OURS, REQWEST), (BATCHED, OURS)])


def _broadcast(broadcaster: Any) -> Any:
    return broadcaster.broadcast(MESSAGE).to_everyone()


async def awaited(port: int, callers: int) -> None:
    """Measure callers on one event loop, each of which waits for its answers."""
    app: dict[str, Any] = {"app_id": "1", "key": "key", "secret": "secret", "host": "127.0.0.1", "port": port}
    client, reqwest = httpx.AsyncClient(), ClientBuilder().build()
    drivers = {
        OURS: AsyncPusherDriver(**app, scheme="http"),
        CLIENT: AsyncPusherDriver(**app, scheme="http", client=client),
        REQWEST: AsyncPusherDriver(**app, scheme="http", client=reqwest),
    }
    peer = pusher.Pusher(
        "1", "key", "secret", host="127.0.0.1", port=port, ssl=False, backend=pusher.aiohttp.AsyncIOBackend
    )
    contenders: dict[str, Callable[[], Awaitable[object]]] = {
        name: partial(_broadcast, AsyncBroadcaster(driver)) for name, driver in drivers.items()
    }
    contenders[PEER] = lambda: peer.trigger(NAMES, "message.sent", PLAIN)
    samples = await _in_turns(contenders, callers)
    await drivers[OURS].aclose()
    await client.aclose()
    await reqwest.close()
    await asyncio.sleep(0.5)  # pyreqwest 0.15 aborts an interpreter that ends while its threads wind down
    samples.tables(f"awaited triggers, callers: {callers}", [(OURS, PEER), (OURS, REQWEST)])


async def _in_turns(contenders: Mapping[str, Callable[[], Awaitable[object]]], callers: int) -> Samples:
    samples = Samples()

    async def caller(call: Callable[[], Awaitable[object]]) -> None:
        for _ in range(EVENTS // callers):
            await call()

    for _ in range(ROUNDS):
        for name, call in contenders.items():
            samples.begin()
            await asyncio.gather(*(caller(call) for _ in range(callers)))
            samples.end(name, EVENTS // callers * callers)
    return samples


def main() -> None:
    """Print what was measured."""
    with nginx_sink() as port:
        blocking(port)
        for callers in (1, 50):
            asyncio.run(awaited(port, callers))


if __name__ == "__main__":
    main()
