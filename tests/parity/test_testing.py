"""`Event::fake()` and its assertions; it knows nothing of broadcasting, and channels are checked by hand there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from broadcastkit import AnonymousEvent, Broadcaster, broadcast, configure
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.testing import fake_broadcasts, suppress
from tests.parity.tools import OrderChannel, OrderShipped

if TYPE_CHECKING:
    from broadcastkit.testing import Broadcasts


def test_event_fake(broadcasts: Broadcasts) -> None:
    broadcast(OrderShipped(id=7)).to_others()

    broadcasts.assert_broadcast(OrderShipped, on=OrderChannel(order_id=7), to_others=True)


def test_fake_for() -> None:
    driver = MemoryDriver()
    configure(Broadcaster(driver))

    with fake_broadcasts() as broadcasts:
        broadcast(OrderShipped(id=7)).to_everyone()
    broadcast(OrderShipped(id=8)).to_everyone()

    assert (len(broadcasts.recorded), len(driver.messages)) == (1, 1)


def test_without_broadcasting() -> None:
    driver = MemoryDriver()
    configure(Broadcaster(driver))

    with suppress():
        broadcast(OrderShipped(id=7)).to_everyone()
    broadcast(OrderShipped(id=8)).to_everyone()

    assert [message.channels for message in driver.messages] == [("private-orders.8",)]


def test_assert_dispatched(broadcasts: Broadcasts) -> None:
    broadcast(OrderShipped(id=7)).to_everyone()

    broadcasts.assert_broadcast(OrderShipped)
    broadcasts.assert_broadcast("order.shipped", where=lambda event: event.id == 7)
    with pytest.raises(AssertionError):
        broadcasts.assert_broadcast(OrderShipped, where=lambda event: event.id == 8)


def test_assert_dispatched_times(broadcasts: Broadcasts) -> None:
    for number in (7, 8):
        broadcast(OrderShipped(id=number)).to_everyone()

    broadcasts.assert_broadcast(OrderShipped, times=2)
    with pytest.raises(AssertionError):
        broadcasts.assert_broadcast(OrderShipped, times=1)


def test_assert_not_dispatched(broadcasts: Broadcasts) -> None:
    broadcast(AnonymousEvent("ping", on="orders")).to_everyone()

    broadcasts.assert_not_broadcast(OrderShipped)
    with pytest.raises(AssertionError):
        broadcasts.assert_not_broadcast("ping")


def test_assert_nothing_dispatched(broadcasts: Broadcasts) -> None:
    broadcasts.assert_nothing_broadcast()
    broadcast(AnonymousEvent("ping", on="orders")).to_everyone()
    with pytest.raises(AssertionError):
        broadcasts.assert_nothing_broadcast()


def test_dispatched_events(broadcasts: Broadcasts) -> None:
    broadcast(OrderShipped(id=7)).to_everyone()

    (record,) = broadcasts.recorded

    assert (record.event_name, record.channels, record.payload) == ("order.shipped", ("private-orders.7",), {"id": 7})


@pytest.mark.parametrize("name", ["null", "log"])
def test_broadcast_connection_null(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "BROADCAST_CONNECTION", name)

    assert broadcast(OrderShipped(id=7)).to_everyone().delivered
