"""`kill -9` at any instant: relays while a request is on its way, writers while a transaction is open.

Every event of a committed transaction arrives at least once, none of another does, and each writer's events arrive on
every channel in the order in which they were written, duplicates aside.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import URL, NullPool, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.delivery.outbox import Outbox, Relay
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from tests.delivery.outbox.arrivals import Arrivals
from tests.interop.postgres_servers import postgres_folder, postgres_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


HERE = Path(__file__).parent
TABLE = outbox_table()
SECONDS = 120.0
LEASE = 2.0
# A longer run, by hand: KILLS=200 pytest -m real tests/delivery/outbox/test_kills.py
KILLS = int(os.environ.get("KILLS", "8"))
PASSED_ON = re.compile("PATH$|PYTHONPATH$|COVERAGE_")

pytestmark = [pytest.mark.real, pytest.mark.timeout(200 + 10 * KILLS)]


class Sink:
    """A service of Pusher's kind that notes what comes. At chosen requests it has the relay killed that asks."""

    def __init__(self, seed: int) -> None:
        self.arrived: list[tuple[str, str, int]] = []
        self.requests = 0
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self._kill_at = self._next()
        self.kill: Callable[[], None] | None = None

    def _next(self) -> int:
        return self.requests + self._dice.randint(1, 3)

    def take(self, path: str, body: dict[str, Any]) -> bool:
        """Take a request; returns whether to answer it."""
        events = body["batch"] if path.endswith("/batch_events") else [body]
        with self._lock:
            self.requests += 1
            due = self.requests >= self._kill_at
            before = due and self._dice.random() < 0.3  # the request is lost: whoever asked is not answered
            if not before:
                for event in events:
                    data = json.loads(event["data"])
                    for channel in event.get("channels") or [event["channel"]]:
                        self.arrived.append((channel, data["writer"], data["number"]))
            if due and self.kill is not None:
                self.kill()  # whoever asked, if it is that one, never learns that it was answered
                self._kill_at = self._next()
            return not before

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not sink.take(self.path.partition("?")[0], body):
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # of a relay that was killed
                    super().handle()

            def log_message(self, *_: Any, **__: Any) -> None:
                """Print nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://app-key:app-secret@127.0.0.1:{server.server_port}/apps/1"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class Processes:
    """Processes of ours, by name; one that is killed is started again by whoever watches."""

    def __init__(self, log: Path) -> None:
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._log = log.open("ab")

    def start(self, name: str, script: str, *arguments: object, piped: bool = False) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, str(HERE / script), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else self._log,
            stderr=self._log,
            env={key: value for key, value in os.environ.items() if PASSED_ON.match(key)},
        )
        self.running[name] = process
        return process

    def close(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._log.close()


def write_and_be_killed(url: str, processes: Processes, name: str, dice: random.Random, kills: int) -> None:
    """Run writers one after the other; kill each but the last while one of its transactions is open."""
    for life in range(kills + 1):
        writer = processes.start(name, "kill_writer.py", url, f"{name}-{life}", 16, piped=True)
        assert writer.stdout is not None
        instant = dice.randint(1, 11) if life < kills else 99
        for number, _ in enumerate(writer.stdout, 1):
            if number == instant:
                writer.send_signal(signal.SIGKILL)
        code = writer.wait()
        writer.stdout.close()
        assert code == (-signal.SIGKILL if life < kills else 0), code


def test_whatever_is_killed_every_committed_event_arrives_in_order(database: URL, tmp_path: Path) -> None:
    url = database.update_query_dict({"timeout": "60"}) if "sqlite" in database.drivername else database
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE facts (fact VARCHAR(50))"))
    address = url.render_as_string(hide_password=False)
    sink, processes, dice = Sink(1), Processes(tmp_path / "log"), random.Random(2)
    killed: list[int] = []
    with sink.serving() as service:

        def kill_a_relay() -> None:
            if len(killed) < KILLS:
                name = dice.choice(["relay-0", "relay-1"])
                processes.running[name].kill()
                killed.append(processes.running[name].pid)

        def waiting() -> int:
            with engine.connect() as connection:
                query = select(func.count()).select_from(TABLE).where(TABLE.c.state == "waiting")
                return connection.execute(query).scalar_one()

        for name in ("relay-0", "relay-1"):
            processes.start(name, "kill_relay.py", address, service, LEASE)
        sink.kill = kill_a_relay
        lives = max(2, KILLS // 4)
        writers = [
            threading.Thread(
                target=write_and_be_killed, args=(address, processes, f"writer-{n}", random.Random(n), lives)
            )
            for n in range(2)
        ]
        try:
            for thread in writers:
                thread.start()
            deadline = time.monotonic() + SECONDS * max(1, KILLS / 20)
            while any(thread.is_alive() for thread in writers) or waiting():
                for name in ("relay-0", "relay-1"):
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        processes.running[name].wait(0.05)
                        processes.start(name, "kill_relay.py", address, service, LEASE)
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
        finally:
            for thread in writers:
                thread.join(SECONDS)
            processes.close()

    with engine.connect() as connection:
        committed = {fact for (fact,) in connection.execute(text("SELECT fact FROM facts"))}
        states = set(connection.execute(select(TABLE.c.state)).scalars())
    assert len(committed) > 20
    assert {f"{writer} {number}" for _, writer, number in sink.arrived} == committed
    assert states == set(), "nothing is left, and nothing was given up"
    assert killed
    for where in {(channel, writer) for channel, writer, _ in sink.arrived}:
        came = list(dict.fromkeys(n for channel, writer, n in sink.arrived if (channel, writer) == where))
        assert came == sorted(came), f"out of order: {where}"


def test_a_relay_outlives_a_database_that_is_killed(tmp_path: Path) -> None:
    arrivals, log = Arrivals(), tmp_path / "postgres.log"

    def write(session: Session, name: str) -> None:
        Broadcaster(arrivals, delivery=Outbox()).broadcast(AnonymousEvent(name, on="a")).after_commit(
            session
        ).to_everyone()

    with postgres_folder() as folder:
        with postgres_server(folder, log=log) as server:
            engine = create_engine(server.url())
            TABLE.create(engine)
            relay = Relay(engine, Broadcaster(arrivals), poll=0.01, backoff=0.05, lease=1.0)
            thread = threading.Thread(target=relay.run)
            thread.start()
            with Session(engine) as session, session.begin():
                write(session, "committed")
            arrivals.wait_for("committed")
            with Session(engine) as session:
                write(session, "never committed")
                session.flush()
                os.kill(server.pid, signal.SIGKILL)
                with pytest.raises(DBAPIError):
                    session.execute(text("SELECT pg_sleep(60)"))
        try:
            with postgres_server(folder, log=log, port=server.port):
                stranger = create_engine(server.url(), poolclass=NullPool)
                with Session(stranger) as session, session.begin():
                    write(session, "after")
                arrivals.wait_for("committed", "after")
                relay.stop()
                thread.join(SECONDS)
        finally:
            relay.stop()
            engine.dispose()
    assert not thread.is_alive()
