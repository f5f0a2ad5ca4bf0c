"""Dramatiq, with its own broker for tests and a worker in this process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from dramatiq import Worker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import CurrentMessage

from broadcastkit import Broadcaster, Event
from broadcastkit.delivery.queues import DramatiqDelivery
from broadcastkit.errors import BadCredentialsError, ConfigurationError, ConnectError
from tests.delivery.held import Held
from tests.delivery.queues.callers import broadcast
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator


class Urgent(Event, queue="high"):
    def broadcast_on(self) -> str:
        return "a"


@pytest.fixture
def broker() -> Iterator[StubBroker]:
    broker = StubBroker()
    yield broker
    broker.close()


def work(broker: StubBroker, queue: str = "default", *, raises: bool = True) -> None:
    worker = Worker(broker, worker_timeout=50, worker_threads=1)
    worker.start()
    try:
        broker.join(queue, fail_fast=raises)
        worker.join()
    finally:
        worker.stop()


def test_what_failed_is_tried_again_and_nothing_shows_the_payload(
    broker: StubBroker, service: Held, caplog: pytest.LogCaptureFixture
) -> None:
    service.once["shipped"] = ConnectError("down", delivered=("a",))
    with caplog.at_level(logging.DEBUG):
        broadcast(DramatiqDelivery(broker, backoff=0.01))
        work(broker)
    assert service.requests == [["shipped"]] * 2
    assert "Received message broadcastkit.send() with id" in caplog.text
    assert "t0psecret" not in caplog.text


def test_what_failed_for_good_is_a_dead_letter(broker: StubBroker, service: Held) -> None:
    service.outcomes["shipped"] = BadCredentialsError("no", status=401)
    broadcast(DramatiqDelivery(broker))
    with pytest.raises(BadCredentialsError):
        work(broker)
    (letter,) = broker.dead_letters
    assert letter.actor_name == "broadcastkit.send"


def test_an_event_names_one_of_the_queues(broker: StubBroker, service: Held) -> None:
    broadcast(DramatiqDelivery(broker, queues=["high"]), Urgent())
    work(broker, "high")
    assert service.requests == [["urgent"]]


def test_a_queue_that_no_worker_looks_into_is_refused(broker: StubBroker) -> None:
    delivery = DramatiqDelivery(broker)
    with pytest.raises(
        ConfigurationError, match=r"the queue 'high', .* say DramatiqDelivery\(broker, queues=\['high'\]"
    ):
        broadcast(delivery, Urgent())


def test_a_brokers_own_current_message_is_enough(broker: StubBroker) -> None:
    broker.add_middleware(CurrentMessage())
    DramatiqDelivery(broker)
    assert sum(isinstance(one, CurrentMessage) for one in broker.middleware) == 1


def test_a_worker_is_told_whose_connections_to_use(broker: StubBroker) -> None:
    driver = Held(released=True)
    broadcast(DramatiqDelivery(broker, broadcaster=lambda: Broadcaster({"main": driver})))
    work(broker)
    assert driver.requests == [["shipped"]]


def test_its_actor_is_for_workers(broker: StubBroker) -> None:
    with pytest.raises(ConfigurationError, match=r"broadcastkit\.send is for workers"):
        DramatiqDelivery(broker).task()


def test_two_on_one_broker_need_two_names(broker: StubBroker) -> None:
    DramatiqDelivery(broker)
    with pytest.raises(ConfigurationError, match=r"StubBroker has the task 'broadcastkit\.send' already"):
        DramatiqDelivery(broker)
    assert DramatiqDelivery(broker, name="others.send").task.actor_name == "others.send"


def test_a_broker_that_is_not_there_is_the_callers_error() -> None:
    delivery = DramatiqDelivery(RedisBroker(url=f"redis://127.0.0.1:{free_port()}"))
    with pytest.raises(ConnectError, match=r"^not queued: .*refused"):
        broadcast(delivery)
