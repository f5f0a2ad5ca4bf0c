"""How much somebody may ask for: requests in a minute, and bytes in a request."""

from __future__ import annotations

import math
from typing import Any

from fastapi import Depends, HTTPException, Request

from broadcastkit.integrations.asgi import ASGIApp, Receive, Scope, Send
from broadcastkit.integrations.rate_limits import AsyncFixedWindow, client_key
from examples.dentist_chat.identity import CurrentUser
from examples.dentist_chat.models import User
from examples.dentist_chat.settings import Settings

__all__ = ["SMALL_BODY", "BodyLimit", "RateLimits", "count_for", "limited", "limited_by_address"]

SMALL_BODY = 64 * 1024
"""What anything but a file may have: each character of a text is looked at."""


class RateLimits:
    """Counts in memory, or in the Redis that the task queue has: then all processes count together."""

    def __init__(self, settings: Settings) -> None:
        storage = settings.redis if settings.queue_connection == "redis" else "memory://"
        rates = {
            "login": settings.rate_login,
            "write": settings.rate_write,
            "upload": settings.rate_upload,
            "read": settings.rate_read,
            "typing": settings.rate_typing,
        }
        self._windows = {
            name: AsyncFixedWindow(rate, storage=storage, key_prefix=f"ask-dentist:{name}")
            for name, rate in rates.items()
        }
        self.reading = self._windows["read"]

    async def check(self, name: str, key: str) -> None:
        wait = await self._windows[name].hit(f"{name}:{key}")
        if wait is not None:
            raise HTTPException(429, "too many requests", {"Retry-After": str(max(1, math.ceil(wait)))})

    async def aclose(self) -> None:
        for window in self._windows.values():
            await window.aclose()


def limited(name: str) -> Any:
    """Return a dependency that counts the user's requests of one kind."""

    async def count(request: Request, user: CurrentUser) -> None:
        await count_for(request, name, user)

    return Depends(count)


async def count_for(request: Request, name: str, user: User) -> None:
    limits: RateLimits = request.app.state.limits
    await limits.check(name, client_key(user, None))


async def limited_by_address(request: Request) -> None:
    """Count who tries to sign in: nobody knows yet who that is."""
    limits: RateLimits = request.app.state.limits
    await limits.check("login", client_key(None, request.client.host if request.client else None))


class BodyLimit:
    """Refuses a request that is too long before all of it is here: a message with an attachment may be longer."""

    def __init__(self, app: ASGIApp, *, attachment_limit: int) -> None:
        self.app = app
        self.with_attachment = attachment_limit + SMALL_BODY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.with_attachment if _may_have_attachment(scope) else SMALL_BODY
        taken = 0

        async def counted() -> Any:
            nonlocal taken
            part = await receive()
            taken += len(part.get("body", b""))
            if taken > limit:
                raise HTTPException(413, f"a request has at most {limit} bytes here")
            return part

        await self.app(scope, counted, send)


def _may_have_attachment(scope: Scope) -> bool:
    is_form = any(
        name == b"content-type" and value.lower().startswith(b"multipart/") for name, value in scope["headers"]
    )
    return is_form and scope["path"].endswith("/message")
