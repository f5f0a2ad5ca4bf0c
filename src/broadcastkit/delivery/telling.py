"""What is said of messages that do not arrive: to hooks of each, to the log once for many."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TYPE_CHECKING

from broadcastkit.core.message import Message
from broadcastkit.errors import BroadcastError, DeliveryError

if TYPE_CHECKING:
    from broadcastkit.observability.hooks import DropReason

__all__ = ["Failures", "tell_dropped"]

_INTERVAL = 60.0
_MOST = 1000


class Failures:
    """Logs what failed. An outage is one line a minute for each connection and kind of error, and not one a message."""

    def __init__(self, logger: logging.Logger, *, now: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._now = now
        # by kind: when it was last logged, and how many messages have failed since
        self._seen: dict[tuple[str | None, ...], tuple[float, int]] = {}

    def log(
        self,
        words: str,
        *args: object,
        error: Exception,
        connection: str | None = None,
        event: str | None = None,
        messages: int = 1,
    ) -> None:
        """Log that messages failed; `words` with `args` ends in the error's own text, which has no payload in it.

        Errors that are not the service's are the event's, and logged for each event. Where an error is none of this
        library's, somebody has made a mistake, and gets the traceback to find it.
        """
        kind = type(error).__name__
        key = connection, kind, None if isinstance(error, DeliveryError) else event
        now = self._now()
        last, silent = self._seen.get(key, (-math.inf, 0))
        if now - last < _INTERVAL:
            self._seen[key] = last, silent + messages
            return
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[key] = now, 0
        self._logger.error(
            f"{words}: %s%s",  # noqa: G004 - the words are ours
            *(*args, error, f" (and {silent} more since the last such line)" if silent else ""),
            stacklevel=2,
            exc_info=None if isinstance(error, BroadcastError) else error,
            extra={
                "broadcast_connection": connection,
                "broadcast_event": event,
                "broadcast_error": kind,
                "broadcast_messages": messages + silent,
            },
        )


def tell_dropped(
    driver: object, connection: str, failed: Iterable[tuple[Message, Exception]], reason: DropReason
) -> None:
    """Tell the hooks of a driver, if it has any, of messages that will not arrive."""
    observers = getattr(driver, "broadcast_observers", None)
    if observers is None:
        return
    for _, group in groupby(failed, key=lambda pair: id(pair[1])):
        pairs = list(group)
        observers.dropped(connection, [message for message, _ in pairs], reason, pairs[0][1])
