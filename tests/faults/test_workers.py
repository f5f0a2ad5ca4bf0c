"""Who sends is killed, or the Redis of a queue is: what was taken is sent by somebody else, or when it is back."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from broadcastkit import Broadcaster
from broadcastkit.delivery.outbox import Outbox
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.drivers.null import NullDriver
from tests.delivery.outbox import kill_relay
from tests.faults.deliveries import event, saw
from tests.faults.ledger import Report, Row, pairs, row_of
from tests.faults.proxy import Proxy, Talk, passed
from tests.faults.queues import QUEUES, queue
from tests.faults.scenes import through
from tests.faults.witness import Witness
from tests.interop.redis_servers import RedisServer
from tests.interop.servers import PusherServer, running

pytestmark = pytest.mark.real

COUNT = 30
AWAY = 5
"""How many are broadcast while a queue has no Redis."""
KILLED = "the worker or the relay is killed (SIGKILL)"
SECONDS = 30.0
WITHOUT_REDIS = "the Redis of the queue is killed and restarted"
MEASURED = pairs([KILLED, WITHOUT_REDIS], QUEUES)
ROOT = Path(__file__).parents[2]
# as those set it who may lose nothing
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


class Held:
    """An action that has the service act, and never answers: whoever asked is to be killed meanwhile."""

    def __init__(self) -> None:
        self.came = threading.Event()

    async def __call__(self, talk: Talk) -> None:
        await talk.forward()
        self.came.set()
        await talk.gone()

    def wait(self) -> None:
        """Wait until somebody waits."""
        assert self.came.wait(SECONDS), "no request came"


class Service:
    """soketi behind a proxy, and somebody who hears what arrives there."""

    def __init__(
        self,
        soketi: PusherServer,
        proxy: Proxy,
        listener: Witness,
        channels: Sequence[str],
        ledger: Callable[[Row], None],
    ) -> None:
        self.url = dataclasses.replace(soketi, port=proxy.port).url
        self.channels = channels
        self.scene = through(soketi, channels, COUNT, port=proxy.port)
        self._proxy, self._listener, self._ledger = proxy, listener, ledger
        listener.listen(channels)
        proxy.open()

    def holding(self, after: int) -> Held:
        """Let so many requests pass, and hold the next."""
        held = Held()
        self._proxy.does([*[passed] * after, held])
        return held

    def row(self, fault: str, delivery: str, report: Report) -> Row:
        """Write down what has arrived when nothing more can."""
        self._proxy.settled()
        row = row_of(fault, delivery, range(COUNT), report, self._listener.heard(self.channels))
        self._ledger(row)
        return row


@pytest.fixture
def service(
    soketi: PusherServer,
    proxies: Callable[..., Proxy],
    listener: Witness,
    channels: Sequence[str],
    ledger: Callable[[Row], None],
) -> Service:
    return Service(soketi, proxies(soketi.port), listener, channels, ledger)


@pytest.mark.parametrize(("fault", "delivery"), [one for one in MEASURED if one[0] == KILLED])
def test_a_worker_is_killed(
    fault: str, delivery: str, tmp_path: Path, redis_shared: RedisServer, service: Service
) -> None:
    held, scene = service.holding(after=5), service.scene
    with queue(delivery, tmp_path, redis_shared) as one:
        # taskiq-redis looks for what nobody has acknowledged when something new comes: the last event
        early = one.broadcast(scene._replace(numbers=range(COUNT - 1)))
        with one.stage.worker() as worker:
            held.wait()
            one.stage.kill(worker)
        with one.stage.worker():
            report = joined([early, one.more(scene._replace(numbers=[COUNT - 1]))])
            one.wait(scene)
            report = one.account(report)

    row = service.row(fault, delivery, report)
    assert (row.delivered, row.lost, row.told) == (COUNT, 0, {}), row
    assert row.doubled > 0, row


def test_a_relay_is_killed(tmp_path: Path, service: Service) -> None:
    held = service.holding(after=1)
    url = f"sqlite:///{tmp_path}/shop.db"
    engine = create_engine(url, poolclass=NullPool)
    outbox_table().create(engine)
    report = Report()
    broadcaster = Broadcaster(NullDriver(), delivery=Outbox(engine))
    for number in range(COUNT):
        report.saw[number] = saw(broadcaster.broadcast(event(number, service.channels)).to_everyone())
    command = [sys.executable, "-m", kill_relay.__name__, url, service.url, "1.0"]
    environment = {"PYTHONPATH": str(ROOT)}
    with running(command, log=tmp_path / "killed.log", port=0, env=environment, ready=held.came.is_set) as relay:
        os.killpg(relay.pid, signal.SIGKILL)
        relay.wait()

    def done() -> bool:
        with engine.connect() as connection:
            return not connection.execute(text("SELECT 1 FROM broadcastkit_outbox")).all()

    with running(command, log=tmp_path / "next.log", port=0, env=environment, ready=done):
        row = service.row(KILLED, "Outbox", report)
    assert (row.delivered, row.lost, row.told) == (COUNT, 0, {}), row
    assert row.doubled > 0, row
    assert row.in_order, row


@pytest.mark.parametrize(("fault", "delivery"), [one for one in MEASURED if one[0] == WITHOUT_REDIS])
def test_the_redis_of_a_queue_is_killed(
    fault: str, delivery: str, tmp_path: Path, redis_shared: RedisServer, service: Service
) -> None:
    """Some were sent, one is being sent, some wait; some are broadcast while it is away, and one afterwards."""
    held, scene = service.holding(after=5), service.scene
    with queue(delivery, tmp_path, redis_shared, *DURABLE) as one:
        reports = [one.broadcast(scene._replace(numbers=range(COUNT - AWAY - 1)))]
        with one.stage.worker() as worker:
            held.wait()
            one.kill()
            reports.append(one.more(scene._replace(numbers=range(COUNT - AWAY - 1, COUNT - 1))))
            with one.again():
                # some workers end by themselves without their Redis: either way, whoever watches starts another
                one.stage.kill(worker)
                with one.stage.worker():
                    reports.append(one.more(scene._replace(numbers=[COUNT - 1])))
                    report = one.account(joined(reports))
                    one.wait(scene, report)

    row = service.row(fault, delivery, report)
    assert (row.delivered, row.lost, row.told) == (COUNT - AWAY, 0, {"ConnectError": AWAY}), row


def joined(reports: Sequence[Report]) -> Report:
    """Return what callers were told one after the other."""
    whole = Report()
    for report in reports:
        whole.saw |= report.saw
        whole.told |= report.told
    return whole
