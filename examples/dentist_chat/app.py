"""The application: everything it is made of, put together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from broadcastkit import configure
from broadcastkit.integrations.fastapi import SocketIdMiddleware, broadcasting_lifespan, broadcasting_router
from broadcastkit.integrations.lifespan import Closable
from examples.dentist_chat import monitoring
from examples.dentist_chat.accounts import Passwords
from examples.dentist_chat.attachments import Attachments
from examples.dentist_chat.database import Database
from examples.dentist_chat.identity import current_listener
from examples.dentist_chat.limits import BodyLimit, RateLimits
from examples.dentist_chat.live import live_from
from examples.dentist_chat.notifications import Notifications
from examples.dentist_chat.pages import BUNDLE, Pages
from examples.dentist_chat.routes import accounts, chat_pages, consultations, messages, plans
from examples.dentist_chat.seed import seed
from examples.dentist_chat.settings import Settings

__all__ = ["create_app"]


def create_app(environ: Mapping[str, str] = os.environ) -> FastAPI:
    settings = Settings.from_env(environ)
    settings.storage_dir.mkdir(parents=True, exist_ok=True)
    notifications = Notifications(settings, environ)
    live = live_from(settings, notifications.fallbacks, environ)
    configure(live.broadcaster)
    database = Database(settings.database)
    passwords = Passwords(settings.argon2_memory)
    limits = RateLimits(settings)

    @asynccontextmanager
    async def prepared(_: FastAPI) -> AsyncIterator[None]:
        await database.create()
        if settings.app_demo:
            await seed(database, passwords)
        yield

    also: list[Closable] = [live, limits, notifications, database]
    lifespan = broadcasting_lifespan(live.broadcaster, prepared, also=also)
    # /openapi.json describes the API; the pages that show it load their scripts from elsewhere
    app = FastAPI(title="AskDentist", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.live = live
    app.state.database = database
    app.state.passwords = passwords
    app.state.limits = limits
    app.state.notifications = notifications
    app.state.attachments = Attachments(settings.storage_dir / "attachments", settings.attachment_limit)
    app.state.pages = Pages(settings, live.origins)

    app.add_middleware(SocketIdMiddleware)
    app.add_middleware(BodyLimit, attachment_limit=settings.attachment_limit)
    app.add_exception_handler(RequestValidationError, unfit)
    for router in (accounts.router, consultations.router, messages.router, plans.router, monitoring.router):
        app.include_router(router)
    app.include_router(chat_pages.router)
    app.include_router(broadcasting_router(user=current_listener, rate_limit=limits.reading))
    app.mount("/assets", StaticFiles(directory=BUNDLE, check_dir=False))
    if live.server is not None:
        # last, as it takes whatever is left: browsers connect to /app/{key}
        app.mount("/", live.server)
    return app


async def unfit(_: Request, error: Exception) -> JSONResponse:
    """Say what does not fit and where, and do not repeat what was given: it may be a password."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for nothing else
    details = [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
    return JSONResponse({"detail": details}, 422)
