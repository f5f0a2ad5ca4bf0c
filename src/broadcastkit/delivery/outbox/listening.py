"""PostgreSQL tells relays of commits, by LISTEN and NOTIFY: over a connection of its own, of psycopg's."""

from __future__ import annotations

import logging
import math
import os
import selectors
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from broadcastkit.delivery.outbox.base import CHANNEL

__all__ = ["Listening"]

_log = logging.getLogger("broadcastkit.relay")

# Seconds until a connection that could not be made is tried again.
_PAUSE = 5.0


class Listening:
    """A bell that rings at commits, too. Without its connection it is a plain one, and `poll` is what is left."""

    def __init__(self, connect: Callable[[], Any], errors: tuple[type[Exception], ...]) -> None:
        self._connect = connect
        self._errors = errors
        self._connection: Any = None
        self._again_at = -math.inf
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
            weakref.finalize(self, os.close, end)

    def wait(self, seconds: float) -> None:
        """See Bell."""
        if self._connection is None and self._listens():
            return  # for what was committed before it listened
        with selectors.DefaultSelector() as selector:
            selector.register(self._read, selectors.EVENT_READ)
            if self._connection is not None:
                selector.register(self._connection.fileno(), selectors.EVENT_READ)
            selector.select(seconds)
        with suppress(BlockingIOError):
            os.read(self._read, 4096)
        self._forget()

    def _listens(self) -> bool:
        """Begin to listen, if it is time to try."""
        if time.monotonic() < self._again_at:
            return False
        try:
            connection = self._connect()
            connection.execute(f"LISTEN {CHANNEL}")
        except self._errors as error:
            self._lost(error)
            return False
        self._connection = connection
        return True

    def _forget(self) -> None:
        """Take all that it was told: the next look at the table comes after that."""
        if self._connection is None:
            return
        try:
            for _ in self._connection.notifies(timeout=0):
                pass
        except self._errors as error:
            self.close()
            self._lost(error)

    def _lost(self, error: Exception) -> None:
        self._again_at = time.monotonic() + _PAUSE
        kind = type(error).__name__  # the text may hold an address
        _log.warning("nobody tells of commits: polling alone (%s)", kind, extra={"broadcast_error": kind})

    def ring(self) -> None:
        """See Bell."""
        with suppress(BlockingIOError):  # it is full: whoever waits is woken
            os.write(self._write, b".")

    def close(self) -> None:
        """See Bell."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
