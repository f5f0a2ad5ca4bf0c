"""What passes between the core and its shells: commands for Redis, what came of each, and effects."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from broadcastkit.errors import DeliveryError

__all__ = ["Command", "Exchange", "Reply", "Run", "Sleep"]

T = TypeVar("T")

Command: TypeAlias = tuple[str | int, ...]
"""A command's name and its arguments, as a client's `execute_command` takes them."""

Reply: TypeAlias = "int | DeliveryError | list[int | DeliveryError]"
"""The number of subscribers that a publish reached, or why it failed; of a script, one for each channel."""


class Run(NamedTuple):
    """Run these commands in order, in as few round trips as the server allows; answered with as many replies."""

    commands: Sequence[Command]


class Sleep(NamedTuple):
    """Wait."""

    seconds: float


Exchange: TypeAlias = Generator[Run | Sleep, Sequence[Reply] | None, T]
