from __future__ import annotations

import contextlib
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand, CommandError, CommandParser

from broadcastkit.errors import ConfigurationError
from examples.artisan_jobs.environment import GUIDE
from examples.artisan_jobs.websockets import Watched, embedded_server, listen, options


class Command(BaseCommand):
    help = "Serve WebSockets at PUSHER_PORT, as `php artisan reverb:start` does."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--debug", action="store_true", help="print who connects, and the names of events")

    def handle(self, *args: Any, **given: Any) -> None:
        del args
        server = embedded_server()
        app = Watched(server) if given["debug"] else server
        try:
            listener = listen("PUSHER_PORT", int(GUIDE["PUSHER_PORT"]))
        except ConfigurationError as error:
            raise CommandError(str(error)) from None
        with listener, contextlib.suppress(KeyboardInterrupt):
            host, port = listener.getsockname()
            self.stdout.write(f"[INFO] WebSocket server started on {host}:{port}")
            self.stdout.flush()
            uvicorn.Server(uvicorn.Config(app, **options(server))).run(sockets=[listener])
