"""The page as Vite has built it, and the headers that keep it safe."""

from __future__ import annotations

from flask import Flask, Response, current_app, send_from_directory
from werkzeug.exceptions import NotFound, ServiceUnavailable

__all__ = ["init_app"]


def init_app(app: Flask) -> None:
    # Texts are only ever set as text; should one slip through as HTML, this keeps it from running.
    policy = (
        f"default-src 'self'; connect-src {app.extensions['live'].origins}; img-src 'self' data:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )

    @app.get("/")
    def page() -> Response:
        try:
            response = send_from_directory(current_app.config["BUNDLE"], "index.html")
        except NotFound:
            raise ServiceUnavailable("the page is not built yet: npm ci && npm run bundle") from None
        response.headers["Content-Security-Policy"] = policy
        response.headers["Cache-Control"] = "no-cache"
        return response

    @app.get("/assets/<path:name>")
    def asset(name: str) -> Response:
        # Vite puts a hash of what is in a file into its name
        response = send_from_directory(current_app.config["BUNDLE"] / "assets", name, max_age=31_536_000)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    @app.get("/up")
    def up() -> dict[str, str]:
        return {"health": "OK"}

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return response
