"""The WebSocket server, where the guide has Laravel Reverb: `reverb:start`, and `--debug` to see what happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import uvicorn

from broadcastkit.errors import ConfigurationError
from broadcastkit.server import App, EmbeddedServer
from examples.artisan_jobs.environment import GUIDE

__all__ = ["HOST", "Both", "Watched", "embedded_server", "listen", "options"]

HOST = "127.0.0.1"
HIGHEST_PORT = 65_535

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def embedded_server() -> EmbeddedServer:
    """Make the server for the app that PUSHER_APP_* names; without them, the guide's."""
    app_id, key, secret = (
        os.environ.get(name) or GUIDE[name] for name in ("PUSHER_APP_ID", "PUSHER_APP_KEY", "PUSHER_APP_SECRET")
    )
    return EmbeddedServer(App(app_id, key, secret))


def listen(variable: str, usual: int) -> socket.socket:
    """Listen on the port that a variable asks for; without it on the usual one, or else on any."""
    asked = os.environ.get(variable, "")
    if asked and not (asked.isdecimal() and int(asked) <= HIGHEST_PORT):
        raise ConfigurationError(f"must be a number from 0 to {HIGHEST_PORT}, not {asked!r}", setting=variable)
    try:
        return _listen_on(int(asked or usual))
    except OSError as error:
        if asked:
            raise ConfigurationError(f"{asked} cannot be used: {error.strerror}", setting=variable) from None
    print(f"Port {usual} is taken, so this is another one; {variable}=… chooses.")
    return _listen_on(0)


def _listen_on(port: int) -> socket.socket:
    listener = socket.create_server((HOST, port))
    # asyncio sees to this only for sockets that it opens itself; without it small answers wait 40 ms for each other
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def options(server: EmbeddedServer) -> dict[str, Any]:
    """Return how uvicorn serves it."""
    return {
        "ws": "websockets-sansio",
        "ws_max_size": server.limits.frame_size,
        "log_level": "warning",
        "timeout_graceful_shutdown": 5,
    }


class Both(uvicorn.Server):
    """Serves Django, and WebSockets on a port of their own."""

    def __init__(self, config: uvicorn.Config, server: EmbeddedServer, listener: socket.socket, *, debug: bool) -> None:
        super().__init__(config)
        self._embedded = server
        self._listener = listener
        self._beside = _Beside(uvicorn.Config(Watched(server) if debug else server, **options(server)))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._serving = asyncio.create_task(self._beside.serve(sockets=[self._listener]))
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._embedded.aclose()  # clients are told to come back
        self._beside.should_exit = True
        await self._serving
        await super().shutdown(sockets)


class _Beside(uvicorn.Server):
    """Leaves signals to the other one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Watched:
    """Prints who connects and leaves, and the names of events and channels: never what is in them."""

    def __init__(self, app: Callable[[Any, Receive, Send], Awaitable[None]]) -> None:
        self._app = app
        self._count = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        self._count += 1
        number = self._count
        _print(number, "connected")

        async def watched_receive() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive":
                _print(number, f"sent {_described(message)}")
            return message

        async def watched_send(message: Message) -> None:
            if message["type"] == "websocket.send":
                _print(number, f"was sent {_described(message)}")
            await send(message)

        try:
            await self._app(scope, watched_receive, watched_send)
        finally:
            _print(number, "disconnected")


def _print(number: int, text: str) -> None:
    print(f"[DEBUG] connection {number} {text}", flush=True)


def _described(message: Message) -> str:
    try:
        frame = json.loads(message.get("text") or "")
        data = frame.get("data")
        channel = frame.get("channel") or (data.get("channel") if isinstance(data, dict) else None)
        # quoted: it is a stranger's text
        return f"{str(frame['event'])[:80]!r}" + (f" on {str(channel)[:200]!r}" if channel else "")
    except (ValueError, KeyError, AttributeError):
        return "something else"
