"""`python -m examples.team_rooms`: serve the rooms until Ctrl-C, with accounts and rooms to begin with."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys

import uvicorn
from dotenv import load_dotenv

from broadcastkit.errors import ConfigurationError
from examples.team_rooms.app import create_app
from examples.team_rooms.asgi import create_asgi_app
from examples.team_rooms.seed import ACCOUNTS, PASSWORD
from examples.team_rooms.settings import HERE

HOST = "127.0.0.1"
PORT = 8000
HIGHEST_PORT = 65_535


def main() -> int:
    load_dotenv(HERE / ".env")
    os.environ.setdefault("SHOW_ACCOUNTS", "1")
    try:
        log_from(os.environ.get("LOG_LEVEL") or "WARNING")
        app = create_app()
        listener = listen(os.environ.get("PORT", ""))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    if not (app.config["BUNDLE"] / "index.html").exists():
        print("The page is not built yet: run `make demo EXAMPLE=team_rooms`.", file=sys.stderr)
        return 1
    # connections are taken from here on, and wait until the server runs
    print(f"\n  The rooms are at http://{HOST}:{listener.getsockname()[1]}\n")
    if app.config["SHOW_ACCOUNTS"]:
        names = [account["email"] for account in ACCOUNTS]
        print(f"  Sign in as {', '.join(names[:-1])} or {names[-1]}; the password is {PASSWORD}.")
        print("  A private window can be somebody else.")
    print("  Ctrl-C stops it.\n", flush=True)
    config = uvicorn.Config(
        create_asgi_app(app),
        ws="websockets-sansio",
        log_level="warning",
        timeout_graceful_shutdown=5,
        proxy_headers=False,  # TRUSTED_PROXIES says whether X-Forwarded-For is believed
    )
    with listener, contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def log_from(level: str) -> None:
    """Log to standard error what the application says, from a level on."""
    if level.upper() not in logging.getLevelNamesMapping():
        raise ConfigurationError(f"must be DEBUG, INFO, WARNING or ERROR, not {level!r}", setting="LOG_LEVEL")
    logging.basicConfig()
    logging.getLogger("examples.team_rooms").setLevel(level.upper())


def listen(asked: str) -> socket.socket:
    """Listen on the port asked for; without one, on the usual port or else on any."""
    if asked and not (asked.isdecimal() and int(asked) <= HIGHEST_PORT):
        raise ConfigurationError(f"must be a number from 0 to {HIGHEST_PORT}, not {asked!r}", setting="PORT")
    try:
        return listen_on(int(asked or PORT))
    except OSError as error:
        if asked:
            raise ConfigurationError(f"{asked} cannot be used: {error.strerror}", setting="PORT") from None
    return listen_on(0)


def listen_on(port: int) -> socket.socket:
    listener = socket.create_server((HOST, port))
    # asyncio sees to this only for sockets that it opens itself; without it small answers wait 40 ms for each other
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


if __name__ == "__main__":
    sys.exit(main())
