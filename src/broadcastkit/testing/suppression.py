"""Silence: what is broadcast inside a `suppress()` block reaches nobody, and no record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from threading import Lock
from typing import Any, ParamSpec, TypeVar, cast

from broadcastkit import default
from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.testing.stand_in import Takeover

__all__ = ["Suppression", "suppress", "suppressed"]

P = ParamSpec("P")
T = TypeVar("T")


class Suppression:
    """A block, or a decorator, in which nothing is broadcast; see `suppress`."""

    def __init__(self, broadcasters: Sequence[Broadcaster | AsyncBroadcaster]) -> None:
        self._broadcasters = broadcasters

    def __enter__(self) -> None:
        """Fall silent."""
        _blocks.enter(self._broadcasters)

    def __exit__(self, *_: object) -> None:
        """Speak again, if this was the last block."""
        _blocks.leave()

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Return the function, blocking or async, as one that runs inside the block."""
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            raise TypeError(
                f"{function.__qualname__} yields: a fixture that is decorated would keep the test itself silent; "
                "write `with suppress():` around what creates the data"
            )
        if iscoroutinefunction(function):

            @wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return cast("Callable[P, T]", awaited)

        @wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> T:
            with self:
                return function(*args, **kwargs)

        return called


def suppress(*broadcasters: Broadcaster | AsyncBroadcaster) -> Suppression:
    """Broadcast nothing and record nothing inside the block: for what creates a test's data.

    Works with or without `fake_broadcasts()` around it, or inside it, and as a decorator of blocking and async
    functions. Nothing need be configured. Without the fake, it concerns `broadcast()`, `aio.broadcast()` and the
    broadcasters given; within it, whatever the fake records, which still refuses what the service would.

    In every thread and task, as the fake: what creates data may do it in a worker or a live server, and a fixture
    does not run in the context of its test. So do not suppress beside what a test is about: what was held back
    is listed where an assertion fails.

        >>> from broadcastkit import AnonymousEvent, broadcast
        >>> from broadcastkit.testing import fake_broadcasts
        >>> with fake_broadcasts() as broadcasts:
        ...     with suppress():
        ...         receipt = broadcast(AnonymousEvent("order.created", on="orders")).to_everyone()
        >>> broadcasts.assert_nothing_broadcast()
    """
    return Suppression(broadcasters)


def suppressed() -> bool:
    """Whether a block is open."""
    return _blocks.count > 0


class _Blocks:
    """How many blocks are open; the first takes over what the last gives back, in whatever order they end."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = Lock()
        self._stack = ExitStack()

    def enter(self, broadcasters: Sequence[Broadcaster | AsyncBroadcaster]) -> None:
        with self._lock:
            if self.count == 0:
                self._takeover = Takeover(_Silent, _AsyncSilent, stack=self._stack)
                # a fake sends nothing as it is, and asks before it records
                if not default.is_swapped():
                    self._stack.enter_context(default.swapped(self._takeover.sync, self._takeover.asynchronous))
            self.count += 1
            try:
                self._takeover.take(broadcasters)
            except BaseException:
                self._end()
                raise

    def leave(self) -> None:
        with self._lock:
            self._end()

    def _end(self) -> None:
        self.count -= 1
        if self.count == 0:
            self._stack.close()


_blocks = _Blocks()


class _Silence:
    """In the place of a driver: drops messages, and leaves to the driver what is none, such as answers to clients."""

    blocking: bool = False
    batch_limit: int = 0

    def __init__(self, real: Callable[[], Any]) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)


class _Silent(_Silence):
    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        return [Sent() for _ in messages]


class _AsyncSilent(_Silence):
    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        return [Sent() for _ in messages]
