"""`make demo EXAMPLE=marketplace`: serve the marketplace until Ctrl-C, with people and things in it if it is empty."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn
from litestar import Litestar

from broadcastkit.errors import ConfigurationError
from broadcastkit.server import Limits
from examples.marketplace.app import create_app
from examples.marketplace.database import connect, create_tables, sessions_of
from examples.marketplace.routes.page import BUNDLE
from examples.marketplace.seed import DEMO_ACCOUNTS, DEMO_PASSWORD, seed
from examples.marketplace.settings import Settings

HOST = "127.0.0.1"
PORT = 8000
HIGHEST_PORT = 65_535
BUILD = Path(__file__).parents[2] / "build" / "marketplace"


def main() -> int:
    if not (BUNDLE / "index.html").exists():
        print("The page is not built yet: run `make demo EXAMPLE=marketplace`.", file=sys.stderr)
        return 1
    try:
        environ = for_the_demo(os.environ)
        settings = Settings.from_env(environ)
        log_as_asked(settings)
        if settings.demo:
            asyncio.run(fill(settings.database_url))
        app = create_app(environ)
        listener = listen(environ.get("PORT", ""))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    with listener, contextlib.suppress(KeyboardInterrupt):
        welcome(f"http://{HOST}:{listener.getsockname()[1]}", settings)
        uvicorn.Server(server_config(app)).run(sockets=[listener])
    return 0


def for_the_demo(environ: Mapping[str, str]) -> dict[str, str]:
    """Show who may sign in, and name a database in `build/`, or in the folder MARKETPLACE_DATA, where none is named."""
    environ = {"DEMO_ACCOUNTS": "true", **environ}
    if environ.get("DATABASE_URL"):
        return environ
    folder = Path(environ.get("MARKETPLACE_DATA") or BUILD)
    folder.mkdir(parents=True, exist_ok=True)
    return {**environ, "DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'market.sqlite3'}"}


async def fill(database_url: str) -> None:
    engine = connect(database_url)
    try:
        await create_tables(engine)
        async with sessions_of(engine)() as db:
            await seed(db)
    finally:
        await engine.dispose()


def log_as_asked(settings: Settings) -> None:
    """With APP_DEBUG=true payloads are logged too: never where real people write."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("broadcastkit").setLevel(logging.DEBUG if settings.debug else logging.INFO)


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


def server_config(app: Litestar) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_max_size=Limits().frame_size,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


def welcome(address: str, settings: Settings) -> None:
    print(f"\n  The marketplace is at {address}\n", flush=True)
    if settings.demo:
        print(f"  Sign in with the password {DEMO_PASSWORD} as", flush=True)
        for account in DEMO_ACCOUNTS:
            print(f"    {account.email:24}{account.role}", flush=True)
        print("  Two people at once: one in a private window.", flush=True)
    print("  Ctrl-C stops it.\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
