"""The shared suites' application in Django, and its transports: through Django's own WSGI and ASGI handlers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from copy import copy
from typing import Any

import httpx
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import include, path

from broadcastkit import Broadcaster, configure
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.integrations.django.registry import DjangoChannelRegistry
from tests.integrations.application import (
    ASYNC_PLACES,
    BLOCKING_PLACES,
    KEY,
    MASTER_KEY,
    SECRET,
    SYNC_PLACES,
    Site,
    UnauthenticatedError,
    who,
)
from tests.integrations.wsgi_client import served

__all__ = ["Authentication", "InAsgi", "InWsgi"]

MIDDLEWARE = [
    "tests.integrations.django_project.suite.Authentication",
    "broadcastkit.integrations.django.middleware.SocketIdMiddleware",
]
_SITE = "tests.site"


def site_of(request: Any) -> Site:
    carried = request.scope if hasattr(request, "scope") else request.environ
    site: Site = carried[_SITE]
    return site


class Authentication:
    """The project's own: who asks is in a header, and one that has expired is no guest."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: Any) -> Any:
        try:
            request.user = who(request.headers.get("X-User"))
        except UnauthenticatedError:
            return JsonResponse({"error": "who are you?"}, status=401)
        request.urlconf = ASGI_URLS if hasattr(request, "scope") else WSGI_URLS
        return self._get_response(request)


def _told(socket_id: str | None) -> HttpResponse:
    return JsonResponse({"socket_id": socket_id})


def _async_view(place: Callable[..., Awaitable[str | None]]) -> Any:
    async def view(request: HttpRequest) -> HttpResponse:
        return _told(await place(site_of(request).meeting))

    return view


def _sync_view(place: Callable[..., str | None]) -> Any:
    return lambda request: _told(place(site_of(request).meeting))


def background(request: HttpRequest) -> HttpResponse:
    def produce() -> Iterator[bytes]:
        yield b"{}"
        site_of(request).note()

    return StreamingHttpResponse(produce())


async def background_async(request: HttpRequest) -> HttpResponse:
    async def produce() -> AsyncIterator[bytes]:
        yield b"{}"
        await asyncio.sleep(0)
        site_of(request).note()

    return StreamingHttpResponse(produce())


class _Urls:
    """What `request.urlconf` may be: anything with `urlpatterns` that Django can keep a resolver for."""

    def __init__(self, urlpatterns: list[Any]) -> None:
        self.urlpatterns = urlpatterns


def _urls(background_view: Any, places: dict[str, Any]) -> _Urls:
    patterns = [path(f"socket-id/{name}", view) for name, view in places.items()]
    endpoints = path("broadcasting/", include("broadcastkit.integrations.django.urls"))
    return _Urls([endpoints, path("socket-id/background", background_view), *patterns])


_BLOCKING = {name: _sync_view(place) for name, place in (BLOCKING_PLACES | SYNC_PLACES).items()}
WSGI_URLS = _urls(background, _BLOCKING)
ASGI_URLS = _urls(background_async, _BLOCKING | {name: _async_view(place) for name, place in ASYNC_PLACES.items()})


def _configure(site: Site) -> None:
    """Configure as a project would; the rules are as they were written, some of them `async`."""
    driver = PusherDriver(app_id="1", key=KEY, secret=SECRET, encryption_master_key=MASTER_KEY)
    configure(Broadcaster(driver, channels=site.rules(DjangoChannelRegistry())))
    for name, value in site.blocking_options().items():
        setattr(settings, f"BROADCASTING_{name.upper()}", value)
    chosen = site.blocking_source(lambda request: request.headers.get("X-Tenant"))
    settings.BROADCASTING_BROADCASTER = None if site.tenants is None else chosen


class _Handler(ASGIHandler):
    """Closes the body also if an error of the application comes out, which Django leaves to its garbage collection."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def read_body(receive: Any) -> Any:
            stack.callback((body := await ASGIHandler.read_body(self, receive)).close)
            return body

        with ExitStack() as stack:
            one = copy(self)
            one.read_body = read_body
            await ASGIHandler.__call__(one, scope, receive, send)


class InWsgi:
    places = frozenset(BLOCKING_PLACES) | frozenset(SYNC_PLACES)

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        _configure(site)
        with override_settings(MIDDLEWARE=MIDDLEWARE):
            handler = WSGIHandler()
        return served(lambda environ, start: handler({**environ, _SITE: site}, start), strict=False)


class InAsgi:
    places = frozenset(BLOCKING_PLACES) | frozenset(SYNC_PLACES) | frozenset(ASYNC_PLACES)

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        _configure(site)
        with override_settings(MIDDLEWARE=MIDDLEWARE):
            handler = _Handler()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await handler({**scope, _SITE: site}, receive, send)

        return httpx.ASGITransport(app)
