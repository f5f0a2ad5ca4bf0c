"""Tells handlers in this process what a service would tell by webhooks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from broadcastkit.webhooks import AnyWebhookEvent, Webhook, WebhookHandlers

__all__ = ["Teller"]

_log = logging.getLogger("broadcastkit.webhooks")


class Teller:
    """Calls handlers with what has happened in one app: in order, one delivery after the other, and never twice.

    They are called on the event loop that serves the clients; those that are not `async`, in a worker thread. What
    happens in the meantime is the next delivery.
    """

    def __init__(self, handlers: WebhookHandlers, key: str, *, now: Callable[[], float]) -> None:
        self._handlers = handlers
        self._key = key
        self._now = now
        self._waiting: deque[AnyWebhookEvent] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def serve_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note a loop that serves clients."""
        self._loop = loop

    def tell(self, events: Iterable[AnyWebhookEvent]) -> None:
        """Have handlers called soon; from any thread."""
        self._waiting.extend(events)
        if self._loop is not None:
            # a loop that is closed has nobody left to tell of
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    async def settle(self, timeout: float) -> None:  # noqa: ASYNC109 - what is late by then is left
        """Wait until everything is told, but not for long."""
        await asyncio.sleep(0)  # what was told last wakes us in the next turn
        if self._task is not None and self._task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait([self._task], timeout=timeout)

    def _wake(self) -> None:
        if self._task is None or self._task.done() or self._task.get_loop().is_closed():
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while self._waiting:
            events = tuple(self._waiting.popleft() for _ in range(len(self._waiting)))
            try:
                await self._handlers.ahandle(Webhook(self._key, datetime.fromtimestamp(self._now(), UTC), events))
            except ExceptionGroup as failures:
                for failure in failures.exceptions:
                    _log.error("a handler failed", exc_info=failure, extra={"broadcast_error": type(failure).__name__})
