"""`python -m examples.artisan_jobs`: make and fill the database, and serve all of it until Ctrl-C.

Without BROADCAST_CONNECTION a WebSocket server is started beside Django, at PUSHER_PORT: it stands where the guide has
`php artisan reverb:start`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn

from broadcastkit.errors import ConfigurationError
from broadcastkit.server import EmbeddedServer
from examples.artisan_jobs.environment import GUIDE
from examples.artisan_jobs.websockets import HOST, Both, embedded_server, listen

PORT = 8000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.artisan_jobs", description=__doc__)
    parser.add_argument("--debug", action="store_true", help="print who connects, and the names of events")
    debug: bool = parser.parse_args().debug
    if not (Path(__file__).parent / "dist" / "index.html").exists():
        return fail("The page is not built yet: run `make demo EXAMPLE=artisan_jobs`.")
    try:
        listener = listen("PORT", PORT)
        live = None if os.environ.get("BROADCAST_CONNECTION") else start_websockets()
    except ConfigurationError as error:
        return fail(str(error))
    address = f"http://{HOST}:{listener.getsockname()[1]}"
    os.environ.setdefault("APP_URL", address)
    os.environ.setdefault("ARTISAN_JOBS_DEMO", "1")
    config = uvicorn.Config(prepare(), lifespan="off", log_level="warning", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config) if live is None else Both(config, *live, debug=debug)
    # uvicorn shuts down in order and then passes the signal on
    with listener, contextlib.suppress(KeyboardInterrupt):
        announce(address)
        server.run(sockets=[listener])
    return 0


def start_websockets() -> tuple[EmbeddedServer, socket.socket]:
    """Make the server, and tell Django of it in the variables of the guide; pages learn of it from there."""
    listener = listen("PUSHER_PORT", int(GUIDE["PUSHER_PORT"]))
    for name, value in GUIDE.items():
        os.environ[name] = os.environ.get(name) or value
    os.environ |= {"BROADCAST_CONNECTION": "pusher", "PUSHER_PORT": str(listener.getsockname()[1])}
    return embedded_server(), listener


def prepare() -> Any:
    """Make the tables, fill them for the demo if they are empty, and return the application."""
    from examples.artisan_jobs.asgi import BodyLimit, application

    # isort: split
    # Django is set up by now
    from django.conf import settings
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
    from django.core.management import call_command
    from django.db import connections

    from examples.artisan_jobs.seed import seed

    call_command("migrate", verbosity=0)
    if settings.DEMO:  # elsewhere nobody is made whose password everybody knows
        seed()
    connections.close_all()
    return BodyLimit(ASGIStaticFilesHandler(application))


def announce(address: str) -> None:
    from examples.artisan_jobs.seed import ACCOUNTS, PASSWORD

    # connections are taken from here on, and wait until the server runs
    print(f"\n  MySharpJob is at {address}, its administration at {address}/admin/\n", flush=True)
    if os.environ["ARTISAN_JOBS_DEMO"] == "1":
        for email, name, role in ACCOUNTS:
            print(f"  {name:<12} {role:<8} {email}", flush=True)
        print(f"\n  Everybody's password is {PASSWORD}. Be two people: one in a private window.", flush=True)
    print("  Ctrl-C stops it.\n", flush=True)


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
