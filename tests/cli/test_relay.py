"""`broadcastkit relay`: what was written is delivered, what is dead is listed, and metrics can be scraped."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, NullPool, create_engine, update

from broadcastkit import AnonymousEvent, Broadcaster, Channel
from broadcastkit.delivery.outbox import Outbox, RelayStatistics
from broadcastkit.delivery.outbox.metrics import exposition
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.drivers.null import NullDriver
from broadcastkit.offline import Fallbacks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import RunCommand

TABLE = outbox_table()


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    url = f"sqlite:///{tmp_path / 'outbox.db'}"
    monkeypatch.setenv("BROADCAST_OUTBOX", url)
    monkeypatch.setenv("BROADCAST_CONNECTION", "null")
    engine = create_engine(url, poolclass=NullPool)
    TABLE.create(engine)
    return engine


@pytest.fixture
def written(engine: Engine) -> Engine:
    sender = Broadcaster({"null": NullDriver()}, delivery=Outbox(engine))
    for number in range(3):
        sender.broadcast(AnonymousEvent("ping", {"n": number, "secret": "s3cr3t"}, on=["a", "b"])).to_everyone()
    return engine


@pytest.fixture
def dead(written: Engine) -> Engine:
    with written.begin() as connection:
        connection.execute(update(TABLE).where(TABLE.c.id < 3).values(state="dead", error="BadRequestError"))
    return written


def test_what_waits_is_delivered(command: RunCommand, written: Engine) -> None:
    assert command("relay", "--status", "--json").out.startswith('{"waiting":3,"dead":0,"oldest":')
    assert command("relay", "--once") == (0, "", "")
    assert command("relay", "--status") == (0, "0 waiting, the oldest for 0.0 s; 0 dead\n", "")


def test_the_dead_are_listed_without_their_payloads(command: RunCommand, dead: Engine) -> None:
    assert command("relay", "--status").out.endswith("; 2 dead\n")
    rows = json.loads(command("relay", "--dead", "--json").out)["dead"]
    assert [(row["id"], row["connection"], row["channels"], row["error"]) for row in rows] == [
        (1, "null", ["a", "b"], "BadRequestError"),
        (2, "null", ["a", "b"], "BadRequestError"),
    ]
    lines = command("relay", "--dead").out.splitlines()
    assert lines[0].split() == ["id", "event", "id", "connection", "channels", "attempts", "error", "age"]
    assert re.match(rf"1 +{rows[0]['event_id']} +null +a b +0 +BadRequestError +\d+ s", lines[1])


def test_the_dead_can_be_tried_again_or_deleted(command: RunCommand, dead: Engine) -> None:
    assert command("relay", "--requeue", "1", "--requeue", "77") == (0, "1 requeued\n", "")
    assert json.loads(command("relay", "--discard", "all", "--json").out) == {"requeued": 0, "discarded": 1}
    assert command("relay", "--dead") == (0, "", "No event was given up.\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--requeue", "x"], "--requeue takes ids, as --dead lists them, or 'all'"),
        (["--discard", "1", "--discard", "all"], "--discard takes ids"),
        (["--database", "no url of any kind"], "--database is no address of a database that SQLAlchemy can read"),
        (["--database", "mysql+absent://root:hunter2@127.0.0.1/x"], "--database is no address"),
        (["--database", "mssql+pyodbc://root:hunter2@127.0.0.1/x"], "--database needs the package pyodbc"),
        (["--database", ""], "names no database: give --database, or set BROADCAST_OUTBOX"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    command: RunCommand, engine: Engine, arguments: list[str], says: str
) -> None:
    status, out, err = command("relay", *arguments, *([] if "discard" in arguments[0] else ["--status"]))
    assert (status, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1


FALLBACKS = """
from pathlib import Path

from broadcastkit import Channel
from broadcastkit.offline import Fallbacks

fallbacks = Fallbacks(online=lambda channel: channel.name == "a")
other = "hunter2"

@fallbacks.when_offline(Channel)
def note_them(missed):
    with Path(__file__).with_name("noted").open("a") as noted:
        noted.write(f"{missed.channel} {missed.payload['n']}\\n")
"""


@pytest.fixture
def application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a module of an application."""
    (tmp_path / "cli_relay_app.py").write_text(FALLBACKS, encoding="utf-8")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("cli_relay_app", None)


