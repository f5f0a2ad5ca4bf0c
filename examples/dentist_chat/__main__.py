"""`make demo EXAMPLE=dentist_chat`: serve AskDentist until Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import socket
import sys

import uvicorn

from broadcastkit.errors import ConfigurationError
from examples.dentist_chat.app import create_app
from examples.dentist_chat.monitoring import log_to_file
from examples.dentist_chat.pages import BUNDLE
from examples.dentist_chat.seed import ACCOUNTS, PASSWORD
from examples.dentist_chat.settings import Settings

HOST = "127.0.0.1"
PORT = 8000
HIGHEST_PORT = 65_535


def main() -> int:
    if not (BUNDLE / "chat.js").exists():
        return fail("The page is not built yet: run `make demo EXAMPLE=dentist_chat`.")
    try:
        listener = listen(os.environ.get("PORT", ""))
    except ConfigurationError as error:
        return fail(str(error))
    with listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        environ = {"APP_URL": address, "APP_DEMO": "true", **{k: v for k, v in os.environ.items() if v}}
        try:
            app = create_app(environ)
        except ConfigurationError as error:
            return fail(str(error))
        log_to_file(Settings.from_env(environ))
        serve(uvicorn.Config(app, ws="websockets-sansio", ws_max_size=32_768, log_level="warning"), listener, address)
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


def serve(config: uvicorn.Config, listener: socket.socket, address: str) -> None:
    config.timeout_graceful_shutdown = 5
    # connections are taken from here on, and wait until the server runs
    print(f"\n  AskDentist is at {address}\n", flush=True)
    for account in ACCOUNTS:
        print(f"  {account.role:8}{account.email:30}{PASSWORD}", flush=True)
    print("\n  Sign in as two of them, in two browsers or a private window. Ctrl-C stops it.\n", flush=True)
    # uvicorn shuts down in order and then passes the signal on
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
