"""Clients of one ASGI application, which a test has made by hand; one of them leaves too early."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.integrations.behaviour import AUTH

__all__ = ["asgi_client", "ask", "statuses_for_one_who_leaves"]


@asynccontextmanager
async def asgi_client(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site.test") as client:
        yield client


async def ask(app: Any, fields: dict[str, str], path: str = AUTH, **options: Any) -> httpx.Response:
    async with asgi_client(app) as client:
        given: dict[str, Any] = {"data": fields} | options
        return await client.post(path, **given)


async def statuses_for_one_who_leaves(app: Any) -> list[int]:
    """Send half of a request and leave; return what was answered nevertheless."""
    statuses: list[int] = []
    half = {"type": "http.request", "body": b"socket_id=1.2&channel_name=private-user.1", "more_body": True}
    waiting: Any = iter([half, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(waiting)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": AUTH,
        "raw_path": AUTH.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"x-user", b"ada")],
        "extensions": {},
    }
    await app(scope, receive, send)
    return statuses
