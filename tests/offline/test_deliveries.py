"""Every delivery carries fallbacks as it carries events: with its retries, its receipts, its hooks. Mails are real."""

from __future__ import annotations

import json
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.orm import Session

from broadcastkit import AsyncBroadcaster, Broadcaster, Event
from broadcastkit.channels import UserChannel
from broadcastkit.core.message import Message, identified
from broadcastkit.delivery import Background
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox import Outbox, Relay
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.delivery.queues.work import Worker, ticket_of
from broadcastkit.delivery.transactions import collect
from broadcastkit.drivers.base import Sent
from broadcastkit.errors import BroadcastError, ConfigurationError, ConnectError, DeliveryError, FallbackError
from broadcastkit.observability import Drop, Hooks, Sending
from broadcastkit.offline import Fallbacks, Missed
from broadcastkit.offline.email import Mailer
from broadcastkit.testing import fake_broadcasts, suppress
from tests.interop.servers import LOOPBACK
from tests.offline.services import Heard, Service, Shipped
from tests.offline.sinks import PATIENCE, MailServer, mail_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.broadcaster.orders import MakeBoth

EVENT = Shipped(order_id=7, customers=[3])
ADDRESSES = {3: "ada@example.com", 4: "bob@example.com"}


class Watching(Hooks):
    """What hooks are told, as it comes."""

    def __init__(self) -> None:
        self.failed: SimpleQueue[tuple[Sending, Exception]] = SimpleQueue()
        self.sent: SimpleQueue[Sending] = SimpleQueue()
        self.dropped: SimpleQueue[Drop] = SimpleQueue()

    def on_failed(self, sending: Sending, error: Exception) -> None:
        self.failed.put((sending, error))

    def on_sent(self, sending: Sending) -> None:
        self.sent.put(sending)

    def on_dropped(self, drop: Drop) -> None:
        self.dropped.put(drop)


@pytest.fixture
def down() -> Iterator[MailServer]:
    """A mail server that has not been started yet."""
    with mail_server(running=False) as server:
        yield server


def mailing(server: MailServer) -> Fallbacks:
    fallbacks = Fallbacks()
    mailer = Mailer(LOOPBACK, port=server.port, encryption="none", sender="shop@example.com", timeout=PATIENCE)

    @fallbacks.when_offline(UserChannel, Shipped)
    def email_them(missed: Missed[UserChannel]) -> None:
        mailer.send(
            to=ADDRESSES[int(missed.channel.user_id)],
            subject=f"Order {missed.payload['order_id']} is on its way",
            text="Look here",
            id=missed.id,
        )

    return fallbacks


def subject_of(server: MailServer) -> tuple[list[str], str]:
    mail = server.mail()
    return mail.to, str(mail.message["subject"])


TO_ADA = (["ada@example.com"], "Order 7 is on its way")


# -- inline ------------------------------------------------------------------------------------------------------------


def test_inline_the_mail_is_sent_when_the_broadcast_returns(broadcaster: MakeBoth, mail: MailServer) -> None:
    service = Service()
    both = broadcaster(service, when_offline=mailing(mail))
    receipt = both.run(both.broadcaster.broadcast(EVENT).to_others())

    assert receipt.delivered
    assert (mail.mails.qsize(), subject_of(mail)) == (1, TO_ADA)
    service.there.add("private-user.3")
    both.run(both.broadcaster.broadcast(EVENT).to_others())
    assert mail.mails.empty()


def test_inline_the_caller_gets_the_error_of_a_mail_and_may_send_that_again(
    broadcaster: MakeBoth, down: MailServer
) -> None:
    """By the name of its connection, the event is not sent again."""
    service = Service()
    both = broadcaster(service, when_offline=mailing(down))
    with pytest.raises(ConnectError) as raised:
        both.run(both.broadcaster.broadcast(EVENT).to_everyone())
    (receipt,) = raised.value.receipts
    assert [one.error is None for one in receipt.connections] == [True, False]

    down.start()
    again = both.run(both.broadcaster.broadcast(EVENT).via("offline.email_them").to_everyone())
    assert ([one.connection for one in again.connections], again.delivered) == (["offline.email_them"], True)
    assert (subject_of(down), service.events) == (TO_ADA, ["shipped"])


