"""FastAPI: a router with both endpoints, whose user comes from the application's own dependency, and a lifespan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from broadcastkit.broadcaster import AsyncBroadcaster
from broadcastkit.default import default_async_broadcaster
from broadcastkit.errors import MissingDependencyError
from broadcastkit.integrations.asgi import SocketIdMiddleware, read_body
from broadcastkit.integrations.endpoints import (
    AUTH,
    TOO_LONG,
    USER_AUTH,
    UserData,
    authenticate_user,
    authorize_channel,
)
from broadcastkit.integrations.lifespan import broadcasting_lifespan
from broadcastkit.integrations.webhooks import AsyncWebhookReceiver

try:
    from fastapi import APIRouter, Depends, Request, Response

    from broadcastkit.integrations.starlette import as_response, request_body
except ImportError:
    raise MissingDependencyError("fastapi", "fastapi", "broadcastkit.integrations.fastapi") from None

__all__ = ["SocketIdMiddleware", "broadcasting_lifespan", "broadcasting_router", "webhook_router"]


def broadcasting_router(
    broadcaster: AsyncBroadcaster | None = None,
    *,
    user: Callable[..., Any],
    user_data: UserData | None = None,
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

    @router.post(AUTH, **_described("Authorize a subscription to a channel", ("socket_id", "channel_name"), _AUTH))
    async def auth(request: Request, asking: Any = current) -> Response:
        body = await request_body(request)
        if body is None:
            return as_response(TOO_LONG)
        content_type = request.headers.get("content-type", "")
        return as_response(
            await authorize_channel(broadcaster or default_async_broadcaster(), content_type, body, asking)
        )

    @router.post(USER_AUTH, **_described("Sign a user in", ("socket_id",), _USER_AUTH))
    async def user_auth(request: Request, asking: Any = current) -> Response:
        body = await request_body(request)
        if body is None:
            return as_response(TOO_LONG)
        content_type = request.headers.get("content-type", "")
        chosen = broadcaster or default_async_broadcaster()
        return as_response(await authenticate_user(chosen, content_type, body, asking, user_data=user_data))

    return router


def webhook_router(receiver: AsyncWebhookReceiver, *, path: str = "/broadcasting/webhooks") -> APIRouter:
    """Return a router that takes the service's webhooks at `POST /broadcasting/webhooks`."""
    router = APIRouter(tags=["broadcasting"])

    @router.post(path, summary="Take a webhook", response_class=Response, responses=_WEBHOOK_ANSWERS)
    async def webhook(request: Request) -> Response:
        # the bytes as they came: the signature is over them
        body = await read_body(request.receive, receiver.body_limit)
        return as_response(await receiver.receive(request.headers, body))

    return router


_WEBHOOK_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Every handler has returned"},
    400: {"description": "Signed, but it cannot be read"},
    401: {"description": "Not signed by a key that is known here, or stale"},
    413: {"description": "The body is too long"},
    500: {"description": "A handler failed; send it again"},
}
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
