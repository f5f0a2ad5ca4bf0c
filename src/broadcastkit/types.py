"""Public aliases that appear in signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

__all__ = ["JsonObject", "JsonValue"]

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
"""What JSON can hold."""

JsonObject: TypeAlias = "Mapping[str, JsonValue]"
"""What a JSON object can hold."""
