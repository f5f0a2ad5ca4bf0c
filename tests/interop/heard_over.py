"""The embedded server for hypercorn, telling at `/heard` how it was asked: which HTTP, from where, and for what."""

from __future__ import annotations

import json
from typing import Any

from broadcastkit.server import App, EmbeddedServer

_server = EmbeddedServer([App("app-1", "key-1", "secret-1")])
_heard: list[tuple[str, int, str]] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve, or tell."""
    if scope["type"] != "http":
        await _server(scope, receive, send)
    elif scope["path"] == "/heard":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(_heard).encode()})
    else:
        _heard.append((scope["http_version"], scope["client"][1], scope["path"]))
        await _server(scope, receive, send)
