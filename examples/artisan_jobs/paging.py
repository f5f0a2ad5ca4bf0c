"""What a query asks for: pages, by `?before=` the oldest that one has and `?limit=`, and words, by `?q=`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from examples.artisan_jobs.api import invalid

__all__ = ["page_of", "sought"]

USUAL, MOST = 30, 100


def page_of(request: HttpRequest, rows: Any) -> tuple[list[Any], bool]:
    """Return the latest rows of a query, the newest first, and whether there are older ones."""
    limit = _number(request, "limit")
    if limit is None:
        limit = USUAL
    if not 1 <= limit <= MOST:
        raise invalid("limit", f"must be from 1 to {MOST}")
    before = _number(request, "before")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: limit + 1])
    return found[:limit], len(found) > limit


def sought(request: HttpRequest) -> str:
    """Return the words that are sought; no database takes a NUL."""
    return str(request.GET.get("q", "")).replace("\0", "").strip()[:100]


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise invalid(name, "must be a number")
    return int(text)
