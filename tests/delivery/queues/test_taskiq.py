"""Taskiq, with its broker that runs tasks in this process."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from taskiq import InMemoryBroker, SmartRetryMiddleware
from taskiq_redis import ListQueueBroker

from broadcastkit import AsyncBroadcaster, Broadcaster, Event, configure, default
from broadcastkit.delivery.queues import TaskiqDelivery
from broadcastkit.delivery.transactions import collect
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.errors import BadCredentialsError, ConfigurationError, ConnectError
from tests.delivery.held import AsyncHeld
from tests.delivery.queues.callers import EVENT
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskiq import BrokerMessage

    from broadcastkit import Receipt
    from broadcastkit.events import Broadcastable


class Urgent(Event, queue="high"):
    def broadcast_on(self) -> str:
        return "a"


class Broker(InMemoryBroker):
    """One that remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.kicked: list[BrokerMessage] = []
        self.fails_at = 0

    async def kick(self, message: BrokerMessage) -> None:
        self.kicked.append(message)
        if len(self.kicked) == self.fails_at:
            raise RedisConnectionError("Connection refused")
        await super().kick(message)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def service() -> Iterator[AsyncHeld]:
    default.reset()
    driver = AsyncHeld(released=True)
    configure(AsyncBroadcaster({"main": driver}))
    yield driver
    default.reset()


async def broadcast(delivery: TaskiqDelivery, event: Broadcastable = EVENT) -> Receipt:
    return await AsyncBroadcaster({"main": AsyncNullDriver()}, delivery=delivery).broadcast(event).to_everyone()


async def test_what_failed_is_tried_again_and_no_log_shows_the_payload_above_debug(
    broker: Broker, service: AsyncHeld, caplog: pytest.LogCaptureFixture
) -> None:
    service.once["shipped"] = ConnectError("down", delivered=("a",))
    broker.add_middlewares(SmartRetryMiddleware(default_retry_label=True, default_delay=0))
    with caplog.at_level(logging.INFO):
        assert (await broadcast(TaskiqDelivery(broker, backoff=0.01))).queued
        await broker.wait_all()
    assert service.requests == [["shipped"]] * 2
    assert len({message.task_id for message in broker.kicked}) == 1
    assert "Executing task broadcastkit.send" in caplog.text
    assert "t0psecret" not in caplog.text


async def test_a_broker_that_goes_away_meanwhile_loses_nothing(
    broker: Broker, service: AsyncHeld, caplog: pytest.LogCaptureFixture
) -> None:
    service.once["shipped"] = ConnectError("down")
    broker.fails_at = 2
    await broadcast(TaskiqDelivery(broker, backoff=0.01))
    await broker.wait_all()
    assert service.requests == [["shipped"]] * 2
    assert [record.getMessage() for record in caplog.records] == [
        "not queued: Connection refused, and tried again in 1.0 s"
    ]


async def test_what_failed_for_good_is_in_the_result_backend(broker: Broker, service: AsyncHeld) -> None:
    service.outcomes["shipped"] = BadCredentialsError("no", status=401)
    await broadcast(TaskiqDelivery(broker))
    await broker.wait_all()
    result = await broker.result_backend.get_result(broker.kicked[0].task_id)
    assert isinstance(result.error, BadCredentialsError)


async def test_an_events_queue_is_for_this_event_alone(broker: Broker, service: AsyncHeld) -> None:
    delivery = TaskiqDelivery(broker)
    for event in (Urgent(), EVENT):
        await broadcast(delivery, event)
    await broker.wait_all()
    assert [message.labels.get("queue_name") for message in broker.kicked] == ["high", None]


async def test_a_worker_is_told_whose_connections_to_use(broker: Broker) -> None:
    driver = AsyncHeld(released=True)
    await broadcast(TaskiqDelivery(broker, broadcaster=lambda: AsyncBroadcaster({"main": driver})))
    await broker.wait_all()
    assert driver.requests == [["shipped"]]


async def test_it_is_queued_at_the_end_of_the_block(broker: Broker, service: AsyncHeld) -> None:
    delivery = TaskiqDelivery(broker)
    async with collect():
        await broadcast(delivery)
        assert broker.kicked == []
    assert len(broker.kicked) == 1
    await broker.wait_all()
    assert service.requests == [["shipped"]]


def test_blocking_code_is_told_to_await(broker: Broker) -> None:
    broadcaster = Broadcaster(NullDriver(), delivery=TaskiqDelivery(broker))
    with pytest.raises(ConfigurationError, match="TaskiqDelivery is awaited: use AsyncBroadcaster"):
        broadcaster.broadcast(EVENT).to_everyone()


def test_two_on_one_broker_need_two_names(broker: Broker) -> None:
    TaskiqDelivery(broker)
    with pytest.raises(ConfigurationError, match=r"Broker has the task 'broadcastkit\.send' already"):
        TaskiqDelivery(broker)
    assert TaskiqDelivery(broker, name="others.send").task.task_name == "others.send"


def test_a_broker_that_is_not_there_is_the_callers_error() -> None:
    async def queue() -> None:
        broker = ListQueueBroker(f"redis://127.0.0.1:{free_port()}")
        try:
            await broadcast(TaskiqDelivery(broker))
        finally:
            await broker.shutdown()

    with pytest.raises(ConnectError, match=r"^not queued: .*Connect call failed"):
        asyncio.run(queue())  # redis-py reads files when it connects
