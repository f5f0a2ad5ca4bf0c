"""The application: everything the marketplace is made of, put together."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

from litestar import Litestar, Request, asgi
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import ClientException, HTTPException
from litestar.handlers import ASGIRouteHandler
from litestar.middleware import DefineMiddleware
from litestar.types import Scope
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncSession

from broadcastkit import configure
from broadcastkit.config import redis_url_from_env
from broadcastkit.integrations.litestar import BroadcastingPlugin
from broadcastkit.observability.prometheus import PrometheusHooks
from examples.marketplace.database import connect, create_tables, sessions_of
from examples.marketplace.figures import WatchedServer
from examples.marketplace.limits import RateLimits
from examples.marketplace.live import connect_live
from examples.marketplace.routes.accounts import Accounts
from examples.marketplace.routes.conversations import Conversations, OneConversation
from examples.marketplace.routes.listings import Listings
from examples.marketplace.routes.monitor import Monitor
from examples.marketplace.routes.page import assets, page, start
from examples.marketplace.settings import Settings
from examples.marketplace.tokens import TokenAuthentication

__all__ = ["create_app"]

_log = logging.getLogger("marketplace")

LARGEST_BODY = 64 * 1024
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}


def create_app(environ: Mapping[str, str] = os.environ) -> Litestar:
    settings = Settings.from_env(environ)
    engine = connect(settings.database_url)
    sessions = sessions_of(engine)
    registry = CollectorRegistry()
    live = connect_live(settings, environ, sessions, PrometheusHooks(registry))
    configure(live.broadcaster)
    limits = RateLimits(redis_url_from_env(environ) if settings.queue == "redis" else "memory://")

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as db:
            yield db

    async def tables() -> None:
        await create_tables(engine)  # an application that grows has migrations here: Alembic

    def given(value: Any) -> Provide:
        return Provide(lambda: value, sync_to_thread=False)

    return Litestar(
        [
            *(Accounts, Listings, Conversations, OneConversation, Monitor),
            *(page, start, assets()),
            *([] if live.server is None else [mounted(live.server)]),
        ],
        dependencies={
            "db": Provide(session),
            "limits": given(limits),
            "live": given(live),
            "registry": given(registry),
            "settings": given(settings),
        },
        # who has no token is nobody, but for what says `exclude_from_auth`
        middleware=[DefineMiddleware(TokenAuthentication, scopes={ScopeType.HTTP})],
        plugins=[
            BroadcastingPlugin(
                live.broadcaster, rate_limit=limits.subscribing, also=[] if live.server is None else [live.server]
            )
        ],
        on_startup=[tables],
        on_shutdown=[limits.aclose, engine.dispose],
        state=State({"sessions": sessions, "live": live, "metrics_token": settings.metrics_token}),
        request_class=CarefulRequest,
        request_max_body_size=LARGEST_BODY,
        response_headers=HEADERS,
        debug=False,  # APP_DEBUG is for the log: nobody is answered with a traceback
        after_exception=[log_failure],
        logging_config=None,  # whoever starts the process decides
        openapi_config=None,
    )


class CarefulRequest(Request[Any, Any, State]):
    """Says 400 also to a body that is no UTF-8, or nested deeper than Python can follow."""

    async def json(self) -> Any:
        try:
            return await super().json()
        except (UnicodeDecodeError, RecursionError):
            raise ClientException("The body is no JSON.") from None


async def log_failure(error: Exception, scope: Scope) -> None:
    """Log what nobody meant to answer with; the client is told 500, and no more."""
    if not isinstance(error, HTTPException):
        _log.error("%s %s failed", scope.get("method", ""), scope["path"], exc_info=error)


def mounted(server: WatchedServer) -> ASGIRouteHandler:
    return asgi(server.path, is_mount=True, copy_scope=True, exclude_from_auth=True)(server)
