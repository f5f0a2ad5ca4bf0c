"""How a message becomes a task, whatever the queue."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from broadcastkit import AsyncBroadcaster, Broadcaster, Event, default
from broadcastkit.core.options import EventOptions
from broadcastkit.core.retry import Retry
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.queues.base import BlockingQueueDelivery, claim, not_queued
from broadcastkit.delivery.queues.work import Ticket
from broadcastkit.delivery.source import defaults
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.errors import ConfigurationError, ConnectError


class Queue(BlockingQueueDelivery):
    """A list, which takes so many."""

    def __init__(self, *, room: int = 99, fails: Exception | None = None, **options: Any) -> None:
        super().__init__(**{"queue": None, "tries": 10, "backoff": 1.0} | options)
        self.tickets: list[Ticket] = []
        self.threads: set[int] = set()
        self._room = room
        self._fails = fails or RedisConnectionError("Connection refused")

    def _put(self, ticket: Ticket) -> None:
        self.threads.add(threading.get_ident())
        if len(self.tickets) == self._room:
            raise self._fails
        self.tickets.append(ticket)

    @property
    def envelopes(self) -> list[Envelope]:
        return [Envelope.from_json(ticket.text) for ticket in self.tickets]


class Shipped(Event):
    id: int = 7

    def broadcast_on(self) -> list[str]:
        return ["news", f"private-orders.{self.id}"]


class Urgent(Shipped, queue="high", tries=3, retry=Retry(attempts=1)):
    pass


def test_it_is_rendered_and_its_receipt_says_queued() -> None:
    queue = Queue()
    receipt = Broadcaster({"main": NullDriver()}, delivery=queue).broadcast(Shipped()).to_others("1.2")
    assert (receipt.queued, receipt.delivered, receipt.excluded_socket) == (True, False, "1.2")
    (envelope,) = queue.envelopes
    assert envelope.connection == "main"
    assert envelope.message[:4] == ("shipped", ("news", "private-orders.7"), '{"id":7}', "1.2")
    assert queue.tickets[0].id == envelope.id


async def test_awaited_code_uses_a_thread() -> None:
    queue = Queue()
    receipt = await AsyncBroadcaster(AsyncNullDriver(), delivery=queue).broadcast(Shipped()).to_everyone()
    assert receipt.queued
    assert len(queue.tickets) == 1
    assert threading.get_ident() not in queue.threads


@pytest.mark.parametrize(
    ("event", "options"),
    [
        (Shipped, EventOptions(queue="broadcasts", tries=10, backoff=2.0)),
        (Urgent, EventOptions(Retry(attempts=1), "high", 3, 2.0)),
    ],
)
def test_the_events_own_options_win(event: type[Shipped], options: EventOptions) -> None:
    queue = Queue(queue="broadcasts", backoff=2.0)
    Broadcaster(NullDriver(), delivery=queue).broadcast(event()).to_everyone()
    assert queue.envelopes[0].message.options == options
    assert (queue.tickets[0].queue, queue.tickets[0].tries) == (options.queue, options.tries)


def test_each_message_has_an_id_of_its_own() -> None:
    queue = Queue()
    Broadcaster(NullDriver(), delivery=queue).broadcast_many([Shipped(), Shipped()]).to_everyone()
    assert len({ticket.id for ticket in queue.tickets}) == 2


def test_after_one_that_was_not_queued_no_other_is() -> None:
    queue = Queue(room=1)
    broadcaster = Broadcaster(NullDriver(), delivery=queue)
    with pytest.raises(ConnectError, match=r"^not queued: Connection refused") as raised:
        broadcaster.broadcast_many([Shipped(id=1), Shipped(id=2), Shipped(id=3)]).to_everyone()
    assert [receipt.queued for receipt in raised.value.receipts] == [True, False, False]
    assert isinstance(raised.value.__cause__, RedisConnectionError)
    assert raised.value.retryable


def test_an_error_that_may_quote_the_payload_is_not_shown() -> None:
    error = not_queued(ResponseError("unknown command 'RPUSH', with args beginning with: 't0psecret'"))
    assert str(error) == "not queued: redis.exceptions.ResponseError"
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"queue": ""}, "queue must be the name of a queue"),
        ({"tries": 0}, "tries must be"),
        ({"backoff": "5"}, "backoff must be"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        Queue(**wrong)


def test_it_is_queued_when_the_transaction_commits() -> None:
    queue = Queue()
    broadcaster = Broadcaster(NullDriver(), delivery=queue)
    with Session(create_engine("sqlite://")) as session:
        session.execute(text("select 1"))
        assert broadcaster.broadcast(Shipped()).after_commit(session).to_everyone().queued
        assert queue.tickets == []
        session.commit()
        assert len(queue.tickets) == 1
        session.execute(text("select 1"))
        broadcaster.broadcast(Shipped()).after_commit(session).to_everyone()
        session.rollback()
    assert len(queue.tickets) == 1


def test_a_name_is_taken_once_by_each_app() -> None:
    class App:
        pass

    app = App()
    assert claim(app, "a") == claim(App(), "a") == "a"
    with pytest.raises(ConfigurationError, match="App has the task 'a' already"):
        claim(app, "a")


def test_a_worker_uses_what_broadcast_uses_unless_it_is_told() -> None:
    assert (defaults.sync, defaults.asynchronous) == (default.default_broadcaster, default.default_async_broadcaster)
