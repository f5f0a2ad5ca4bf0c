"""`python -m broadcastkit.cli`, for where the command itself is not on the path."""

from __future__ import annotations

from broadcastkit.cli import main

__all__: list[str] = []

main()
