"""The application: everything the chat is made of, put together.

uvicorn --factory examples.patient_chat.app:create_app
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import socketio
from argon2 import PasswordHasher
from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from broadcastkit import AsyncBroadcaster
from broadcastkit.delivery import Background
from broadcastkit.delivery.repeats import AsyncRedisRepeats, MemoryRepeats
from broadcastkit.drivers.socketio import AsyncSocketIODriver
from broadcastkit.integrations.starlette import SocketIdMiddleware, broadcasting_lifespan
from broadcastkit.observability.prometheus import PrometheusHooks
from examples.patient_chat.accounts import Accounts
from examples.patient_chat.api import auth, chat, doctors, files, monitoring, patients
from examples.patient_chat.api.common import Services, on_error
from examples.patient_chat.cache import MemoryPages, Pages, RedisPages
from examples.patient_chat.chat import Chat
from examples.patient_chat.database import Database
from examples.patient_chat.errors import Problem
from examples.patient_chat.headers import PAGE_POLICY, SecurityHeaders, cors, origins
from examples.patient_chat.limits import Limits
from examples.patient_chat.metrics import Metrics
from examples.patient_chat.offline import make_fallbacks
from examples.patient_chat.online import MemoryOnline, Online, RedisOnline
from examples.patient_chat.packets import ClientPacket
from examples.patient_chat.rules import channels
from examples.patient_chat.settings import Settings
from examples.patient_chat.sockets import Sockets
from examples.patient_chat.uploads import Uploads

__all__ = ["BUNDLE", "create_app"]

BUNDLE = Path(__file__).parent / "dist"
"""Where `npm run bundle` puts the page."""
LONGEST_FRAME = 64 * 1024


def create_app(settings: Settings | None = None, *, hasher: PasswordHasher | None = None) -> Starlette:
    settings = settings or Settings.from_env(os.environ)
    hasher = hasher or PasswordHasher()
    database = Database(settings.database_url)
    online, pages = shared(settings.redis_url)
    metrics, delivery = Metrics(), Background()
    sio = make_server(settings)
    broadcaster = AsyncBroadcaster(
        AsyncSocketIODriver(server=sio),
        channels=channels,
        # nobody waits for a mail server to hear that a message was sent
        delivery=delivery,
        repeats=MemoryRepeats() if settings.redis_url is None else AsyncRedisRepeats(settings.redis_url),
        hooks=PrometheusHooks(metrics.registry, queue=delivery),
        when_offline=make_fallbacks(settings, database.sessions, online),
        # what is stored and not broadcast is seen at the next reload, which beats an error
        on_error="report",
    )
    accounts = Accounts(database.sessions, settings.jwt_secret, settings.token_lifetime, hasher)
    limits = Limits(settings.rates, settings.redis_url or "memory://")
    talk = Chat(database.sessions, broadcaster, online, pages, metrics)
    sockets = Sockets(
        sio,
        chat=talk,
        accounts=accounts,
        limits=limits,
        metrics=metrics,
        broadcaster=broadcaster,
        delivery=delivery,
    )
    uploads = Uploads(database.sessions, settings.upload_dir)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await database.create_tables()
        watching = asyncio.create_task(sockets.watch())
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    app = Starlette(
        routes=[
            Mount("/auth", routes=auth.routes),
            Mount("/chat", routes=[*chat.routes, *files.routes]),
            Mount("/users", routes=patients.routes),
            Mount("/doctors", routes=doctors.routes),
            *monitoring.routes,
            Mount("/socket.io", socketio.ASGIApp(sio)),
            Route("/", page),
            Mount("/assets", StaticFiles(directory=BUNDLE / "assets", check_dir=False)),
        ],
        middleware=[Middleware(SecurityHeaders), *cors(settings.frontend_url), Middleware(SocketIdMiddleware)],
        exception_handlers=dict.fromkeys([Problem, HTTPException, SQLAlchemyError, Exception], on_error),
        lifespan=broadcasting_lifespan(broadcaster, lifespan, also=[limits, online, database]),
    )
    app.state.services = Services(settings, accounts, talk, uploads, limits, metrics, sockets)
    return app


def shared(redis_url: str | None) -> tuple[Online, Pages]:
    """Return what the processes share; one alone has it in memory."""
    if redis_url is None:
        return MemoryOnline(), MemoryPages()
    redis = Redis.from_url(redis_url, decode_responses=True)
    return RedisOnline(redis), RedisPages(redis)


def make_server(settings: Settings) -> socketio.AsyncServer:
    return socketio.AsyncServer(
        async_mode="asgi",
        client_manager=None if settings.redis_url is None else socketio.AsyncRedisManager(settings.redis_url),
        cors_allowed_origins=origins(settings.frontend_url),
        max_http_buffer_size=LONGEST_FRAME,
        serializer=ClientPacket,
    )


async def page(request: Request) -> Response:
    del request
    return FileResponse(BUNDLE / "index.html", headers={"Content-Security-Policy": PAGE_POLICY})
