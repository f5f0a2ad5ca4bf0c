"""Web frameworks: each module imports its own framework only, and is a thin skin over `endpoints`."""

from __future__ import annotations

__all__: list[str] = []
