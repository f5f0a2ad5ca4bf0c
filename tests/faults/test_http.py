"""What goes wrong between a driver and a real soketi, for every delivery: nothing is lost without a word."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from tests.faults.actions import FAULTS, STORM, Fault
from tests.faults.ledger import ROUNDS, Row, pairs, row_of
from tests.faults.proxy import Proxy
from tests.faults.queues import EVERY, QUEUES, UNORDERED, Deliveries
from tests.faults.scenes import IMPATIENT, LONG_ENOUGH, through
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
        proxy = proxies(soketi.port)
        proxy.does(fault.script, fault.then)
        proxy.refuse(fault.refused if fault.refused > 0 and delivery not in QUEUES else None)
        if not fault.refused:
            proxy.open()
        listener.listen(channels)
        crowd = delivery.startswith("50")
        count = 100 if crowd else 6 if fault.slow else 20
        timeout = IMPATIENT if fault.slow else LONG_ENOUGH
        scene = through(soketi, channels, count, port=proxy.port, timeout=timeout)
        if fault.refused > 0 and delivery in QUEUES:  # how often another process was refused, nobody here can tell
            scene = scene._replace(refused=proxy.open)
        report = deliver(delivery, scene._replace(ends=bool(fault.script) or not fault.told))
        proxy.settled()
        assert len(report.saw) == count, "somebody got no answer"
        return row_of(fault.name, delivery, scene.numbers, report, listener.heard(channels))

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
