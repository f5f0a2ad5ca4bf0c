"""The outbox of Django: written in its transactions, relayed by `manage.py broadcast_relay`, shown in the admin."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction
from django.test import override_settings

from broadcastkit import AnonymousEvent, AsyncBroadcaster, Broadcaster, configure, default
from broadcastkit.delivery.outbox import Outbox, Relay
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.drivers.serviceless import Serviceless
from broadcastkit.errors import BadRequestError, ConfigurationError, ConnectError, ServiceFailedError
from broadcastkit.integrations.django import conf
from broadcastkit.integrations.django.outbox.models import OutboxEvent
from tests.delivery.outbox.arrivals import Arrivals
from tests.interop.redis_servers import wait_until

SECONDS = 30.0


class Service(Serviceless):
    """Answers as the test says; every event at once, from any thread."""

    batch_limit = 3

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[tuple[str, str]] = []
        self.outcomes: dict[str, Outcome] = {}
        self.luck: random.Random | None = None
        self._lock = threading.Lock()

    def send(self, messages: Any) -> list[Outcome]:
        with self._lock:
            if self.luck is not None and self.luck.random() < 0.1:
                raise ConnectError("refused")
            self.arrived += [(message.event, channel) for message in messages for channel in message.channels]
            return [self.outcomes.get(message.event, Sent(1)) for message in messages]

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.arrived]


POSTGRESQL, MARIADB = (pytest.param(name, marks=pytest.mark.real) for name in ("postgresql", "mariadb"))


@pytest.fixture(params=["sqlite", POSTGRESQL, MARIADB])
def alias(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the project with the outbox's table, as `migrate` makes it."""
    if request.param == "sqlite":
        options: dict[str, Any] = {"timeout": 30}
        settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "shop.db", "OPTIONS": options}
    else:
        server = "postgres" if request.param == "postgresql" else "mariadb"
        settings = dict(request.getfixturevalue(server).django)
    connections.settings["shop"] = connections.configure_settings({"default": {}, "shop": settings})["shop"]
    call_command("migrate", "broadcastkit_outbox", database="shop", verbosity=0)
    yield "shop"
    connections["shop"].close()
    del connections["shop"], connections.settings["shop"]


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def broadcaster(alias: str, service: Service) -> Broadcaster:
    return Broadcaster(service, delivery=Outbox(alias))


@pytest.fixture
def say(broadcaster: Broadcaster) -> Callable[..., Any]:
    def say(*names: str) -> Any:
        return broadcaster.broadcast_many([AnonymousEvent(name, {"n": 1}, on="news") for name in names]).to_everyone()

    return say


@pytest.fixture
def relay(alias: str, broadcaster: Broadcaster) -> Relay:
    return Relay(alias, broadcaster, backoff=0.0)


def states() -> list[str]:
    return list(OutboxEvent.objects.using("shop").order_by("id").values_list("state", flat=True))


def test_what_is_committed_is_delivered_and_what_is_rolled_back_never_was(
    alias: str, say: Callable[..., Any], relay: Relay, service: Service
) -> None:
    with transaction.atomic(using=alias):
        (receipt,) = say("kept")
        with transaction.atomic(using=alias):
            say("dropped")
            transaction.set_rollback(True, using=alias)
        say("after")
    with transaction.atomic(using=alias):
        say("rolled back")
        transaction.set_rollback(True, using=alias)

    assert receipt.queued
    assert service.events == []
    assert relay.statistics().waiting == 2
    assert 0 <= relay.statistics().oldest < SECONDS
    assert relay.run_once() == 2
    assert service.events == ["kept", "after"]
    assert states() == []
    assert 0 < relay.statistics().lag < SECONDS


def test_a_database_can_be_named_by_the_call(alias: str, service: Service) -> None:
    sender = Broadcaster(service, delivery=Outbox())
    sender.broadcast(AnonymousEvent("ping", on="news")).after_commit(alias).to_everyone()

    assert states() == ["waiting"]


def test_the_default_database_needs_no_name(alias: str, service: Service) -> None:
    """As the app configures it: `transaction="default"`."""
    configure(Broadcaster(service, delivery=Outbox(), transaction=alias))
    default.broadcast(AnonymousEvent("ping", on="news")).to_everyone()
    default.reset()

    assert states() == ["waiting"]


