"""The deliveries, as callers use them: each broadcasts some events and says what its callers were told."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import NullPool, create_engine, text

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, Receipt
from broadcastkit.core.breaker import Breaker
from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.delivery import Background
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox import Outbox, Relay
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.drivers.base import AsyncDriver, Driver
from broadcastkit.drivers.guarded import AsyncGuarded, Guarded
from broadcastkit.errors import BroadcastError
from tests.faults.ledger import Report
from tests.faults.witness import EVENT
from tests.interop.redis_servers import wait_until

__all__ = ["DELIVERIES", "RETRY", "Scene", "error_of", "event", "numbered", "reported", "saw"]

RETRY = Retry(attempts=4, budget=10.0, base=0.005, cap=0.02)
CALLERS = 50
FAILURES = 2
RETRIED = 15
"""Attempts of a relay, after which all is said of a fault that does not end."""
SECONDS = 30.0


class Scene(NamedTuple):
    """Where events go: drivers that meet the fault, drivers that do not (as fallback), channels, and how many."""

    sync: Callable[[], Driver]
    asynchronous: Callable[[], AsyncDriver]
    sync_beside: Callable[[], Driver]
    asynchronous_beside: Callable[[], AsyncDriver]
    channels: Sequence[str]
    numbers: Sequence[int]
    patience: float = 0.3
    """Of the background."""
    ends: bool = True
    """Whether the fault does: nobody waits for a relay that can never get through."""
    service: Mapping[str, Any] = {}
    """The same drivers, for a worker in another process: their options, and `url` where it is Pusher's."""
    refused: Callable[[], None] | None = None
    """What ends a fault once such a worker has met it."""


def event(number: int, channels: Sequence[str]) -> AnonymousEvent:
    """Make an event that can be told from others."""
    return AnonymousEvent(EVENT, {"n": number}, on=channels[number % len(channels)])


def numbered(message: Message) -> int:
    """Return which event a message is."""
    number: int = json.loads(message.data)["n"]
    return number


def saw(receipt: Receipt) -> str:
    """Return what a receipt says."""
    (connection,) = receipt.connections
    if connection.by_fallback:
        return "by the fallback"
    return "queued" if receipt.queued else "delivered"


def error_of(report: Report, number: int, error: BroadcastError) -> None:
    """Note that a caller was told of an error."""
    report.saw[number] = report.told[number] = type(error).__name__


def reported(report: Report) -> Callable[[str, Message, Exception], None]:
    """Return a hook that notes what it is told."""

    def on_failed(connection: str, message: Message, error: Exception) -> None:
        number = numbered(message)
        assert number not in report.told, "told twice"
        report.told[number] = type(error).__name__

    return on_failed


def _one(broadcaster: Broadcaster, scene: Scene, report: Report, number: int) -> None:
    try:
        receipt = broadcaster.broadcast(event(number, scene.channels)).to_everyone()
    except BroadcastError as error:
        error_of(report, number, error)
    else:
        report.saw[number] = saw(receipt)


async def _aone(broadcaster: AsyncBroadcaster, scene: Scene, report: Report, number: int) -> None:
    try:
        receipt = await broadcaster.broadcast(event(number, scene.channels)).to_everyone()
    except BroadcastError as error:
        error_of(report, number, error)
    else:
        report.saw[number] = saw(receipt)


def _in_turn(scene: Scene, driver: Driver, report: Report, **options: Any) -> Report:
    with Broadcaster(driver, **options) as broadcaster:
        for number in scene.numbers:
            _one(broadcaster, scene, report, number)
    return report


def _awaited_in_turn(scene: Scene, driver: AsyncDriver, report: Report, **options: Any) -> Report:
    async def run() -> Report:
        async with AsyncBroadcaster(driver, **options) as broadcaster:
            for number in scene.numbers:
                await _aone(broadcaster, scene, report, number)
        return report

    return asyncio.run(run())


