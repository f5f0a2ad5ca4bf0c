"""What broadcasters know of the events that they have sent a while ago: for throttle, debounce and unique."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from broadcastkit.core.lazy import lazy_names
from broadcastkit.delivery.repeats.base import AsyncRepeatStore, RepeatStore
from broadcastkit.delivery.repeats.memory import MemoryRepeats

if TYPE_CHECKING:
    from broadcastkit.delivery.repeats.redis import AsyncRedisRepeats, RedisRepeats

__getattr__: Callable[[str], Any] = lazy_names(
    __name__, dict.fromkeys(("AsyncRedisRepeats", "RedisRepeats"), f"{__name__}.redis")
)

__all__ = ["AsyncRedisRepeats", "AsyncRepeatStore", "MemoryRepeats", "RedisRepeats", "RepeatStore"]
