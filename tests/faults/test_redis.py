"""What goes wrong between a driver and a real Redis, for every delivery."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.faults.actions import REDIS_FAULTS, REDIS_STORM, Fault
from tests.faults.ledger import ROUNDS, Row, pairs, row_of
from tests.faults.proxy import REDIS, Proxy
from tests.faults.queues import EVERY, QUEUES, UNORDERED, Deliveries
from tests.faults.scenes import IMPATIENT, LONG_ENOUGH, through_redis
from tests.faults.witness import RedisWitness
from tests.interop.redis_servers import RedisServer

pytestmark = pytest.mark.real


@pytest.fixture
def subscriber(redis_shared: RedisServer) -> Iterator[RedisWitness]:
    with contextlib.closing(RedisWitness(redis_shared)) as one:
        yield one


@pytest.fixture
def measured(
    redis_shared: RedisServer,
    proxies: Callable[..., Proxy],
    deliver: Deliveries,
    subscriber: RedisWitness,
    channels: Sequence[str],
) -> Callable[..., Row]:
    def measure(fault: Fault, delivery: str) -> Row:
        proxy = proxies(redis_shared.port, protocol=REDIS)
        proxy.does(fault.script, fault.then)
        proxy.refuse(fault.refused if fault.refused > 0 and delivery not in QUEUES else None)
        if not fault.refused:
            proxy.open()
        subscriber.listen(channels)
        crowd = delivery.startswith("50")
        count = 100 if crowd else 6 if fault.slow else 20
        timeout = IMPATIENT if fault.slow else LONG_ENOUGH
        scene = through_redis(redis_shared, channels, count, port=proxy.port, timeout=timeout)
        if fault.refused > 0 and delivery in QUEUES:  # how often another process was refused, nobody here can tell
            scene = scene._replace(refused=proxy.open)
        report = deliver(delivery, scene._replace(ends=bool(fault.script) or not fault.told))
        proxy.settled()
        assert len(report.saw) == count, "somebody got no answer"
        return row_of(f"Redis: {fault.name}", delivery, scene.numbers, report, subscriber.heard(channels))

    return measure


@pytest.mark.parametrize(("fault", "delivery"), pairs(REDIS_FAULTS, EVERY), ids=lambda one: getattr(one, "name", one))
def test_a_fault(fault: Fault, delivery: str, measured: Callable[..., Row], ledger: Callable[[Row], None]) -> None:
    row = measured(fault, delivery)
    ledger(row)

    assert row.lost == 0, row
    assert bool(row.doubled) <= fault.acted, row
    # threads and workers have no order among each other
    assert row.in_order or delivery in UNORDERED, row
    assert set(row.told) == fault.tells(delivery), row


@pytest.mark.parametrize(("seed", "delivery"), pairs(range(ROUNDS), EVERY))
def test_a_storm(seed: int, delivery: str, measured: Callable[..., Row], ledger: Callable[[Row], None]) -> None:
    dice = random.Random(f"{seed} {delivery}")
    fault = Fault("a storm of all of these", [dice.choice(REDIS_STORM) for _ in range(60)], acted=True)

    row = measured(fault, delivery)
    ledger(row)

    assert row.lost == 0, row
    assert row.in_order or delivery in UNORDERED, row
