"""A service is killed while every delivery has a request with it, and comes back: all of it arrives."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from broadcastkit.core.retry import Retry
from tests.faults.deliveries import RETRY, Scene
from tests.faults.ledger import Report, Row, row_of
from tests.faults.proxy import REDIS, Action, Proxy, Talk, passed
from tests.faults.queues import EVERY, QUEUES, UNORDERED, Deliveries
from tests.faults.scenes import through, through_redis
from tests.faults.witness import RedisWitness, Witness, witness
from tests.interop.redis_servers import RedisServer, redis_server
from tests.interop.servers import PusherServer, soketi_server

pytestmark = pytest.mark.real

SECONDS = 30.0
COUNT = 120
# As long as it takes: who waits for an answer may be told to wait for a restart.
LASTING = Retry(attempts=10_000, budget=SECONDS, base=0.01, cap=0.05)


class Outage:
    """Holds a request of each delivery, half of them after the service has acted, until it is dead."""

    def __init__(self, deliveries: Sequence[str]) -> None:
        self._held = threading.Semaphore(0)
        self._count = len(deliveries)
        self._over = threading.Event()
        self._proxies: list[Proxy] = []

    def scenes(
        self, channels: Mapping[str, Sequence[str]], proxy_of: Callable[[], Proxy], scene_of: Callable[..., Scene]
    ) -> dict[str, Scene]:
        """Set a scene for each delivery, with a proxy of its own."""
        scenes: dict[str, Scene] = {}
        for index, (name, mine) in enumerate(channels.items()):
            proxy = proxy_of()
            self._proxies.append(proxy)
            proxy.does(self._script(acts=index % 2 == 0))
            proxy.open()
            scene = scene_of(mine, COUNT, port=proxy.port, retry=retry_of(name))
            scenes[name] = scene._replace(patience=SECONDS)
        return scenes

    def _script(self, *, acts: bool) -> list[Action]:
        """Return what a proxy does until then."""

        async def held(talk: Talk) -> None:
            if acts:
                await talk.forward()
            self._held.release()
            await talk.until(self._over)
            talk.reset()

        return [passed, passed, held]

    def kill(self, pid: int) -> None:
        """Kill the service, and have its port refuse connections."""
        for _ in range(self._count):
            assert self._held.acquire(timeout=SECONDS)
        os.kill(pid, signal.SIGKILL)
        for proxy in self._proxies:
            proxy.shut()
        self._over.set()

    def end(self, callers: Callers) -> dict[str, Report]:
        """Let callers through again; return their reports when nothing more can arrive."""
        for proxy in self._proxies:
            proxy.open()
        reports = callers.reports()
        for proxy in self._proxies:
            proxy.settled()
        return reports


class Callers:
    """Broadcast in every way at once."""

    def __init__(self, deliver: Deliveries, scenes: Mapping[str, Scene]) -> None:
        self._deliver = deliver
        self._reports: dict[str, Report] = {}
        self._threads = [threading.Thread(target=self._run, args=pair, daemon=True) for pair in scenes.items()]
        for thread in self._threads:
            thread.start()

    def _run(self, name: str, scene: Scene) -> None:
        self._reports[name] = self._deliver(name, scene)

    def reports(self) -> dict[str, Report]:
        """Wait for the last of them."""
        for thread in self._threads:
            thread.join(SECONDS)
        return self._reports


def channels_of(names: Sequence[str]) -> dict[str, list[str]]:
    return {name: [f"restart-{number}-{letter}" for letter in "abc"] for number, name in enumerate(names)}


def check(fault: str, reports: Mapping[str, Report], heard: Mapping[str, Any], ledger: Callable[[Row], None]) -> None:
    assert reports.keys() == set(EVERY), "not all came to an end"
    rows = [row_of(fault, name, range(COUNT), report, heard[name]) for name, report in reports.items()]
    for row in rows:
        ledger(row)
    for row in rows:
        assert (row.sent, row.delivered, row.lost, row.told) == (COUNT, COUNT, 0, {}), row
        # a fallback has its own way
        assert row.in_order or row.delivery in UNORDERED or row.delivery.startswith("Guarded"), row


def test_soketi(  # noqa: PLR0917 - fixtures
    tmp_path: Path,
    soketi: PusherServer,
    listener: Witness,
    deliver: Deliveries,
    proxies: Callable[..., Proxy],
    ledger: Callable[[Row], None],
) -> None:
    channels = channels_of(EVERY)
    for name in QUEUES:
        deliver.started(name)
    everything = [one for ones in channels.values() for one in ones]
    outage = Outage(EVERY)
    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        (server, *_) = first.enter_context(soketi_server(tmp_path))
        there = first.enter_context(witness(server))
        there.listen(everything)
        listener.listen(everything)
        scenes = outage.scenes(channels, partial(proxies, server.port), partial(through, server, beside=soketi))
        callers = Callers(deliver, scenes)
        outage.kill(server.pid)
        (server, *_) = second.enter_context(soketi_server(tmp_path, port=server.port))
        there.again()
        reports = outage.end(callers)
        heard, beside = there.heard(everything), listener.heard(everything)
    check("soketi killed and restarted", reports, _by_delivery(channels, heard, beside), ledger)


def test_redis(
    tmp_path: Path,
    redis_shared: RedisServer,
    deliver: Deliveries,
    proxies: Callable[..., Proxy],
    ledger: Callable[[Row], None],
) -> None:
    channels = channels_of(EVERY)
    for name in QUEUES:
        deliver.started(name)
    everything = [one for ones in channels.values() for one in ones]
    outage = Outage(EVERY)
    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        server = first.enter_context(redis_server(tmp_path))
        there = second.enter_context(contextlib.closing(RedisWitness(server)))
        there.listen(everything)
        listener = second.enter_context(contextlib.closing(RedisWitness(redis_shared)))
        listener.listen(everything)
        proxy_of = partial(proxies, server.port, protocol=REDIS)
        scenes = outage.scenes(channels, proxy_of, partial(through_redis, server, beside=redis_shared))
        callers = Callers(deliver, scenes)
        outage.kill(server.pid)
        server = second.enter_context(redis_server(tmp_path, port=server.port))
        there.again(everything)
        reports = outage.end(callers)
        heard, beside = there.heard(everything), listener.heard(everything)
    check("Redis killed and restarted", reports, _by_delivery(channels, heard, beside), ledger)


def retry_of(delivery: str) -> Retry:
    """Who sends in the background, or falls back, need not try for long."""
    return RETRY if delivery.startswith(("Background", "Guarded")) else LASTING


def _by_delivery(
    channels: Mapping[str, Sequence[str]], *heard: Mapping[str, Sequence[int]]
) -> dict[str, dict[str, list[int]]]:
    return {
        name: {channel: [n for one in heard for n in one.get(channel, ())] for channel in mine}
        for name, mine in channels.items()
    }
