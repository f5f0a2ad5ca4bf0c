"""The rooms and the WebSocket server in one process: `uvicorn --factory examples.team_rooms.asgi:create_asgi_app`.

Flask is WSGI and has no WebSockets, so an ASGI application stands around it. With a service, as Pusher, it is not
needed: any WSGI server serves `create_app()`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import cast

from a2wsgi import WSGIMiddleware
from a2wsgi.wsgi_typing import WSGIApp
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from examples.team_rooms.app import create_app
from examples.team_rooms.live import WS_PATH, Live

__all__ = ["create_asgi_app"]


def create_asgi_app(app: Flask | None = None) -> Starlette:
    app = app or create_app()
    live: Live = app.extensions["live"]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        if live.server is not None:
            await live.server.aclose()
        live.broadcaster.close()

    # the same types by other names
    flask = Mount("/", cast("ASGIApp", WSGIMiddleware(cast("WSGIApp", app), workers=16)))
    sockets = [] if live.server is None else [Mount(WS_PATH, live.server)]
    return Starlette(routes=[*sockets, flask], lifespan=lifespan)