def inline(scene: Scene) -> Report:
    return _in_turn(scene, scene.sync(), Report())


def inline_awaited(scene: Scene) -> Report:
    return _awaited_in_turn(scene, scene.asynchronous(), Report())


def threads(scene: Scene) -> Report:
    """Fifty threads at once, each with its share of the events."""
    report = Report()
    with Broadcaster(scene.sync()) as broadcaster:

        def share(first: int) -> None:
            for number in scene.numbers[first::CALLERS]:
                _one(broadcaster, scene, report, number)

        callers = [threading.Thread(target=share, args=(first,)) for first in range(min(CALLERS, len(scene.numbers)))]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(SECONDS)
            assert not caller.is_alive(), "a caller waits for ever"
    return report


def tasks(scene: Scene) -> Report:
    """Fifty tasks at once, in the order of their events."""
    report = Report()

    async def run() -> None:
        async with AsyncBroadcaster(scene.asynchronous()) as broadcaster:
            for first in range(0, len(scene.numbers), CALLERS):
                shared = scene.numbers[first : first + CALLERS]
                async with asyncio.timeout(SECONDS):
                    await asyncio.gather(*(_aone(broadcaster, scene, report, number) for number in shared))

    asyncio.run(run())
    return report


def background(scene: Scene) -> Report:
    report = Report()
    delivery = Background(patience=scene.patience, drain=SECONDS, on_failed=reported(report))
    _in_turn(scene, scene.sync(), report, delivery=delivery)
    _account_for(delivery, report)
    return report


def background_awaited(scene: Scene) -> Report:
    report = Report()
    delivery = Background(patience=scene.patience, drain=SECONDS, on_failed=reported(report))
    _awaited_in_turn(scene, scene.asynchronous(), report, delivery=delivery)
    return report


def _account_for(delivery: Background, report: Report) -> None:
    statistics = delivery.statistics()
    assert (statistics.waiting, statistics.failed) == (0, len(report.told)), statistics
    assert statistics.sent + statistics.failed == len(report.saw), statistics


def guarded(scene: Scene) -> Report:
    driver = Guarded(scene.sync(), breaker=Breaker(FAILURES), fallback=scene.sync_beside())
    return _in_turn(scene, driver, Report())


def guarded_awaited(scene: Scene) -> Report:
    driver = AsyncGuarded(scene.asynchronous(), breaker=Breaker(FAILURES), fallback=scene.asynchronous_beside())
    return _awaited_in_turn(scene, driver, Report())


def outbox(scene: Scene) -> Report:
    """Write into SQLite, and have a relay send it until all is gone, or until it has failed often enough."""
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/shop.db", poolclass=NullPool)
        outbox_table().create(engine)
        with Broadcaster(scene.sync(), delivery=Outbox(engine)) as broadcaster:
            for number in scene.numbers:
                _one(broadcaster, scene, report, number)
            relay = Relay(engine, broadcaster, poll=0.01, backoff=0.01)
            thread = threading.Thread(target=relay.run)
            thread.start()
            try:
                wait_until(lambda: _is_done(relay, ends=scene.ends), "the relay is done", SECONDS)
            finally:
                relay.stop()
                thread.join(SECONDS)
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT envelope, state FROM broadcastkit_outbox")).all()
        for envelope, state in rows:
            report.told[numbered(Envelope.from_json(envelope).message)] = f"kept, {state}"
    return report


def _is_done(relay: Relay, *, ends: bool) -> bool:
    now = relay.statistics()
    return not now.waiting or (not ends and now.retried >= RETRIED)


DELIVERIES: dict[str, Callable[[Scene], Report]] = {
    "Inline": inline,
    "Inline, awaited": inline_awaited,
    "50 threads": threads,
    "50 tasks": tasks,
    "Background": background,
    "Background, awaited": background_awaited,
    "Guarded": guarded,
    "Guarded, awaited": guarded_awaited,
    "Outbox": outbox,
}
