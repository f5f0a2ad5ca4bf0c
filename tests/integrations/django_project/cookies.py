"""For clients in Node, which let nobody set a Cookie header as a browser does by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["cookie_from_header"]


def cookie_from_header(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def serve(request: Any) -> Any:
        if "X-Cookie" in request.headers:
            request.META["HTTP_COOKIE"] = request.headers["X-Cookie"]
        return get_response(request)

    return serve
