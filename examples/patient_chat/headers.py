"""Headers that browsers keep to, on every answer; and what a page from elsewhere may ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PAGE_POLICY", "SecurityHeaders", "cors", "origins"]

# Texts are only ever set as text; should one slip through as HTML, this keeps it from running.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class SecurityHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
            await send(message)

        await self._app(scope, receive, with_headers)


def origins(frontend_url: str | None) -> Callable[[str, Mapping[str, Any]], bool]:
    """Return what python-socketio asks: is this the application's own page, or that of FRONTEND_URL?"""

    def allowed(origin: str, environ: Mapping[str, Any]) -> bool:
        own = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"
        return origin in {own, frontend_url}

    return allowed


class ApiCors(CORSMiddleware):
    """For the API alone: python-socketio answers for itself, and browsers take the headers of only one."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inner = scope.get("path", "").startswith("/socket.io/")
        await (self.app if inner else super().__call__)(scope, receive, send)


def cors(frontend_url: str | None) -> list[Middleware]:
    """Let the page of FRONTEND_URL ask the API. Tokens are sent by hand: no cookies go along."""
    if frontend_url is None:
        return []
    return [
        Middleware(
            ApiCors,
            allow_origins=[frontend_url],
            allow_methods=["GET", "POST", "PUT"],
            allow_headers=["Authorization", "Content-Type", "X-Socket-ID"],
            max_age=600,
        )
    ]
