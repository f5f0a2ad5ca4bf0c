"""Pure and shared: names, patterns, payload text, messages, encryption. No I/O, clock, randomness or environment."""

from __future__ import annotations

__all__: list[str] = []