def test_fallbacks_of_the_application_run_here(
    command: RunCommand, engine: Engine, application: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fallbacks = Fallbacks()
    fallbacks.when_offline(Channel, name="note_them")(lambda missed: None)
    writer = Broadcaster({"null": NullDriver()}, delivery=Outbox(engine), when_offline=fallbacks)
    writer.broadcast(AnonymousEvent("ping", {"n": 7}, on=["a", "b"])).to_everyone()

    where = ["--when-offline", "cli_relay_app:fallbacks", "--app-dir", str(application)]
    assert command("relay", "--once", *where) == (0, "", "")
    assert (application / "noted").read_text() == "b 7\n"
    assert command("relay", "--status").out.startswith("0 waiting")

    monkeypatch.setenv("BROADCAST_WHEN_OFFLINE", "cli_relay_app:fallbacks")
    assert command("relay", "--once") == (0, "", "")


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("cli_relay_app", "--when-offline takes a module and an attribute of it, such as shop.mails:fallbacks"),
        ("cli_relay_app:absent", "--when-offline: absent in cli_relay_app is not there; it must be a Fallbacks"),
        ("cli_relay_app:other", "--when-offline: other in cli_relay_app is a str; it must be a Fallbacks"),
        ("cli_relay_absent:x", "--when-offline: there is no module cli_relay_absent in "),
    ],
)
def test_fallbacks_that_are_not_there(
    command: RunCommand, engine: Engine, application: Path, where: str, says: str
) -> None:
    status, out, err = command("relay", "--once", "--when-offline", where, "--app-dir", str(application))

    assert (status, out) == (2, "")
    assert says in err


def test_a_database_without_the_table_is_said_in_one_line(command: RunCommand, tmp_path: Path) -> None:
    status, _, err = command("relay", "--status", "--database", f"sqlite:///{tmp_path / 'empty.db'}")
    assert (status, err) == (1, "broadcastkit: the outbox cannot be read: OperationalError\n")
    status, _, err = command("relay", "--url", "null://", "--database", f"sqlite:///{tmp_path / 'empty.db'}")
    assert status == 2
    assert "there is no table 'broadcastkit_outbox' in this database" in err


def test_a_database_that_tells_of_nothing_is_said_in_one_line(command: RunCommand, tmp_path: Path) -> None:
    status, _, err = command(
        "relay", "--listen", "--url", "null://", "--database", f"sqlite:///{tmp_path / 'empty.db'}"
    )
    assert status == 2
    assert err == ("broadcastkit: listen needs PostgreSQL with psycopg (postgresql+psycopg://), not sqlite+pysqlite\n")


def test_the_metrics_are_what_prometheus_reads() -> None:
    statistics = RelayStatistics(waiting=1, dead=2, oldest=3.5, delivered=4, retried=5, died=6, lag=0.25)
    read = {
        sample.name: (sample.value, family.type)
        for family in text_string_to_metric_families(exposition(statistics))
        for sample in family.samples
    }
    assert read == {
        "broadcastkit_relay_waiting": (1, "gauge"),
        "broadcastkit_relay_dead": (2, "gauge"),
        "broadcastkit_relay_oldest_seconds": (3.5, "gauge"),
        "broadcastkit_relay_lag_seconds": (0.25, "gauge"),
        "broadcastkit_relay_delivered_total": (4, "counter"),
        "broadcastkit_relay_retried_total": (5, "counter"),
        "broadcastkit_relay_died_total": (6, "counter"),
    }


def metrics(port: int) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.mark.real
def test_a_relay_runs_serves_metrics_and_stops_when_it_is_told_to(written: Engine) -> None:
    command = [sys.executable, "-m", "broadcastkit.cli", "relay", "--url", "null://", "--metrics-port", "0"]
    with subprocess.Popen(
        [*command, "--database", str(written.url), "--poll", "0.01"], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            first, second = process.stderr.readline(), process.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)/metrics", first)
            assert found, first
            assert second == "Relaying; stop with Ctrl-C.\n"
            port = int(found[1])
            answers = (metrics(port) for _ in range(1000))
            assert next(answer for answer in answers if "broadcastkit_relay_delivered_total 3\n" in answer[1])[0] == 200
            with written.begin() as connection:
                TABLE.drop(connection)
            assert metrics(port) == (503, "the outbox cannot be read\n")
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
