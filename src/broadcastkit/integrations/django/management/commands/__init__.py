"""One module per command, named as it is called."""

from __future__ import annotations

__all__: list[str] = []
