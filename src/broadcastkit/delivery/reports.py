"""How the background tells of messages that will not arrive: the driver's hooks, `on_failed`, or the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from broadcastkit.core.message import Message
from broadcastkit.delivery.telling import Failures, tell_dropped
from broadcastkit.delivery.watched import settle
from broadcastkit.errors import BroadcastError, NoReplyError, NotSentError, QueueFullError

if TYPE_CHECKING:
    from broadcastkit.observability.hooks import DropReason

__all__ = ["FailureHook", "Reports"]

FailureHook: TypeAlias = Callable[[str, Message, Exception], None]
"""Gets the connection's name, the message that will not arrive, and why."""

_log = logging.getLogger("broadcastkit.delivery")


class Reports:
    """Tells of the messages of one connection. May wait for hooks: let go of locks before."""

    def __init__(self, connection: str, hook: FailureHook | None, driver: object) -> None:
        self._connection = connection
        self._hook = hook
        self._driver = driver
        self._lines = Failures(_log)

    def failed(self, failed: Sequence[tuple[Message, Exception]], reason: DropReason = "failed") -> None:
        """Tell the hook of each message that will not arrive, or the log of all in one line."""
        tell_dropped(self._driver, self._connection, failed, reason)
        settle(message for message, _ in failed)
        if self._hook is None:
            if failed:
                self._write(failed)
            return
        for message, error in failed:
            try:
                self._hook(self._connection, message, error)
            except Exception as raised:  # noqa: BLE001 - it must not end the background
                extra = {"broadcast_connection": self._connection}
                _log.error("on_failed failed", exc_info=_veiled(raised), extra=extra)

    def _write(self, failed: Sequence[tuple[Message, Exception]]) -> None:
        message, error = failed[0]
        words, count, connection = "%d message(s) to %r failed; %r", len(failed), self._connection
        self._lines.log(
            words,
            *(count, connection, message.event),
            error=error if isinstance(error, BroadcastError) else _veiled(error),
            connection=connection,
            event=message.event,
            messages=count,
        )

    def overflow(self, dropped: Sequence[Message], size: int) -> None:
        """Tell of messages that had to go for newer ones."""
        full = QueueFullError(f"dropped: {size} newer messages wait for {self._connection!r}")
        self.failed([(message, full) for message in dropped], "overflow")

    def unsent(self, unsent: Sequence[Message]) -> None:
        """Tell of messages that were not sent when time was up."""
        late = NotSentError(f"not sent to {self._connection!r} before the end")
        self.failed([(message, late) for message in unsent], "unsent")

    def unanswered(self, abandoned: Sequence[Message]) -> None:
        """Tell of messages that were on their way when time was up: they may arrive."""
        unknown = NoReplyError(f"no answer from {self._connection!r} before the end: it may have been sent")
        self.failed([(message, unknown) for message in abandoned], "unsent")


def _veiled(error: Exception) -> Exception:
    """Return an error of the same name and traceback for the log; of what is not ours, without text and causes."""
    kind: type[Exception] = type(type(error).__name__, (Exception,), {"__module__": type(error).__module__})
    ours = isinstance(error, BroadcastError)
    veiled = kind(str(error) if ours else "its text is left out, since it may quote a payload")
    return veiled.with_traceback(error.__traceback__)
