"""A soketi that goes and comes again, behind a guarded connection: what callers see, and what is lost (nothing)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.delivery import Background, Statistics
from broadcastkit.drivers.guarded import AsyncGuarded, Breaker, Guarded
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.errors import CircuitOpenError
from tests.interop.redis_servers import wait_until
from tests.interop.servers import free_port, soketi_server

pytestmark = pytest.mark.real

QUICK = Retry(attempts=2, base=0.01)
BREAKER = Breaker(failures=2, cooldown=0.3)


class Soketi:
    """Can be stopped and started again, on one port."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._running = ExitStack()

    def start(self) -> str:
        app = self._running.enter_context(soketi_server(self._folder, port=self._port))[0]
        return app.url

    def stop(self) -> None:
        self._running.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Soketi]:
    soketi = Soketi(tmp_path)
    yield soketi
    soketi.stop()


def event(number: int) -> AnonymousEvent:
    return AnonymousEvent(f"event.{number}", on=f"channel-{number % 5}")


def test_an_open_circuit_costs_microseconds_and_closes_again(service: Soketi) -> None:
    fallback = MemoryDriver()
    driver = PusherDriver.from_url(service.start(), profile="soketi", retry=QUICK, timeout=5.0)
    guarded = Guarded(driver, breaker=Breaker(failures=2, cooldown=5.0))
    with_fallback = Guarded(driver, breaker=BREAKER, fallback=fallback)
    with Broadcaster({"alone": guarded, "backed": with_fallback}, default="alone", on_error="report") as broadcaster:
        assert broadcaster.broadcast(event(0)).to_everyone().delivered

        service.stop()
        errors = [type(broadcaster.broadcast(event(0)).to_everyone().error).__name__ for _ in range(4)]
        assert errors == ["ConnectError", "ConnectError", "CircuitOpenError", "CircuitOpenError"]
        times: list[float] = []
        for number in range(200):
            began = time.perf_counter()
            receipt = broadcaster.broadcast(event(number)).to_everyone()
            times.append(time.perf_counter() - began)
            assert isinstance(receipt.error, CircuitOpenError)
        assert statistics.median(times) < 0.001

        (backed,) = broadcaster.broadcast(event(1)).via("backed").to_everyone().connections
        assert backed.by_fallback
        assert len(fallback.messages) == 1

        service.start()
        wait_until(lambda: broadcaster.broadcast(event(0)).to_everyone().delivered, "the circuit is closed")
        assert broadcaster.broadcast(event(0)).to_everyone().delivered
        kept = len(fallback.messages)
        (backed,) = broadcaster.broadcast(event(1)).via("backed").to_everyone().connections
        assert not backed.by_fallback
        assert len(fallback.messages) == kept


class Failures:
    def __init__(self) -> None:
        self.told: list[str] = []

    def __call__(self, connection: str, message: Message, error: Exception) -> None:
        self.told.append(f"{message.event} {type(error).__name__}")


def test_an_outage_shorter_than_patience_loses_nothing_in_the_background(service: Soketi) -> None:
    failures = Failures()
    driver = PusherDriver.from_url(service.start(), profile="soketi", retry=QUICK, timeout=5.0)
    background = Background(on_failed=failures)
    with Broadcaster(Guarded(driver, breaker=BREAKER), delivery=background) as broadcaster:
        send(broadcaster, range(20))
        assert background.flush(10)
        service.stop()
        send(broadcaster, range(20, 80))
        wait_until(lambda: circuit_is_open(broadcaster), "the circuit is open")
        send(broadcaster, range(80, 100))
        assert background.statistics() == Statistics(waiting=80, sent=20)
        service.start()
        assert background.flush(30)
    assert failures.told == []
    assert background.statistics() == Statistics(sent=100)


def send(broadcaster: Broadcaster, numbers: range) -> None:
    for number in numbers:
        assert broadcaster.broadcast(event(number)).to_everyone().queued


def circuit_is_open(broadcaster: Any) -> bool:
    return broadcaster.driver()._circuit._open_until is not None


async def test_nor_does_it_for_tasks(service: Soketi) -> None:
    failures = Failures()
    url = await to_thread.run_sync(service.start)
    driver = AsyncPusherDriver.from_url(url, profile="soketi", retry=QUICK, timeout=5.0)
    background = Background(on_failed=failures)
    async with AsyncBroadcaster(AsyncGuarded(driver, breaker=BREAKER), delivery=background) as broadcaster:
        for number in range(20):
            await broadcaster.broadcast(event(number)).to_everyone()
        assert await background.aflush(10)
        await to_thread.run_sync(service.stop)
        for number in range(20, 80):
            await broadcaster.broadcast(event(number)).to_everyone()
        await to_thread.run_sync(wait_until, lambda: circuit_is_open(broadcaster), "the circuit is open")
        for number in range(80, 100):
            await broadcaster.broadcast(event(number)).to_everyone()
        assert background.statistics() == Statistics(waiting=80, sent=20)
        await to_thread.run_sync(service.start)
        assert await background.aflush(30)
    assert failures.told == []
    assert background.statistics() == Statistics(sent=100)
