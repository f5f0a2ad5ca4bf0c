"""The commands of `manage.py`."""

from __future__ import annotations

__all__: list[str] = []
