"""Plays exchanges to their end, blocking or awaited."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

from broadcastkit.drivers.exchange import Exchange, Run

__all__ = ["aplay", "play"]

ItemT = TypeVar("ItemT")
ReplyT = TypeVar("ReplyT")
T = TypeVar("T")


def play(exchange: Exchange[ItemT, ReplyT, T], run: Callable[[Sequence[ItemT]], Sequence[ReplyT]]) -> T:
    """Return what an exchange returns; `run` does what it asks for."""
    replies: Sequence[ReplyT] | None = None
    while True:
        try:
            effect = exchange.send(replies)
        except StopIteration as done:
            result: T = done.value
            return result
        if isinstance(effect, Run):
            replies = run(effect.items)
        else:
            time.sleep(effect.seconds)
            replies = None


async def aplay(
    exchange: Exchange[ItemT, ReplyT, T], run: Callable[[Sequence[ItemT]], Awaitable[Sequence[ReplyT]]]
) -> T:
    """See play."""
    replies: Sequence[ReplyT] | None = None
    while True:
        try:
            effect = exchange.send(replies)
        except StopIteration as done:
            result: T = done.value
            return result
        if isinstance(effect, Run):
            replies = await run(effect.items)
        else:
            await anyio.sleep(effect.seconds)
            replies = None
