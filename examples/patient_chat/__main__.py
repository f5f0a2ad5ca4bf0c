"""`make demo EXAMPLE=patient_chat`: serve the chat until Ctrl-C, with people who can sign in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from dataclasses import replace

import uvicorn
from argon2 import PasswordHasher

from broadcastkit.errors import ConfigurationError
from examples.patient_chat.app import BUNDLE, create_app
from examples.patient_chat.seed import PASSWORD, PEOPLE, seed_if_empty
from examples.patient_chat.settings import Settings

HOST = "127.0.0.1"
PORT = 8000
HIGHEST_PORT = 65_535


def main() -> int:
    if not (BUNDLE / "index.html").exists():
        return fail("The page is not built yet: run `make demo EXAMPLE=patient_chat`.")
    try:
        settings = Settings.from_env(os.environ, demo=True)
        listener = listen(os.environ.get("PORT", ""))
    except ConfigurationError as error:
        return fail(str(error))
    # a database with people of its own is served as well, and nobody is named then
    settings = replace(settings, demo=asyncio.run(seed_if_empty(settings.database_url, PasswordHasher())))
    config = uvicorn.Config(
        create_app(settings), ws="websockets-sansio", log_level="warning", timeout_graceful_shutdown=5
    )
    with listener:
        greet(f"http://{HOST}:{listener.getsockname()[1]}", demo=settings.demo)
        # uvicorn shuts down in order and then passes the signal on
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    return 0


def listen(asked: str) -> socket.socket:
    """Listen on the port asked for; without one, on the usual port or else on any."""
    if asked and not (asked.isdecimal() and int(asked) <= HIGHEST_PORT):
        raise ConfigurationError(f"must be a number from 0 to {HIGHEST_PORT}, not {asked!r}", setting="PORT")
    try:
        return listen_on(int(asked or PORT))
    except OSError as error:
        if asked:
            raise ConfigurationError(f"{asked} cannot be used: {error.strerror}", setting="PORT") from None
    print(f"Port {PORT} is taken, so this is another one; PORT=… chooses.")
    return listen_on(0)


def listen_on(port: int) -> socket.socket:
    listener = socket.create_server((HOST, port))
    # asyncio sees to this only for sockets that it opens itself; without it small answers wait 40 ms for each other
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def greet(address: str, *, demo: bool) -> None:
    print(f"\n  The chat is at {address}\n", flush=True)
    if not demo:
        return
    print("  Open it in two windows, and sign in as a patient and as a doctor:")
    for one in PEOPLE:
        print(f"    {one.email:20} {one.fullname}, {one.role}")
    print(f"  The password is {PASSWORD}. Ctrl-C stops it.\n", flush=True)


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