def test_under_report_the_receipt_has_the_error(broadcaster: MakeBoth, down: MailServer) -> None:
    told: list[BroadcastError] = []
    both = broadcaster(Service(), when_offline=mailing(down), on_error=told.append)
    receipt = both.run(both.broadcaster.broadcast(EVENT).to_everyone())

    assert [type(error) for error in told] == [ConnectError]
    assert receipt.error is told[0]


# -- background --------------------------------------------------------------------------------------------------------


def test_in_the_background_a_mail_is_tried_until_it_is_taken(broadcaster: MakeBoth, down: MailServer) -> None:
    service, hooks = Service(), Watching()
    both = broadcaster(service, when_offline=mailing(down), delivery=Background(), hooks=hooks)
    receipt = both.run(both.broadcaster.broadcast(EVENT).to_everyone())
    assert [(one.connection, one.queued) for one in receipt.connections] == [
        ("default", True),
        ("offline.email_them", True),
    ]

    async def failed() -> None:
        import anyio.to_thread

        await anyio.to_thread.run_sync(lambda: hooks.failed.get(timeout=PATIENCE))

    if both.colour == "sync":
        hooks.failed.get(timeout=PATIENCE)
    else:
        both.run(failed())
    down.start()
    both.close()

    assert (down.mails.qsize(), subject_of(down)) == (1, TO_ADA)
    assert service.events == ["shipped"]


def test_in_the_background_a_bug_is_reported_once() -> None:
    fallbacks, hooks = Fallbacks(), Watching()
    fallbacks.when_offline(UserChannel, name="tell_them")(Heard(KeyError("t0psecret")))
    failed: list[tuple[str, Exception]] = []
    background = Background(on_failed=lambda connection, message, error: failed.append((connection, error)))
    with Broadcaster(Service().sync(), when_offline=fallbacks, delivery=background, hooks=hooks) as broadcaster:
        broadcaster.broadcast(EVENT).to_everyone()

    assert [(connection, type(error)) for connection, error in failed] == [("offline.tell_them", FallbackError)]
    drop = hooks.dropped.get(timeout=PATIENCE)
    assert (drop.connection, drop.events, drop.reason) == ("offline.tell_them", ("shipped",), "failed")


# -- outbox and relay --------------------------------------------------------------------------------------------------


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{tmp_path / 'outbox.db'}", poolclass=NullPool)
    outbox_table().create(engine)
    return engine


def test_what_an_outbox_has_written_a_relay_mails_once(engine: Engine, down: MailServer) -> None:
    """Written with the transaction; sent again is the mail alone."""
    service, fallbacks = Service(), mailing(down)
    connections = {"main": service.sync()}
    writer = Broadcaster(connections, delivery=Outbox(), when_offline=fallbacks)
    with Session(engine) as session, session.begin():
        receipt = writer.broadcast(EVENT).after_commit(session).to_everyone()
    assert [one.connection for one in receipt.connections] == ["main", "offline.email_them"]
    assert receipt.queued

    relay = Relay(engine, Broadcaster(connections, when_offline=fallbacks), backoff=0.001)
    assert relay.run_once() == 2
    assert (service.events, relay.statistics().waiting) == (["shipped"], 1)

    down.start()
    while relay.statistics().waiting:
        relay.run_once()
    assert (down.mails.qsize(), subject_of(down), service.events) == (1, TO_ADA, ["shipped"])


def test_what_is_rolled_back_mails_nobody(engine: Engine, mail: MailServer) -> None:
    writer = Broadcaster(Service().sync(), delivery=Outbox(), when_offline=mailing(mail))
    with Session(engine) as session:
        writer.broadcast(EVENT).after_commit(session).to_everyone()
        session.rollback()

    assert Relay(engine, writer).statistics().waiting == 0


def test_a_bug_is_a_dead_letter_after_some_tries_which_may_be_tried_again(engine: Engine) -> None:
    fallbacks, heard = Fallbacks(), Heard(KeyError("t0psecret"), KeyError("t0psecret"))
    fallbacks.when_offline(UserChannel, name="tell_them")(heard)
    broadcaster = Broadcaster(Service().sync(), delivery=Outbox(engine), when_offline=fallbacks)
    broadcaster.broadcast(EVENT).to_everyone()
    relay = Relay(engine, broadcaster, tries=2, backoff=0.001)
    while relay.statistics().waiting:
        relay.run_once()

    (dead,) = relay.dead()
    assert (dead.connection, dead.error, dead.attempts) == ("offline.tell_them", "FallbackError", 2)
    relay.requeue(dead.id)
    while relay.statistics().waiting:
        relay.run_once()
    assert relay.statistics().dead == 0
    assert len({missed.id for missed in heard.missed}) == 1
    assert len(heard.missed) == 3


