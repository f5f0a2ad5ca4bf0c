"""Commands to a Redis and what comes of them, for whoever has to do with one. Clients are known by their shape."""

from __future__ import annotations

__all__: list[str] = []
