"""FastAPI: a router with both endpoints, whose user comes from the application's own dependency, and a lifespan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from broadcastkit.broadcaster import AsyncBroadcaster
from broadcastkit.default import default_async_broadcaster
from broadcastkit.errors import MissingDependencyError
from broadcastkit.integrations.answers import AUTH, TOO_LONG, USER_AUTH
from broadcastkit.integrations.asgi import SocketIdMiddleware
from broadcastkit.integrations.broadcasters import checked_choice, chooser_of
from broadcastkit.integrations.endpoints import AsyncEndpoints, UserData
from broadcastkit.integrations.fields import MAX_CHANNELS
from broadcastkit.integrations.lifespan import broadcasting_lifespan
from broadcastkit.integrations.rate_limits import AsyncRateLimit
from broadcastkit.integrations.webhooks import AsyncWebhookReceiver, require_receiver

try:
    from fastapi import APIRouter, Depends, Request, Response

    from broadcastkit.integrations.starlette import address_of, as_response, request_body
except ImportError:
    raise MissingDependencyError("fastapi", "fastapi", "broadcastkit.integrations.fastapi") from None

__all__ = ["SocketIdMiddleware", "broadcasting_lifespan", "broadcasting_router", "webhook_router"]


_BY = "FastAPI"


def broadcasting_router(
    broadcaster: AsyncBroadcaster | Callable[..., Any] | None = None,
    *,
    user: Callable[..., Any],
    user_data: UserData | None = None,
    prefix: str = "/broadcasting",
    max_channels: int = MAX_CHANNELS,
    rate_limit: AsyncRateLimit | None = None,
    rate_key: Callable[[Request, Any], str] | None = None,
) -> APIRouter:
    """Return a router with `POST /broadcasting/auth` and `POST /broadcasting/user-auth`.

    `user` is a dependency of yours that returns the user, or None for a guest; what it raises (a 401) is the answer.
    Without a broadcaster the configured one is used; a dependency chooses one for each request. `user_data` may turn
    the user into what a sign-in tells the service: a mapping with `id`, `user_info`, `watchlist`; by default it is told
    the user's `id` and nothing else. One request may ask for up to `max_channels` channels. With a `rate_limit`
    requests are counted for each user, or for a guest's address; `rate_key` may name another key, given the request
    and the user.
    """
    choose = chooser_of(_BY, broadcaster, AsyncBroadcaster)
    fixed = cast("AsyncBroadcaster | None", broadcaster)
    # as a default and not in Annotated: a string annotation could not see this function's argument
    current = Depends(user if choose is None else _with_choice(user, choose))
    endpoints = AsyncEndpoints(
        _BY,
        address_of,
        user_data=user_data,
        max_channels=max_channels,
        rate_limit=rate_limit,
        rate_key=rate_key,
    )
    router = APIRouter(prefix=prefix, tags=["broadcasting"])

    @router.post(AUTH, **_described("Authorize subscriptions to channels", ("socket_id", "channel_name"), _AUTH))
    async def auth(request: Request, asking: Any = current) -> Response:
        body = await request_body(request)
        if body is None:
            return as_response(TOO_LONG)
        chosen, asking = (fixed or default_async_broadcaster(), asking) if choose is None else asking
        content_type = request.headers.get("content-type", "")
        return as_response(await endpoints.authorize_channel(chosen, content_type, body, asking, request))

    @router.post(USER_AUTH, **_described("Sign a user in", ("socket_id",), _USER_AUTH))
    async def user_auth(request: Request, asking: Any = current) -> Response:
        body = await request_body(request)
        if body is None:
            return as_response(TOO_LONG)
        chosen, asking = (fixed or default_async_broadcaster(), asking) if choose is None else asking
        content_type = request.headers.get("content-type", "")
        return as_response(await endpoints.authenticate_user(chosen, content_type, body, asking, request))

    return router


def _with_choice(user: Callable[..., Any], choose: Callable[..., Any]) -> Callable[..., Any]:
    """Return a dependency on both: on who answers, and on who asks."""
    current, choice = Depends(user), Depends(choose)

    async def both(asking: Any = current, chosen: Any = choice) -> tuple[AsyncBroadcaster | None, Any]:
        return checked_choice(_BY, chosen, AsyncBroadcaster), asking

    return both


def webhook_router(receiver: AsyncWebhookReceiver, *, path: str = "/broadcasting/webhooks") -> APIRouter:
    """Return a router that takes the service's webhooks at `POST /broadcasting/webhooks`."""
    require_receiver("webhook_router of FastAPI", receiver, AsyncWebhookReceiver)
    router = APIRouter(tags=["broadcasting"])

    @router.post(path, summary="Take a webhook", response_class=Response, responses=_WEBHOOK_ANSWERS)
    async def webhook(request: Request) -> Response:
        # the bytes as they came, also if a dependency has read them before: the signature is over them
        body = await request_body(request, receiver.body_limit)
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


_FIELDS: dict[str, dict[str, Any]] = {
    "socket_id": {"type": "string", "description": "The client's connection, such as 123.456"},
    "channel_name": {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        "description": "The full name of the channel, or several",
    },
}
_SEVERAL: dict[str, Any] = {
    "type": "object",
    "description": "Of several channels: by name, the status and the answer that each would have alone",
    "additionalProperties": {
        "type": "object",
        "required": ["status", "data"],
        "properties": {"status": {"type": "integer"}, "data": {"type": "object"}},
    },
}


def _described(summary: str, fields: tuple[str, ...], answer: dict[str, str]) -> dict[str, Any]:
    """Return the OpenAPI description of an endpoint: it reads its body itself, so FastAPI cannot know."""
    schema = {"type": "object", "required": list(fields), "properties": {name: _FIELDS[name] for name in fields}}
    form = "application/x-www-form-urlencoded"
    given: dict[str, Any] = {"type": "object", "required": list(answer)[:1], "properties": _strings(answer)}
    if "channel_name" in fields:
        given = {"anyOf": [given, _SEVERAL]}
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
            429: {"description": "Too many requests; `Retry-After` says for how many seconds"},
        },
    }


def _strings(properties: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"type": "string", "description": text} for name, text in properties.items()}
