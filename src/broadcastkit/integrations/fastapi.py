"""FastAPI: a router with both endpoints, whose user comes from the application's own dependency, and a lifespan."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from broadcastkit.broadcaster import AsyncBroadcaster
from broadcastkit.default import default_async_broadcaster
from broadcastkit.errors import MissingDependencyError
from broadcastkit.integrations.asgi import SocketIdMiddleware
from broadcastkit.integrations.endpoints import (
    BODY_LIMIT,
    JSON_HEADERS,
    TOO_LONG,
    Answer,
    authenticate_user,
    authorize_channel,
)

try:
    from fastapi import APIRouter, Depends, FastAPI, Request, Response
    from starlette.requests import ClientDisconnect
except ImportError:
    raise MissingDependencyError("fastapi", "fastapi", "broadcastkit.integrations.fastapi") from None

__all__ = ["SocketIdMiddleware", "broadcasting_lifespan", "broadcasting_router"]


def broadcasting_router(
    broadcaster: AsyncBroadcaster | None = None,
    *,
    user: Callable[..., Any],
    user_data: Callable[[Any], object] | None = None,
    prefix: str = "/broadcasting",
) -> APIRouter:
    """Return a router with `POST /broadcasting/auth` and `POST /broadcasting/user-auth`.

    `user` is a dependency of yours that returns the user, or None for a guest; what it raises (a 401) is the answer.
    Without a broadcaster the configured one is used. `user_data` may turn the user into what a sign-in tells the
    service: a mapping with `id`, `user_info`, `watchlist`; by default it is told the user's `id` and nothing else.
    """
    # as a default and not in Annotated: a string annotation could not see this function's argument
    current = Depends(user)
    router = APIRouter(prefix=prefix, tags=["broadcasting"])

    @router.post("/auth", **_described("Authorize a subscription to a channel", ("socket_id", "channel_name"), _AUTH))
    async def auth(request: Request, asking: Any = current) -> Response:
        body = await _body(request)
        if body is None:
            return _response(TOO_LONG)
        content_type = request.headers.get("content-type", "")
        return _response(
            await authorize_channel(broadcaster or default_async_broadcaster(), content_type, body, asking)
        )

    @router.post("/user-auth", **_described("Sign a user in", ("socket_id",), _USER_AUTH))
    async def user_auth(request: Request, asking: Any = current) -> Response:
        body = await _body(request)
        if body is None:
            return _response(TOO_LONG)
        content_type = request.headers.get("content-type", "")
        chosen = broadcaster or default_async_broadcaster()
        return _response(await authenticate_user(chosen, content_type, body, asking, user_data=user_data))

    return router


def broadcasting_lifespan(
    broadcaster: AsyncBroadcaster,
    inner: Callable[[FastAPI], AbstractAsyncContextManager[Any]] | None = None,
) -> Callable[[FastAPI], AbstractAsyncContextManager[Any]]:
    """Return a lifespan that closes the broadcaster's drivers when the app stops, around a lifespan of your own."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(broadcaster)
            yield await stack.enter_async_context(inner(app)) if inner is not None else None

    return lifespan


async def _body(request: Request) -> bytes | None:
    """Return the body, or None if it is too long; also if the user's dependency has read it before us."""
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


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, JSON_HEADERS)


_AUTH = {
    "auth": "The app key, a colon and the signature",
    "channel_data": "Presence channels: the member, as the JSON text that was signed",
    "shared_secret": "Encrypted channels: the key of the channel, base64",
}
_USER_AUTH = {
    "auth": "The app key, a colon and the signature",
    "user_data": "The user, as the JSON text that was signed",
}


def _described(summary: str, fields: tuple[str, ...], answer: dict[str, str]) -> dict[str, Any]:
    """Return the OpenAPI description of an endpoint: it reads its body itself, so FastAPI cannot know."""
    texts = {"socket_id": "The client's connection, such as 123.456", "channel_name": "The full name of the channel"}
    schema = {
        "type": "object",
        "required": list(fields),
        "properties": _strings({name: texts[name] for name in fields}),
    }
    form = "application/x-www-form-urlencoded"
    given = {"type": "object", "required": list(answer)[:1], "properties": _strings(answer)}
    return {
        "summary": summary,
        "response_class": Response,
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {form: {"schema": schema}, "application/json": {"schema": schema}},
            }
        },
        "responses": {
            200: {"description": "Granted and signed", "content": {"application/json": {"schema": given}}},
            400: {"description": "A field is missing or malformed"},
            403: {"description": "Not granted"},
            413: {"description": "The body is too long"},
        },
    }


def _strings(properties: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"type": "string", "description": text} for name, text in properties.items()}
