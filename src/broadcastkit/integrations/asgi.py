"""Plain ASGI: the middleware that knows the current socket id, and an app with both endpoints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

from broadcastkit.broadcaster import AsyncBroadcaster
from broadcastkit.integrations.answers import (
    AUTH,
    BODY_LIMIT,
    POST_ONLY,
    TOO_LONG,
    Answer,
    check_request,
    response_headers,
)
from broadcastkit.integrations.broadcasters import AsyncBroadcasterSource, async_broadcaster, chooser_of
from broadcastkit.integrations.endpoints import AsyncEndpoints, UserData
from broadcastkit.integrations.fields import MAX_CHANNELS
from broadcastkit.integrations.rate_limits import AsyncRateLimit
from broadcastkit.integrations.webhooks import AsyncWebhookReceiver, require_receiver
from broadcastkit.socket_id import HEADER, socket_id_scope

__all__ = [
    "ASGIApp",
    "BroadcastingApp",
    "Receive",
    "Scope",
    "Send",
    "SocketIdMiddleware",
    "WebhookApp",
    "client_address",
    "read_body",
]

Scope: TypeAlias = MutableMapping[str, Any]
"""What an ASGI server says of a connection."""

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""Gives an ASGI app the next message of the client."""

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
"""Takes a message of an ASGI app for the client."""

ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""

_BY = "ASGI"
_HEADER = HEADER.lower().encode()


class SocketIdMiddleware:
    """Makes the client's `X-Socket-ID` the current socket id, which `to_others()` leaves out.

    A malformed one counts as absent. Laravel Echo sends the header with axios and jQuery, not with `fetch`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        with socket_id_scope(_header(scope["headers"], _HEADER)):
            await self.app(scope, receive, send)


class BroadcastingApp:
    """An ASGI app with `POST /auth` and `POST /user-auth`; mount it at `/broadcasting`.

    `user` gets the ASGI scope and returns the user, or None for a guest. Without a broadcaster the configured one is
    used; a function chooses one for each scope. `user_data` may turn the user into what a sign-in tells the service
    (by default the `id`, and nothing else). One request may ask for up to `max_channels` channels. With a `rate_limit`
    requests are counted for each user, or for a guest's address; `rate_key` may name another key, given the scope and
    the user.
    """

    def __init__(
        self,
        broadcaster: AsyncBroadcasterSource[Scope] | None = None,
        *,
        user: Callable[[Scope], Awaitable[object | None]],
        user_data: UserData | None = None,
        max_channels: int = MAX_CHANNELS,
        rate_limit: AsyncRateLimit | None = None,
        rate_key: Callable[[Scope, Any], str] | None = None,
    ) -> None:
        chooser_of(_BY, broadcaster, AsyncBroadcaster)
        self._broadcaster = broadcaster
        self._user = user
        self._endpoints = AsyncEndpoints(
            _BY,
            client_address,
            user_data=user_data,
            max_channels=max_channels,
            rate_limit=rate_limit,
            rate_key=rate_key,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise ValueError(f"BroadcastingApp serves http, not {scope['type']}: mount it beside what does")
        await _respond(send, await self._answer(scope, receive))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path: str = scope["path"].removeprefix(scope.get("root_path", ""))
        refusal = check_request(scope["method"], path)
        if refusal is not None:
            return refusal
        body = await read_body(receive)
        if body is None:
            return TOO_LONG
        broadcaster = await async_broadcaster(_BY, self._broadcaster, scope)
        content_type = _header(scope["headers"], b"content-type") or ""
        user = await self._user(scope)
        answer_to = self._endpoints.authorize_channel if path == AUTH else self._endpoints.authenticate_user
        return await answer_to(broadcaster, content_type, body, user, scope)


class WebhookApp:
    """An ASGI app that takes webhooks by POST; mount it at any path, outside of what asks for a login."""

    def __init__(self, receiver: AsyncWebhookReceiver) -> None:
        require_receiver("WebhookApp of ASGI", receiver, AsyncWebhookReceiver)
        self._receiver = receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise ValueError(f"WebhookApp serves http, not {scope['type']}: mount it beside what does")
        if scope["method"] != "POST":
            await _respond(send, POST_ONLY)
            return
        body = await read_body(receive, self._receiver.body_limit)
        await _respond(send, await self._receiver.receive(scope["headers"], body))


def client_address(scope: Scope) -> str | None:
    """Return the address of whom the server talks to: a proxy's, unless the server was told to trust that."""
    client = scope.get("client")
    return None if client is None else client[0]


async def read_body(receive: Receive, limit: int = BODY_LIMIT) -> bytes | None:
    """Return the request's body, or None if it is longer than `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""  # half a body is none, and nobody waits for the answer
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            return None
        more = message.get("more_body", False)
    return b"".join(chunks)


async def _respond(send: Send, answer: Answer) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response_headers(answer)]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    for key, value in headers:
        if key.lower() == name:
            return value.decode("latin-1")
    return None
