"""`broadcastkit relay`: sends what outboxes have written."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any

import typer

from broadcastkit.broadcaster import Broadcaster
from broadcastkit.cli.connections import JsonOption, UrlOption, configured
from broadcastkit.cli.modules import import_from
from broadcastkit.cli.output import note, show, show_json, table
from broadcastkit.delivery.outbox import Relay
from broadcastkit.delivery.outbox.base import TABLE
from broadcastkit.delivery.outbox.metrics import exposition
from broadcastkit.drivers.null import NullDriver
from broadcastkit.errors import ConfigurationError, ConnectError
from broadcastkit.offline import Fallbacks

__all__ = ["relay"]

_WHERE = "MODULE:ATTRIBUTE"


def relay(
    *,
    database: Annotated[
        str,
        typer.Option(
            envvar="BROADCAST_OUTBOX",
            show_envvar=True,
            metavar="URL",
            help="The database of the outbox, as SQLAlchemy writes it: postgresql+psycopg://user:password@host/name. "
            "The variable is the better place for a password.",
        ),
    ] = "",
    url: UrlOption = None,
    when_offline: Annotated[
        str | None,
        typer.Option(
            envvar="BROADCAST_WHEN_OFFLINE",
            show_envvar=True,
            metavar=_WHERE,
            help="The fallbacks of the application, such as shop.mails:fallbacks: they run here.",
        ),
    ] = None,
    app_dir: Annotated[str, typer.Option(metavar="FOLDER", help="Where that module is looked for first.")] = ".",
    table_name: Annotated[str, typer.Option("--table", metavar="NAME", help="The outbox's table.")] = TABLE,
    once: Annotated[bool, typer.Option("--once", help="Deliver what waits, and stop.")] = False,
    tries: Annotated[int, typer.Option(min=1, help="Attempts for an event that the service keeps failing at.")] = 10,
    batch: Annotated[int, typer.Option(min=1, help="Events claimed at a time.")] = 100,
    lease: Annotated[float, typer.Option(min=1, help="Seconds until another relay takes over a claim.")] = 60.0,
    poll: Annotated[float, typer.Option(min=0.01, help="Seconds between looks at an empty table.")] = 0.1,
    keep: Annotated[float, typer.Option(min=0, help="Seconds to keep what was delivered; 0 deletes it at once.")] = 0.0,
    listen: Annotated[
        bool, typer.Option("--listen", help="Have PostgreSQL tell of commits: see notify= of the outbox.")
    ] = False,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Serve metrics for Prometheus on this port of 127.0.0.1.")
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Count what waits and what is dead, and stop.")] = False,
    dead: Annotated[bool, typer.Option("--dead", help="List events that were given up, and stop.")] = False,
    requeue: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Have a dead event tried again, or 'all', and stop; may be repeated."),
    ] = None,
    discard: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Delete a dead event, or 'all', and stop; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send what outboxes have written: at least once, in order per channel. Run as many as you like."""
    if not database:
        raise ConfigurationError("names no database: give --database, or set BROADCAST_OUTBOX")
    if not (requeue or discard or dead or status):
        fallbacks = None if when_offline is None else _fallbacks(when_offline, app_dir)
        with configured(url, when_offline=fallbacks) as found:
            options = {"tries": tries, "batch": batch, "lease": lease, "poll": poll, "keep": keep, "listen": listen}
            _run(_relay(database, table_name, found.broadcaster, **options), once=once, metrics_port=metrics_port)
        return
    # to look at the table, no connection is needed
    made = _relay(database, table_name, Broadcaster(NullDriver()))
    with _told(made):
        if requeue or discard:
            _change(made, requeue or [], discard or [], as_json=as_json)
        elif dead:
            _list_dead(made, as_json=as_json)
        else:
            _show_status(made, as_json=as_json)


def _fallbacks(where: str, app_dir: str) -> Fallbacks:
    setting, (module, _, attribute) = "--when-offline", where.partition(":")
    if not module or not attribute:
        raise ConfigurationError("takes a module and an attribute of it, such as shop.mails:fallbacks", setting=setting)
    found: object = getattr(import_from(module, app_dir, setting=f"{setting}:"), attribute, None)
    if not isinstance(found, Fallbacks):
        kind = "is not there" if found is None else f"is a {type(found).__name__}"
        raise ConfigurationError(f"{attribute} in {module} {kind}; it must be a Fallbacks", setting=f"{setting}:")
    return found


def _relay(database: str, table_name: str, broadcaster: Broadcaster, **options: Any) -> Relay:
    from broadcastkit.delivery.outbox.sqlalchemy import engine_of, outbox_table

    return Relay(engine_of(database), broadcaster, table=outbox_table(name=table_name), **options)


@contextlib.contextmanager
def _told(relay: Relay) -> Iterator[None]:
    """Say in one line that the database does not answer; its own words may hold its address, or a statement."""
    try:
        yield
    except relay.errors as error:
        raise ConnectError(f"the outbox cannot be read: {type(error).__name__}") from None


def _run(relay: Relay, *, once: bool, metrics_port: int | None) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: relay.stop())
    with contextlib.nullcontext() if metrics_port is None else _metrics(relay, metrics_port):
        if once:
            with _told(relay):
                while relay.run_once():
                    pass
        else:
            note("Relaying; stop with Ctrl-C.")
            relay.run()


def _change(relay: Relay, requeue: list[str], discard: list[str], *, as_json: bool) -> None:
    done = {
        "requeued": relay.requeue(*_ids(requeue, "--requeue")) if requeue else 0,
        "discarded": relay.discard(*_ids(discard, "--discard")) if discard else 0,
    }
    if as_json:
        show_json(done)
    else:
        for word, number in done.items():
            if number or (requeue if word == "requeued" else discard):
                show(f"{number} {word}")


def _ids(given: list[str], option: str) -> list[int]:
    """Return ids, or none for all."""
    if given == ["all"]:
        return []
    if not all(text.isascii() and text.isdigit() for text in given):
        raise ConfigurationError("takes ids, as --dead lists them, or 'all'", setting=option)
    return [int(text) for text in given]


def _list_dead(relay: Relay, *, as_json: bool) -> None:
    rows = relay.dead()
    if as_json:
        show_json({"dead": [row._asdict() for row in rows]})
    elif rows:
        heads = ("id", "event id", "connection", "channels", "attempts", "error", "age")
        lines = [
            (str(row.id), row.event_id, row.connection, " ".join(row.channels), str(row.attempts), row.error, age)
            for row in rows
            for age in [f"{row.age:.0f} s"]
        ]
        table([heads, *lines])
    else:
        note("No event was given up.")


def _show_status(relay: Relay, *, as_json: bool) -> None:
    seen = relay.statistics()
    if as_json:
        show_json({name: value for name, value in asdict(seen).items() if name in {"waiting", "dead", "oldest"}})
    else:
        show(f"{seen.waiting} waiting, the oldest for {seen.oldest:.1f} s; {seen.dead} dead")


@contextlib.contextmanager
def _metrics(relay: Relay, port: int) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            try:
                body = exposition(relay.statistics()).encode()
                status = 200
            except Exception:  # noqa: BLE001 - whatever the database says, it is not for here
                body, status = b"the outbox cannot be read\n", 503
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any, **__: Any) -> None:
            """Log nothing, where a line would be printed for each request."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on port {port}: {error.strerror}", setting="--metrics-port") from None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    note(f"Metrics at http://127.0.0.1:{server.server_port}/metrics")
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
