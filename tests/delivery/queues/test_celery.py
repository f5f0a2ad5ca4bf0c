"""Celery, with its own broker and worker for tests, in this process."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from celery import Celery, signals
from celery.contrib.testing.worker import start_worker
from kombu.transport import memory

from broadcastkit import Broadcaster
from broadcastkit.delivery.queues import CeleryDelivery
from broadcastkit.drivers.null import NullDriver
from broadcastkit.errors import ConfigurationError, ConnectError
from tests.delivery.held import SECONDS, Held
from tests.delivery.queues.callers import EVENT, broadcast
from tests.interop.redis_servers import wait_until
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

OFTEN = 0.05


class Channel(memory.Channel):
    """One that refuses what it is told to."""

    refuses = False

    def _put(self, queue: str, message: Any, **options: Any) -> None:
        if Channel.refuses:
            Channel.refuses = False
            raise MemoryError
        super()._put(queue, message, **options)  # type: ignore[no-untyped-call]


class Transport(memory.Transport):
    """One at which a worker asks often whether a retry is due, or its end: Celery's waits two seconds each time."""

    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None, **_: Any) -> Any:
        return super().drain_events(connection, min(timeout or OFTEN, OFTEN))  # type: ignore[no-untyped-call]


@pytest.fixture
def app() -> Iterator[Celery]:
    app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.broker_transport = f"{__name__}:Transport"
    app.conf.task_default_queue = str(uuid4())  # the broker is one for the whole process
    app.conf.broker_transport_options = {"polling_interval": 0.01}
    yield app
    app.close()


@contextlib.contextmanager
def working(app: Celery) -> Iterator[None]:
    """Run a worker in a thread, which leaves this process's logging alone."""

    def leave(**_: Any) -> None:
        """Say that there is nothing to set up."""

    signals.setup_logging.connect(leave)
    worker: Any = start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=SECONDS)
    try:
        with worker:
            yield
    finally:
        signals.setup_logging.disconnect(leave)


def queued(app: Celery, queue: str) -> Any:
    connection: Any
    with app.connection_for_read() as connection:
        return connection.SimpleQueue(queue).get(timeout=SECONDS)


def test_a_task_is_json_and_shows_no_payload(app: Celery) -> None:
    broadcast(CeleryDelivery(app, queue="broadcasts"))
    message = queued(app, "broadcasts")
    ((text,), _, _) = message.payload
    assert message.content_type == "application/json"
    assert json.loads(json.loads(text)["data"]) == {"text": "t0psecret"}
    assert message.headers["task"] == "broadcastkit.send"
    assert message.headers["argsrepr"] == "<Message 'shipped' on 2 channel(s), 20 characters>"
    assert message.headers["id"] == json.loads(text)["id"]


def test_a_retry_shows_none_either_and_sends_only_what_is_left(app: Celery, service: Held) -> None:
    service.once["shipped"] = ConnectError("down", delivered=("a",))
    shown: list[str] = []
    states: list[str] = []

    def received(request: Any, **_: Any) -> None:
        shown.append(request.argsrepr)

    def ended(state: str, **_: Any) -> None:
        states.append(state)

    signals.task_received.connect(received)
    signals.task_postrun.connect(ended)
    try:
        delivery = CeleryDelivery(app, backoff=0.01)
        with working(app):
            broadcast(delivery)
            wait_until(lambda: len(states) == 2, "the task was done")
    finally:
        signals.task_received.disconnect(received)
        signals.task_postrun.disconnect(ended)
    assert shown == [f"<Message 'shipped' on {count} channel(s), 20 characters>" for count in (2, 1)]
    assert states == ["RETRY", "SUCCESS"]
    assert service.requests == [["shipped"]] * 2


def test_a_broker_that_takes_no_retry_keeps_the_task(app: Celery) -> None:
    class Failing(Held):
        def send(self, messages: Any) -> Any:
            Channel.refuses = len(self.requests) == 0
            return super().send(messages)

    service = Failing(released=True)
    service.once["shipped"] = ConnectError("down")
    delivery = CeleryDelivery(app, broadcaster=lambda: Broadcaster({"main": service}))
    with working(app):
        broadcast(delivery)
        service.wait_for(2)


def test_an_eager_app_sends_at_once(app: Celery, service: Held) -> None:
    app.conf.task_always_eager = True
    service.once["shipped"] = ConnectError("down")
    broadcast(CeleryDelivery(app, backoff=0.01))
    assert service.requests == [["shipped"]] * 2


def test_a_worker_is_told_whose_connections_to_use(app: Celery) -> None:
    app.conf.task_always_eager = True
    driver = Held(released=True)
    broadcast(CeleryDelivery(app, broadcaster=lambda: Broadcaster({"main": driver})))
    assert driver.requests == [["shipped"]]


def test_two_on_one_app_need_two_names(app: Celery) -> None:
    CeleryDelivery(app)
    with pytest.raises(
        ConfigurationError, match="share one delivery between the broadcasters, or give this one a name"
    ):
        CeleryDelivery(app)
    assert CeleryDelivery(app, name="others.send").task.name == "others.send"


def test_a_broker_that_is_not_there_is_the_callers_error() -> None:
    app = Celery("shop", broker=f"redis://127.0.0.1:{free_port()}", set_as_current=False)
    broadcaster = Broadcaster(NullDriver(), delivery=CeleryDelivery(app))
    with pytest.raises(ConnectError, match=r"^not queued: .*refused"):
        broadcaster.broadcast(EVENT).to_everyone()
    app.close()
