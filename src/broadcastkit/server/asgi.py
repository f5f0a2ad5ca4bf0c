"""The little of ASGI that the server needs: paths, headers, bodies, answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from broadcastkit.server.http_api import Response
from broadcastkit.server.refusal import RefusedRequestError
from broadcastkit.server.settings import Limits

__all__ = [
    "Message",
    "Receive",
    "Scope",
    "Send",
    "header",
    "query_parameters",
    "read_body",
    "respond",
    "route_path",
    "signed_paths",
]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_MAX_PARAMETERS = 32


def route_path(scope: Scope) -> str:
    """Return the path within this app: without the prefix under which it is mounted."""
    # by the book `path` holds `root_path`, but some frameworks cut it off
    return _as_sent(_without_prefix(scope["path"], scope.get("root_path", "")) or "/", scope.get("raw_path") or b"")


def _as_sent(path: str, raw: bytes) -> str:
    """Undo what Litestar does to the path below a mount: it ends with a slash, and at the root begins with none."""
    if raw and path.endswith("/") and not raw.partition(b"?")[0].endswith(b"/"):
        path = path[:-1]
    return path if path.startswith("/") else f"/{path}"


def signed_paths(scope: Scope) -> list[str]:
    """Return what a client may have signed: with or without the mount's prefix, decoded or as it came."""
    root = scope.get("root_path", "")
    raw = scope.get("raw_path") or b""
    sent = raw.decode("latin-1")
    return list(dict.fromkeys([route_path(scope), scope["path"], sent, _without_prefix(sent, root)]))


def _without_prefix(path: str, prefix: str) -> str:
    prefix = prefix.rstrip("/")
    return path.removeprefix(prefix) if f"{path}/".startswith(f"{prefix}/") else path


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first header of a name, which is lower-case, or None."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def query_parameters(scope: Scope) -> dict[str, str]:
    """Return the query, or nothing if it cannot be read."""
    text = scope.get("query_string", b"").decode("latin-1")
    try:
        return dict(parse_qsl(text, max_num_fields=_MAX_PARAMETERS))
    except ValueError:
        return {}


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> bytes | None:
    """Return the body of a request, or None if the client went away.

    Raises:
        RefusedRequestError: 408, 413 or 431, without waiting for the rest.
    """
    if len(scope["headers"]) > limits.request_headers:
        raise RefusedRequestError(431, f"a request has at most {limits.request_headers} headers")
    announced = header(scope, b"content-length") or "0"
    if announced.isdecimal() and int(announced[:20]) > limits.request_size:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.request_timeout):
            return await _collect(receive, limits)
    except TimeoutError:
        raise RefusedRequestError(408, "the body did not arrive in time") from None


async def _collect(receive: Receive, limits: Limits) -> bytes | None:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > limits.request_size:
            raise _too_large(limits)
        if not message.get("more_body", False):
            return body


def _too_large(limits: Limits) -> RefusedRequestError:
    return RefusedRequestError(413, f"a request has at most {limits.request_size} bytes")


async def respond(send: Send, response: Response) -> None:
    """Send a whole response."""
    headers = [("content-type", response.content_type), ("content-length", str(len(response.body)))]
    encoded = [(key.encode(), value.encode()) for key, value in (*headers, *response.headers)]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": response.body})
