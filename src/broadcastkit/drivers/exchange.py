"""What passes between a core that decides and the shells that do it: effects, and replies to them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

__all__ = ["Exchange", "Run", "Sleep", "Sources"]

ItemT = TypeVar("ItemT")
ReplyT = TypeVar("ReplyT")
T = TypeVar("T")


class Run(NamedTuple, Generic[ItemT]):
    """Do these in order, in as few round trips as there may be; answered with as many replies."""

    items: Sequence[ItemT]


class Sleep(NamedTuple):
    """Wait."""

    seconds: float


class Sources(NamedTuple):
    """Time and randomness, as arguments."""

    monotonic: Callable[[], float]
    random: Callable[[], float]


Exchange: TypeAlias = Generator[Run[ItemT] | Sleep, Sequence[ReplyT] | None, T]
