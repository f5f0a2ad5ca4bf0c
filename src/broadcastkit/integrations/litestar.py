"""Litestar: a plugin with both endpoints, the socket id of each request, and an end to open connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from broadcastkit.authorization.rules import is_async
from broadcastkit.broadcaster import AsyncBroadcaster
from broadcastkit.default import default_async_broadcaster
from broadcastkit.errors import MissingDependencyError
from broadcastkit.integrations.asgi import SocketIdMiddleware
from broadcastkit.integrations.endpoints import (
    AUTH,
    BODY_LIMIT,
    JSON_HEADERS,
    TOO_LONG,
    USER_AUTH,
    Answer,
    UserData,
    authenticate_user,
    authorize_channel,
)
from broadcastkit.integrations.lifespan import Closable, broadcasting_lifespan

try:
    from litestar import MediaType, Request, Response, Router, post
    from litestar.config.app import AppConfig
    from litestar.di import NamedDependency, Provide
    from litestar.exceptions import InternalServerException
    from litestar.exceptions.http_exceptions import RequestEntityTooLarge
    from litestar.handlers import HTTPRouteHandler
    from litestar.plugins import InitPlugin
except ImportError:
    raise MissingDependencyError("Litestar", "litestar", "broadcastkit.integrations.litestar") from None

if TYPE_CHECKING:
    from litestar.types import Middleware

__all__ = ["BroadcastingPlugin", "SocketIdMiddleware", "broadcasting_lifespan", "broadcasting_router"]


def broadcasting_router(
    broadcaster: AsyncBroadcaster | None = None,
    *,
    user: Callable[..., Any] | Provide | None = None,
    user_data: UserData | None = None,
    prefix: str = "/broadcasting",
) -> Router:
    """Return a router with `POST /broadcasting/auth` and `POST /broadcasting/user-auth`.

    `user` is a dependency that returns the user, or None for a guest; a blocking one runs in a thread. Without it, the
    user is `request.user`, which an authentication middleware sets. What it raises (NotAuthorizedException) is the
    answer. Without a broadcaster the configured one is used. `user_data` may turn the user into what a sign-in tells
    the service (by default the `id`, and nothing else). Litestar's CSRF protection is off here: what is answered is of
    use only to who can read it.
    """

    def handler(path: str, answer_to: Callable[..., Awaitable[Answer]]) -> HTTPRouteHandler:
        @post(path, include_in_schema=False, request_max_body_size=BODY_LIMIT, exclude_from_csrf=True)
        async def respond(request: Request[Any, Any, Any], broadcasting_user: NamedDependency[Any]) -> Response[bytes]:
            body = await _body(request)
            if body is None:
                return _response(TOO_LONG)
            chosen = broadcaster or default_async_broadcaster()
            content_type = request.headers.get("content-type", "")
            return _response(await answer_to(chosen, content_type, body, broadcasting_user))

        return respond

    return Router(
        prefix,
        route_handlers=[
            handler(AUTH, authorize_channel),
            handler(USER_AUTH, partial(authenticate_user, user_data=user_data)),
        ],
        dependencies={"broadcasting_user": _provided(user)},
    )


class BroadcastingPlugin(InitPlugin):
    """All that an app needs: `Litestar(plugins=[BroadcastingPlugin(broadcaster, user=current_user)])`.

    It adds `broadcasting_router(…)` and `SocketIdMiddleware`. When the app stops, after lifespans and hooks of your
    own, the broadcaster is closed if it was given here, and then what is in `also`, in this order: an embedded server,
    which the drivers publish to until then.
    """

    def __init__(
        self,
        broadcaster: AsyncBroadcaster | None = None,
        *,
        user: Callable[..., Any] | Provide | None = None,
        user_data: UserData | None = None,
        prefix: str = "/broadcasting",
        also: Iterable[Closable] = (),
    ) -> None:
        self._closed = [*also] if broadcaster is None else [broadcaster, *also]
        self._router = broadcasting_router(broadcaster, user=user, user_data=user_data, prefix=prefix)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add to the app; Litestar calls this."""
        app_config.route_handlers.append(self._router)
        app_config.middleware.insert(0, cast("Middleware", SocketIdMiddleware))  # by their types of ASGI it is none
        # these hooks come last of all, so that whatever else ends may still broadcast
        app_config.on_shutdown.extend(_closing(thing) for thing in self._closed)
        return app_config


def _closing(thing: Closable) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        await thing.aclose()

    return close


def _provided(user: Callable[..., Any] | Provide | None) -> Provide:
    if isinstance(user, Provide):
        return user
    if user is None:
        return Provide(_request_user)
    return Provide(user) if is_async(user) else Provide(user, sync_to_thread=True)


async def _request_user(request: Request[Any, Any, Any]) -> Any:
    return request.user


async def _body(request: Request[Any, Any, Any]) -> bytes | None:
    """Return the body, or None if it is too long; also if the user's dependency has read it before us."""
    try:
        return await request.body()
    except RequestEntityTooLarge:
        return None
    except InternalServerException:
        if request.is_connected:
            return b""  # the client has left: half a body is none, and nobody waits for the answer
        form = await request.form()  # it was read as multipart, of which Litestar has kept the fields
        return urlencode([(name, value) for name, value in form.multi_items() if isinstance(value, str)]).encode()


def _response(answer: Answer) -> Response[bytes]:
    return Response(answer.body, status_code=answer.status, headers=JSON_HEADERS, media_type=MediaType.JSON)