def test_a_setting_is_enough(alias: str) -> None:
    with override_settings(BROADCASTING={"driver": "memory"}, BROADCASTING_OUTBOX=alias):
        default.broadcast(AnonymousEvent("ping", on="news")).to_everyone()
        assert states() == ["waiting"]
        call_command("broadcast_relay", "--database", alias, "--once")

        driver = default.default_broadcaster().driver()
        assert isinstance(driver, MemoryDriver)
        assert [message.event for message in driver.messages] == ["ping"]


def test_failures_retries_and_the_dead(say: Callable[..., Any], relay: Relay, service: Service) -> None:
    say("bad", "poison", "last")
    service.outcomes = {"bad": BadRequestError("no", status=400), "poison": ServiceFailedError("oops", status=500)}
    while relay.run_once():
        pass

    assert service.events == ["bad", "poison", "last", *["poison"] * 9]
    assert states() == ["dead", "dead"]
    assert [(one.error, one.channels, one.attempts) for one in relay.dead()] == [
        ("BadRequestError", ("news",), 1),
        ("ServiceFailedError", ("news",), 10),
    ]
    service.outcomes = {}
    assert relay.requeue(relay.dead()[1].id) == 1
    assert relay.run_once() == 1
    assert relay.discard() == 1
    assert states() == []


def test_an_outage_is_waited_for_and_leases_run_out(say: Callable[..., Any], relay: Relay, service: Service) -> None:
    say("first", "second")
    service.outcomes = {"first": ConnectError("refused", delivered=()), "second": ConnectError("refused")}
    assert relay.run_once() == 2
    assert states() == ["waiting"] * 2
    service.outcomes = {}
    OutboxEvent.objects.using("shop").update(claimed_by="killed", claimed_until=1e12)
    assert relay.run_once() == 0
    OutboxEvent.objects.using("shop").update(claimed_until=1.0)
    while relay.run_once():
        pass

    assert service.events[2:] == ["first", "second"]


def test_what_was_delivered_can_be_kept_for_a_while(alias: str, say: Callable[..., Any], broadcaster: Any) -> None:
    say("ping")
    Relay(alias, broadcaster, keep=60.0).run_once()
    assert states() == ["delivered"]
    OutboxEvent.objects.using("shop").update(delivered_at=1.0)
    Relay(alias, broadcaster, keep=60.0).run_once()

    assert states() == []


def test_every_text_is_taken_as_it_is(alias: str) -> None:
    """Also where the database's default is another: the one of the tests' MariaDB is latin1."""
    driver = MemoryDriver()
    sender = Broadcaster(driver, delivery=Outbox(alias))
    sender.broadcast(AnonymousEvent("ping", {"text": "žluťoučký 🐎"}, on="news")).to_everyone()
    Relay(alias, sender).run_once()

    assert [json.loads(message.data) for message in driver.messages] == [{"text": "žluťoučký 🐎"}]


@pytest.mark.parametrize("alias", [POSTGRESQL], indirect=True)
def test_postgresql_tells_of_a_commit(alias: str) -> None:
    arrivals = Arrivals()
    relay = Relay(alias, Broadcaster({"memory": arrivals}), poll=60.0, listen=True)

    def work() -> None:
        relay.run()
        connections[alias].close()  # this thread's

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_until(lambda: listeners(alias), "the relay listens")
        with override_settings(
            BROADCASTING={"driver": "memory"}, BROADCASTING_OUTBOX=alias, BROADCASTING_OUTBOX_NOTIFY=True
        ):
            default.broadcast(AnonymousEvent("told", on="news")).to_everyone()
        arrivals.wait_for("told")
    finally:
        relay.stop()
        thread.join(SECONDS)
    assert not thread.is_alive()


