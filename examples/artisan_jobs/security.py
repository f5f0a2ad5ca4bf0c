"""What browsers may do with our pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from examples.artisan_jobs.live import websocket_sources

__all__ = ["content_security_policy"]


def content_security_policy(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Run no script but ours, connect to nobody but us and the service, and be shown in no other page."""

    def serve(request: Any) -> Any:
        response = get_response(request)
        policy = f"default-src 'self'; connect-src {websocket_sources()}; img-src 'self' data: https:; "
        response.headers.setdefault(
            "Content-Security-Policy",
            policy + "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        )
        return response

    return serve
