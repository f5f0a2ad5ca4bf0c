"""Several hooks as one, of which none can do harm; and the hooks of a whole process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

from broadcastkit.core.message import Message, traced
from broadcastkit.errors import ConfigurationError
from broadcastkit.observability.hooks import Drop, DropReason, Hooks, Sending

__all__ = ["Observers", "observe", "observers"]

_log = logging.getLogger("broadcastkit.hooks")


class Observers:
    """Tells each hook; one that raises is logged, and the others are told all the same."""

    def __init__(self, hooks: Sequence[Hooks]) -> None:
        self._hooks = tuple(hooks)
        self._surrounding = [hook for hook in hooks if type(hook).around is not Hooks.around]
        self._tracing = [hook for hook in hooks if type(hook).trace is not Hooks.trace]
        self.surrounds: bool = bool(self._surrounding)
        self.traces: bool = bool(self._tracing)

    def __repr__(self) -> str:
        """Show whom it tells."""
        return f"Observers{self._hooks!r}"

    def sent(self, sending: Sending) -> None:
        """Tell of what the service has accepted."""
        self._tell("on_sent", lambda hook: hook.on_sent(sending))

    def failed(self, sending: Sending, error: Exception) -> None:
        """Tell of what it has not."""
        self._tell("on_failed", lambda hook: hook.on_failed(sending, error))

    def dropped(
        self, connection: str | None, messages: Iterable[Message], reason: DropReason, error: Exception | None = None
    ) -> None:
        """Tell of messages that will not arrive."""
        events = tuple(message.event for message in messages)
        if events:
            drop = Drop(connection, events, reason, error)
            self._tell("on_dropped", lambda hook: hook.on_dropped(drop))

    def _tell(self, name: str, call: Callable[[Hooks], None]) -> None:
        for hook in self._hooks:
            try:
                call(hook)
            except Exception:  # noqa: BLE001 - it is about messages, and not of them
                self._harmless(hook, name)

    def _harmless(self, hook: Hooks, name: str) -> None:
        kind = type(hook).__name__
        _log.exception("%s.%s failed", kind, name, extra={"broadcast_hook": f"{kind}.{name}"})

    def around(self, sending: Sending) -> ExitStack:
        """Enter what the hooks put around a flight; return what leaves that when it is closed."""
        stack = ExitStack()
        for hook in self._surrounding:
            try:
                inner = hook.around(sending)
                inner.__enter__()
            except Exception:  # noqa: BLE001 - see _tell
                self._harmless(hook, "around")
            else:
                stack.callback(self._leave, hook, inner.__exit__)
        return stack

    def _leave(self, hook: Hooks, leave: Callable[[None, None, None], object]) -> None:
        try:
            leave(None, None, None)
        except Exception:  # noqa: BLE001 - see _tell
            self._harmless(hook, "around")

    def traced(self, messages: list[Message]) -> list[Message]:
        """Return messages that are broadcast now with who has caused them, for hooks that want to know."""
        if not self.traces:
            return messages
        trace: dict[str, str] = {}
        for hook in self._tracing:
            try:
                trace.update(hook.trace() or {})
            except Exception:  # noqa: BLE001 - see _tell
                self._harmless(hook, "trace")
        return [traced(message, trace) for message in messages]


class _Process:
    hooks: tuple[Hooks, ...] = ()


def observe(*hooks: Hooks) -> None:
    """Set the hooks of broadcasters that are made from now on and are given none; no hooks: end that."""
    _Process.hooks = _checked(hooks)


def observers(given: Hooks | Iterable[Hooks] | None) -> Observers | None:
    """Return who is told, for what a broadcaster was given; None, the usual case, costs nothing.

    Raises:
        ConfigurationError: something else than hooks.
    """
    hooks = _Process.hooks if given is None else _checked([given] if isinstance(given, Hooks) else given)
    return Observers(hooks) if hooks else None


def _checked(hooks: object) -> tuple[Hooks, ...]:
    given: tuple[Any, ...] = tuple(hooks) if isinstance(hooks, Iterable) else (hooks,)
    for hook in given:
        if not isinstance(hook, Hooks):
            name = hook.__name__ if isinstance(hook, type) else f"a {type(hook).__name__}"
            raise ConfigurationError(
                f"must be objects of subclasses of broadcastkit.observability.Hooks, not {name}", setting="hooks"
            )
    return given
