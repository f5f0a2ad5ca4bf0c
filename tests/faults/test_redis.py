"""What goes wrong between a driver and a real Redis, for every delivery."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest

from tests.faults.actions import REDIS_FAULTS, REDIS_STORM, Fault
from tests.faults.ledger import ROUNDS, Row, pairs, row_of
from tests.faults.proxy import REDIS, Proxy
from tests.faults.queues import EVERY, UNORDERED, Deliveries
from tests.faults.scenes import meet, through_redis
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
        subscriber.listen(channels)
        scene_of = partial(through_redis, redis_shared, channels)
        numbers, report = meet(fault, delivery, proxies(redis_shared.port, protocol=REDIS), scene_of, deliver)
        return row_of(f"Redis: {fault.name}", delivery, numbers, report, subscriber.heard(channels))

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
