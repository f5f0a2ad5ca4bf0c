"""For those who look after it: `/health`, and `/metrics` for who has METRICS_TOKEN."""

from __future__ import annotations

import secrets

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.patient_chat.api.common import ok, services
from examples.patient_chat.errors import not_found

__all__ = ["routes"]


async def health(request: Request) -> Response:
    del request
    return ok({"status": "up"})


async def metrics(request: Request) -> Response:
    token = services(request).settings.metrics_token
    given = request.headers.get("authorization", "")
    if token is None or not secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise not_found("Page")
    return Response(generate_latest(services(request).metrics.registry), media_type=CONTENT_TYPE_LATEST)


routes = [Route("/health", health), Route("/metrics", metrics)]
