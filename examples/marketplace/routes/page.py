"""The page, its files, and what it needs to connect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anyio import Path as AsyncPath
from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.static_files import create_static_files_router
from pydantic import BaseModel

from broadcastkit.drivers.base import ClientOptions
from examples.marketplace.live import Live
from examples.marketplace.seed import DEMO_ACCOUNTS, DemoAccount
from examples.marketplace.settings import Settings

__all__ = ["BUNDLE", "assets", "page", "start"]

BUNDLE = Path(__file__).parent.parent / "dist"
"""Where `make demo` puts the page."""

AnyRequest = Request[Any, Any, State]


class Start(BaseModel):
    """No secret is in it: pages need it before anybody has signed in."""

    live: ClientOptions
    accounts: list[DemoAccount]


@get("/api/start", exclude_from_auth=True)
async def start(request: AnyRequest, live: NamedDependency[Live], settings: NamedDependency[Settings]) -> Start:
    return Start(live=live.page_options(str(request.base_url)), accounts=DEMO_ACCOUNTS if settings.demo else [])


@get(["/", "/laravel-websockets"], exclude_from_auth=True)
async def page(request: AnyRequest, live: NamedDependency[Live]) -> Response[bytes]:
    # Texts are only ever set as text; should one slip through as HTML, this keeps it from running.
    policy = "; ".join(
        [
            "default-src 'self'",
            f"connect-src {live.websocket_sources(str(request.base_url))}",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    html = await AsyncPath(BUNDLE / "index.html").read_bytes()
    return Response(html, media_type=MediaType.HTML, headers=headers)


def assets() -> Any:
    return create_static_files_router(
        "/assets", [BUNDLE / "assets"], opt={"exclude_from_auth": True}, resolve_symlinks=False
    )
