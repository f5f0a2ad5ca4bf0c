"""`make demo`: serve the chat until Ctrl-C; with `--once`, send one message through all of it and stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import sys

import uvicorn

from broadcastkit.errors import ConfigurationError
from examples.chat.app import BUNDLE, HERE, create_app

HOST = "127.0.0.1"
PORT = 8000
HIGHEST_PORT = 65_535
# once.mjs bounds each of its waits and says what it waited for; this is for a node that hangs
ONCE_TIMEOUT = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="send one message to a real client, print it and stop")
    once: bool = parser.parse_args().once
    if not (BUNDLE / "main.js").exists():
        return fail("The page is not built yet: run `make demo`.")
    try:
        app = create_app()
        listener = listen_on(0) if once else listen(os.environ.get("PORT", ""))
    except ConfigurationError as error:
        return fail(str(error))
    config = uvicorn.Config(app, ws="websockets-sansio", log_level="warning", timeout_graceful_shutdown=5)
    with listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        if once:
            return asyncio.run(exchange(uvicorn.Server(config), listener, address))
        serve(uvicorn.Server(config), listener, address)
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


def serve(server: uvicorn.Server, listener: socket.socket, address: str) -> None:
    # connections are taken from here on, and wait until the server runs
    print(f"\n  The chat is at {address}\n", flush=True)
    print("  Open it in two windows, side by side: be Ann in one and Ben in the other.", flush=True)
    print("  Ctrl-C stops it.\n", flush=True)
    # uvicorn shuts down in order and then passes the signal on
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


async def exchange(server: uvicorn.Server, listener: socket.socket, address: str) -> int:
    """Serve for as long as once.mjs takes, and return its exit code."""
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    client = await asyncio.create_subprocess_exec("node", str(HERE / "once.mjs"), address)
    try:
        async with asyncio.timeout(ONCE_TIMEOUT):
            code = await client.wait()
    except TimeoutError:
        client.kill()
        code = fail(f"The client did not end within {ONCE_TIMEOUT:.0f} s.")
    server.should_exit = True
    await serving
    return code


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
