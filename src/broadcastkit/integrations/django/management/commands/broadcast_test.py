"""`manage.py broadcast_test`: whether events get out."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from broadcastkit.default import default_broadcaster
from broadcastkit.errors import BroadcastError, DeliveryError
from broadcastkit.events import AnonymousEvent
from broadcastkit.pending import Receipt

__all__ = ["Command"]

_EVENT = "broadcastkit.test"
_CHANNEL = "broadcastkit-test"
_REFUSED, _WRONG = 1, 2


class Command(BaseCommand):
    """Sends one event; exit status 0: accepted, 1: refused or not reached, 2: a setting or an argument is wrong."""

    help: str = (
        f"Send one event named {_EVENT} and say what the service answered. "
        "Exit status: 0 accepted, 1 refused or not reached, 2 a setting or an argument is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a channel and `--connection`."""
        parser.add_argument("channel", nargs="?", default=_CHANNEL, help=f"its full name; {_CHANNEL} unless given")
        parser.add_argument("--connection", metavar="NAME", help="send over this one instead of the default one")

    def handle(self, *_: Any, **options: Any) -> None:
        """Send, and say what came of it."""
        started = time.perf_counter()
        try:
            receipt = _send(options["channel"], options["connection"])
        except DeliveryError as error:
            raise CommandError(f"{type(error).__name__}: {error}", returncode=_REFUSED) from None
        except BroadcastError as error:
            raise CommandError(str(error), returncode=_WRONG) from None
        elapsed = (time.perf_counter() - started) * 1000
        (connection,) = receipt.connections
        if connection.queued:
            self.stdout.write(
                f"queued: {_EVENT} on {options['channel']}, for the connection {connection.connection}; "
                "if it cannot be sent, the log will say so"
            )
            return
        self.stdout.write(
            f"accepted: {_EVENT} on {options['channel']}, by the connection {connection.connection} "
            f"in {elapsed:.0f} ms and {connection.requests} request{'' if connection.requests == 1 else 's'}"
        )
        driver = default_broadcaster().driver(options["connection"])
        if not driver.blocking:
            self.stdout.write(f"{type(driver).__name__} has no service behind it: no client has heard it")


def _send(channel: str, connection: str | None) -> Receipt:
    pending = default_broadcaster().broadcast(AnonymousEvent(_EVENT, {"from": "manage.py broadcast_test"}, on=channel))
    receipt = (pending.via(connection) if connection else pending).to_everyone()
    if receipt.error is not None:  # under a policy that does not raise
        raise receipt.error
    return receipt
