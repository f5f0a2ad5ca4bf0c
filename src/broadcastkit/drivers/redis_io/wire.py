"""What passes in and out: commands for Redis, and what came of each."""

from __future__ import annotations

from typing import TypeAlias

from broadcastkit.errors import DeliveryError

__all__ = ["Command", "Reply"]

Command: TypeAlias = tuple[str | int, ...]
"""A command's name and its arguments, as a client's `execute_command` takes them."""

Reply: TypeAlias = "int | DeliveryError | list[int | DeliveryError]"
"""The number of subscribers that a publish reached, or why it failed; of a script, one for each channel."""
