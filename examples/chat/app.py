"""The application: everything the chat is made of, put together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from broadcastkit import configure
from broadcastkit.integrations.fastapi import SocketIdMiddleware, broadcasting_lifespan, broadcasting_router
from examples.chat import views
from examples.chat.live import live_from_env
from examples.chat.store import Store

__all__ = ["BUNDLE", "create_app"]

HERE = Path(__file__).parent
BUNDLE = HERE / "dist"
"""Where `make demo` puts the page's script and styles."""


def create_app(environ: Mapping[str, str] = os.environ) -> FastAPI:
    live = live_from_env(environ)
    configure(live.broadcaster)

    app = FastAPI(title="broadcastkit chat", lifespan=broadcasting_lifespan(live.broadcaster))
    app.state.store = Store(["Ann", "Ben", "Cleo"])
    app.state.live = live
    app.add_middleware(SocketIdMiddleware)
    app.include_router(views.router)
    app.include_router(broadcasting_router(user=views.current_user))

    # Texts are only ever set as text; should one slip through as HTML, this keeps it from running.
    policy = f"default-src 'self'; connect-src {live.sources}; img-src 'self' data:; base-uri 'none'"

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(HERE / "page" / "index.html", headers={"Content-Security-Policy": policy})

    app.mount("/assets", StaticFiles(directory=BUNDLE, check_dir=False))
    if live.server is not None:
        # last, as it takes whatever is left: browsers connect to /app/{key}
        app.mount("/", live.server)
    return app