def test_an_address_that_is_none_is_dead_at_once(engine: Engine, mail: MailServer) -> None:
    fallbacks = Fallbacks()
    mailer = Mailer(LOOPBACK, port=mail.port, encryption="none", sender="shop@example.com")

    @fallbacks.when_offline(UserChannel)
    def email_them(missed: Missed[UserChannel]) -> None:
        mailer.send(to="nowhere", subject="x", text="x", id=missed.id)

    broadcaster = Broadcaster(Service().sync(), delivery=Outbox(engine), when_offline=fallbacks)
    broadcaster.broadcast(EVENT).to_everyone()
    relay = Relay(engine, broadcaster)
    relay.run_once()

    assert [dead.error for dead in relay.dead()] == ["InvalidInputError"]


def test_a_relay_without_fallbacks_says_what_is_missing_and_loses_nothing(
    engine: Engine, mail: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service()
    writer = Broadcaster(service.sync(), delivery=Outbox(engine), when_offline=mailing(mail))
    writer.broadcast(EVENT).to_everyone()
    without = Relay(engine, Broadcaster(service.sync()), backoff=0.001, tries=1)
    without.run_once()

    assert service.events == ["shipped"]
    assert "this broadcaster needs when_offline=, too" in caplog.text
    assert without.statistics().waiting == 1
    relay = Relay(engine, writer)
    while relay.statistics().waiting:
        relay.run_once()
    assert subject_of(mail) == TO_ADA


# -- queues ------------------------------------------------------------------------------------------------------------


def test_a_queues_worker_tries_again_who_is_left_with_the_same_id(down: MailServer) -> None:
    """To Celery's real worker see test_real.py; this is what all of them do."""
    fallbacks, heard = Fallbacks(), Heard()
    ids: dict[str, list[str]] = {}

    @fallbacks.when_offline(UserChannel)
    def tell_them(missed: Missed[UserChannel]) -> None:
        ids.setdefault(missed.channel.name, []).append(missed.id)
        if missed.channel.user_id == 4 and len(ids[missed.channel.name]) == 1:
            raise ConnectionRefusedError
        heard(missed)

    source = Broadcaster(Service().sync(), when_offline=fallbacks)
    worker = Worker(lambda: source, None)
    message = Message("shipped", ("private-user.3", "private-user.4"), '{"order_id":7}')
    with_id = identified(message, "b1")
    envelope = Envelope("offline.tell_them", with_id._replace(options=None), "e1")
    text = ticket_of(envelope).text
    further = worker.send(text.replace('"data"', '"options":{"tries":3,"backoff":0},"data"'), 1)

    assert further is not None
    assert json.loads(further.ticket.text)["channels"] == ["private-user.4"]
    assert worker.send(further.ticket.text, 2) is None
    assert heard.channels == ["private-user.3", "private-user.4"]
    assert [len(set(found)) for found in ids.values()] == [1, 1]


def test_a_queues_worker_without_the_function_says_so() -> None:
    source = Broadcaster(Service().sync(), when_offline=Fallbacks())
    worker = Worker(lambda: source, lambda connection, message, error: None)
    text = Envelope("offline.tell_them", Message("shipped", ("private-user.3",), "{}"), "e1").to_json()
    with pytest.raises(ConfigurationError, match=r"there is no fallback 'tell_them' here .*: import the module"):
        worker.send(text, 1)


@pytest.mark.parametrize("given", [7, None, ["x"]])
def test_an_envelope_with_an_odd_id_is_read_without(given: object) -> None:
    fields = {**json.loads(Envelope("main", Message("ping", ("news",), "{}"), "e1").to_json()), "message_id": given}
    assert getattr(Envelope.from_json(json.dumps(fields)).message, "id", None) is None


def test_an_envelope_without_an_id_is_as_ever() -> None:
    assert "message_id" not in Envelope("main", Message("ping", ("news",), "{}"), "e1").to_json()


# -- hooks, commits, repeats -------------------------------------------------------------------------------------------


def test_hooks_are_told_of_fallbacks_as_of_any_connection(broadcaster: MakeBoth, mail: MailServer) -> None:
    hooks = Watching()
    both = broadcaster(Service(), when_offline=mailing(mail), hooks=hooks)
    both.run(both.broadcaster.broadcast(EVENT).to_everyone())

    hooks.sent.get_nowait()
    sending = hooks.sent.get_nowait()
    assert (sending.connection, sending.system, sending.events) == ("offline.email_them", "offline", ("shipped",))


def test_what_waits_for_the_end_of_a_block_mails_nobody_before(mail: MailServer) -> None:
    broadcaster = Broadcaster(Service().sync(), when_offline=mailing(mail))
    with collect():
        receipt = broadcaster.broadcast(EVENT).after_commit().to_everyone()
        assert (receipt.queued, mail.mails.qsize()) == (True, 0)

    assert subject_of(mail) == TO_ADA


class Typing(Event, throttle=60.0):
    user_id: int = 3

    def broadcast_on(self) -> UserChannel:
        return UserChannel(user_id=self.user_id)


class Once(Event, unique=60.0):
    user_id: int = 3

    def broadcast_on(self) -> UserChannel:
        return UserChannel(user_id=self.user_id)


@pytest.mark.parametrize("event", [Typing(), Once()], ids=["throttle", "unique"])
def test_what_is_dropped_as_a_repeat_tells_nobody(broadcaster: MakeBoth, event: Event) -> None:
    fallbacks, heard = Fallbacks(), Heard()
    fallbacks.when_offline(UserChannel)(heard)
    repeated = threading.Event()

    def answer(_: Message) -> Sent:
        assert both.colour == "async" or repeated.wait(10)  # a unique event must still be on its way
        return Sent(1)

    both = broadcaster(Service(answer=answer), when_offline=fallbacks, delivery=Background())
    receipts = [both.run(both.broadcaster.broadcast(event).to_everyone()) for _ in range(2)]
    repeated.set()
    both.close()

    assert [receipt.dropped for receipt in receipts] == [None, type(event).event_repeats and receipts[1].dropped]
    assert receipts[1].dropped is not None
    assert len(heard.missed) == 1
    assert len(heard.missed[0].id) == 32


# -- tests of applications ---------------------------------------------------------------------------------------------


def test_in_the_fake_a_fallback_is_recorded_and_does_not_run(broadcaster: MakeBoth, down: MailServer) -> None:
    both = broadcaster(Service(), when_offline=mailing(down))
    with fake_broadcasts(both.broadcaster) as broadcasts:
        receipt = both.run(both.broadcaster.broadcast(EVENT).to_others())

    assert receipt.delivered
    broadcasts.assert_broadcast(Shipped, via="offline.email_them", times=1)
    assert broadcasts.recorded[0].connections == ("default", "offline.email_them")
    with pytest.raises(AssertionError, match=r"offline\.push_them"):
        broadcasts.assert_broadcast(Shipped, via="offline.push_them")


def test_in_silence_nobody_is_told(broadcaster: MakeBoth, down: MailServer) -> None:
    both = broadcaster(Service(), when_offline=mailing(down))
    with suppress(both.broadcaster):
        assert both.run(both.broadcaster.broadcast(EVENT).to_others()).delivered


def test_a_driver_in_the_place_of_all_has_no_fallbacks_behind_it(broadcaster: MakeBoth, down: MailServer) -> None:
    both = broadcaster(Service(), when_offline=mailing(down))
    instead = Service()
    with both.broadcaster.substituted(instead.sync() if both.colour == "sync" else instead.asynchronous()):
        receipt = both.run(both.broadcaster.broadcast(EVENT).to_others())

    assert (instead.events, len(receipt.connections)) == (["shipped"], 1)


async def test_a_fake_of_async_code_is_no_matter_of_blocking_functions() -> None:
    async def later(missed: Missed[Any]) -> None:
        raise AssertionError

    fallbacks = Fallbacks()
    fallbacks.when_offline(UserChannel)(later)
    broadcaster = AsyncBroadcaster(Service().asynchronous(), when_offline=fallbacks)
    with fake_broadcasts(broadcaster) as broadcasts:
        await broadcaster.broadcast(EVENT).to_others()
    broadcasts.assert_broadcast(Shipped, via="offline.later")


def test_a_function_is_tested_by_itself(mail: MailServer) -> None:
    fallbacks = mailing(mail)
    fallback = fallbacks.named("email_them")
    assert fallback is not None
    fallback.call(Missed(UserChannel(user_id=4), "shipped", {"order_id": 9}, "1"))

    assert subject_of(mail) == (["bob@example.com"], "Order 9 is on its way")
    assert issubclass(DeliveryError, BroadcastError)
