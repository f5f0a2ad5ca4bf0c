"""Starlette: routes for both endpoints, and a lifespan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial
from inspect import isawaitable
from typing import Any
from urllib.parse import urlencode

from broadcastkit.authorization.rules import is_async
from broadcastkit.broadcaster import AsyncBroadcaster
from broadcastkit.default import default_async_broadcaster
from broadcastkit.errors import MissingDependencyError
from broadcastkit.integrations.asgi import SocketIdMiddleware, read_body
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
from broadcastkit.integrations.lifespan import broadcasting_lifespan

try:
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
    from starlette.routing import Route
except ImportError:
    raise MissingDependencyError("Starlette", "starlette", "broadcastkit.integrations.starlette") from None

__all__ = ["SocketIdMiddleware", "as_response", "broadcasting_lifespan", "broadcasting_routes", "request_body"]


def broadcasting_routes(
    broadcaster: AsyncBroadcaster | None = None,
    *,
    user: Callable[[Request], Any] | None = None,
    user_data: UserData | None = None,
    prefix: str = "/broadcasting",
) -> list[Route]:
    """Return routes for `POST /broadcasting/auth` and `POST /broadcasting/user-auth`.

    `user` gets the request and returns the user, or None for a guest; it may be `async`, and a blocking one runs in a
    thread. Without it, the user is `request.user`, which Starlette's AuthenticationMiddleware sets; one who is not
    authenticated counts as none. What it raises (an HTTPException) is the answer. Without a broadcaster the configured
    one is used. `user_data` may turn the user into what a sign-in tells the service (by default the `id`, and nothing
    else).
    """

    def endpoint(answer_to: Callable[..., Awaitable[Answer]]) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            asking = await _asking(request, user)  # first: it may read the form, of which a request keeps one reading
            body = await request_body(request)
            if body is None:
                return as_response(TOO_LONG)
            chosen = broadcaster or default_async_broadcaster()
            content_type = request.headers.get("content-type", "")
            return as_response(await answer_to(chosen, content_type, body, asking))

        return respond

    sign_in = partial(authenticate_user, user_data=user_data)
    return [
        Route(f"{prefix}{AUTH}", endpoint(authorize_channel), methods=["POST"], name="broadcasting_auth"),
        Route(f"{prefix}{USER_AUTH}", endpoint(sign_in), methods=["POST"], name="broadcasting_user_auth"),
    ]


async def _asking(request: Request, user: Callable[[Request], Any] | None) -> Any:
    if user is None:
        return request.user
    asked = user(request) if is_async(user) else await run_in_threadpool(user, request)
    return await asked if isawaitable(asked) else asked


async def request_body(request: Request) -> bytes | None:
    """Return the body, or None if it is too long; also if what told the user has read it before us."""
    if getattr(request, "_stream_consumed", True) is False and not hasattr(request, "_body"):
        # nobody has read it: nearly always so, and then Starlette's stream, twice as dear, need not stand between
        return await read_body(request.receive)
    chunks: list[bytes] = []
    size = 0
    try:
        async with aclosing(request.stream()) as stream:
            async for chunk in stream:
                chunks.append(chunk)
                size += len(chunk)
                if size > BODY_LIMIT:
                    return None
    except ClientDisconnect:
        return b""
    except RuntimeError:  # it was read as a form, which Starlette has kept: a token in a field
        form = await request.form()
        body = urlencode([(name, value) for name, value in form.multi_items() if isinstance(value, str)]).encode()
        return body if len(body) <= BODY_LIMIT else None
    return b"".join(chunks)


def as_response(answer: Answer) -> Response:
    """Return an answer in Starlette's words."""
    return _JsonResponse(answer.body, answer.status)


class _JsonResponse(Response):
    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Take the headers as they are sent; to make them from a mapping costs as much as the signature."""
        del headers
        self.raw_headers = [*_RAW_HEADERS, (b"content-length", b"%d" % len(self.body))]


_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in JSON_HEADERS.items()]
