"""What Laravel says of a queued broadcast, in an event's class: `$queue`, `$connection`, `$tries`, `$backoff`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from celery import Celery

from broadcastkit import Broadcaster
from broadcastkit.delivery.queues import CeleryDelivery
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.drivers.null import NullDriver
from broadcastkit.errors import ConnectError
from tests.delivery.held import Held
from tests.parity.tools import OrderShipped

if TYPE_CHECKING:
    from collections.abc import Iterator


class Urgent(OrderShipped, queue="high", tries=3, backoff=0.0):
    pass


@pytest.fixture
def app() -> Iterator[Celery]:
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.conf.task_default_queue = str(uuid4())  # the broker is one for the whole process
    yield app
    app.close()


def take(app: Celery, queue: str) -> Any:
    """Take the next task from a queue, and return the message in it."""
    connection: Any
    with app.connection_for_read() as connection:
        (text,), _, _ = connection.SimpleQueue(queue).get(timeout=5).payload
        return json.loads(text)


def test_broadcast_queue(app: Celery) -> None:
    broadcaster = Broadcaster(NullDriver(), delivery=CeleryDelivery(app, queue="broadcasts"))
    broadcaster.broadcast(OrderShipped(id=7)).to_everyone()
    broadcaster.broadcast(Urgent(id=8)).to_everyone()

    assert [take(app, queue)["data"] for queue in ("broadcasts", "high")] == ['{"id":7}', '{"id":8}']


def test_queue_connection(app: Celery) -> None:
    """The queue is the broadcaster's; the connection of the broadcast travels with it."""
    connections = {"pusher": NullDriver(), "redis": NullDriver()}
    broadcaster = Broadcaster(connections, default="pusher", delivery=CeleryDelivery(app))
    broadcaster.broadcast(OrderShipped(id=7)).via("redis").to_everyone()

    assert take(app, app.conf.task_default_queue)["connection"] == "redis"


def test_should_broadcast_now_beside_a_queue(app: Celery) -> None:
    driver = MemoryDriver()
    queued = Broadcaster(driver, delivery=CeleryDelivery(app))
    now = Broadcaster(driver)

    assert queued.broadcast(OrderShipped(id=7)).to_everyone().queued
    assert now.broadcast(OrderShipped(id=8)).to_everyone().delivered
    assert [message.data for message in driver.messages] == ['{"id":8}']


def test_tries_and_backoff(app: Celery) -> None:
    app.conf.task_always_eager = True
    service = Held(released=True)
    service.outcomes[Urgent.event_name] = ConnectError("down")
    delivery = CeleryDelivery(app, broadcaster=lambda: Broadcaster(service))
    Broadcaster(NullDriver(), delivery=delivery).broadcast(Urgent(id=7)).to_everyone()

    assert service.requests == [[Urgent.event_name]] * 3
