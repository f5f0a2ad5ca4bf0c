"""What goes wrong between a driver and a real soketi, for every delivery: nothing is lost without a word."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from tests.faults.actions import FAULTS, STORM, Fault
from tests.faults.ledger import ROUNDS, Row, pairs, row_of
from tests.faults.proxy import Proxy
from tests.faults.queues import EVERY, UNORDERED, Deliveries
from tests.faults.scenes import meet, through
from tests.faults.witness import Witness
from tests.interop.servers import PusherServer

pytestmark = pytest.mark.real


@pytest.fixture
def measured(
    soketi: PusherServer,
    proxies: Callable[..., Proxy],
    deliver: Deliveries,
    listener: Witness,
    channels: Sequence[str],
) -> Callable[..., Row]:
    def measure(fault: Fault, delivery: str) -> Row:
        listener.listen(channels)
        scene_of = partial(through, soketi, channels)
        numbers, report = meet(fault, delivery, proxies(soketi.port), scene_of, deliver)
        return row_of(fault.name, delivery, numbers, report, listener.heard(channels))

    return measure


@pytest.mark.parametrize(("fault", "delivery"), pairs(FAULTS, EVERY), ids=lambda one: getattr(one, "name", one))
def test_a_fault(fault: Fault, delivery: str, measured: Callable[..., Row], ledger: Callable[[Row], None]) -> None:
    row = measured(fault, delivery)
    ledger(row)

    assert row.lost == 0, row
    assert bool(row.doubled) <= fault.acted, row
    # threads and workers have no order among each other
    assert row.in_order or delivery in UNORDERED, row
    assert set(row.told) == fault.tells(delivery), row
    if not fault.acted:
        assert row.delivered + sum(row.told.values()) == row.sent, row


@pytest.mark.parametrize("delivery", EVERY)
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_storm(seed: int, delivery: str, measured: Callable[..., Row], ledger: Callable[[Row], None]) -> None:
    dice = random.Random(f"{seed} {delivery}")
    fault = Fault("a storm of all of these", [dice.choice(STORM) for _ in range(60)], acted=True)

    row = measured(fault, delivery)
    ledger(row)

    assert row.lost == 0, row
    assert row.in_order or delivery in UNORDERED, row
