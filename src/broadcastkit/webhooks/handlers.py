"""What an application does when a webhook tells of something: handlers by kind of event, in either color."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from inspect import isawaitable
from typing import Any, NamedTuple, TypeAlias, TypeVar, overload

from broadcastkit.calls import in_worker_thread, is_async
from broadcastkit.errors import ConfigurationError
from broadcastkit.webhooks.events import Webhook, WebhookEvent

__all__ = ["InThread", "WebhookHandlers"]

ItemT = TypeVar("ItemT", bound=WebhookEvent | Webhook)
ReturnT = TypeVar("ReturnT")
HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])

InThread: TypeAlias = Callable[[Callable[[Any], Any], Any], Awaitable[Any]]
"""Calls a function with one argument in a thread, and awaits what it returns."""


class _Handler(NamedTuple):
    kinds: tuple[type[WebhookEvent | Webhook], ...]
    call: Callable[[Any], Any]
    name: str
    is_async: bool


class WebhookHandlers:
    """Handlers by kind of event; belongs to no framework and no color.

        >>> from broadcastkit.webhooks import MemberRemoved
        >>> handlers = WebhookHandlers()
        >>> @handlers.on(MemberRemoved)
        ... def left(event: MemberRemoved) -> None:
        ...     print(event.user_id, "has left", event.channel)

    Events are handled in the order of the delivery, each by its handlers in the order of registration. All are called
    even if some fail. The service repeats a delivery of which any failed, so a handler must bear to be called again.
    """

    def __init__(self) -> None:
        self._handlers: list[_Handler] = []
        self._sync_for: str | None = None

    def __repr__(self) -> str:
        """Name the handlers."""
        return f"WebhookHandlers({', '.join(handler.name for handler in self._handlers)})"

    @overload
    def on(self, kind: type[ItemT], /) -> Callable[[Callable[[ItemT], ReturnT]], Callable[[ItemT], ReturnT]]: ...

    @overload
    def on(self, *kinds: type[WebhookEvent | Webhook]) -> Callable[[HandlerT], HandlerT]: ...

    def on(self, *kinds: Any) -> Callable[[Any], Any]:
        """Call the decorated function, `async` or not, for events of these classes.

        `WebhookEvent` means every event; `Webhook` the delivery as a whole, after its events.

        Raises:
            ConfigurationError: a kind is not a class of webhook event, or the handler is `async` and a receiver that
                has these handlers cannot await.
        """
        if not kinds or not all(isinstance(kind, type) and issubclass(kind, (WebhookEvent, Webhook)) for kind in kinds):
            raise ConfigurationError("handlers.on() takes classes of broadcastkit.webhooks, such as MemberAdded")

        def register(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
            name = getattr(call, "__qualname__", type(call).__name__)
            handler = _Handler(kinds, call, name, is_async(call))
            if self._sync_for is not None:
                _refuse_async(handler, self._sync_for)
            self._handlers.append(handler)
            return call

        return register

    def require_sync(self, by: str) -> None:
        """Refuse `async` handlers, those of now and of later, on behalf of something that cannot await.

        Raises:
            ConfigurationError: it names the first; after this call, `on` raises it for each.
        """
        if self._sync_for is None:
            for handler in self._handlers:
                _refuse_async(handler, by)
            self._sync_for = by

    def handle(self, webhook: Webhook) -> None:
        """Call the handlers that a delivery is for.

        Raises:
            ExceptionGroup: what handlers have raised, once all were called.
            ConfigurationError: one is `async`; none was called.
        """
        for handler in self._handlers:
            _refuse_async(handler, "WebhookHandlers.handle()")
        failures: list[Exception] = []
        for handler, item in self._calls(webhook):
            try:
                handler.call(item)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other handlers have their turn
                failures.append(_noted(error, handler, item))
        _raise_if_any(failures)

    async def ahandle(self, webhook: Webhook, *, in_thread: InThread | None = None) -> None:
        """Call the handlers that a delivery is for; those that are not `async` in a worker thread, so they may block.

        `in_thread` is for a framework that has threads of its own, with database connections that belong to them.

        Raises:
            ExceptionGroup: what handlers have raised, once all were called.
        """
        failures: list[Exception] = []
        for handler, item in self._calls(webhook):
            try:
                await _call(handler, item, in_thread or in_worker_thread)
            except Exception as error:  # noqa: BLE001 - as above
                failures.append(_noted(error, handler, item))
        _raise_if_any(failures)

    def _calls(self, webhook: Webhook) -> Iterator[tuple[_Handler, WebhookEvent | Webhook]]:
        for item in (*webhook.events, webhook):
            for handler in self._handlers:
                if isinstance(item, handler.kinds):
                    yield handler, item


def _refuse_async(handler: _Handler, by: str) -> None:
    if handler.is_async:
        raise ConfigurationError(f"{by} is sync and cannot await {handler.name}; use def")


async def _call(handler: _Handler, item: object, in_thread: InThread) -> None:
    if handler.is_async:
        await handler.call(item)
        return
    answer = await in_thread(handler.call, item)
    if isawaitable(answer):  # a lambda or partial around a coroutine function
        await answer


def _noted(error: Exception, handler: _Handler, item: object) -> Exception:
    error.add_note(f"in the webhook handler {handler.name}, called for {type(item).__name__}")
    return error


def _raise_if_any(failures: list[Exception]) -> None:
    if failures:
        raise ExceptionGroup("webhook handlers failed", failures)
