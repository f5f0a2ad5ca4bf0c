"""Starlette: routes for both endpoints, and a lifespan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, cast
from urllib.parse import urlencode

from broadcastkit.broadcaster import AsyncBroadcaster
from broadcastkit.calls import in_worker_thread, is_async
from broadcastkit.default import default_async_broadcaster
from broadcastkit.errors import MissingDependencyError
from broadcastkit.integrations.answers import AUTH, BODY_LIMIT, JSON_HEADERS, TOO_LONG, USER_AUTH, Answer
from broadcastkit.integrations.asgi import SocketIdMiddleware, WebhookApp, client_address, read_body
from broadcastkit.integrations.broadcasters import AsyncBroadcasterSource, checked_choice, chooser_of
from broadcastkit.integrations.endpoints import AsyncEndpoints, UserData
from broadcastkit.integrations.fields import MAX_CHANNELS
from broadcastkit.integrations.lifespan import broadcasting_lifespan
from broadcastkit.integrations.rate_limits import AsyncRateLimit
from broadcastkit.integrations.webhooks import AsyncWebhookReceiver

try:
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
    from starlette.routing import Route
except ImportError:
    raise MissingDependencyError("Starlette", "starlette", "broadcastkit.integrations.starlette") from None

__all__ = [
    "SocketIdMiddleware",
    "address_of",
    "as_response",
    "broadcasting_lifespan",
    "broadcasting_routes",
    "request_body",
    "webhook_route",
]


_BY = "Starlette"


def broadcasting_routes(
    broadcaster: AsyncBroadcasterSource[Request] | None = None,
    *,
    user: Callable[[Request], Any] | None = None,
    user_data: UserData | None = None,
    prefix: str = "/broadcasting",
    max_channels: int = MAX_CHANNELS,
    rate_limit: AsyncRateLimit | None = None,
    rate_key: Callable[[Request, Any], str] | None = None,
) -> list[Route]:
    """Return routes for `POST /broadcasting/auth` and `POST /broadcasting/user-auth`.

    `user` gets the request and returns the user, or None for a guest; it may be `async`, and a blocking one runs in a
    thread. Without it, the user is `request.user`, which Starlette's AuthenticationMiddleware sets; one who is not
    authenticated counts as none. What it raises (an HTTPException) is the answer. Without a broadcaster the configured
    one is used; a function, called as `user` is, chooses one for each request. `user_data` may turn the user into what
    a sign-in tells the service (by default the `id`, and nothing else). One request may ask for up to `max_channels`
    channels. With a `rate_limit` requests are counted for each user, or for a guest's address; `rate_key` may name
    another key, given the request and the user.
    """
    choose = chooser_of(_BY, broadcaster, AsyncBroadcaster)
    endpoints = AsyncEndpoints(
        _BY,
        address_of,
        user_data=user_data,
        max_channels=max_channels,
        rate_limit=rate_limit,
        rate_key=rate_key,
    )

    async def chosen(request: Request) -> AsyncBroadcaster | None:
        if choose is None:
            return cast("AsyncBroadcaster | None", broadcaster) or default_async_broadcaster()
        return checked_choice(_BY, await _asked(choose, request), AsyncBroadcaster)

    def endpoint(answer_to: Callable[..., Awaitable[Answer]]) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            # first: it may read the form, of which a request keeps one reading
            asking = request.user if user is None else await _asked(user, request)
            answerer = await chosen(request)
            body = await request_body(request)
            if body is None:
                return as_response(TOO_LONG)
            content_type = request.headers.get("content-type", "")
            return as_response(await answer_to(answerer, content_type, body, asking, request))

        return respond

    authorize, sign_in = endpoint(endpoints.authorize_channel), endpoint(endpoints.authenticate_user)
    return [
        Route(f"{prefix}{AUTH}", authorize, methods=["POST"], name="broadcasting_auth"),
        Route(f"{prefix}{USER_AUTH}", sign_in, methods=["POST"], name="broadcasting_user_auth"),
    ]


async def _asked(callback: Callable[[Request], Any], request: Request) -> Any:
    return await (callback(request) if is_async(callback) else in_worker_thread(callback, request))


def address_of(request: Request) -> str | None:
    """Return the address of whom the server talks to."""
    return client_address(request.scope)


async def request_body(request: Request, limit: int = BODY_LIMIT) -> bytes | None:
    """Return the body, or None if it is too long; also if what told the user has read it before us."""
    if getattr(request, "_stream_consumed", True) is False and not hasattr(request, "_body"):
        # nobody has read it: nearly always so, and then Starlette's stream, twice as dear, need not stand between
        return await read_body(request.receive, limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with aclosing(request.stream()) as stream:
            async for chunk in stream:
                chunks.append(chunk)
                size += len(chunk)
                if size > limit:
                    return None
    except ClientDisconnect:
        return b""
    except RuntimeError:  # it was read as a form, which Starlette has kept: a token in a field
        form = await request.form()
        body = urlencode([(name, value) for name, value in form.multi_items() if isinstance(value, str)]).encode()
        return body if len(body) <= limit else None
    return b"".join(chunks)


def webhook_route(receiver: AsyncWebhookReceiver, *, path: str = "/broadcasting/webhooks") -> Route:
    """Return a route that takes the service's webhooks at `POST /broadcasting/webhooks`."""
    return Route(path, WebhookApp(receiver), methods=["POST"], name="broadcasting_webhooks")


def as_response(answer: Answer) -> Response:
    """Return an answer in Starlette's words."""
    response = _JsonResponse(answer.body, answer.status)
    if answer.headers:
        response.raw_headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers]
    return response


class _JsonResponse(Response):
    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Take the headers as they are sent; to make them from a mapping costs as much as the signature."""
        del headers
        self.raw_headers = [*_RAW_HEADERS, (b"content-length", b"%d" % len(self.body))]


_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in JSON_HEADERS.items()]
