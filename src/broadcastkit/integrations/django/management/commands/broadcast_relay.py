"""`manage.py broadcast_relay`: sends what the outbox has written."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS

from broadcastkit.default import default_broadcaster
from broadcastkit.delivery.outbox import Relay
from broadcastkit.errors import BroadcastError

__all__ = ["Command"]


class Command(BaseCommand):
    """Delivers over the connections of BROADCASTING; run as many as you like. See `Relay`."""

    help: str = "Send what the outbox has written: at least once, in order per channel. Run as many as you like."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what `Relay` takes, and what is to be done in the place of running."""
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, metavar="ALIAS", help="the outbox's database")
        parser.add_argument("--tries", type=int, default=10, help="for an event that the service keeps failing at")
        parser.add_argument("--batch", type=int, default=100, help="events claimed at a time")
        parser.add_argument("--lease", type=float, default=60.0, help="seconds until another takes over a claim")
        parser.add_argument("--poll", type=float, default=0.1, help="seconds between looks at an empty table")
        parser.add_argument("--keep", type=float, default=0.0, help="seconds to keep what was delivered")
        parser.add_argument("--listen", action="store_true", help="have PostgreSQL tell of commits")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--once", action="store_true", help="deliver what waits, and stop")
        instead.add_argument("--status", action="store_true", help="count what waits and what is dead, and stop")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT; then finish the request on its way, and give back what was claimed."""
        settings = {name: options[name] for name in ("tries", "batch", "lease", "poll", "keep", "listen")}
        try:
            relay = Relay(options["database"], default_broadcaster(), **settings)
            if options["status"]:
                seen = relay.statistics()
                self.stdout.write(f"{seen.waiting} waiting, the oldest for {seen.oldest:.1f} s; {seen.dead} dead")
            elif options["once"]:
                while relay.run_once():
                    pass
            else:
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, lambda *_: relay.stop())
                relay.run()
        except BroadcastError as error:
            raise CommandError(str(error)) from None
