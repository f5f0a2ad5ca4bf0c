"""The pages' HTML, and the policy that keeps anything else from running in them."""

from __future__ import annotations

from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from examples.dentist_chat.schemas import Start
from examples.dentist_chat.seed import ACCOUNTS, PASSWORD
from examples.dentist_chat.settings import Settings

__all__ = ["BUNDLE", "Pages"]

HERE = Path(__file__).parent
BUNDLE = HERE / "dist"
"""Where `npm run bundle` puts scripts and styles."""


class Pages:
    def __init__(self, settings: Settings, origins: str) -> None:
        self.settings = settings
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(default=True)
        )
        # Texts are only ever set as text; should one slip through as HTML, this keeps it from running.
        self._policy = (
            f"default-src 'self'; connect-src {origins}; img-src 'self' data:; object-src 'none'; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )

    def login(self, token: str, *, wrong: str, status_code: int) -> HTMLResponse:
        accounts = [(one.name, one.role, one.email) for one in ACCOUNTS] if self.settings.app_demo else []
        return self._page("login.html", status_code, token=token, wrong=wrong, accounts=accounts, password=PASSWORD)

    def chat(self, start: Start, csrf_token: str) -> HTMLResponse:
        return self._page("chat.html", 200, start=start.model_dump(mode="json"), csrf_token=csrf_token)

    def problem(self, text: str, *, status_code: int) -> HTMLResponse:
        return self._page("problem.html", status_code, text=text)

    def _page(self, template: str, status_code: int, **values: object) -> HTMLResponse:
        html = self._templates.get_template(template).render(**values)
        headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": self._policy,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }
        return HTMLResponse(html, status_code, headers)