def listeners(alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("alias", ["sqlite", MARIADB], indirect=True)
def test_no_other_database_tells_of_commits(alias: str, broadcaster: Broadcaster) -> None:
    with pytest.raises(ConfigurationError, match="listen needs PostgreSQL with psycopg 3; 'shop' has none"):
        Relay(alias, broadcaster, listen=True)
    Broadcaster(MemoryDriver(), delivery=Outbox(alias, notify=True)).broadcast(
        AnonymousEvent("ping", on="news")
    ).to_everyone()

    assert states() == ["waiting"]


def test_many_relays_keep_the_order(alias: str, broadcaster: Broadcaster, service: Service) -> None:
    dice = random.Random(3)
    service.luck = random.Random(3)
    channels = [dice.sample("abcd", dice.choice([1, 2])) for _ in range(120)]
    relays = [Relay(alias, broadcaster, batch=7, backoff=0.001, poll=0.005) for _ in range(3)]

    def work(relay: Relay) -> None:
        relay.run()
        connections[alias].close()  # this thread's

    threads = [threading.Thread(target=work, args=(relay,)) for relay in relays]
    for thread in threads:
        thread.start()
    end = threading.Timer(SECONDS, lambda: None)
    end.start()
    try:
        for number, names in enumerate(channels):
            broadcaster.broadcast(AnonymousEvent(f"e{number}", on=names)).to_everyone()
        while relays[0].statistics().waiting and end.is_alive():
            end.join(0.02)
    finally:
        end.cancel()
        for relay in relays:
            relay.stop()
        for thread in threads:
            thread.join(SECONDS)

    for name in "abcd":
        came = [event for event, channel in service.arrived if channel == name]
        assert came == [f"e{number}" for number, names in enumerate(channels) if name in names]


def test_the_command_delivers_and_counts(say: Callable[..., Any], service: Service, broadcaster: Broadcaster) -> None:
    configure(broadcaster)
    say("ping")
    out = io.StringIO()
    call_command("broadcast_relay", "--database", "shop", "--status", stdout=out)
    assert out.getvalue().startswith("1 waiting, the oldest for ")
    call_command("broadcast_relay", "--database", "shop", "--once")
    default.reset()

    assert service.events == ["ping"]


@pytest.mark.real
def test_the_admin_lists_and_requeues_and_shows_no_payload(tmp_path: Path) -> None:
    script = Path(__file__).with_name("outbox_admin.py")
    result = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "admin.db")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1]) == {
        "statuses": [200, 200, 403, 200],
        "payload": False,
        "listed": True,
        "said": True,
        "state": "waiting",
    }


# -- what is wrong ---------------------------------------------------------------------------------------------------


def test_a_table_that_is_not_migrated_is_named(tmp_path: Path) -> None:
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "empty.db"}
    connections.settings["empty"] = connections.configure_settings({"default": {}, "empty": settings})["empty"]
    try:
        with pytest.raises(ConfigurationError, match=r"run `python manage\.py migrate`"):
            Relay("empty", Broadcaster(MemoryDriver())).run()
        with pytest.raises(DatabaseError):
            Broadcaster(MemoryDriver(), delivery=Outbox("empty")).broadcast(
                AnonymousEvent("ping", on="news")
            ).to_everyone()
    finally:
        connections["empty"].close()
        del connections["empty"], connections.settings["empty"]


def test_the_app_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(apps.all_models, "broadcastkit_outbox")
    monkeypatch.delitem(apps.app_configs, "broadcastkit_outbox")
    with pytest.raises(ConfigurationError, match=r"INSTALLED_APPS \+= .*django\.outbox"):
        Relay("default", Broadcaster(MemoryDriver()))
    with (
        override_settings(BROADCASTING_OUTBOX="default"),
        pytest.raises(ConfigurationError, match=r"BROADCASTING_OUTBOX needs INSTALLED_APPS \+= .*django\.outbox"),
    ):
        conf.outbox()


def test_a_database_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match="there is no database 'nowhere'"):
        Broadcaster(MemoryDriver(), delivery=Outbox("nowhere")).broadcast(
            AnonymousEvent("ping", on="news")
        ).to_everyone()
    with pytest.raises(CommandError, match="there is no database 'nowhere'"):
        call_command("broadcast_relay", "--database", "nowhere")


async def test_awaited_broadcasts_are_refused() -> None:
    sender = AsyncBroadcaster(AsyncMemoryDriver(), delivery=Outbox("default"))
    with pytest.raises(ConfigurationError, match="Django's transactions are for blocking code"):
        await sender.broadcast(AnonymousEvent("ping", on="news")).to_everyone()
