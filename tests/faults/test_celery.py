"""What goes wrong between a worker of a task queue and a real soketi: a real Celery on a real Redis."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from redis import Redis

from broadcastkit import Broadcaster
from broadcastkit.drivers.null import NullDriver
from tests.faults.actions import FAULTS, Fault
from tests.faults.celery_worker import DONE, TOLD, create, delivery_of
from tests.faults.deliveries import event, saw
from tests.faults.ledger import Report, Row, pairs, row_of
from tests.faults.proxy import Loop, Proxy
from tests.faults.witness import Witness
from tests.interop.redis_servers import redis_server, wait_until
from tests.interop.servers import PusherServer, running

pytestmark = pytest.mark.real

COUNT = 10
SECONDS = 30.0
ROOT = Path(__file__).parents[2]
# How often a connection of another process was refused, nobody here can tell.
OF_ANOTHER_PROCESS = [fault for fault in FAULTS if fault.refused <= 0]


class Stage(NamedTuple):
    """A worker, what it notes, the side that broadcasts, and the proxy between the worker and soketi."""

    notes: Redis
    broadcaster: Broadcaster
    proxy: Proxy


@pytest.fixture(scope="module")
def stage(loop: Loop, soketi: PusherServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("celery")
    log = folder / "worker.log"
    command = [sys.executable, "-m", "celery", "-A", "tests.faults.celery_worker", "worker", "--pool=solo"]
    command += ["--concurrency=1", "--loglevel=INFO", "--without-gossip", "--without-mingle"]
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(contextlib.closing(Proxy(loop, soketi.port)))
        proxy.open()
        server = stack.enter_context(redis_server(folder))
        there = dataclasses.replace(soketi, port=proxy.port).url
        env = {"QUEUE_REDIS": server.url, "SERVICE_URL": there, "PYTHONPATH": str(ROOT)}
        stack.enter_context(running(command, port=0, log=log, env=env, ready=lambda: " ready." in log.read_text()))
        notes = stack.enter_context(contextlib.closing(server.client()))
        yield Stage(notes, Broadcaster(NullDriver(), delivery=delivery_of(create(server.url))), proxy)


@pytest.mark.parametrize(
    ("fault", "delivery"), pairs(OF_ANOTHER_PROCESS, ["Celery"]), ids=lambda one: getattr(one, "name", one)
)
def test_a_fault(  # noqa: PLR0917 - fixtures
    fault: Fault,
    delivery: str,
    stage: Stage,
    listener: Witness,
    channels: Sequence[str],
    ledger: Callable[[Row], None],
) -> None:
    notes, broadcaster, proxy = stage
    proxy.does(fault.script, fault.then)
    if fault.refused:
        proxy.shut()
    listener.listen(channels)
    report = Report()

    for number in range(COUNT):
        report.saw[number] = saw(broadcaster.broadcast(event(number, channels)).to_everyone())
    wait_until(lambda: notes.llen(DONE) == COUNT, "the worker is done", SECONDS)
    proxy.settled()
    proxy.open()
    report.told |= dict(json.loads(one) for one in notes.lrange(TOLD, 0, -1))
    notes.delete(DONE, TOLD)

    row = row_of(fault.name, delivery, range(COUNT), report, listener.heard(channels))
    ledger(row)
    assert row.lost == 0, row
    assert bool(row.doubled) <= fault.acted, row
    assert set(row.told) == fault.tells(delivery), row
