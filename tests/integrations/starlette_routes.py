"""The places of a site as routes of Starlette, whoever serves its authorization endpoints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.integrations.application import ASYNC_PLACES, SYNC_PLACES, Site

__all__ = ["socket_id_routes"]


def socket_id_routes(site: Site) -> list[Route]:
    def background(request: Request) -> JSONResponse:
        return JSONResponse({}, background=BackgroundTask(site.note))

    return [
        Route("/socket-id/background", background),
        *(Route(f"/socket-id/{name}", _async(place, site)) for name, place in ASYNC_PLACES.items()),
        *(Route(f"/socket-id/{name}", _sync(place, site)) for name, place in SYNC_PLACES.items()),
    ]


def _async(place: Callable[..., Awaitable[str | None]], site: Site) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        return JSONResponse({"socket_id": await place(site.meeting)})

    return endpoint


def _sync(place: Callable[..., str | None], site: Site) -> Callable[[Request], JSONResponse]:
    def endpoint(request: Request) -> JSONResponse:
        return JSONResponse({"socket_id": place(site.meeting)})

    return endpoint
