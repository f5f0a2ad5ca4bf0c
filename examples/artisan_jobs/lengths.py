"""How much may be written: an event takes 10,000 bytes in all, and one that does not fit reaches nobody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import AfterValidator

__all__ = ["MOST_MILESTONES", "MOST_PROGRESS", "Bytes", "latest_within"]

MOST_MILESTONES = 20
MOST_PROGRESS = 2_500


def Bytes(most: int) -> AfterValidator:  # noqa: N802 - reads like Field, beside which it stands
    """Limit a text by what it takes as JSON: letters beyond ASCII take two to four bytes each."""

    def check(text: str) -> str:
        if _length(text) > most:
            raise ValueError(f"must take at most {most} bytes")
        return text

    return AfterValidator(check)


def latest_within(most: int, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the last rows, as many as have `most` bytes together."""
    kept: list[dict[str, Any]] = []
    for row in reversed(rows):
        most -= _length(row) + 1
        if most < 0:
            break
        kept.insert(0, row)
    return kept


def _length(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())
