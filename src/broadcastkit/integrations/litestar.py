"""Litestar: a plugin with both endpoints, the socket id of each request, and an end to open connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import urlencode

from broadcastkit.broadcaster import AsyncBroadcaster
from broadcastkit.calls import is_async
from broadcastkit.default import default_async_broadcaster
from broadcastkit.errors import MissingDependencyError
from broadcastkit.integrations.answers import AUTH, BODY_LIMIT, JSON_HEADERS, TOO_LONG, USER_AUTH, Answer
from broadcastkit.integrations.asgi import Scope, SocketIdMiddleware, client_address
from broadcastkit.integrations.broadcasters import checked_choice, chooser_of
from broadcastkit.integrations.endpoints import AsyncEndpoints, UserData
from broadcastkit.integrations.fields import MAX_CHANNELS
from broadcastkit.integrations.lifespan import Closable, broadcasting_lifespan
from broadcastkit.integrations.rate_limits import AsyncRateLimit
from broadcastkit.integrations.webhooks import AsyncWebhookReceiver, require_receiver

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

__all__ = ["BroadcastingPlugin", "SocketIdMiddleware", "broadcasting_lifespan", "broadcasting_router", "webhook_router"]


_BY = "Litestar"
AnyRequest: TypeAlias = "Request[Any, Any, Any]"
Dependency: TypeAlias = Callable[..., Any] | Provide


def broadcasting_router(
    broadcaster: AsyncBroadcaster | Dependency | None = None,
    *,
    user: Dependency | None = None,
    user_data: UserData | None = None,
    prefix: str = "/broadcasting",
    max_channels: int = MAX_CHANNELS,
    rate_limit: AsyncRateLimit | None = None,
    rate_key: Callable[[AnyRequest, Any], str] | None = None,
) -> Router:
    """Return a router with `POST /broadcasting/auth` and `POST /broadcasting/user-auth`.

    `user` is a dependency that returns the user, or None for a guest; a blocking one runs in a thread. Without it, the
    user is `request.user`, which an authentication middleware sets. What it raises (NotAuthorizedException) is the
    answer. Without a broadcaster the configured one is used; a dependency chooses one for each request. `user_data`
    may turn the user into what a sign-in tells the service (by default the `id`, and nothing else). One request may ask
    for up to `max_channels` channels. With a `rate_limit` requests are counted for each user, or for a guest's address;
    `rate_key` may name another key, given the request and the user. Litestar's CSRF protection is off here: what is
    answered is of use only to who can read it.
    """
    choose = chooser_of(_BY, broadcaster, AsyncBroadcaster)
    endpoints = AsyncEndpoints(
        _BY,
        _address_of,
        user_data=user_data,
        max_channels=max_channels,
        rate_limit=rate_limit,
        rate_key=rate_key,
    )

    def configured() -> Any:
        return broadcaster or default_async_broadcaster()

    def handler(path: str, answer_to: Callable[..., Awaitable[Answer]]) -> HTTPRouteHandler:
        @post(path, include_in_schema=False, request_max_body_size=BODY_LIMIT, exclude_from_csrf=True)
        async def respond(
            request: Request[Any, Any, Any],
            broadcasting_user: NamedDependency[Any],
            broadcasting_choice: NamedDependency[Any],
        ) -> Response[bytes]:
            body = await _body(request)
            if body is None:
                return _response(TOO_LONG)
            chosen = checked_choice(_BY, broadcasting_choice, AsyncBroadcaster)
            content_type = request.headers.get("content-type", "")
            return _response(await answer_to(chosen, content_type, body, broadcasting_user, request))

        return respond

    return Router(
        prefix,
        route_handlers=[
            handler(AUTH, endpoints.authorize_channel),
            handler(USER_AUTH, endpoints.authenticate_user),
        ],
        dependencies={
            "broadcasting_user": _provided(_request_user if user is None else user),
            "broadcasting_choice": _provided(choose) if choose else Provide(configured, sync_to_thread=False),
        },
    )


def webhook_router(receiver: AsyncWebhookReceiver, *, path: str = "/broadcasting/webhooks") -> Router:
    """Return a router that takes the service's webhooks at `POST /broadcasting/webhooks`.

    Litestar's CSRF protection is off here, and so is an authentication middleware: what comes is signed.
    """
    require_receiver("webhook_router of Litestar", receiver, AsyncWebhookReceiver)
    taken: dict[str, Any] = {"exclude_from_csrf": True, "exclude_from_auth": True, "include_in_schema": False}

    @post("/", request_max_body_size=receiver.body_limit, **taken)
    async def webhook(request: Request[Any, Any, Any]) -> Response[bytes]:
        return _response(await receiver.receive(request.headers, await _body(request)))

    return Router(path, route_handlers=[webhook])


class BroadcastingPlugin(InitPlugin):
    """All that an app needs: `Litestar(plugins=[BroadcastingPlugin(broadcaster, user=current_user)])`.

    It adds `broadcasting_router(…)` and `SocketIdMiddleware`. When the app stops, after lifespans and hooks of your
    own, the broadcaster is closed if it was given here, and then what is in `also`, in this order: an embedded server,
    which the drivers publish to until then.
    """

    def __init__(
        self,
        broadcaster: AsyncBroadcaster | Dependency | None = None,
        *,
        user: Dependency | None = None,
        user_data: UserData | None = None,
        prefix: str = "/broadcasting",
        max_channels: int = MAX_CHANNELS,
        rate_limit: AsyncRateLimit | None = None,
        rate_key: Callable[[AnyRequest, Any], str] | None = None,
        also: Iterable[Closable] = (),
    ) -> None:
        self._closed = [broadcaster, *also] if isinstance(broadcaster, AsyncBroadcaster) else [*also]
        self._router = broadcasting_router(
            broadcaster,
            user=user,
            user_data=user_data,
            prefix=prefix,
            max_channels=max_channels,
            rate_limit=rate_limit,
            rate_key=rate_key,
        )

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


def _provided(dependency: Dependency) -> Provide:
    if isinstance(dependency, Provide):
        return dependency
    return Provide(dependency) if is_async(dependency) else Provide(dependency, sync_to_thread=True)


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
    headers = {**JSON_HEADERS, **dict(answer.headers)}
    return Response(answer.body, status_code=answer.status, headers=headers, media_type=MediaType.JSON)


def _address_of(request: AnyRequest) -> str | None:
    return client_address(cast("Scope", request.scope))
