"""The application for ASGI servers: Django, behind a limit of what a body may have."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.artisan_jobs.settings")

App = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


class BodyLimit:
    """Ends a request whose body is too long: Django reads all of it before it asks a view."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._limit = settings.MAX_UPLOAD + settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[..., Any]) -> None:
        taken, refused = 0, False

        async def limited() -> Any:
            nonlocal taken, refused
            message = await receive()
            taken += len(message.get("body", b""))
            if scope["type"] != "http" or taken <= self._limit:
                return message
            refused = True
            headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 413, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"message": "That is too much to send."}'})
            return {"type": "http.disconnect"}

        async def unless_refused(message: Any) -> None:
            if not refused:
                await send(message)

        await self._app(scope, limited, unless_refused)


application = BodyLimit(get_asgi_application())
