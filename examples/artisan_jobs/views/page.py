"""The page itself, as Vite has built it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

__all__ = ["index", "up"]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse((settings.BUNDLE / "index.html").read_text(encoding="utf-8"))


@require_safe
def up(request: HttpRequest) -> HttpResponse:
    del request
    return HttpResponse("up")
